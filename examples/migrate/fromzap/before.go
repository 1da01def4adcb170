package fromzap

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"gopkg.in/natefinch/lumberjack.v2"
)

// Before is a service that logs with zap to a file that lumberjack rotates.
type Before struct {
	Log  *zap.Logger
	file *lumberjack.Logger
}

// NewBefore sets the service's log up: zap's production encoder, with times as
// EpochTimeEncoder or ISO8601TimeEncoder writes them.
func NewBefore(path string, times zapcore.TimeEncoder) *Before {
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = times
	file := &lumberjack.Logger{Filename: path, MaxSize: 100, MaxBackups: 7}
	core := zapcore.NewCore(zapcore.NewJSONEncoder(config), zapcore.AddSync(file), zap.DebugLevel)
	return &Before{Log: zap.New(core, zap.AddCaller(), zap.AddStacktrace(zap.ErrorLevel)), file: file}
}

// Sync hands on what the log still has in memory.
func (s *Before) Sync() error { return s.Log.Sync() }

// Close ends the log.
func (s *Before) Close() error { return errors.Join(s.Log.Sync(), s.file.Close()) }

// Work is what the service logs.
func (s *Before) Work() {
	log := s.Log
	log.Info("started", zap.String("version", "1.4.2"), zap.Int("port", 8080), zap.Bool("tls", true))
	log.Debug("cached", zap.Float64("ratio", 0.75), zap.Uint64("size", math.MaxUint64), zap.Float64("eta", math.Inf(1)))
	log.Warn("slow query", zap.Duration("took", 2003*time.Millisecond), zap.Time("since", start), zap.Int64("rows", 1<<60))
	log.Info("escaped", zap.String("text", "say \"hi\"\r\n\tto <b> & \\ \x1b"), zap.String("euro", "€"), zap.String("bad", "a\xffz"))
	log.Info("lists", zap.Ints("ids", []int{1, 2, 3}), zap.Strings("names", []string{"Ada", "Grace"}), zap.Binary("raw", []byte("raw")))
	log.Info("object", zap.Dict("user", zap.Int("id", 7), zap.Duration("age", time.Hour)), zap.Any("map", map[string]int{"b": 2, "a": 1}))
	log.Info("any", zap.Any("addr", netip.MustParseAddr("192.0.2.1")), zap.Stringer("month", time.March), zap.Any("none", nil))
	log.Error("payment failed", zap.Error(errors.New("card declined")), zap.Float64("amount", 12.5))
	log.Sugar().Infow("sugared", "status", 201, "took", time.Minute)
	log.Info(fmt.Sprintf("%d of %d", 3, 4), zap.Float64("tiny", 1e-7))
	request := log.With(zap.String("request_id", "r-4711"))
	request.Info("received")
	scope := request.With(zap.Namespace("http"), zap.String("method", "POST"))
	scope.Info("served", zap.Int("status", 200))
	scope.Error("timed out", zap.Int("status", 504))
	log.Named("db").Info("connected", zap.Int("pool", 4))
	std := zap.NewStdLog(log)
	std.Printf("http: TLS handshake error from %s", "192.0.2.1")
	func() { log.Error("from a function in a function") }()
}
