package logly

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrClosed is returned by [Handler.Handle] and [Handler.Rotate] once
// [Handler.Close] has been called: the record was refused and is counted in
// [Stats].Dropped.
var ErrClosed = errors.New("logly: handler is closed")

// Error tells what went wrong in a sink. Handle, Complete, Close, Rotate and
// Open return it, alone or joined with those of other sinks; the function of
// [OnError] gets it for what happens in the background.
type Error struct {
	Sink  string // the sink's name, as in [Stats].Name
	Op    string // what was being done: "open", "write", "sync", "rotate", "compress", "prune", "flush", "close", "handle", "complete"; of a Durable queue also "recover", "resize", "queue"
	Count uint64 // how many equal errors this one stands for, at least 1
	Err   error  // the cause
}

// Error returns "logly: OP SINK: CAUSE", and how often if more than once.
func (e *Error) Error() string {
	s := "logly: " + e.Op + " " + e.Sink + ": " + textOf(e.Err)
	if e.Count > 1 {
		s += " (" + strconv.FormatUint(e.Count, 10) + " times)"
	}
	return s
}

// textOf returns the text of an error whose Error method may panic, as that of a
// nil pointer does.
func textOf(err error) string { return fmt.Sprint(err) }

// Unwrap returns the cause, for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// OnError makes a handler report its trouble to f: what happens in the
// background and so has no caller to return to, and what a sink without a
// queue returned from Handle, because slog.Logger discards that. The error is
// always an [*Error].
//
// f is called from a goroutine of its own, one call at a time, for each sink at
// most once a second; equal errors in between are merged and counted. It may
// log through the same handler or close it. Without OnError each report is a
// line on standard error. Of several OnError options the last one counts.
func OnError(f func(error)) Option { return onErrorOption(f) }

type onErrorOption func(error)

func (f onErrorOption) apply(s *settings) error {
	if f == nil {
		return errors.New("logly: OnError: nil: must be a function")
	}
	s.onError = f
	return nil
}

// printError is the default of OnError: one line, whatever the cause holds.
func printError(err error) {
	s := err.Error()
	if strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		s = strconv.Quote(s)
	}
	fmt.Fprintln(os.Stderr, s)
}

const (
	reportEvery = time.Second // between two reports of one sink
	maxPending  = 64          // distinct errors of one sink that wait to be reported
)

// reporter hands errors to OnError. Its goroutine lives only while there is
// something to hand over.
type reporter struct {
	onError func(error)

	mu      sync.Mutex
	sinks   []pendingErrors // one a sink
	running bool            // the goroutine lives
	hurry   bool            // closing: do not space reports out
	wake    chan struct{}   // one slot: hurry was set
}

// pendingErrors is what one sink has to report, oldest first.
type pendingErrors struct {
	errs  []*Error
	texts []string  // of the causes of errs
	last  time.Time // of the last report
}

func newReporter(onError func(error), sinks int) *reporter {
	if onError == nil {
		onError = printError
	}
	return &reporter{onError: onError, sinks: make([]pendingErrors, sinks), wake: make(chan struct{}, 1)}
}

// report takes err, an *Error or several joined, in, merged with equal ones that
// still wait.
func (r *reporter) report(sink int, err error) {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range many.Unwrap() {
			r.report(sink, err)
		}
		return
	}
	e, ok := err.(*Error) //nolint:errorlint // one that is wrapped is somebody else's
	if !ok {
		e = &Error{Sink: "handler", Op: "handle", Count: 1, Err: err}
	}
	text := textOf(e.Err) // without the lock: it is the user's code
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &r.sinks[sink]
	for i, q := range p.errs {
		// When too many distinct errors wait, the last place counts for all.
		full := i == maxPending-1
		if full || q.Op == e.Op && p.texts[i] == text {
			q.Count += e.Count
			return
		}
	}
	p.errs = append(p.errs, &Error{Sink: e.Sink, Op: e.Op, Count: e.Count, Err: e.Err})
	p.texts = append(p.texts, text)
	if !r.running {
		r.running = true
		go r.run()
	}
}

// close makes what still waits be reported now. It does not wait for OnError.
func (r *reporter) close() {
	r.mu.Lock()
	r.hurry = true
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *reporter) run() {
	for {
		e, wait := r.next()
		switch {
		case e != nil:
			r.onError(e)
		case wait > 0:
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-r.wake:
				timer.Stop()
			}
		default:
			return
		}
	}
}

// next returns the error to report now, or how long until one may be; with
// neither, the goroutine has been signed off. The sink whose last report is
// longest ago has its turn first.
func (r *reporter) next() (*Error, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var first *pendingErrors
	for i := range r.sinks {
		p := &r.sinks[i]
		if len(p.errs) > 0 && (first == nil || p.last.Before(first.last)) {
			first = p
		}
	}
	if first == nil {
		r.running = false
		return nil, 0
	}
	now := time.Now()
	if wait := reportEvery - now.Sub(first.last); wait > 0 && !r.hurry {
		return nil, wait
	}
	e := first.errs[0]
	first.errs, first.texts = first.errs[1:], first.texts[1:]
	first.last = now
	return e, 0
}

// because takes the path off an error of package os when the sink's name, which
// stands beside it, says the same.
func because(name string, err error) error {
	if e, ok := err.(*fs.PathError); ok && filepath.Base(e.Path) == filepath.Base(name) { //nolint:errorlint // only if nothing stands around it
		return e.Err
	}
	return err
}
