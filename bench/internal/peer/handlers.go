package peer

import (
	"context"
	"io"
	"log/slog"

	"github.com/logly-go/logly"
	phuslog "github.com/phuslu/log"
	"github.com/rs/zerolog"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
)

// Handler is a way to encode records, in front of any writer.
type Handler struct {
	Name  string
	Title string
	New   func(w io.Writer) slog.Handler
	// Source is New with the file and line of the call; nil where it cannot.
	Source func(w io.Writer) slog.Handler
	// Fields puts fields into a context and Aware makes a handler that adds
	// them to its records.
	Fields func(ctx context.Context, args ...any) context.Context
	Aware  func(w io.Writer) slog.Handler
}

// Handlers returns all handlers, logly's first.
func Handlers() []Handler {
	all := []Handler{
		{
			Name: "logly", Title: "logly",
			New:    func(w io.Writer) slog.Handler { return logly.NewHandler(logly.Sink{Writer: w}) },
			Source: func(w io.Writer) slog.Handler { return logly.NewHandler(logly.Sink{Writer: w, AddSource: true}) },
			Fields: logly.Contextualize,
		}, {
			Name: "slog", Title: "slog.JSONHandler",
			New: func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
			Source: func(w io.Writer) slog.Handler {
				return slog.NewJSONHandler(w, &slog.HandlerOptions{AddSource: true})
			},
		}, {
			Name: "zap", Title: "zap (zapslog)",
			New:    func(w io.Writer) slog.Handler { return zapslog.NewHandler(zapCore(w)) },
			Source: func(w io.Writer) slog.Handler { return zapslog.NewHandler(zapCore(w), zapslog.WithCaller(true)) },
		}, {
			Name: "zerolog", Title: "zerolog (slog handler)",
			New: func(w io.Writer) slog.Handler { return zerolog.NewSlogHandler(zerolog.New(w).Level(zerolog.InfoLevel)) },
		}, {
			Name: "phuslu", Title: "phuslu/log (SlogNewJSONHandler)",
			New: func(w io.Writer) slog.Handler { return phuslog.SlogNewJSONHandler(w, nil) },
			Source: func(w io.Writer) slog.Handler {
				return phuslog.SlogNewJSONHandler(w, &slog.HandlerOptions{AddSource: true})
			},
		}, {
			Name: "phuslu-logger", Title: "phuslu/log (Logger.Slog)",
			New:    func(w io.Writer) slog.Handler { return phusluLogger(w, 0) },
			Source: func(w io.Writer) slog.Handler { return phusluLogger(w, 1) },
		},
	}
	for i, h := range all {
		if h.Fields == nil {
			all[i].Fields = withFields
			all[i].Aware = func(w io.Writer) slog.Handler { return contextual{h.New(w)} }
		} else {
			all[i].Aware = h.New
		}
	}
	return all
}

func zapCore(w io.Writer) zapcore.Core {
	return zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.Lock(zapcore.AddSync(w)), zap.InfoLevel)
}

func phusluLogger(w io.Writer, caller int) slog.Handler {
	l := &phuslog.Logger{Level: phuslog.InfoLevel, Caller: caller, Writer: phuslog.IOWriter{Writer: w}}
	return l.Slog().Handler()
}

// contextual is how handlers that know nothing of contexts are commonly taught.
type contextual struct{ slog.Handler }

type fieldsKey struct{}

func withFields(ctx context.Context, args ...any) context.Context {
	return context.WithValue(ctx, fieldsKey{}, slog.Group("", args...).Value.Group())
}

func (h contextual) Handle(ctx context.Context, r slog.Record) error {
	if fields, ok := ctx.Value(fieldsKey{}).([]slog.Attr); ok {
		r.AddAttrs(fields...) // r is this call's own copy
	}
	return h.Handler.Handle(ctx, r)
}
