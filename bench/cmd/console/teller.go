package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/logly-go/logly"
)

// stories are what there is to log.
var stories = map[string]func(*teller){"service": service, "sheet": sheet}

// teller logs at the times of a clock that only moves when it is told to.
type teller struct {
	*slog.Logger
	now time.Time
}

// tell logs the story to standard output, which the zero Writer and Format take
// for the terminal that it is.
func tell(name string) error {
	story := stories[name]
	if story == nil {
		return fmt.Errorf("no story %q", name)
	}
	h, err := logly.Open(logly.Sink{Level: slog.LevelDebug})
	if err != nil {
		return err
	}
	t := &teller{now: time.Date(2026, 3, 2, 9, 41, 7, 12e6, time.UTC)}
	t.Logger = slog.New(clocked{h, &t.now})
	story(t)
	return h.Close()
}

func (t *teller) pass(d time.Duration) { t.now = t.now.Add(d) }

// clocked stamps records with a time of its own.
type clocked struct {
	slog.Handler
	now *time.Time
}

func (c clocked) Handle(ctx context.Context, r slog.Record) error {
	r.Time = *c.now
	return c.Handler.Handle(ctx, r)
}

func (c clocked) WithAttrs(as []slog.Attr) slog.Handler {
	return clocked{c.Handler.WithAttrs(as), c.now}
}

func (c clocked) WithGroup(name string) slog.Handler {
	return clocked{c.Handler.WithGroup(name), c.now}
}

// withSource tells another story with the source of each record.
func (t *teller) withSource(story func(*teller)) {
	h := logly.NewHandler(logly.Sink{Level: slog.LevelDebug, AddSource: true})
	defer h.Close()
	story(&teller{slog.New(clocked{h, &t.now}), t.now})
}
