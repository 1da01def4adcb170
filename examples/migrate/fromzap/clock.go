package fromzap

import (
	"context"
	"log/slog"
	"time"
)

// start is when the service is said to have begun.
var start = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// Clock gives the two services the same times: each call is a little later than
// the one before. It is a zapcore.Clock.
type Clock struct{ calls int }

// Now returns the next time.
func (c *Clock) Now() time.Time {
	c.calls++
	return start.Add(time.Duration(c.calls) * 1234567 * time.Nanosecond)
}

// NewTicker is what a zapcore.Clock must have; nothing here uses it.
func (c *Clock) NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }

// Handler returns a handler in front of h that sets the time of records.
func (c *Clock) Handler(h slog.Handler) slog.Handler { return clockHandler{h, c} }

type clockHandler struct {
	slog.Handler
	clock *Clock
}

func (h clockHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Time = h.clock.Now()
	return h.Handler.Handle(ctx, r)
}

func (h clockHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return clockHandler{h.Handler.WithAttrs(attrs), h.clock}
}

func (h clockHandler) WithGroup(name string) slog.Handler {
	return clockHandler{h.Handler.WithGroup(name), h.clock}
}
