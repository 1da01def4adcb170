package fromzap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/logly-go/logly"
)

// zapTo and slogTo return loggers as before and after, into a buffer.
func zapTo(b *bytes.Buffer, options ...zap.Option) *zap.Logger {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(b), zap.DebugLevel), options...)
}

func slogTo(t *testing.T, b *bytes.Buffer) *slog.Logger {
	h := logly.NewHandler(logly.Sink{Writer: b, Format: logly.JSON, Level: slog.LevelDebug, ReplaceAttr: ReplaceAttr(Epoch)})
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return slog.New(h)
}

// fields returns what a line has after its message.
func fields(t *testing.T, line string) string {
	_, rest, found := strings.Cut(line, `"msg":"m"`)
	require.True(t, found, line)
	return strings.TrimSuffix(strings.TrimPrefix(rest, ","), "}\n")
}

type point struct {
	X, Y int
	Name string `json:"name,omitempty"`
}

// detailed is an error that has more to tell than its text.
type detailed struct{}

func (detailed) Error() string { return "short" }

func (detailed) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "long") }

// The same value gives the same bytes.
func TestValues(t *testing.T) {
	shop, err := url.Parse("https://shop.example/?a=<1>&b")
	require.NoError(t, err)
	berlin := time.FixedZone("CET", 3600)
	tests := map[string]struct {
		zap  zap.Field
		slog any
		want string
	}{
		"string":           {zap.String("k", "a\"\\\n\r\t\x00\x1f\x7fäöü€𝄞\xff"), "a\"\\\n\r\t\x00\x1f\x7fäöü€𝄞\xff", `"a\"\\\n\r\t\u0000\u001f` + "\x7f" + `äöü€𝄞\ufffd"`},
		"int64":            {zap.Int64("k", math.MinInt64), int64(math.MinInt64), "-9223372036854775808"},
		"uint64":           {zap.Uint64("k", math.MaxUint64), uint64(math.MaxUint64), "18446744073709551615"},
		"float":            {zap.Float64("k", 12.5), 12.5, "12.5"},
		"a whole float":    {zap.Float64("k", 3), 3.0, "3"},
		"NaN":              {zap.Float64("k", math.NaN()), math.NaN(), `"NaN"`},
		"+Inf":             {zap.Float64("k", math.Inf(1)), math.Inf(1), `"+Inf"`},
		"-Inf":             {zap.Float64("k", math.Inf(-1)), math.Inf(-1), `"-Inf"`},
		"bool":             {zap.Bool("k", true), true, "true"},
		"duration":         {zap.Duration("k", 1234567891*time.Nanosecond), 1234567891 * time.Nanosecond, "1.234567891"},
		"time":             {zap.Time("k", start), start, "1772366400.1234567"},
		"time elsewhere":   {zap.Time("k", start.In(berlin)), start.In(berlin), "1772366400.1234567"},
		"error":            {zap.NamedError("k", errors.New("no")), errors.New("no"), `"no"`},
		"wrapped error":    {zap.NamedError("k", fmt.Errorf("no: %w", io.EOF)), fmt.Errorf("no: %w", io.EOF), `"no: EOF"`},
		"bytes":            {zap.Binary("k", []byte{0, 1, 254}), []byte{0, 1, 254}, `"AAH+"`},
		"Stringer":         {zap.Stringer("k", time.March), time.March, `"March"`},
		"Stringer as any":  {zap.Any("k", shop), shop, `"https://shop.example/?a=<1>&b"`},
		"nil Stringer":     {zap.Stringer("k", (*url.URL)(nil)), (*url.URL)(nil), `"<nil>"`},
		"a number's text":  {zap.Any("k", big.NewInt(7)), big.NewInt(7), `"7"`},
		"struct":           {zap.Any("k", point{X: 1}), point{X: 1}, `{"X":1,"Y":0}`},
		"HTML in a struct": {zap.Any("k", point{Name: "<b>&"}), point{Name: "<b>&"}, `{"X":0,"Y":0,"name":"<b>&"}`},
		"list":             {zap.Ints("k", []int{1, 2}), []int{1, 2}, "[1,2]"},
		"map":              {zap.Any("k", map[string]bool{"b": true, "a": false}), map[string]bool{"b": true, "a": false}, `{"a":false,"b":true}`},
		"group":            {zap.Dict("k", zap.Int("a", 1), zap.Duration("d", time.Minute)), slog.GroupValue(slog.Int("a", 1), slog.Duration("d", time.Minute)), `{"a":1,"d":60}`},
		"nil":              {zap.Any("k", nil), nil, "null"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var before, after bytes.Buffer
			zapTo(&before).Info("m", test.zap)
			slogTo(t, &after).Info("m", "k", test.slog)
			require.Equal(t, `"k":`+test.want, fields(t, before.String()))
			require.Equal(t, `"k":`+test.want, fields(t, after.String()))
		})
	}
}

// What README.md says is different, is.
func TestWhatDiffers(t *testing.T) {
	tests := map[string]struct {
		zap       func(*zap.Logger)
		slog      func(*slog.Logger)
		was, want string
	}{
		"small and large floats": {
			func(l *zap.Logger) { l.Info("m", zap.Float64("a", 1e-7), zap.Float64("b", 1e21)) },
			func(l *slog.Logger) { l.Info("m", "a", 1e-7, "b", 1e21) },
			`"a":0.0000001,"b":1000000000000000000000`, `"a":1e-7,"b":1e+21`,
		},
		"line separators": {
			func(l *zap.Logger) { l.Info("m", zap.String("a", "\u2028")) },
			func(l *slog.Logger) { l.Info("m", "a", "\u2028") },
			"\"a\":\"\u2028\"", `"a":"\u2028"`,
		},
		"float32": {
			func(l *zap.Logger) { l.Info("m", zap.Float32("a", 0.1)) },
			func(l *slog.Logger) { l.Info("m", "a", float32(0.1)) },
			`"a":0.1`, `"a":0.10000000149011612`,
		},
		"an empty group": {
			func(l *zap.Logger) { l.With(zap.Namespace("g")).Info("m") },
			func(l *slog.Logger) { l.WithGroup("g").Info("m") },
			`"g":{}`, ``,
		},
		"a nil error": {
			func(l *zap.Logger) { l.Info("m", zap.Error(nil)) },
			func(l *slog.Logger) { l.Info("m", "error", error(nil)) },
			``, `"error":null`,
		},
		"a key without a value": {
			func(l *zap.Logger) { l.Sugar().Infow("m", "a") },
			func(l *slog.Logger) { l.Info("m", []any{"a"}...) },
			``, `"!BADKEY":"a"`,
		},
		"a value that JSON cannot hold": {
			func(l *zap.Logger) { l.Info("m", zap.Any("a", func() {})) },
			func(l *slog.Logger) { l.Info("m", "a", func() {}) },
			`"aError":"json: unsupported type: func()"`, `"a":"!ERROR:json: unsupported type: func()"`,
		},
		"an error that formats itself": {
			func(l *zap.Logger) { l.Info("m", zap.Error(detailed{})) },
			func(l *slog.Logger) { l.Info("m", "error", detailed{}) },
			`"error":"short","errorVerbose":"long"`, `"error":"short"`,
		},
		"durations in a list": {
			func(l *zap.Logger) { l.Info("m", zap.Durations("a", []time.Duration{time.Second})) },
			func(l *slog.Logger) { l.Info("m", "a", []time.Duration{time.Second}) },
			`"a":[1]`, `"a":[1000000000]`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var before, after bytes.Buffer
			test.zap(zapTo(&before))
			test.slog(slogTo(t, &after))
			assert.Equal(t, test.was, fields(t, lastLine(&before)))
			assert.Equal(t, test.want, fields(t, lastLine(&after)))
		})
	}
}

func TestSpacesAroundALineOfPackageLogDiffer(t *testing.T) {
	var before, after bytes.Buffer
	zap.NewStdLog(zapTo(&before)).Print("  m \n")
	slog.NewLogLogger(slogTo(t, &after).Handler(), slog.LevelInfo).Print("  m \n")
	assert.Contains(t, before.String(), `"msg":"m"`)
	assert.Contains(t, after.String(), `"msg":"  m "`)
}

func lastLine(b *bytes.Buffer) string {
	lines := strings.SplitAfter(b.String(), "\n")
	return lines[len(lines)-2]
}

func TestLevels(t *testing.T) {
	stay := zap.WithFatalHook(stayAlive{})
	levels := map[zapcore.Level]slog.Level{
		zap.DebugLevel: slog.LevelDebug, zap.InfoLevel: slog.LevelInfo, zap.WarnLevel: slog.LevelWarn, zap.ErrorLevel: slog.LevelError,
		zap.DPanicLevel: LevelDPanic, zap.PanicLevel: LevelPanic, zap.FatalLevel: LevelFatal,
	}
	for was, is := range levels {
		var before, after bytes.Buffer
		func() {
			defer func() { _ = recover() }() // that of PanicLevel and of stayAlive
			zapTo(&before, stay).Log(was, "m")
		}()
		slogTo(t, &after).Log(context.Background(), is, "m")
		want := `"level":"` + was.String() + `"`
		assert.Contains(t, before.String(), want)
		assert.Contains(t, after.String(), want)
	}
	var after bytes.Buffer
	slogTo(t, &after).Log(context.Background(), slog.LevelInfo+2, "m")
	assert.Contains(t, after.String(), `"level":"info+2"`)
}

type stayAlive struct{}

func (stayAlive) OnWrite(*zapcore.CheckedEntry, []zapcore.Field) { panic("stay alive") }

// The program's own attributes of the names that every record has stay as they
// are, save a time named "time".
func TestOnlyTheRecordsOwnKeysAreReplaced(t *testing.T) {
	var b bytes.Buffer
	log := slogTo(t, &b)
	log.Info("m", "level", "third floor", "source", "mail", "time", "noon", "ts", 7)
	assert.Equal(t, `"level":"third floor","source":"mail","time":"noon","ts":7`, fields(t, lastLine(&b)))
	log.Info("m", slog.Group("g", "level", slog.LevelWarn, "time", start))
	assert.Equal(t, `"g":{"level":"WARN","time":1772366400.1234567}`, fields(t, lastLine(&b)))
	log.Info("m", "time", start)
	assert.Equal(t, `"ts":1772366400.1234567`, fields(t, lastLine(&b)))
}

func TestISO8601(t *testing.T) {
	var before []string
	encoder := zapcore.NewJSONEncoder(zapcore.EncoderConfig{TimeKey: "ts", EncodeTime: zapcore.ISO8601TimeEncoder})
	var after []string
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("CET", 3600), time.FixedZone("", -(3*3600 + 1800))} {
		line, err := encoder.EncodeEntry(zapcore.Entry{Time: start.In(zone)}, nil)
		require.NoError(t, err)
		before = append(before, line.String())
		after = append(after, `{"ts":"`+ISO8601(start.In(zone)).String()+"\"}\n")
	}
	require.Equal(t, before, after)
}
