package logly

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/logly-go/logly/internal/encode"
	"github.com/logly-go/logly/internal/ring"
)

// sink is a Sink at work: what it takes, how that is encoded, the way in and
// the output behind it.
type sink struct {
	name  string
	level slog.Leveler // nil: Info; around a handler: whatever that takes

	encoding int      // index of the encoding that lines are written in
	derived  int      // around a handler: index of what With made of it, see Handler
	queue    *queue   // with Enqueue
	direct   *direct  // lines without
	passOn   *passOn  // records without
	file     *logFile // for a File

	flush   flush         // of a Handler
	flushMu chan struct{} // one slot

	handler slog.Handler
	count   *counters
}

// build makes the sink that s describes; no goroutine runs and nothing is open
// yet.
func (s Sink) build(i int, c *core) *sink {
	k := &sink{level: s.Level, handler: s.Handler, count: &counters{}, encoding: -1, derived: -1}
	report := func(err error) { c.reporter.report(i, err) }
	size := s.QueueSize
	if size == 0 {
		size = defaultQueueSize
	}
	if s.Handler != nil {
		k.name = "handler"
		k.flush, k.flushMu = s.Flush, make(chan struct{}, 1)
		if s.Enqueue {
			out := &recordOutput{root: s.Handler, name: k.name, count: k.count}
			k.queue = newQueue(k.name, &recordStore{size: size}, out, k.count, report)
			k.queue.dropBelow = s.DropBelow
		} else {
			k.passOn = newPassOn(k.name, s.Handler, k.count, report)
		}
		return k
	}
	w := s.Writer
	var dest destination
	switch {
	case s.File != "":
		k.name = s.File
		k.file = newLogFile(s, k.count, report)
		dest = k.file
	default:
		if w == nil {
			w = os.Stdout
		}
		k.name = writerName(w)
		dest = &writerDest{Writer: w, name: k.name, flush: s.Flush}
	}
	var chain *encode.Chain
	k.encoding, chain = c.encodingOf(s.encoding(w))
	out := &lineOutput{destination: dest, name: k.name, count: k.count}
	notice := noticeEncoder(chain, c.encodings[k.encoding])
	switch {
	case s.Durable:
		store := newDurableStore(s, size)
		batches := &durableOutput{lineOutput: *out, file: k.file, store: store}
		k.queue = newQueue(k.name, store, batches, k.count, report)
		batches.lock = &k.queue.mu
		k.queue.durable, k.queue.notice, k.queue.dropBelow = store, notice, s.DropBelow
	case s.Enqueue:
		k.queue = newQueue(k.name, lineStore{ring.New(size)}, out, k.count, report)
		k.queue.notice, k.queue.dropBelow = notice, s.DropBelow
	default:
		k.direct = newDirect(k.name, out, k.count, report, notice)
	}
	return k
}

// noticeEncoder returns what encodes the notice of dropped records. It runs
// where no caller could take a panic of ReplaceAttr: then the notice is written
// without.
func noticeEncoder(chain *encode.Chain, o encode.Options) func(dropped uint64) []byte {
	o.ReplaceAttr = nil
	plain := encode.New(o).Root()
	return func(dropped uint64) (line []byte) {
		r := notice(dropped)
		defer func() {
			if recover() != nil {
				line = plain.Append(nil, &r, nil, nil)
			}
		}()
		return chain.Append(nil, &r, nil, nil)
	}
}

// open opens the file of the sink and that of its queue, which comes first: of
// two processes the one without it leaves the log alone.
func (k *sink) open() error {
	if k.file == nil {
		return nil
	}
	if !k.queue.isDurable() {
		return k.file.openNow()
	}
	if err := k.file.hold(); err != nil {
		return err
	}
	if err := k.queue.openDurable(k.file.path + queueSuffix); err != nil {
		return err
	}
	if err := k.file.openNow(); err != nil {
		return err
	}
	_, err := k.queue.out.(*durableOutput).interrupted() // what is to be taken back is so at once
	return err
}

// makeDo makes a sink work that could not be opened.
func (k *sink) makeDo(err error) {
	if k.queue.isDurable() && !k.queue.durable.lasts() {
		k.queue.durable.onHeap(err)
	}
}

// undo gives back what open has made.
func (k *sink) undo() error {
	if k.file == nil {
		return nil
	}
	var err error
	if k.queue.isDurable() {
		err = k.queue.durable.close()
	}
	return errors.Join(err, k.file.undo())
}

// enabled reports whether the sink takes records of the level; around a handler
// d is what With calls have made of that.
func (k *sink) enabled(ctx context.Context, level slog.Level, d []derived) bool {
	least := slog.LevelInfo
	if k.level != nil {
		least = k.level.Level()
	}
	if k.handler != nil {
		return (k.level == nil || level >= least) && d[k.derived].now.Enabled(ctx, level)
	}
	return level >= least
}

// putLine hands a finished line over. A caller that gets a waiter must wait for
// it.
func (k *sink) putLine(line []byte, level slog.Level) (*waiter, error) {
	if k.queue != nil {
		return k.queue.put(entry{line: line}, level)
	}
	return nil, k.direct.put(line)
}

// putRecord does the same with a record for a slog.Handler.
func (k *sink) putRecord(ctx context.Context, d derived, fields []slog.Attr, r slog.Record) (*waiter, error) {
	to, r := d.with(fields, r)
	if k.queue != nil {
		return k.queue.put(entry{rec: hold(ctx, to, r)}, r.Level)
	}
	r = r.Clone() // other handlers may add to it, too
	return nil, k.passOn.handle(ctx, to, r)
}

// start starts the goroutines of the sink.
func (k *sink) start() {
	if k.file != nil {
		k.file.started()
	}
	switch {
	case k.queue != nil:
		go k.queue.run()
	case k.direct != nil:
		k.direct.start()
	}
}

func (k *sink) complete(ctx context.Context) error {
	var err error
	switch {
	case k.queue != nil:
		err = k.queue.complete(ctx)
	case k.direct != nil:
		err = k.direct.complete(ctx)
	}
	if err != nil {
		return err
	}
	return k.flushHandler(ctx)
}

// flushHandler calls the Flush of a sink around a handler, one call at a time,
// and waits for it as await does. It runs beside the caller, who may have to
// leave before it has ended; its context ends then.
func (k *sink) flushHandler(ctx context.Context) error {
	if k.flush == nil {
		return nil
	}
	within := ctx
	if within == nil {
		within = context.Background()
	}
	within, cancel := context.WithCancel(within)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		select {
		case k.flushMu <- struct{}{}:
			err := k.flush.call(within, k.name)
			if within.Err() == nil {
				k.count.moved.Add(1) // others may wait for their turn
			}
			<-k.flushMu
			done <- err
		case <-within.Done():
		}
	}()
	err, late := await(ctx, k.count, done)
	if late != nil {
		err = &Error{Sink: k.name, Op: "flush", Count: 1, Err: late}
	}
	if err != nil {
		k.count.errors.Add(1)
	}
	return err
}

// rotate starts a new file, where the sink has one.
func (k *sink) rotate(ctx context.Context) error {
	switch {
	case k.file == nil:
		return nil
	case k.queue != nil:
		return k.queue.rotateNow(ctx)
	default:
		return k.direct.rotateNow(ctx)
	}
}

// refuse makes the sink refuse new records.
func (k *sink) refuse() {
	switch {
	case k.queue != nil:
		k.queue.refuse()
	case k.direct != nil:
		k.direct.refuse()
	default:
		k.passOn.closing.Store(true)
	}
}

// close refuses new records, completes and gives everything back.
func (k *sink) close(ctx context.Context) error {
	k.refuse()
	var err error
	switch {
	case k.queue != nil:
		err = k.queue.close(ctx)
	case k.direct != nil:
		err = k.direct.close(ctx)
	default:
		err = k.passOn.close(ctx)
	}
	return errors.Join(err, k.flushHandler(ctx))
}

func (k *sink) stats() Stats {
	s := Stats{
		Name:      k.name,
		Bytes:     k.count.bytes.Load(),
		Errors:    k.count.errors.Load(),
		Rotations: k.count.rotations.Load(),
	}
	switch {
	case k.queue != nil:
		k.queue.stats(&s)
	case k.direct != nil:
		k.direct.stats(&s)
	default:
		s.Records, s.Dropped = k.passOn.records.Load(), k.passOn.dropped.Load()
	}
	return s
}
