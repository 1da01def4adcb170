package logly

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// heldRecord is a record on its way to a Sink.Handler, with all that the
// handler's Handle gets.
type heldRecord struct {
	ctx  context.Context
	to   slog.Handler
	rec  slog.Record
	cost int // bytes that it is charged in a queue
}

// recordCost is what a queued record is charged besides its strings.
const recordCost = 256

// hold copies what a queue must keep of r: everything the caller may change,
// and every LogValuer, is settled now, save what a pointer in an any points to.
func hold(ctx context.Context, to slog.Handler, r slog.Record) *heldRecord {
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, resolved(a))
		return true
	})
	held := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	held.AddAttrs(attrs...)
	return &heldRecord{
		ctx:  context.WithoutCancel(ctx),
		to:   to,
		rec:  held,
		cost: recordCost + len(r.Message) + stringBytes(attrs),
	}
}

// stringBytes returns the bytes of the strings in attrs, keys included.
func stringBytes(attrs []slog.Attr) int {
	n := 0
	for _, a := range attrs {
		n += len(a.Key)
		switch a.Value.Kind() {
		case slog.KindString:
			n += len(a.Value.String())
		case slog.KindGroup:
			n += stringBytes(a.Value.Group())
		}
	}
	return n
}

// derived is a Sink.Handler as the With and WithGroup calls have made it.
type derived struct {
	now    slog.Handler // with all of the calls
	root   slog.Handler // as before the first WithGroup, where context fields belong
	groups []openGroup  // what came since, outermost first; empty: now is root
}

// openGroup is a WithGroup and the WithAttrs calls after it.
type openGroup struct {
	name  string
	attrs []slog.Attr
}

func (d derived) withAttrs(attrs []slog.Attr) derived {
	attrs = allResolved(attrs)                   // now, not at each record that nests them
	d.now = d.now.WithAttrs(slices.Clone(attrs)) // a handler owns the slice it gets
	if len(d.groups) == 0 {
		d.root = d.now
		return d
	}
	d.groups = slices.Clone(d.groups)
	last := &d.groups[len(d.groups)-1]
	last.attrs = append(slices.Clip(last.attrs), attrs...)
	return d
}

func (d derived) withGroup(name string) derived {
	d.now = d.now.WithGroup(name)
	d.groups = append(slices.Clip(d.groups), openGroup{name: name})
	return d
}

// with returns the handler to call and the record to give it so that fields
// stand at the record's root, whatever groups are open.
func (d derived) with(fields []slog.Attr, r slog.Record) (slog.Handler, slog.Record) {
	if len(fields) == 0 {
		return d.now, r
	}
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	for _, g := range slices.Backward(d.groups) {
		all := append(slices.Clip(g.attrs), attrs...)
		attrs = []slog.Attr{{Key: g.name, Value: slog.GroupValue(all...)}}
	}
	nested := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	nested.AddAttrs(fields...)
	nested.AddAttrs(attrs...)
	return d.root, nested
}

// recordOutput hands records to a Sink.Handler, one by one.
type recordOutput struct {
	root  slog.Handler // what the user gave; it gets the notices
	name  string
	count *counters
	gap   uint64 // records lost since the last that arrived
}

// deliver never leaves a record undone: the handler may have done half its work
// when it failed, so a second try could double the record.
func (o *recordOutput) deliver(e entry) (done, lost int, err error) {
	o.gap += e.gap
	// A notice that fails is told again before the next record; what is wrong
	// comes to light with this one.
	if o.gap > 0 && call(o.root, context.Background(), notice(o.gap)) == nil {
		o.gap = 0
	}
	err = call(e.rec.to, e.rec.ctx, e.rec.rec)
	o.count.moved.Add(1)
	if err != nil {
		o.gap++
		return e.rec.cost, 1, &Error{Sink: o.name, Op: "handle", Count: 1, Err: err}
	}
	return e.rec.cost, 0, nil
}

func (o *recordOutput) sync(context.Context) error   { return nil } // Flush is the caller's of Complete
func (o *recordOutput) rotate() error                { return nil }
func (o *recordOutput) idle() (time.Duration, error) { return 0, nil }
func (o *recordOutput) close() error                 { return nil }
func (o *recordOutput) abort()                       {}

// call calls h.Handle and turns a panic into an error.
func call(h slog.Handler, ctx context.Context, r slog.Record) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return h.Handle(ctx, r)
}

// notice is the record that stands where count records were dropped, whatever
// the sink's Level.
func notice(count uint64) slog.Record {
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "logly: records dropped", 0)
	r.AddAttrs(slog.Uint64("count", count))
	return r
}

// recordStore is the store of a sink around a slog.Handler: a list whose length
// is bounded by what its records are charged.
type recordStore struct {
	size       int
	head, tail uint64
	entries    []entry // the oldest first
}

func (s *recordStore) Size() int    { return s.size }
func (s *recordStore) Len() int     { return int(s.tail - s.head) } //gosec:disable G115 -- at most what fits into memory
func (s *recordStore) Head() uint64 { return s.head }
func (s *recordStore) Tail() uint64 { return s.tail }

func (s *recordStore) put(e entry) {
	s.entries = append(s.entries, e)
	s.tail += uint64(e.size()) //gosec:disable G115 -- not negative
}

func (s *recordStore) peek(int) entry {
	if len(s.entries) == 0 {
		return entry{}
	}
	return s.entries[0]
}

//gosec:disable G115 -- not negative
func (s *recordStore) Advance(n int) {
	s.head += uint64(n)
	s.entries[0] = entry{} // append moves on to a new array in time; the record may go now
	s.entries = s.entries[1:]
}

// passOn is the way into a Sink.Handler without a queue.
type passOn struct {
	name    string
	root    slog.Handler // what the user gave; it gets the notices
	count   *counters
	report  func(error)
	closing atomic.Bool
	active  atomic.Int64  // calls of handle under way
	idle    chan struct{} // one slot: there is none, and close may wait for that
	gap     atomic.Uint64 // records refused and still to be told
	records atomic.Uint64
	dropped atomic.Uint64
}

func newPassOn(name string, root slog.Handler, count *counters, report func(error)) *passOn {
	return &passOn{name: name, root: root, count: count, report: report, idle: make(chan struct{}, 1)}
}

// handle calls to.Handle. Its panic is the caller's, as without logly.
func (p *passOn) handle(ctx context.Context, to slog.Handler, r slog.Record) error {
	p.active.Add(1)
	defer p.leave()
	if p.closing.Load() {
		p.dropped.Add(1)
		return ErrClosed
	}
	lost := true
	defer func() {
		if lost {
			p.gap.Add(1)
			p.dropped.Add(1)
			p.count.errors.Add(1)
		}
	}()
	if n := p.gap.Swap(0); n > 0 && call(p.root, ctx, notice(n)) != nil {
		p.gap.Add(n) // it is told again; what is wrong comes to light with r
	}
	if err := to.Handle(ctx, r); err != nil {
		e := &Error{Sink: p.name, Op: "handle", Count: 1, Err: err}
		p.report(e)
		return e
	}
	lost = false
	p.records.Add(1)
	return nil
}

func (p *passOn) leave() {
	if p.active.Add(-1) == 0 && p.closing.Load() {
		select {
		case p.idle <- struct{}{}:
		default:
		}
	}
}

// close waits for the calls under way: the last Flush is to include them.
func (p *passOn) close(ctx context.Context) error {
	p.closing.Store(true)
	for p.active.Load() > 0 {
		if _, err := await(ctx, p.count, p.idle); err != nil {
			return &Error{Sink: p.name, Op: "close", Count: 1, Err: err}
		}
	}
	return nil
}
