package encode

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"testing"
	"time"
)

func benchRecord() slog.Record {
	var pcs [1]uintptr
	runtime.Callers(1, pcs[:])
	r := slog.NewRecord(time.Date(2024, 5, 17, 13, 14, 15, 123456789, time.Local), slog.LevelInfo, "request handled", pcs[0])
	r.AddAttrs(
		slog.String("method", "GET"),
		slog.Int("status", 200),
		slog.Duration("took", 1234567*time.Nanosecond),
		slog.Time("since", time.Date(2024, 5, 17, 13, 14, 14, 987654321, time.UTC)),
		slog.Bool("cached", true),
	)
	return r
}

// compare runs one workload on an Encoder and on slog's own handler, so that
// their ratio comes from one run.
func compare(b *testing.B, o Options, r slog.Record, with func(slog.Handler) slog.Handler, chain func(*Chain) *Chain) {
	b.Run("logly", func(b *testing.B) {
		c := New(o).Root()
		if chain != nil {
			c = chain(c)
		}
		buf := make([]byte, 0, 4096)
		b.ReportAllocs()
		for b.Loop() {
			buf = c.Append(buf[:0], &r, nil, nil)
		}
	})
	b.Run("slog", func(b *testing.B) {
		h := slogHandler(io.Discard, o)
		if with != nil {
			h = with(h)
		}
		ctx := context.Background()
		b.ReportAllocs()
		for b.Loop() {
			_ = h.Handle(ctx, r)
		}
	})
}

func slogHandler(w io.Writer, o Options) slog.Handler {
	opts := &slog.HandlerOptions{AddSource: o.AddSource, ReplaceAttr: o.ReplaceAttr, Level: slog.Level(-1 << 30)}
	if o.Format == JSON {
		return slog.NewJSONHandler(w, opts)
	}
	return slog.NewTextHandler(w, opts)
}

func BenchmarkJSON(b *testing.B) { compare(b, Options{}, benchRecord(), nil, nil) }

func BenchmarkText(b *testing.B) { compare(b, Options{Format: Text}, benchRecord(), nil, nil) }

func BenchmarkJSONSource(b *testing.B) {
	compare(b, Options{AddSource: true}, benchRecord(), nil, nil)
}

func BenchmarkJSONMixed(b *testing.B) {
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "état «incertain»\n", 0)
	r.AddAttrs(
		slog.Any("err", errors.New("dial tcp: connection refused")),
		slog.Float64("ratio", 0.731),
		slog.Group("req", slog.String("path", "/v1/items?id=7"), slog.Int("size", 123456)),
		slog.Any("tags", []string{"a", "b"}),
		slog.Any("body", map[string]any{"k": 1, "l": "x"}),
	)
	compare(b, Options{}, r, nil, nil)
}

func BenchmarkJSONChain(b *testing.B) {
	as := []slog.Attr{slog.String("service", "billing"), slog.Int("pid", 4711)}
	compare(b, Options{}, benchRecord(),
		func(h slog.Handler) slog.Handler { return h.WithAttrs(as).WithGroup("req").WithAttrs(as) },
		func(c *Chain) *Chain { return c.WithAttrs(as).WithGroup("req").WithAttrs(as) })
}

func BenchmarkJSONReplace(b *testing.B) {
	o := Options{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }}
	compare(b, o, benchRecord(), nil, nil)
}

func BenchmarkTime(b *testing.B) {
	t := time.Date(2024, 5, 17, 13, 14, 15, 123456789, time.Local)
	buf := make([]byte, 0, 64)
	b.Run("logly", func(b *testing.B) {
		for b.Loop() {
			buf, _ = appendRFC3339(buf[:0], t, nanoseconds)
		}
	})
	b.Run("AppendFormat", func(b *testing.B) {
		for b.Loop() {
			buf = t.AppendFormat(buf[:0], time.RFC3339Nano)
		}
	})
}
