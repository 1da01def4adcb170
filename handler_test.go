package logly

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// open is Open for tests: it must succeed, and so must Close at the end.
func open(t testing.TB, opts ...Option) *Handler {
	t.Helper()
	h, err := Open(opts...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.Close()) })
	return h
}

// withoutTime keeps a line's bytes the same from run to run.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func TestMisconfigurationNamesFieldValueAndWhatIsAccepted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.log")
	other := slog.NewTextHandler(io.Discard, nil)
	for _, c := range []struct {
		name string
		opts []Option
		want string
	}{
		{"two destinations", []Option{Sink{File: file, Writer: io.Discard}}, "logly: sink 1: File and Writer are set; at most one of File, Writer and Handler may be"},
		{"three destinations", []Option{Sink{File: file, Writer: io.Discard, Handler: other}}, "logly: sink 1: File and Writer and Handler are set; at most one of File, Writer and Handler may be"},
		{"the second sink", []Option{Sink{}, Sink{File: file, Handler: other}}, "logly: sink 2: File and Handler are set; at most one of File, Writer and Handler may be"},
		{"Rotation without File", []Option{Sink{Rotation: Daily}}, `logly: sink 1: Rotation: "daily": only with File`},
		{"MaxBackups without File", []Option{Sink{MaxBackups: 3}}, "logly: sink 1: MaxBackups: 3: only with File"},
		{"MaxAge without File", []Option{Sink{MaxAge: time.Hour}}, "logly: sink 1: MaxAge: 1h0m0s: only with File"},
		{"MaxTotalSize without File", []Option{Sink{MaxTotalSize: 1}}, "logly: sink 1: MaxTotalSize: 1: only with File"},
		{"Compression without File", []Option{Sink{Compression: Gzip}}, `logly: sink 1: Compression: "gzip": only with File`},
		{"DelayCompression without File", []Option{Sink{DelayCompression: true}}, "logly: sink 1: DelayCompression: true: only with File"},
		{"LocalTime without File", []Option{Sink{LocalTime: true}}, "logly: sink 1: LocalTime: true: only with File"},
		{"FileMode without File", []Option{Sink{FileMode: 0o640}}, "logly: sink 1: FileMode: 0640: only with File"},
		{"Durable without File", []Option{Sink{Durable: true}}, "logly: sink 1: Durable: true: only with File"},
		{"unknown Format", []Option{Sink{Format: "xml"}}, `logly: sink 1: Format: "xml": must be "json", "text", "console" or empty`},
		{"unknown Compression", []Option{Sink{File: file, Compression: "zip"}}, `logly: sink 1: Compression: "zip": must be "gzip" or empty`},
		{"unknown Rotation", []Option{Sink{File: file, Rotation: "10 parsecs"}}, `logly: sink 1: Rotation: "10 parsecs": `},
		{"negative QueueSize", []Option{Sink{QueueSize: -1}}, "logly: sink 1: QueueSize: -1: must be a number of bytes, or 0 for 1 MiB"},
		{"negative MaxBackups", []Option{Sink{File: file, MaxBackups: -1}}, "logly: sink 1: MaxBackups: -1: must be a number of files, or 0 to keep all"},
		{"negative MaxAge", []Option{Sink{File: file, MaxAge: -time.Second}}, "logly: sink 1: MaxAge: -1s: must be a duration, or 0 to keep for ever"},
		{"negative MaxTotalSize", []Option{Sink{File: file, MaxTotalSize: -1}}, "logly: sink 1: MaxTotalSize: -1: must be a number of bytes, or 0 for no cap"},
		{"FileMode with a type", []Option{Sink{File: file, FileMode: os.ModeDir | 0o700}}, "logly: sink 1: FileMode: 020000000700: must be permission bits, 0 to 0777"},
		{"DropBelow without Enqueue", []Option{Sink{DropBelow: slog.LevelWarn}}, "logly: sink 1: DropBelow: WARN: needs Enqueue: true"},
		{"Durable without Enqueue", []Option{Sink{File: file, Durable: true}}, "logly: sink 1: Durable: true: needs Enqueue: true"},
		{"Format beside Handler", []Option{Sink{Handler: other, Format: JSON}}, `logly: sink 1: Format: "json": not beside Handler, whose own options say that`},
		{"AddSource beside Handler", []Option{Sink{Handler: other, AddSource: true}}, "logly: sink 1: AddSource: true: not beside Handler, whose own options say that"},
		{"ReplaceAttr beside Handler", []Option{Sink{Handler: other, ReplaceAttr: withoutTime}}, "logly: sink 1: ReplaceAttr: a function: not beside Handler, whose own options say that"},
		{"one path twice", []Option{Sink{File: file}, Sink{File: filepath.Dir(file) + "/./a.log"}}, `logly: sink 2: File: "` + filepath.Dir(file) + `/./a.log": another sink of this handler has it; must differ`},
		{"nil option", []Option{nil}, "logly: option: nil: must be a Sink, OnError or FromContext"},
		{"nil OnError", []Option{OnError(nil)}, "logly: OnError: nil: must be a function"},
		{"nil FromContext", []Option{FromContext(nil)}, "logly: FromContext: nil: must be a function"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := Open(c.opts...)
			require.Error(t, err)
			assert.Nil(t, h)
			assert.True(t, strings.HasPrefix(err.Error(), c.want), "%s", err)
			assert.PanicsWithValue(t, err.Error(), func() { NewHandler(c.opts...) })
			assert.NoFileExists(t, file)
		})
	}
}

func TestZeroSinkWritesJSONToStandardOutput(t *testing.T) {
	old := os.Stdout
	defer func() { os.Stdout = old }()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	os.Stdout = w
	h := NewHandler()
	slog.New(h).Info("hello", "n", 1)
	assert.Equal(t, "stdout", h.Stats()[0].Name)
	require.NoError(t, h.Close(), "a pipe cannot be synced, and that is no error")
	require.NoError(t, w.Close())
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "hello", parseJSON(t, text)["msg"])
}

func TestSameBytesAsSlogsHandlers(t *testing.T) {
	at := time.Date(2026, 3, 29, 1, 59, 59, 123456789, time.FixedZone("", 5400))
	use := func(h slog.Handler) {
		h = h.WithAttrs([]slog.Attr{slog.String("app", "x"), slog.Group("g", slog.Int("i", 1))}).WithGroup("req").WithAttrs([]slog.Attr{slog.Bool("b", true)})
		for _, msg := range []string{"plain", "with \"quotes\"\nand\tcontrol\x00", "", "\xff"} {
			r := slog.NewRecord(at, slog.LevelWarn+1, msg, 0)
			r.Add("f", 1e21, "d", time.Second, "t", at, "e", errors.New("a b"), "any", map[string]int{"z": 1}, "nil", nil, "n", 1)
			_ = h.Handle(context.Background(), r)
			_ = h.WithGroup("empty").Handle(context.Background(), slog.NewRecord(at, 0, msg, 0))
		}
	}
	for _, opts := range []slog.HandlerOptions{{}, {AddSource: true}, {ReplaceAttr: withoutTime}} {
		var wantJSON, wantText, gotJSON, gotText bytes.Buffer
		use(slog.NewJSONHandler(&wantJSON, &opts))
		use(slog.NewTextHandler(&wantText, &opts))
		h := open(t,
			Sink{Writer: &gotJSON, AddSource: opts.AddSource, ReplaceAttr: opts.ReplaceAttr},
			Sink{Writer: &gotText, Format: Text, AddSource: opts.AddSource, ReplaceAttr: opts.ReplaceAttr, Level: slog.LevelInfo})
		use(h)
		assert.Equal(t, wantJSON.String(), gotJSON.String())
		assert.Equal(t, wantText.String(), gotText.String())
	}
}

func TestEachSinkHasItsOwnLevelFormatAndAttributes(t *testing.T) {
	var debug, text, warn, handler bytes.Buffer
	var level slog.LevelVar
	level.Set(slog.LevelWarn)
	h := open(t,
		Sink{Writer: &debug, Level: slog.LevelDebug, ReplaceAttr: withoutTime},
		Sink{Writer: &text, Format: Text, ReplaceAttr: withoutTime, Enqueue: true},
		Sink{Writer: &warn, Level: &level, ReplaceAttr: withoutTime},
		Sink{Handler: slog.NewTextHandler(&handler, &slog.HandlerOptions{Level: slog.LevelError, ReplaceAttr: withoutTime})},
	)
	log := slog.New(h)
	assert.True(t, h.Enabled(context.Background(), slog.LevelDebug))
	assert.False(t, h.Enabled(context.Background(), slog.LevelDebug-1))
	log.Debug("one")
	log.Info("two")
	level.Set(slog.LevelInfo)
	log.Info("three")
	log.Error("four")
	require.NoError(t, h.Complete())
	assert.Equal(t, `{"level":"DEBUG","msg":"one"}
{"level":"INFO","msg":"two"}
{"level":"INFO","msg":"three"}
{"level":"ERROR","msg":"four"}
`, debug.String())
	assert.Equal(t, "level=INFO msg=two\nlevel=INFO msg=three\nlevel=ERROR msg=four\n", text.String())
	assert.Equal(t, `{"level":"INFO","msg":"three"}
{"level":"ERROR","msg":"four"}
`, warn.String())
	assert.Equal(t, "level=ERROR msg=four\n", handler.String())
	names := []string{}
	records := []uint64{}
	for _, s := range h.Stats() {
		names, records = append(names, s.Name), append(records, s.Records)
	}
	assert.Equal(t, []string{"writer", "writer", "writer", "handler"}, names)
	assert.Equal(t, []uint64{4, 3, 2, 1}, records)
}

func TestEnabledWantsTheSinksLevelAndTheHandlers(t *testing.T) {
	inner := slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelWarn})
	for _, c := range []struct {
		sink slog.Leveler
		at   slog.Level
		want bool
	}{
		{nil, slog.LevelInfo, false}, {nil, slog.LevelWarn, true},
		{slog.LevelDebug, slog.LevelInfo, false},
		{slog.LevelError, slog.LevelWarn, false}, {slog.LevelError, slog.LevelError, true},
	} {
		h := open(t, Sink{Handler: inner, Level: c.sink})
		assert.Equal(t, c.want, h.Enabled(context.Background(), c.at), "%v at %v", c.sink, c.at)
	}
}

type countedValue struct{ n *atomic.Int64 }

func (v countedValue) LogValue() slog.Value { return slog.Int64Value(v.n.Add(1)) }

// A record is encoded once for all sinks that encode alike.
func TestSinksThatEncodeAlikeShareTheEncoding(t *testing.T) {
	var a, b, c, d, e bytes.Buffer
	var replaced atomic.Int64
	replace := func(_ []string, at slog.Attr) slog.Attr {
		if at.Key == "v" {
			replaced.Add(1)
		}
		return at
	}
	h := open(t, Sink{Writer: &a}, Sink{Writer: &b, Enqueue: true}, Sink{Writer: &c, Format: Text},
		Sink{Writer: &d, ReplaceAttr: replace}, Sink{Writer: &e, ReplaceAttr: replace, Enqueue: true})
	var n atomic.Int64
	slog.New(h).Info("x", "v", countedValue{&n})
	require.NoError(t, h.Complete())
	assert.EqualValues(t, 3, n.Load(), "JSON, Text, and JSON through ReplaceAttr")
	assert.EqualValues(t, 1, replaced.Load())
	assert.Equal(t, a.String(), b.String())
	assert.Equal(t, d.String(), e.String())

	// Two closures of one function are not the same function.
	tag := func(s string) func([]string, slog.Attr) slog.Attr {
		return func(_ []string, at slog.Attr) slog.Attr { return slog.String(at.Key, s) }
	}
	var f, g bytes.Buffer
	slog.New(open(t, Sink{Writer: &f, ReplaceAttr: tag("f")}, Sink{Writer: &g, ReplaceAttr: tag("g")})).Info("x")
	assert.Contains(t, f.String(), `"msg":"f"`)
	assert.Contains(t, g.String(), `"msg":"g"`)
}

func TestWithReturnsTheReceiverWhenNothingIsAdded(t *testing.T) {
	h := open(t, Sink{Writer: io.Discard})
	assert.Same(t, h, h.WithAttrs(nil))
	assert.Same(t, h, h.WithAttrs([]slog.Attr{}))
	assert.Same(t, h, h.WithGroup(""))
}

func TestSiblingsDoNotShareMemory(t *testing.T) {
	var buf, inner bytes.Buffer
	h := open(t, Sink{Writer: &buf, ReplaceAttr: withoutTime},
		Sink{Handler: slog.NewJSONHandler(&inner, &slog.HandlerOptions{ReplaceAttr: withoutTime})})
	ctx := Contextualize(context.Background(), "id", 7)
	parent := slog.New(h).With("a", 1).WithGroup("g").With("b", 2)
	left, right := parent.With("side", "left"), parent.With("side", "right")
	deepLeft, deepRight := left.WithGroup("l"), left.WithGroup("r")
	left.InfoContext(ctx, "m")
	right.InfoContext(ctx, "m")
	deepLeft.InfoContext(ctx, "m", "x", 1)
	deepRight.InfoContext(ctx, "m", "x", 1)
	parent.InfoContext(ctx, "m")
	assert.Equal(t, `{"level":"INFO","msg":"m","id":7,"a":1,"g":{"b":2,"side":"left"}}
{"level":"INFO","msg":"m","id":7,"a":1,"g":{"b":2,"side":"right"}}
{"level":"INFO","msg":"m","id":7,"a":1,"g":{"b":2,"side":"left","l":{"x":1}}}
{"level":"INFO","msg":"m","id":7,"a":1,"g":{"b":2,"side":"left","r":{"x":1}}}
{"level":"INFO","msg":"m","id":7,"a":1,"g":{"b":2}}
`, buf.String())
	// An inner handler has written its own With attributes already.
	assert.Equal(t, strings.ReplaceAll(buf.String(), `"id":7,"a":1`, `"a":1,"id":7`), inner.String())
}

// What a caller changes after Handle has returned changes no output.
func TestValuesAreCapturedAtTheCall(t *testing.T) {
	var buf bytes.Buffer
	gate := make(chan struct{})
	h := open(t, Sink{Writer: writerFunc(func(p []byte) (int, error) { <-gate; return buf.Write(p) }), Enqueue: true})
	bytesValue, mapValue := []byte("abc"), map[string]int{"n": 1}
	slog.New(h).Info("m", "b", bytesValue, "m", mapValue)
	copy(bytesValue, "xyz")
	mapValue["n"] = 2
	close(gate)
	require.NoError(t, h.Complete())
	assert.Contains(t, buf.String(), `"b":"YWJj","m":{"n":1}`)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestFormatDefaultsToConsoleOnATerminalOnly(t *testing.T) {
	var buf bytes.Buffer
	slog.New(open(t, Sink{Writer: &buf})).Info("m")
	assert.Equal(t, "m", parseJSON(t, buf.Bytes())["msg"])
	buf.Reset()
	slog.New(open(t, Sink{Writer: &buf, Format: Console})).Error("m", "k", "v")
	assert.NotContains(t, buf.String(), "\x1b", "colour is for terminals")
	assert.Contains(t, buf.String(), "m")
	assert.Contains(t, buf.String(), "k=v")
}

func TestHandleAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget at random")
	}
	file := filepath.Join(t.TempDir(), "a.log")
	for _, c := range []struct {
		name  string
		sinks []Option
	}{
		{"sync", []Option{Sink{Writer: io.Discard}}},
		{"enqueue", []Option{Sink{Writer: io.Discard, Enqueue: true}}},
		{"file", []Option{Sink{File: file + "1", Rotation: "100 MB or daily"}}},
		{"file enqueue", []Option{Sink{File: file + "2", Rotation: "100 MB or daily", Enqueue: true}}},
		{"text", []Option{Sink{Writer: io.Discard, Format: Text}}},
		{"source", []Option{Sink{Writer: io.Discard, AddSource: true}}},
		{"three sinks", []Option{Sink{Writer: io.Discard}, Sink{Writer: io.Discard, Enqueue: true, Format: Text}, Sink{File: file + "3"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t, c.sinks...)
			ctx := Contextualize(context.Background(), "request_id", "4711")
			log := slog.New(h).With("app", "x").WithGroup("g")
			now := time.Now()
			err := errors.New("an error")
			call := func() {
				log.LogAttrs(ctx, slog.LevelInfo, "a message", slog.String("s", "with \"quotes\""), slog.Int("i", -4711),
					slog.Uint64("u", 1<<63), slog.Duration("d", 1500*time.Millisecond), slog.Time("t", now))
				log.LogAttrs(ctx, slog.LevelError, "a message", slog.Bool("b", true), slog.Float64("f", 0.1), slog.Any("e", err))
			}
			for range 100 {
				call() // fill pools and caches
			}
			assert.Zero(t, testing.AllocsPerRun(2000, call))
		})
	}
}

// Everything at once: derived loggers, contexts, Complete, Rotate and Stats from
// many goroutines, and Close under them. A record whose Handle returned nil is
// in the files once and in order; one that was refused is not, and is counted.
func TestEverythingAtOnce(t *testing.T) {
	dir := t.TempDir()
	h, err := Open(
		Sink{File: filepath.Join(dir, "sync.log"), Rotation: "64 KB"},
		Sink{File: filepath.Join(dir, "queue.log"), Rotation: "100 KB", Enqueue: true, QueueSize: 1 << 14, Compression: Gzip},
		Sink{Handler: slog.NewJSONHandler(io.Discard, nil), Enqueue: true, QueueSize: 1 << 14},
	)
	require.NoError(t, err)
	const producers = 8
	accepted := make([]int, producers)
	var refused atomic.Uint64
	var wg, others sync.WaitGroup
	stop := make(chan struct{})
	for _, f := range []func(){
		func() { assert.NoError(t, h.Complete()) },
		func() {
			if err := h.Rotate(); err != nil {
				assert.ErrorIs(t, err, ErrClosed)
			}
		},
		func() { _ = h.Stats() },
	} {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					f()
					runtime.Gosched()
				}
			}
		})
	}
	for p := range producers {
		wg.Go(func() {
			base := slog.Handler(h).WithAttrs([]slog.Attr{slog.Int("producer", p)})
			ctx := Contextualize(context.Background(), "request", p)
			for seq := 0; ; seq++ {
				derived := base.WithGroup("g").WithAttrs([]slog.Attr{slog.Int("seq", seq)})
				ctx := Contextualize(ctx, "step", seq)
				r := slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)
				r.AddAttrs(slog.String("pad", strings.Repeat("x", seq%200)))
				if err := derived.Handle(ctx, r); err != nil {
					assert.ErrorIs(t, err, ErrClosed)
					refused.Add(1)
					return
				}
				accepted[p]++
			}
		})
	}
	for h.Stats()[1].Records < 20_000 {
		runtime.Gosched()
	}
	close(stop)
	others.Wait()
	require.NoError(t, h.Close())
	wg.Wait()
	for i, s := range h.Stats()[:2] {
		assert.Zero(t, s.Queued)
		assert.Zero(t, s.Errors, s.Name)
		lines := readLines(t, s.Name)
		assert.Len(t, lines, int(s.Records), s.Name)
		next := make([]int, producers)
		for _, l := range lines {
			m := parseJSON(t, []byte(l))
			p := int(m["producer"].(float64))
			require.EqualValues(t, p, m["request"], "fields of another context")
			g := m["g"].(map[string]any)
			require.EqualValues(t, next[p], g["seq"], "producer %d of %s", p, s.Name)
			require.EqualValues(t, next[p], m["step"])
			next[p]++
		}
		for p := range producers {
			// Closing is not at once for all sinks, so the one record that a
			// producer saw refused may be in some of them.
			assert.InDelta(t, accepted[p], next[p], 1, "producer %d of sink %d", p, i)
			assert.GreaterOrEqual(t, next[p], accepted[p])
		}
	}
	assert.EqualValues(t, producers, refused.Load())
}

// flicker is a level that changes at every look.
type flicker struct{ n atomic.Int64 }

func (f *flicker) Level() slog.Level { return slog.Level(4 * (f.n.Add(1) % 2)) }

func TestALevelThatChangesMeanwhile(t *testing.T) {
	var level flicker
	var buf bytes.Buffer
	h := open(t, Sink{Writer: &buf, Level: &level}, Sink{Writer: io.Discard, Level: &level, Enqueue: true, Format: Text})
	for range 100 {
		require.NoError(t, info(h, "m"))
	}
	require.NoError(t, h.Complete())
	assert.EqualValues(t, 100, h.Stats()[0].Records+h.Stats()[1].Records)
}

// ErrClosed of another handler, out of a Flush, is no reason to wait for a Close
// that nobody has called.
func TestAFlushThatReturnsErrClosed(t *testing.T) {
	h := NewHandler(Sink{Writer: io.Discard, Flush: func(context.Context) error { return ErrClosed }})
	require.ErrorIs(t, h.Complete(), ErrClosed)
	require.ErrorIs(t, h.Close(), ErrClosed)
}

func TestManySinksAndEncodings(t *testing.T) {
	const n = 9 // more than Handle keeps room for on its stack
	bufs := make([]bytes.Buffer, n)
	opts := make([]Option, n)
	for i := range n {
		opts[i] = Sink{Writer: &bufs[i], Enqueue: i%2 == 0, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == "sink" {
				return slog.Int("sink", i)
			}
			return withoutTime(groups, a)
		}}
	}
	h := open(t, opts...)
	slog.New(h).Info("m", "sink", "?")
	require.NoError(t, h.Complete())
	for i := range n {
		assert.Equal(t, fmt.Sprintf(`{"level":"INFO","msg":"m","sink":%d}`+"\n", i), bufs[i].String())
	}
}
