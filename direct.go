package logly

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// direct is the way into a sink without a queue: the caller writes its line
// itself, under the write lock.
type direct struct {
	name   string
	out    *lineOutput
	count  *counters
	report func(error)
	notice func(dropped uint64) []byte

	stop chan struct{} // closed to end watch
	done chan struct{} // closed by watch as its last act

	closing atomic.Bool  // new records are refused
	gaveUp  atomic.Bool  // who has the write lock closes the output
	asked   atomic.Int32 // callers who wait as await does, and want to see progress
	*contended

	// Under lock.
	rest   []byte // a line, from its start, of which the output has the beginning
	record bool   // rest is a record, and not a notice
	both   []byte // scratch: a notice and the line after it
	closed bool   // the output is closed

	mu        sync.Mutex // guards what follows, and the requests
	requests  []*request
	serving   chan struct{} // closed by serve as its last act; nil: it does not run
	closeErr  error         // of the output
	abandoned bool          // close has returned without closeErr
}

// contended is the lock and what changes under it with every record. It goes from one
// processor to the other as a single cache line, 64 bytes, without what callers
// read before they have the lock.
type contended struct {
	lock    writeLock
	gap     uint64 // records refused since the last accepted one, still to be told
	records atomic.Uint64
	dropped atomic.Uint64
	bytes   atomic.Uint64 // written the short way; count has the others
}

func newDirect(name string, out *lineOutput, count *counters, report func(error), notice func(uint64) []byte) *direct {
	return &direct{
		name: name, out: out, count: count, report: report, notice: notice,
		contended: &contended{lock: newWriteLock()}, stop: make(chan struct{}),
	}
}

// put writes a line, with one Write. An error means that it was not accepted,
// and nothing of it is written or kept.
func (d *direct) put(line []byte) (err error) {
	if d.closing.Load() {
		d.dropped.Add(1)
		return ErrClosed
	}
	d.lock.lock()
	inWrite := false
	defer func() { // a single one: it costs as much as the lock
		if inWrite {
			err = d.panicked(line, recover())
			return
		}
		d.unlock()
	}()
	if d.closing.Load() { // close may have synced the last time
		d.dropped.Add(1)
		return ErrClosed
	}
	w, ok := d.out.destination.(*writerDest)
	if !ok || len(d.rest) > 0 || d.gap > 0 {
		return d.settle(d.write(line))
	}
	// The short way of most lines: a Writer is always ready, and keeps its lines.
	inWrite = true
	n, err := w.Write(line)
	inWrite = false
	if n != len(line) || err != nil {
		return d.settle(d.wrote(line, n, err))
	}
	d.bytes.Add(uint64(n)) //gosec:disable G115 -- all of the line
	d.records.Add(1)
	if d.asked.Load() > 0 {
		d.count.taken.Add(uint64(n)) //gosec:disable G115 -- all of the line
	}
	return nil
}

// settle counts a record and returns err, which tells what became of it.
func (d *direct) settle(err error) error {
	if cap(d.both) > maxKept {
		d.both = nil
	}
	if err != nil {
		d.gap++
		d.dropped.Add(1)
		return err
	}
	d.records.Add(1)
	return nil
}

// wrote does what is due in the short way when Write has answered n and err.
func (d *direct) wrote(line []byte, n int, err error) error {
	n, err = d.out.believed(n, len(line), err)
	if n < len(line) {
		d.out.begun, n = n, 0
	} else {
		d.count.bytes.Add(uint64(n)) //gosec:disable G115 -- not negative
	}
	return d.judge(line, 0, n, err)
}

// panicked does what is due in the short way when Write has panicked with r, or
// ended its goroutine; it releases the write lock.
func (d *direct) panicked(line []byte, r any) error {
	defer d.unlock()
	if r == nil {
		return nil
	}
	return d.settle(d.judge(line, 0, 0, d.out.failed("write", fmt.Errorf("panic: %v", r))))
}

// unlock releases the write lock. Once Close wants the output closed, whoever
// has the lock does it.
func (d *direct) unlock() {
	if d.gaveUp.Load() {
		d.closeOutput()
	}
	d.lock.unlock()
}

// closeOutput closes the output, once.
func (d *direct) closeOutput() {
	if d.closed {
		return
	}
	d.closed = true
	d.dropped.Add(d.left())
	err := d.out.close()
	d.mu.Lock()
	d.closeErr = err
	unheard := d.abandoned
	d.mu.Unlock()
	if err != nil {
		d.count.errors.Add(1)
		if unheard {
			d.report(err)
		}
	}
}

// left returns how many accepted records are not written yet.
func (d *direct) left() uint64 {
	if len(d.rest) > 0 && d.record {
		return 1
	}
	return 0
}

func (d *direct) fail(err error) {
	d.count.errors.Add(1)
	d.report(err)
}

// write writes what a failure left of an earlier line, then the notice of a gap
// and the line.
func (d *direct) write(line []byte) error {
	if err := d.writeRest(); err != nil {
		d.fail(err)
		return err
	}
	told, p := 0, line
	if d.gap > 0 {
		d.both = append(d.both[:0], d.notice(d.gap)...)
		told = len(d.both)
		d.both = append(d.both, line...)
		p = d.both
	}
	n, err := d.deliver(p)
	return d.judge(p, told, n, err)
}

// judge tells what becomes of a line after the output has taken n bytes of p in
// whole lines, and then begun another or failed. The line follows the first told
// bytes of p, which are a notice.
func (d *direct) judge(p []byte, told, n int, err error) error {
	if n+d.out.begun > 0 && told > 0 {
		d.gap = 0 // the notice is written, or begun and kept
	}
	if err != nil {
		d.fail(err)
	}
	switch {
	case n == len(p):
		return nil
	case n >= told && d.out.begun > 0: // the line was begun: it is accepted
		d.rest, d.record = append(d.rest[:0], p[n:]...), true
		return nil
	case d.out.begun > 0: // the notice was begun, the line was not
		d.rest, d.record = append(d.rest[:0], p[n:told]...), false
	}
	return err
}

// deliver hands lines to the output until one fails, and returns how many bytes
// of whole lines are done.
func (d *direct) deliver(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var done int
		done, _, err = d.out.deliver(entry{line: p[n:]})
		n += done
	}
	return n, err
}

func (d *direct) writeRest() error {
	if len(d.rest) == 0 {
		return nil
	}
	n, err := d.deliver(d.rest)
	if n < len(d.rest) {
		return err
	}
	if d.rest = d.rest[:0]; cap(d.rest) > maxKept {
		d.rest = nil
	}
	if err != nil { // an error although all was taken
		d.fail(err)
	}
	return nil
}

func (d *direct) complete(ctx context.Context) error { return d.ask(ctx, &request{}) }

func (d *direct) rotateNow(ctx context.Context) error { return d.ask(ctx, &request{rotate: true}) }

// ask makes a request and waits for its answer, as await does. A goroutine of
// its own serves it, because a stuck Write must not hold the asker.
func (d *direct) ask(ctx context.Context, r *request) error {
	r.done = make(chan error, 1)
	d.mu.Lock()
	d.requests = append(d.requests, r)
	if d.serving == nil {
		d.serving = make(chan struct{})
		go d.serve(d.serving)
	}
	d.mu.Unlock()
	d.asked.Add(1)
	answer, late := await(ctx, d.count, r.done)
	d.asked.Add(-1)
	if late == nil {
		return answer
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if answer, ok := r.leave(); ok {
		return answer
	}
	d.requests = slices.DeleteFunc(d.requests, func(o *request) bool { return o == r })
	return r.refusal(d.name, 0, late)
}

// serve answers requests until there are none.
func (d *direct) serve(ended chan struct{}) {
	defer close(ended)
	for {
		d.lock.lock()
		d.mu.Lock()
		requests := d.requests
		d.requests = nil
		if len(requests) == 0 {
			d.serving = nil
			d.mu.Unlock()
			d.unlock()
			return
		}
		served, ctx := newRound(requests)
		d.mu.Unlock()
		d.fulfil(ctx, requests)
		served.cancel()
		d.unlock()
	}
}

// fulfil does what requests ask for; one sync serves all of them.
func (d *direct) fulfil(ctx context.Context, requests []*request) {
	if d.closed {
		d.answer(requests, ErrClosed)
		return
	}
	if err := d.writeRest(); err != nil {
		d.count.errors.Add(1)
		for _, r := range requests {
			d.answer([]*request{r}, r.refusal(d.name, d.left(), err))
		}
		return
	}
	var completes []*request
	for _, r := range requests {
		if !r.rotate {
			completes = append(completes, r)
			continue
		}
		err := d.out.rotate()
		if err != nil {
			d.count.errors.Add(1)
		}
		d.answer([]*request{r}, err)
	}
	if completes != nil {
		err := d.out.sync(ctx)
		if err != nil {
			d.count.errors.Add(1)
		}
		d.answer(completes, err)
	}
}

// answer tells requests what became of them, and OnError if nobody waits for
// the answer any more.
func (d *direct) answer(requests []*request, err error) {
	d.mu.Lock()
	heard := answer(requests, err)
	d.mu.Unlock()
	if !heard {
		d.report(err)
	}
}

// watch does what the output has to do by the clock.
func (d *direct) watch() {
	defer close(d.done)
	for {
		var wait time.Duration
		d.lock.lock()
		if !d.closed {
			var err error
			if wait, err = d.out.idle(); err != nil {
				d.fail(err)
			}
		}
		d.unlock()
		if wait == 0 {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-d.stop:
			timer.Stop()
			return
		}
	}
}

func (d *direct) start() {
	d.done = make(chan struct{})
	go d.watch()
}

// refuse makes put refuse new records from now on.
func (d *direct) refuse() { d.closing.Store(true) }

// close completes, ends the watch and closes the output.
func (d *direct) close(ctx context.Context) error {
	d.refuse()
	close(d.stop)
	err := d.complete(ctx)
	d.gaveUp.Store(true) // whoever has the lock next, or has it now, closes the output
	ended := make(chan struct{})
	go func() {
		<-d.done
		d.lock.lock()
		d.unlock()
		d.mu.Lock()
		serving := d.serving
		d.mu.Unlock()
		if serving != nil {
			<-serving
		}
		close(ended)
	}()
	d.asked.Add(1) // for good
	err = part(ctx, d.name, d.out, d.count, err, ended)
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-ended:
	default:
		d.abandoned = true
	}
	return errors.Join(err, d.closeErr)
}

func (d *direct) stats(s *Stats) {
	s.Records, s.Dropped = d.records.Load(), d.dropped.Load()
	s.Bytes += d.bytes.Load()
}
