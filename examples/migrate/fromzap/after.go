package fromzap

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"time"

	"github.com/logly-go/logly"
)

// After is the same service with logly.
type After struct {
	Log     *slog.Logger
	handler *logly.Handler
}

// NewAfter sets the service's log up, with times as Epoch or ISO8601 makes them.
func NewAfter(path string, times func(time.Time) slog.Value) *After {
	h := logly.NewHandler(logly.Sink{
		File:        path,
		Rotation:    "100 MiB",
		MaxBackups:  7,
		Level:       slog.LevelDebug,
		AddSource:   true,
		ReplaceAttr: ReplaceAttr(times),
		Enqueue:     true,
	})
	return &After{Log: slog.New(WithStacktrace(h, slog.LevelError)), handler: h}
}

// Sync returns when all that was logged is on disk.
func (s *After) Sync() error { return s.handler.Complete() }

// Close ends the log.
func (s *After) Close() error { return s.handler.Close() }

// Work is what the service logs.
func (s *After) Work() {
	log := s.Log
	log.Info("started", "version", "1.4.2", "port", 8080, "tls", true)
	log.Debug("cached", "ratio", 0.75, "size", uint64(math.MaxUint64), "eta", math.Inf(1))
	log.Warn("slow query", "took", 2003*time.Millisecond, "since", start, "rows", int64(1<<60))
	log.Info("escaped", "text", "say \"hi\"\r\n\tto <b> & \\ \x1b", "euro", "€", "bad", "a\xffz")
	log.Info("lists", "ids", []int{1, 2, 3}, "names", []string{"Ada", "Grace"}, "raw", []byte("raw"))
	log.Info("object", slog.Group("user", "id", 7, "age", time.Hour), "map", map[string]int{"b": 2, "a": 1})
	log.Info("any", "addr", netip.MustParseAddr("192.0.2.1"), "month", time.March, "none", nil)
	log.Error("payment failed", "error", errors.New("card declined"), "amount", 12.5)
	log.Info("sugared", "status", 201, "took", time.Minute)
	log.Info(fmt.Sprintf("%d of %d", 3, 4), "tiny", 1e-7)
	request := log.With("request_id", "r-4711")
	request.Info("received")
	scope := request.WithGroup("http").With("method", "POST")
	scope.Info("served", "status", 200)
	scope.Error("timed out", "status", 504)
	log.With("logger", "db").Info("connected", "pool", 4)
	std := slog.NewLogLogger(log.Handler(), slog.LevelInfo)
	std.Printf("http: TLS handshake error from %s", "192.0.2.1")
	func() { log.Error("from a function in a function") }()
}
