package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/logly-go/logly"
)

// scenario is one thing that a program does with its log.
type scenario struct {
	name  string
	run   func(dir string) (outcome, error) // logs to files in dir and closes them
	check func(counted) error               // what else must hold; may be nil
}

// outcome is what a scenario has logged.
type outcome struct {
	logged   []int  // records of each producer that the log has accepted
	underWay bool   // each producer may have one more in the log: it was killed while it logged that
	note     string // to print; may be empty
}

func (o outcome) total() int {
	n := 0
	for _, logged := range o.logged {
		n += logged
	}
	return n
}

var scenarios = []scenario{
	{
		name: "4 goroutines log 100 records each",
		run: func(dir string) (outcome, error) {
			return logged(logly.Sink{File: app(dir)}, func(log *slog.Logger) []int {
				return producers(4, 100, log)
			})
		},
	},
	{
		name: "10,000 records enqueued, then Complete",
		run: func(dir string) (outcome, error) {
			return logged(logly.Sink{File: app(dir), Enqueue: true}, func(log *slog.Logger) []int {
				return producers(4, 2_500, log)
			})
		},
	},
	{
		name: "100,000 enqueued, daily rotation, 7 backups, gzip",
		run: func(dir string) (outcome, error) {
			return logged(logly.Sink{
				File: app(dir), Enqueue: true,
				Rotation: logly.Daily, MaxBackups: 7, Compression: logly.Gzip,
			}, func(log *slog.Logger) []int {
				return producers(8, 12_500, log)
			})
		},
	},
	{
		name: `100,000 enqueued, "1 MB" rotation, all backups, gzip`,
		run: func(dir string) (outcome, error) {
			return logged(logly.Sink{
				File: app(dir), Enqueue: true,
				Rotation: "1 MB", Compression: logly.Gzip,
			}, func(log *slog.Logger) []int {
				return producers(8, 12_500, log)
			})
		},
		check: func(c counted) error {
			if c.files < 5 {
				return fmt.Errorf("%d files: it did not rotate", c.files)
			}
			return nil
		},
	},
	{
		name: "4 workers, each with its worker_id from Contextualize",
		run: func(dir string) (outcome, error) {
			return logged(logly.Sink{File: app(dir), Enqueue: true}, func(log *slog.Logger) []int {
				return contexts("worker_id", 4, 1_000, log)
			})
		},
		check: func(c counted) error { return owned(c, "worker_id", 4) },
	},
	{
		name: "3 concurrent requests, each with its request_id",
		run: func(dir string) (outcome, error) {
			return logged(logly.Sink{File: app(dir), Enqueue: true}, func(log *slog.Logger) []int {
				return contexts("request_id", 3, 100, log)
			})
		},
		check: func(c counted) error { return owned(c, "request_id", 3) },
	},
	{
		name: "1 important record, Complete, read back",
		run:  important,
	},
	{
		name: fmt.Sprintf("%d goroutines, Durable, killed and restarted %d times", goroutines, kills),
		run:  killed,
	},
}

func app(dir string) string { return filepath.Join(dir, "app.log") }

// logged runs f with a logger to sink, drains it and closes it.
func logged(sink logly.Sink, f func(*slog.Logger) []int) (outcome, error) {
	h, err := logly.Open(sink)
	if err != nil {
		return outcome{}, err
	}
	return outcome{logged: f(slog.New(h))}, errors.Join(h.Complete(), h.Close())
}

// producers logs n records from each of so many goroutines, numbered, and
// returns how many each has logged.
func producers(goroutines, n int, log *slog.Logger) []int {
	var wg sync.WaitGroup
	for p := range goroutines {
		wg.Go(func() {
			for seq := range n {
				log.Info("a record of the scenario", "producer", p, "seq", seq, "ok", true)
			}
		})
	}
	wg.Wait()
	return slices.Repeat([]int{n}, goroutines)
}

// contexts is producers whose records carry key only by their context.
func contexts(key string, goroutines, n int, log *slog.Logger) []int {
	var wg sync.WaitGroup
	for p := range goroutines {
		wg.Go(func() {
			ctx := logly.Contextualize(context.Background(), key, id(p))
			for seq := range n {
				log.InfoContext(ctx, "a step", "producer", p, "seq", seq)
			}
		})
	}
	wg.Wait()
	return slices.Repeat([]int{n}, goroutines)
}

func id(p int) string { return fmt.Sprintf("id-%d", p) }

// owned checks that each producer's lines carry its own id and nobody else's.
func owned(c counted, key string, producers int) error {
	for _, l := range c.records {
		if got, want := l.fields[key], id(l.producer); got != want {
			return fmt.Errorf("a line of producer %d has %s %v, not %s", l.producer, key, got, want)
		}
	}
	if len(c.producers) != producers {
		return fmt.Errorf("%d producers, not %d", len(c.producers), producers)
	}
	return nil
}

// important logs one record and reads it back right after Complete, before
// anything is closed.
func important(dir string) (outcome, error) {
	one := outcome{logged: []int{1}}
	h, err := logly.Open(logly.Sink{File: app(dir), Enqueue: true})
	if err != nil {
		return one, err
	}
	defer h.Close()
	const message = "the disk of the database is failing"
	slog.New(h).Error(message, "producer", 0, "seq", 0)
	if err := h.Complete(); err != nil {
		return one, err
	}
	text, err := os.ReadFile(app(dir))
	if err != nil {
		return one, err
	}
	if !strings.Contains(string(text), message) {
		return one, errors.New("the record is not in the file, although Complete has returned")
	}
	return one, h.Close()
}
