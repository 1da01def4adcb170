package encode

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"
)

// benchCase is one kind of record, and the way to its handler.
type benchCase struct {
	name   string
	opts   Options
	msg    string // "": a plain one
	attrs  []slog.Attr
	with   []slog.Attr
	fields []slog.Attr // of the context
}

type benchUser struct {
	ID    int      `json:"id"`
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
}

func fiveAttrs() []slog.Attr {
	return []slog.Attr{
		slog.String("method", "GET"),
		slog.Int("status", 200),
		slog.Duration("took", 1234567*time.Nanosecond),
		slog.Time("since", time.Date(2024, 5, 17, 13, 14, 14, 987654321, time.UTC)),
		slog.Bool("cached", true),
	}
}

func benchCases() []benchCase {
	three := []slog.Attr{slog.String("path", "/v1/items"), slog.Int("items", 17), slog.Bool("more", false)}
	ten := append(fiveAttrs(), slog.Float64("ratio", 0.731),
		slog.Group("client", slog.String("addr", "192.0.2.17"), slog.Int("port", 54321), slog.String("agent", "curl/8.5.0")),
		slog.Uint64("bytes", 123456))
	return []benchCase{
		{name: "message"},
		{name: "attrs5", attrs: fiveAttrs()},
		{name: "group10", attrs: ten},
		{name: "with5", with: fiveAttrs(), attrs: three},
		{name: "struct", attrs: []slog.Attr{slog.Any("user", benchUser{4711, "Ada Lovelace", []string{"admin", "author"}})}},
		{name: "escape", msg: "could not parse \"config\\main.yaml\":\n\tline 7: naïve <tag> & more"},
		{name: "source", opts: Options{AddSource: true}, attrs: fiveAttrs()},
		{name: "context", fields: []slog.Attr{slog.String("request_id", "01HV6Z8Q4T"), slog.Int("tenant", 42)}, attrs: three},
		{name: "replace", opts: Options{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }}, attrs: fiveAttrs()},
	}
}

func (c *benchCase) record() slog.Record {
	msg := c.msg
	if msg == "" {
		msg = "request handled"
	}
	var pcs [1]uintptr
	runtime.Callers(1, pcs[:])
	r := slog.NewRecord(time.Date(2024, 5, 17, 13, 14, 15, 123456789, time.Local), slog.LevelInfo, msg, pcs[0])
	r.AddAttrs(c.attrs...)
	return r
}

// BenchmarkAppend runs each case on an Encoder and on slog's own handler, so
// that their ratio comes from one run.
func BenchmarkAppend(b *testing.B) {
	for _, f := range []Format{JSON, Text} {
		for _, c := range benchCases() {
			c.opts.Format = f
			r := c.record()
			b.Run("format="+f.name()+"/case="+c.name+"/by=logly", func(b *testing.B) {
				e := New(c.opts)
				chain := e.Root().WithAttrs(c.with)
				fixed := e.AppendFields(nil, c.fields)
				buf := make([]byte, 0, 4096)
				b.ReportAllocs()
				for b.Loop() {
					buf = chain.Append(buf[:0], &r, fixed, nil)
				}
			})
			b.Run("format="+f.name()+"/case="+c.name+"/by=slog", func(b *testing.B) {
				h := slogHandler(io.Discard, c.opts).WithAttrs(c.fields).WithAttrs(c.with)
				ctx := context.Background()
				b.ReportAllocs()
				for b.Loop() {
					_ = h.Handle(ctx, r)
				}
			})
		}
	}
}

func slogHandler(w io.Writer, o Options) slog.Handler {
	opts := &slog.HandlerOptions{AddSource: o.AddSource, ReplaceAttr: o.ReplaceAttr, Level: slog.Level(-1 << 30)}
	if o.Format == JSON {
		return slog.NewJSONHandler(w, opts)
	}
	return slog.NewTextHandler(w, opts)
}

// BenchmarkValue is what one more attribute costs, kind by kind.
func BenchmarkValue(b *testing.B) {
	for _, v := range []struct {
		name  string
		value any
	}{
		{"string", "GET"}, {"string40", strings.Repeat("word ", 8)}, {"int", 200}, {"int64", int64(1715951654987654321)},
		{"uint64", uint64(123456)}, {"float", 0.731}, {"bool", true}, {"duration", 1234567 * time.Nanosecond},
		{"time", time.Date(2024, 5, 17, 13, 14, 14, 987654321, time.UTC)},
		{"level", slog.LevelWarn}, {"error", io.ErrUnexpectedEOF}, {"strings", []string{"admin", "author"}}, {"map", map[string]int{"x": 1, "y": 2}},
	} {
		s := state{enc: New(Options{}), buf: append(make([]byte, 0, 4096), `{"msg":"m"`...)}
		start := len(s.buf)
		a := slog.Any("key", v.value)
		b.Run("kind="+v.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.buf = s.buf[:start]
				s.attr(a)
			}
		})
	}
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
