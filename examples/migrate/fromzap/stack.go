package fromzap

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"

	"github.com/logly-go/logly"
)

// WithStacktrace returns a handler in front of h that gives records of the level
// and above a field stacktrace, as zap.AddStacktrace does: the stack of the log
// call, at the root of the record whatever group is open.
func WithStacktrace(h slog.Handler, level slog.Leveler) slog.Handler {
	return &stacktrace{Handler: h, level: level}
}

type stacktrace struct {
	slog.Handler
	level slog.Leveler
}

func (s *stacktrace) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= s.level.Level() {
		ctx = logly.Contextualize(ctx, "stacktrace", stackFrom(r.PC))
	}
	return s.Handler.Handle(ctx, r)
}

func (s *stacktrace) WithAttrs(attrs []slog.Attr) slog.Handler {
	return WithStacktrace(s.Handler.WithAttrs(attrs), s.level)
}

func (s *stacktrace) WithGroup(name string) slog.Handler {
	return WithStacktrace(s.Handler.WithGroup(name), s.level)
}

// stackFrom returns the stack of this goroutine from the frame of pc outwards,
// as zap writes it: without the runtime's own, which is the last.
func stackFrom(pc uintptr) string {
	pcs := make([]uintptr, 64)
	n := runtime.Callers(2, pcs)
	for n == len(pcs) {
		pcs = make([]uintptr, 2*len(pcs))
		n = runtime.Callers(2, pcs)
	}
	pcs = pcs[:n]
	frames := runtime.CallersFrames(pcs[max(0, slices.Index(pcs, pc)):])
	var b strings.Builder
	for frame, more := frames.Next(); more; frame, more = frames.Next() {
		fmt.Fprintf(&b, "\n%s\n\t%s:%d", frame.Function, frame.File, frame.Line)
	}
	return strings.TrimPrefix(b.String(), "\n")
}
