package logly

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/logly-go/logly/internal/encode"
)

// Handler is a [slog.Handler] that writes every record to its sinks. It is made
// by [NewHandler] or [Open], and all its methods are safe for concurrent use.
//
// Handlers made from it by WithAttrs and WithGroup share its sinks: Complete,
// Close, Rotate and Stats of any of them act on all.
type Handler struct {
	core    *core
	chains  []*encode.Chain // what With calls added, one for each encoding
	derived []derived       // the same for each sink around a handler
}

var _ slog.Handler = (*Handler)(nil)

// Option is an argument of [NewHandler] and [Open]: a [Sink], [OnError] or
// [FromContext].
type Option interface{ apply(*settings) error }

// settings collects the options.
type settings struct {
	sinks       []Sink
	paths       []string // of the files among sinks
	onError     func(error)
	fromContext []func(context.Context) []slog.Attr
}

// core is what a handler shares with all that are derived from it.
type core struct {
	sinks       []*sink
	order       []*sink // the same, those with a queue first: they never hold up the others
	only        *sink   // the one sink, if it takes lines and there are no others
	encodings   []encode.Options
	roots       []*encode.Chain // one for each of encodings
	fromContext []func(context.Context) []slog.Attr
	reporter    *reporter

	closing  atomic.Bool   // Close has been called
	closed   chan struct{} // closed when it is done
	closeErr error         // set before that
}

// NewHandler returns a handler that writes to the given sinks; without a Sink,
// to standard output.
//
//	slog.SetDefault(slog.New(logly.NewHandler(logly.Sink{File: "app.log", Enqueue: true})))
//
// It panics if the options contradict themselves, with a message that names the
// field, its value and what is accepted. Trouble outside the program is no
// reason to panic: a file that cannot be opened is reported to [OnError], what
// is logged stays in the queue, and opening it is tried again. [Open] returns
// both as errors.
func NewHandler(opts ...Option) *Handler {
	h, err := build(opts)
	if err != nil {
		panic(err.Error())
	}
	for i, k := range h.core.sinks {
		if err := k.open(); err != nil {
			k.makeDo(err)
			k.count.errors.Add(1)
			h.core.reporter.report(i, err)
		}
	}
	h.core.start()
	return h
}

// Open is NewHandler for programs that would rather not start than log to
// nowhere: it opens every file before it returns, and returns an error, with
// nothing left behind, when the options contradict themselves, a file cannot be
// opened, or another live handler of the process has it.
func Open(opts ...Option) (*Handler, error) {
	h, err := build(opts)
	if err != nil {
		return nil, err
	}
	for i, k := range h.core.sinks {
		if err := k.open(); err != nil {
			for _, opened := range h.core.sinks[:i+1] {
				err = errors.Join(err, opened.undo())
			}
			return nil, err
		}
	}
	h.core.start()
	return h, nil
}

// build makes a handler whose sinks are neither open nor started.
func build(opts []Option) (*Handler, error) {
	var set settings
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("logly: option: nil: must be a Sink, OnError or FromContext")
		}
		if err := o.apply(&set); err != nil {
			return nil, err
		}
	}
	if len(set.sinks) == 0 {
		set.sinks = []Sink{{}}
	}
	c := &core{
		fromContext: set.fromContext,
		reporter:    newReporter(set.onError, len(set.sinks)),
		closed:      make(chan struct{}),
	}
	h := &Handler{core: c}
	for i, s := range set.sinks {
		k := s.build(i, c)
		if k.handler != nil {
			k.derived = len(h.derived)
			h.derived = append(h.derived, derived{now: k.handler, root: k.handler})
		}
		c.sinks = append(c.sinks, k)
	}
	for _, queued := range []bool{true, false} {
		for _, k := range c.sinks {
			if (k.queue != nil) == queued {
				c.order = append(c.order, k)
			}
		}
	}
	if len(c.sinks) == 1 && len(c.roots) == 1 {
		c.only = c.sinks[0]
	}
	h.chains = slices.Clone(c.roots)
	return h, nil
}

// encodingOf returns the index and root of the encoding that o describes. Sinks
// that encode alike share it, so that a record is encoded once for all of them.
func (c *core) encodingOf(o encode.Options) (int, *encode.Chain) {
	for i, have := range c.encodings {
		if sameEncoding(have, o) {
			return i, c.roots[i]
		}
	}
	root := encode.New(o).Root()
	c.encodings = append(c.encodings, o)
	c.roots = append(c.roots, root)
	return len(c.roots) - 1, root
}

func (c *core) start() {
	for _, k := range c.sinks {
		k.start()
	}
}

// Enabled reports whether any sink takes records of the level.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	for _, k := range h.core.sinks {
		if k.enabled(ctx, level, h.derived) {
			return true
		}
	}
	return false
}

// Handle writes r to every sink that takes its level, and returns the errors of
// all of them, joined. A nil error means that the record was accepted: written
// by a sink without a queue, or taken into its queue by one with. It never
// retains r or what the record holds, save what pointers in a sink around a
// handler with a queue point to. A nil ctx is accepted.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	c := h.core
	if ctx == nil {
		ctx = context.Background()
	}
	fields := fieldsOf(ctx)
	var dynamic []slog.Attr
	if len(c.fromContext) > 0 {
		dynamic = c.dynamic(ctx)
	}
	if c.only != nil {
		return h.handleLine(c.only, &r, fields, dynamic)
	}
	return h.handleAll(ctx, &r, fields, dynamic)
}

// dynamic asks the functions of FromContext.
func (c *core) dynamic(ctx context.Context) (attrs []slog.Attr) {
	for _, f := range c.fromContext {
		attrs = append(attrs, f(ctx)...)
	}
	return attrs
}

// handleLine is Handle for the one sink that most handlers have, where that is
// for Enabled to say if it takes the level.
func (h *Handler) handleLine(k *sink, r *slog.Record, f *fields, dynamic []slog.Attr) error {
	chain := h.chains[0]
	var fixed []byte
	if f != nil {
		fixed = f.as(chain.Encoder())
	}
	b := newBuffer()
	b.line = chain.Append(b.line[:0], r, fixed, dynamic)
	if k.direct != nil {
		err := k.direct.put(b.line)
		b.free()
		return err
	}
	w, err := k.putLine(b.line, r.Level)
	if w != nil {
		if err = w.wait(); err != nil {
			return err // a worker that is stuck in Write may still read the line
		}
	}
	b.free()
	return err
}

// handleAll is Handle for any sinks.
func (h *Handler) handleAll(ctx context.Context, r *slog.Record, fields *fields, dynamic []slog.Attr) error {
	c := h.core
	// Ask each sink once: its level may change meanwhile. Encode outside any lock.
	var fewSinks [8]bool
	takes := fewSinks[:]
	if len(c.order) > len(takes) {
		takes = make([]bool, len(c.order))
	}
	var fewLines [4]*buffer
	lines := fewLines[:]
	if len(h.chains) > len(lines) {
		lines = make([]*buffer, len(h.chains))
	}
	for i, k := range c.order {
		// With one sink, its level was for Enabled to say.
		takes[i] = len(c.order) == 1 || k.enabled(ctx, r.Level, h.derived)
		if e := k.encoding; takes[i] && e >= 0 && lines[e] == nil {
			lines[e] = newBuffer()
			lines[e].line = h.chains[e].Append(lines[e].line[:0], r, fields.as(h.chains[e].Encoder()), dynamic)
		}
	}

	// Wait for room in a queue only when all sinks have the record: one sink's
	// trouble is not another's.
	var errs []error
	var waits *waiter
	for i, k := range c.order {
		if !takes[i] {
			continue
		}
		var w *waiter
		var err error
		if k.encoding >= 0 {
			w, err = k.putLine(lines[k.encoding].line, r.Level)
		} else {
			w, err = k.putRecord(ctx, h.derived[k.derived], fields.and(dynamic), *r)
		}
		if err != nil {
			errs = append(errs, err)
		} else if w != nil {
			w.also, waits = waits, w
		}
	}
	reuse := true
	for w := waits; w != nil; {
		next := w.also
		if err := w.wait(); err != nil {
			errs = append(errs, err)
			reuse = false // a worker that is stuck in Write may still read the line
		}
		w = next
	}
	if reuse {
		for _, b := range lines {
			if b != nil {
				b.free()
			}
		}
	}
	if errs == nil {
		return nil
	}
	return errors.Join(errs...)
}

// WithAttrs returns a handler whose records have attrs as well. LogValuers
// among them are resolved now. Without attrs it returns h itself.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	d := &Handler{core: h.core, chains: make([]*encode.Chain, len(h.chains)), derived: slices.Clone(h.derived)}
	for i, c := range h.chains {
		d.chains[i] = c.WithAttrs(attrs)
	}
	for i := range d.derived {
		d.derived[i] = d.derived[i].withAttrs(attrs)
	}
	return d
}

// WithGroup returns a handler whose further attributes, not those of its
// context, stand in a group. An empty name returns h itself.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	d := &Handler{core: h.core, chains: make([]*encode.Chain, len(h.chains)), derived: slices.Clone(h.derived)}
	for i, c := range h.chains {
		d.chains[i] = c.WithGroup(name)
	}
	for i := range d.derived {
		d.derived[i] = d.derived[i].withGroup(name)
	}
	return d
}

// Complete returns nil once all that was logged before the call, through any
// derived handler, is written, the Flush functions have returned nil, and
// files, those rotated away meanwhile too, are on disk (fsync). It may be called
// at any time, often and concurrently, and does not stop the handler.
//
// A destination that fails is tried once more; then Complete returns an error
// that wraps the destination's and tells how many records are still queued.
// They stay queued. It gives up in the same way after 5 seconds in which no
// byte moved. What a sink without a queue refused is no error of Complete:
// Handle has returned it.
func (h *Handler) Complete() error { return h.core.complete(patient) }

// CompleteContext is [Handler.Complete] that waits until ctx ends, and not 5
// seconds, where no byte moves: it then returns an error that wraps the cause. A
// destination that fails is tried once more, as by Complete.
func (h *Handler) CompleteContext(ctx context.Context) error { return h.core.complete(ctx) }

func (c *core) complete(ctx context.Context) error {
	select {
	case <-c.closed:
		return c.closeErr
	default:
	}
	err := c.each(func(k *sink) error { return k.complete(ctx) })
	if !c.closing.Load() || !errors.Is(err, ErrClosed) {
		return err
	}
	// Close came first, and it completes.
	select {
	case <-c.closed:
		return c.closeErr
	case <-ended(ctx):
		return errors.Join(err, context.Cause(ctx))
	}
}

// Close refuses new records from now on (ErrClosed), lets those in that already
// wait for room, completes, waits for compression and pruning, stops all
// goroutines and closes the files. What could not be written, because a
// destination failed for about a second or no byte moved for 5, is counted as
// dropped, and Close returns why.
//
// When it has returned nil, no goroutine and no descriptor of the handler is
// left; only a call of OnError may still run. Closing again waits for the first
// Close and returns nil.
func (h *Handler) Close() error { return h.core.close(patient) }

// CloseContext is [Handler.Close] that tries until ctx ends, and no shorter, to
// write what is queued: through an outage of a destination, and where no byte
// moves. It then aborts compression, which the next start finishes, and returns
// an error that wraps the cause. With a context that never ends it may never
// return. A sink without a queue, where only the rest of a line can be left, is
// tried once.
func (h *Handler) CloseContext(ctx context.Context) error { return h.core.close(ctx) }

func (c *core) close(ctx context.Context) error {
	if c.closing.Swap(true) {
		select {
		case <-c.closed:
			return nil
		case <-ended(ctx):
			return context.Cause(ctx)
		}
	}
	for _, k := range c.sinks {
		k.refuse()
	}
	c.closeErr = c.each(func(k *sink) error { return k.close(ctx) })
	c.reporter.close()
	close(c.closed)
	return c.closeErr
}

// ended returns the channel that is closed when ctx ends; a nil ctx does not.
func ended(ctx context.Context) <-chan struct{} {
	if ctx == nil {
		return nil
	}
	return ctx.Done()
}

// Rotate starts a new file in every file sink whose file is not empty, whatever
// its Rotation, and reopens one that somebody else has moved away, as logrotate
// does. What is queued may still go to either file; call Complete first to have
// it in the old one. It gives up after 5 seconds in which no byte moved.
func (h *Handler) Rotate() error {
	if h.core.closing.Load() {
		return ErrClosed
	}
	return h.core.each(func(k *sink) error { return k.rotate(patient) })
}

// each calls f for all sinks, side by side, so that one that is stuck does not
// use up the patience of the others, and joins the errors.
func (c *core) each(f func(*sink) error) error {
	if len(c.sinks) == 1 {
		return f(c.sinks[0])
	}
	errs := make([]error, len(c.sinks))
	var wg sync.WaitGroup
	for i, k := range c.sinks {
		wg.Go(func() { errs[i] = f(k) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Stats is what a sink has done since the handler was made. All but Name and
// Queued are counters. What is normal, and what to set an alert on, stands in
// docs/OPERATING.md.
type Stats struct {
	// Name is Sink.File as it was given, "stdout", "stderr", "writer" or
	// "handler". Sinks of one handler may have the same name, two writers for
	// example.
	Name string

	// Records counts the records accepted: taken into the queue or, without a
	// queue and where a record is larger than the queue, written. The notices of
	// dropped records are not in it, nor are records of an earlier run.
	Records uint64

	// Bytes counts the bytes of the whole lines that the destination has taken,
	// before compression; those of notices and of records of an earlier run are
	// in it. It is 0 around a handler.
	Bytes uint64

	// Dropped counts the records lost: dropped by DropBelow, refused by Close or
	// after it, refused by a sink without a queue because its destination failed
	// (Handle returned that), failed in a handler, or given up by Close. The last,
	// and those that a handler behind a queue failed to take, are in Records, too.
	// A Write that was stuck when Close gave up, and returns after all, takes its
	// records off again.
	Dropped uint64

	// Errors counts the failures, returned or told to OnError: every write, open,
	// rotation, compression, removal, fsync or Flush that failed, each retry anew,
	// and what a handler returned. A record refused because the handler is closed
	// is none, nor is a Write that hangs.
	Errors uint64

	// Rotations counts the files rotated away by the sink: by Rotation, by Rotate
	// or at open. A file that others have moved or removed is not in it.
	Rotations uint64

	// Recovered counts the records that the sink found in its Durable queue, left
	// by an earlier run that was killed, together with that run's notices of dropped
	// ones. All of them count as soon as the queue is open, which is mostly at start.
	Recovered uint64

	// Queued is how many records are in the queue now, those of an earlier run
	// included; 0 without a queue. Callers who wait for room are not in it. After
	// Close it is what a Durable queue keeps for the next start.
	Queued uint64
}

// Stats returns what the sinks have done so far, in the order of the options.
func (h *Handler) Stats() []Stats {
	all := make([]Stats, len(h.core.sinks))
	for i, k := range h.core.sinks {
		all[i] = k.stats()
	}
	return all
}

// buffer holds a line while Handle is under way.
type buffer struct{ line []byte }

var buffers = sync.Pool{New: func() any { return &buffer{line: make([]byte, 0, 1024)} }}

func newBuffer() *buffer { return buffers.Get().(*buffer) }

// maxKept is the largest buffer that is kept for reuse.
const maxKept = 64 << 10

func (b *buffer) free() {
	if cap(b.line) <= maxKept {
		buffers.Put(b)
	}
}
