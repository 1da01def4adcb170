package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/logly-go/logly"
	"github.com/logly-go/logly/bench/internal/peer"
)

// discard is no io.Discard, which some loggers look out for.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

var (
	ctx     = context.Background()
	message = "request handled"
	since   = time.Date(2026, 2, 3, 4, 5, 6, 789012345, time.UTC)
	took    = 1234567 * time.Nanosecond
)

type user struct {
	ID    int      `json:"id"`
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
}

var someone = user{4711, "Ada Lovelace", []string{"admin", "author"}}

func five() []slog.Attr {
	return []slog.Attr{
		slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", took),
		slog.Time("since", since), slog.Bool("cached", true),
	}
}

// workload is one kind of record: how a program logs it, and the attributes
// that Handle gets.
type workload struct {
	name    string
	log     func(context.Context, *slog.Logger)
	message string
	attrs   []slog.Attr
	with    []slog.Attr
	fields  []any // in the context
	source  bool
	level   slog.Level
}

var workloads = []workload{
	{name: "message", log: func(ctx context.Context, l *slog.Logger) {
		l.LogAttrs(ctx, slog.LevelInfo, message)
	}},
	{name: "attrs5", attrs: five(), log: logFive},
	{name: "group10", attrs: tenWithGroup(), log: func(ctx context.Context, l *slog.Logger) {
		l.LogAttrs(ctx, slog.LevelInfo, message,
			slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", took),
			slog.Time("since", since), slog.Bool("cached", true), slog.Float64("ratio", 0.731),
			slog.Group("client", slog.String("addr", "192.0.2.17"), slog.Int("port", 54321), slog.String("agent", "curl/8.5.0")),
			slog.Uint64("bytes", 123456))
	}},
	{name: "with5", with: five(), attrs: three(), log: func(ctx context.Context, l *slog.Logger) {
		l.LogAttrs(ctx, slog.LevelInfo, message,
			slog.String("path", "/v1/items"), slog.Int("items", 17), slog.Bool("more", false))
	}},
	{name: "pairs5", attrs: five(), log: func(ctx context.Context, l *slog.Logger) {
		l.InfoContext(ctx, message, "method", "GET", "status", 200, "took", took, "since", since, "cached", true)
	}},
	{name: "struct", attrs: []slog.Attr{slog.Any("user", someone)}, log: func(ctx context.Context, l *slog.Logger) {
		l.LogAttrs(ctx, slog.LevelInfo, message, slog.Any("user", someone))
	}},
	{name: "escape", message: awkward, log: func(ctx context.Context, l *slog.Logger) {
		l.LogAttrs(ctx, slog.LevelInfo, awkward)
	}},
	{name: "source", source: true, attrs: five(), log: logFive},
	{name: "context", fields: []any{"request_id", "01HV6Z8Q4T", "tenant", 42}, attrs: three(), log: func(ctx context.Context, l *slog.Logger) {
		l.LogAttrs(ctx, slog.LevelInfo, message,
			slog.String("path", "/v1/items"), slog.Int("items", 17), slog.Bool("more", false))
	}},
	{name: "disabled", level: slog.LevelDebug, log: func(ctx context.Context, l *slog.Logger) {
		l.LogAttrs(ctx, slog.LevelDebug, message,
			slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", took),
			slog.Time("since", since), slog.Bool("cached", true))
	}},
}

const awkward = "could not parse \"config\\main.yaml\":\n\tline 7: naïve <tag> & more"

func logFive(ctx context.Context, l *slog.Logger) {
	l.LogAttrs(ctx, slog.LevelInfo, message,
		slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", took),
		slog.Time("since", since), slog.Bool("cached", true))
}

func three() []slog.Attr {
	return []slog.Attr{slog.String("path", "/v1/items"), slog.Int("items", 17), slog.Bool("more", false)}
}

// tenWithGroup has ten values, three of them in a group.
func tenWithGroup() []slog.Attr {
	return append(five(), slog.Float64("ratio", 0.731),
		slog.Group("client", slog.String("addr", "192.0.2.17"), slog.Int("port", 54321), slog.String("agent", "curl/8.5.0")),
		slog.Uint64("bytes", 123456))
}

// prepare returns the handler and context that w is logged with; nil if h cannot.
func (w workload) prepare(h peer.Handler, to io.Writer) (slog.Handler, context.Context) {
	made, ctx := h.New, ctx
	switch {
	case w.source:
		made = h.Source
	case w.fields != nil:
		made, ctx = h.Aware, h.Fields(ctx, w.fields...)
	}
	if made == nil {
		return nil, nil
	}
	ready := made(to)
	if w.with != nil {
		ready = ready.WithAttrs(w.with)
	}
	return ready, ctx
}

// record returns the record of w, as logged here.
func (w workload) record(at time.Time) slog.Record {
	var pc [1]uintptr
	runtime.Callers(1, pc[:])
	m := message
	if w.message != "" {
		m = w.message
	}
	r := slog.NewRecord(at, w.level, m, pc[0])
	r.AddAttrs(w.attrs...)
	return r
}

// BenchmarkLog is the whole call, from slog.Logger to the writer.
func BenchmarkLog(b *testing.B) {
	each(b, workloads, func(w workload, h slog.Handler, ctx context.Context) func() {
		l := slog.New(h)
		return func() { w.log(ctx, l) }
	})
}

// BenchmarkHandle is what the handler alone costs.
func BenchmarkHandle(b *testing.B) {
	var enabled []workload
	for _, w := range workloads {
		if w.level >= slog.LevelInfo {
			enabled = append(enabled, w)
		}
	}
	each(b, enabled, func(w workload, h slog.Handler, ctx context.Context) func() {
		r := w.record(time.Now())
		return func() { _ = h.Handle(ctx, r) }
	})
}

// each runs the workloads on all handlers, which follow one another closely, so
// that what else the machine does hits all of them.
func each(b *testing.B, ws []workload, calls func(workload, slog.Handler, context.Context) func()) {
	for _, w := range ws {
		for _, mode := range []string{"seq", "par"} {
			for _, h := range peer.Handlers() {
				made, ctx := w.prepare(h, discard{})
				if made == nil {
					continue
				}
				call := calls(w, made, ctx)
				b.Run(fmt.Sprintf("case=%s/mode=%s/handler=%s", w.name, mode, h.Name), func(b *testing.B) {
					b.ReportAllocs()
					if mode == "seq" {
						for b.Loop() {
							call()
						}
						return
					}
					b.RunParallel(func(p *testing.PB) {
						for p.Next() {
							call()
						}
					})
				})
			}
		}
	}
}

// BenchmarkAttrs shows what each further attribute costs.
func BenchmarkAttrs(b *testing.B) {
	kinds := five()
	for _, n := range []int{0, 1, 2, 5, 10, 20, 40} {
		var w workload
		for i := range n {
			a := kinds[i%len(kinds)]
			a.Key = fmt.Sprintf("%s%d", a.Key, i)
			w.attrs = append(w.attrs, a)
		}
		handle(b, fmt.Sprintf("attrs=%d", n), w.record(time.Now()))
	}
}

// BenchmarkBytes shows what each further byte of a string costs.
func BenchmarkBytes(b *testing.B) {
	for _, n := range []int{0, 100, 1000, 4000, 16000, 60000} {
		w := workload{attrs: []slog.Attr{slog.String("body", strings.Repeat("All work and no play. ", n/22+1)[:n])}}
		handle(b, fmt.Sprintf("bytes=%d", n), w.record(time.Now()))
	}
}

func handle(b *testing.B, name string, r slog.Record) {
	for _, h := range peer.Handlers() {
		b.Run(name+"/handler="+h.Name, func(b *testing.B) {
			made := h.New(discard{})
			b.ReportAllocs()
			for b.Loop() {
				_ = made.Handle(ctx, r)
			}
		})
	}
}

// BenchmarkSinks shows what further sinks of one format cost the caller.
func BenchmarkSinks(b *testing.B) {
	w := workload{attrs: five()}
	for _, queue := range []bool{false, true} {
		for n := 1; n <= 4; n++ {
			b.Run(fmt.Sprintf("enqueue=%v/sinks=%d/handler=logly", queue, n), func(b *testing.B) {
				var sinks []logly.Option
				for range n {
					sinks = append(sinks, logly.Sink{Writer: discard{}, Enqueue: queue})
				}
				h := logly.NewHandler(sinks...)
				r := w.record(time.Now())
				b.ReportAllocs()
				for b.Loop() {
					_ = h.Handle(ctx, r)
				}
				if err := h.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
