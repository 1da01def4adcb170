package logly

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/logly-go/logly/internal/ring"
)

// entry is one thing that Handle gives to a sink: a finished line, or a record
// for a sink around a slog.Handler. Between queue and output, line may hold
// several whole lines.
type entry struct {
	line []byte
	rec  *heldRecord
	gap  uint64 // records dropped right before it; told by the first line of line, or still to be told before rec
}

// size returns what the entry is charged in a queue, in bytes.
func (e entry) size() int {
	if e.rec != nil {
		return e.rec.cost
	}
	return len(e.line)
}

// output is where a sink's entries go. One goroutine at a time uses it: the
// queue's worker, or who holds the write lock of a sink without a queue.
type output interface {
	// deliver hands e on, or the first whole lines of it, and returns the bytes
	// of e that are done with, and how many of their records were lost. What is
	// not done with must be offered again, unchanged and first. An error with
	// nothing left undone is only to be reported.
	deliver(e entry) (done, lost int, err error)
	// sync makes what was delivered lasting.
	sync(context.Context) error
	// rotate starts a new file, or reopens one that was moved away.
	rotate() error
	// idle does what is due by the clock and returns when it wants to be called
	// again at the latest; 0: never.
	idle() (wait time.Duration, err error)
	// close gives everything back. Part of a line that could not be finished is
	// taken back where that is possible.
	close() error
	// abort makes a close that waits for follow-up work return early. It may be
	// called from any goroutine.
	abort()
}

// counters is what a sink counts while it works; every field is safe to read at
// any time.
type counters struct {
	bytes     atomic.Uint64 // delivered
	errors    atomic.Uint64
	rotations atomic.Uint64
	taken     atomic.Uint64 // bytes the destination took, those of an unfinished line too
	moved     atomic.Uint64 // grows with every other sign of progress, such as a backup's compression
}

// progress grows while anything moves, for those who wait with patience.
func (c *counters) progress() uint64 { return c.taken.Load() + c.moved.Load() }

// destination is a stream of bytes under a lineOutput.
type destination interface {
	io.Writer
	// ready makes the destination fit to take a line of n bytes, at the start of
	// a line, and returns how many bytes of whole lines it takes, n at least,
	// before it wants to be asked again.
	ready(n int) (room int, err error)
	// landed is told that whole lines were written and answers whether they are
	// still there; if not, they must be written again.
	landed() bool
	// unwrite takes back the last n bytes written, where that is possible.
	unwrite(n int) error
	sync(context.Context) error
	rotate() error
	idle() (wait time.Duration, err error)
	close() error
	abort()
}

// lineOutput delivers whole lines to a destination that may misbehave: it may
// take part of what it is given, fail, panic, lie about how much it took, or
// lose its file meanwhile.
type lineOutput struct {
	destination
	name  string
	count *counters
	begun int // bytes of the first line of the next entry that the destination has
}

func (o *lineOutput) deliver(e entry) (done, lost int, err error) {
	p := e.line
	if o.begun == 0 {
		first := bytes.IndexByte(p, '\n') + 1
		room, err := o.ready(first)
		if err != nil {
			return 0, 0, err
		}
		p = wholeLines(p, first, room)
	} else {
		// The rest of a line goes to the file that took its beginning; what
		// follows may belong into another one.
		p = p[:o.begun+bytes.IndexByte(p[o.begun:], '\n')+1]
	}
	n, err := o.write(p[o.begun:])
	o.begun += n
	if done = o.begun; done < len(p) {
		done = bytes.LastIndexByte(p[:o.begun], '\n') + 1
	}
	if done == 0 {
		if err != nil && o.begun > 0 && !o.landed() { // what went wrong did with a file that is gone
			o.begun = 0
			return o.deliver(e)
		}
		return 0, 0, err
	}
	if !o.landed() {
		o.begun = 0
		return 0, 0, err
	}
	o.begun -= done
	o.count.bytes.Add(uint64(done)) //gosec:disable G115 -- not negative
	return done, 0, err
}

// wholeLines returns the whole lines of p within room bytes, and at least the
// first line, which is first bytes long.
func wholeLines(p []byte, first, room int) []byte {
	if len(p) <= room {
		return p
	}
	return p[:max(first, bytes.LastIndexByte(p[:max(room, 0)], '\n')+1)]
}

// write calls Write once and believes of its answer what can be true.
func (o *lineOutput) write(p []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, o.failed("write", fmt.Errorf("panic: %v", r))
		}
	}()
	n, err = o.Write(p)
	return o.believed(n, len(p), err)
}

// believed returns of a Write's answer to size bytes what can be true.
func (o *lineOutput) believed(n, size int, err error) (int, error) {
	if n < 0 || n > size {
		return 0, o.failed("write", fmt.Errorf("Write returned %d of %d bytes", n, size))
	}
	if n > 0 {
		o.count.taken.Add(uint64(n))
	}
	if n < size && err == nil {
		err = io.ErrShortWrite
	}
	if err != nil {
		err = o.failed("write", because(o.name, err))
	}
	return n, err
}

func (o *lineOutput) failed(op string, err error) error {
	return &Error{Sink: o.name, Op: op, Count: 1, Err: err}
}

// errMidLine is returned by rotate while the rest of a line is still to be
// written to the old file.
var errMidLine = errors.New("the rest of a line is still to be written")

// rotate starts a new file between lines only.
func (o *lineOutput) rotate() error {
	if o.begun > 0 {
		return errMidLine
	}
	return o.destination.rotate()
}

// idle leaves a file alone that still has to take the rest of a line.
func (o *lineOutput) idle() (time.Duration, error) {
	if o.begun > 0 {
		return time.Second, nil
	}
	return o.destination.idle()
}

// close takes an unfinished line back before the destination is closed.
func (o *lineOutput) close() error {
	var err error
	if o.begun > 0 {
		err = o.unwrite(o.begun)
		o.begun = 0
	}
	return errors.Join(err, o.destination.close())
}

// flush is a Sink.Flush; nil does nothing.
type flush func(context.Context) error

// call calls it for the sink of that name; its panic is an error.
func (f flush) call(ctx context.Context, sink string) error {
	if f == nil {
		return nil
	}
	return guarded(sink, "flush", func() error { return f(ctx) })
}

// guarded calls f, which is the user's, and wraps its error or panic.
func guarded(sink, op string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		if err != nil {
			err = &Error{Sink: sink, Op: op, Count: 1, Err: because(sink, err)}
		}
	}()
	return f()
}

// writerDest is the destination of a Sink.Writer.
type writerDest struct {
	io.Writer
	name  string
	flush flush
}

func (w *writerDest) ready(int) (int, error)       { return math.MaxInt, nil }
func (w *writerDest) landed() bool                 { return true }
func (w *writerDest) unwrite(int) error            { return nil }
func (w *writerDest) rotate() error                { return nil }
func (w *writerDest) idle() (time.Duration, error) { return 0, nil }
func (w *writerDest) close() error                 { return nil }
func (w *writerDest) abort()                       {}

// sync flushes first, so that what Sync then makes lasting is all of it.
func (w *writerDest) sync(ctx context.Context) error {
	if err := w.flush.call(ctx, w.name); err != nil {
		return err
	}
	s, ok := w.Writer.(interface{ Sync() error })
	if !ok {
		return nil
	}
	err := guarded(w.name, "sync", s.Sync)
	if cannotSync(err) {
		return nil
	}
	return err
}

// cannotSync tells the errors with which a pipe, a terminal or a device answers
// that there is nothing to fsync.
func cannotSync(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) ||
		errors.Is(err, syscall.ENOTTY) || errors.Is(err, syscall.ENOSYS)
}

// writerName names a Writer in Stats and errors.
func writerName(w io.Writer) string {
	switch w {
	case io.Writer(os.Stdout):
		return "stdout"
	case io.Writer(os.Stderr):
		return "stderr"
	}
	return "writer"
}

// lineStore is the store of lines.
type lineStore struct{ *ring.Ring }

func (s lineStore) put(e entry)          { s.Put(e.line) }
func (s lineStore) peek(limit int) entry { return entry{line: s.Peek(limit)} }
