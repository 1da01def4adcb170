package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/logly-go/logly"
)

const (
	producers = 8
	quiet     = 3 * time.Second // without a new record: the agent has shipped all that it will
	patience  = 2 * time.Minute // for the agent
)

// counted is what the agent's output holds.
type counted struct {
	shipped int // records, each counted once
	doubled int // lines more than that
	torn    int // lines that are no record
	lost    int
}

// measure makes one run of so many records in the directory.
func (s setting) measure(ctx context.Context, rsyslogd, dir string, records int) (c counted, err error) {
	a, err := newAgent(rsyslogd, dir, s)
	if err != nil {
		return c, err
	}
	h, err := logly.Open(s.sink(filepath.Join(a.logs(), "app.log")))
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, h.Close(), a.stop(os.Kill)) }()
	if err := a.start(ctx); err != nil {
		return c, err
	}
	log := slog.New(h)
	var flushed error
	err = a.await(ctx, func(size int64, _ time.Duration) bool {
		if size == 0 {
			log.Info("the agent is at work as soon as it has shipped one of these")
			flushed = s.flush(h)
		}
		return size > 0 || flushed != nil
	})
	if err = errors.Join(err, flushed); err != nil {
		return c, err
	}
	if err := s.load(ctx, log, a, records); err != nil {
		return c, err
	}
	if err := s.flush(h); err != nil {
		return c, err
	}
	if err := a.await(ctx, func(_ int64, still time.Duration) bool { return still > quiet }); err != nil {
		return c, err
	}
	if err := a.stop(syscall.SIGTERM); err != nil {
		return c, err
	}
	c, err = count(a.shipped())
	c.lost = records - c.shipped
	return c, err
}

// flush has all that was logged in files that the agent tails.
func (s setting) flush(h *logly.Handler) error {
	err := h.Complete()
	if s.pattern == backups {
		err = errors.Join(err, h.Rotate())
	}
	return err
}

// load logs the records from several goroutines, while the agent goes down and
// comes back as the setting says.
func (s setting) load(ctx context.Context, log *slog.Logger, a *agent, records int) error {
	var logged atomic.Int64
	half := make(chan struct{})
	padding := strings.Repeat("x", 130)
	start := time.Now()
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for seq := range share(records, p) {
				if s.rate > 0 && seq%16 == 0 {
					time.Sleep(time.Until(start.Add(time.Duration(seq) * producers * time.Second / time.Duration(s.rate))))
				}
				log.Info("a record of the run", "padding", padding, "producer", p, "seq", seq)
				if logged.Add(1) == int64(records/2) {
					close(half)
				}
			}
		})
	}
	defer wg.Wait()
	if s.down == 0 {
		return nil
	}
	<-half
	how := os.Signal(syscall.SIGTERM)
	if s.killed {
		how = os.Kill
	}
	if err := a.stop(how); err != nil {
		return err
	}
	select {
	case <-time.After(s.down):
	case <-ctx.Done():
		return ctx.Err()
	}
	return a.start(ctx)
}

// share is how many of the records one producer logs.
func share(records, producer int) int {
	n := records / producers
	if producer < records%producers {
		n++
	}
	return n
}

// await looks at the agent's output until done, which is told its size and for
// how long that has not changed.
func (a *agent) await(ctx context.Context, done func(size int64, still time.Duration) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	size, since := int64(0), time.Now()
	for {
		if info, err := os.Stat(a.shipped()); err == nil && info.Size() != size {
			size, since = info.Size(), time.Now()
		}
		if done(size, time.Since(since)) {
			return nil
		}
		select {
		case <-a.ended:
			return fmt.Errorf("rsyslogd has ended: %s", &a.said)
		case <-ctx.Done():
			return fmt.Errorf("waiting for the agent, which has shipped %d bytes: %w", size, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// count counts the records of the run in the agent's output.
func count(path string) (c counted, err error) {
	f, err := os.Open(path) //gosec:disable G304 -- our own file
	if err != nil {
		return c, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	type id struct{ producer, seq int }
	seen := map[id]bool{}
	s := bufio.NewScanner(f)
	for s.Scan() {
		var r struct {
			Producer, Seq *int
		}
		switch err := json.Unmarshal(s.Bytes(), &r); {
		case err != nil:
			c.torn++
		case r.Producer == nil: // one from before the run
		case seen[id{*r.Producer, *r.Seq}]:
			c.doubled++
		default:
			seen[id{*r.Producer, *r.Seq}] = true
		}
	}
	c.shipped = len(seen)
	return c, s.Err()
}
