package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/logly-go/logly"
)

const (
	batchSize    = 512                    // records in a request, and the most that are outside logly's queue
	gatherFor    = 200 * time.Millisecond // how long a batch waits to become full
	firstPause   = 100 * time.Millisecond // after a failed attempt; doubled at each further one
	longestPause = 2 * time.Second
	flushFor     = 4 * time.Second // how long ForceFlush waits, when its context does not say: less than logly's 5 s
)

// processor sends records in batches and keeps a batch until the Collector has
// acknowledged it. It is made to stand behind a logly queue: while a batch cannot
// be sent and the next is full, OnEmit waits, and what is logged stays in that
// queue. The SDK's own batch processor overwrites records there, and forgets a
// batch that the exporter has failed with.
type processor struct {
	exporter sdklog.Exporter
	reports  chan error

	records chan sdklog.Record // unbuffered: what OnEmit has got rid of is in the batch
	flushes chan flush
	ctx     context.Context // ends at Shutdown
	stop    context.CancelFunc
	done    chan struct{} // closed when run has ended

	delivered atomic.Int64          // records acknowledged by the Collector
	pending   atomic.Int64          // records in the batch
	lost      atomic.Int64          // records refused for good, or given up by Shutdown
	failure   atomic.Pointer[error] // of the last attempt; nil: there was none

	// Only run uses what follows.
	batch   []sdklog.Record
	waiting []flush
	timer   *time.Timer   // the next attempt
	pause   time.Duration // before it; 0: the last one did not fail
	refused error         // why the last of the lost records were
	untold  int64         // lost records that no ForceFlush has returned yet
}

var _ sdklog.Processor = (*processor)(nil)

var errShutdown = errors.New("the processor is shut down")

// flush is a ForceFlush that waits until the batch is empty.
type flush struct {
	ctx    context.Context
	answer chan error // one slot
}

// newProcessor returns a processor in front of an exporter that makes one
// attempt a call. It calls report for every attempt that fails and for every
// loss, with a *logly.Error as logly.OnError does, one call at a time.
func newProcessor(exporter sdklog.Exporter, report func(error)) *processor {
	p := &processor{
		exporter: exporter,
		reports:  make(chan error, 16),
		records:  make(chan sdklog.Record),
		flushes:  make(chan flush),
		done:     make(chan struct{}),
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	go p.run()
	// report runs beside the deliveries: it may log through the very handler
	// whose queue is full because of them.
	go func() {
		for err := range p.reports {
			report(err)
		}
	}()
	return p
}

// Enabled returns true.
func (p *processor) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

// OnEmit adds r to the batch, and waits while that is full. Only Shutdown makes
// it return an error.
func (p *processor) OnEmit(_ context.Context, r *sdklog.Record) error {
	select {
	case p.records <- r.Clone():
		return nil
	case <-p.ctx.Done():
		p.lost.Add(1)
		return fmt.Errorf("a record is lost: %w", errShutdown)
	}
}

// ForceFlush returns nil once all records of earlier OnEmit calls are delivered.
// It returns an error, and keeps the records, when that is not so at the end of
// ctx, or after 4 seconds if ctx has no deadline. It also tells, once, of the
// records that were refused for good since it was called last.
func (p *processor) ForceFlush(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, flushFor, fmt.Errorf("no answer within %v", flushFor))
		defer cancel()
	}
	f := flush{ctx: ctx, answer: make(chan error, 1)}
	select {
	case p.flushes <- f:
	case <-ctx.Done():
	case <-p.done:
	}
	select {
	case err := <-f.answer:
		return err
	case <-p.done:
		return errShutdown
	case <-ctx.Done():
	}
	why := context.Cause(ctx)
	if failure := p.failure.Load(); failure != nil {
		why = *failure
	}
	return fmt.Errorf("%d records are not delivered: %w", p.pending.Load(), why)
}

// Shutdown flushes, ends the processor and shuts the exporter down. What could
// not be delivered is lost and counted. Close the logly handler before. Call this
// method rather than the provider's, which first waits for an OnEmit that waits.
func (p *processor) Shutdown(ctx context.Context) error {
	if p.ctx.Err() != nil {
		return nil
	}
	err := p.ForceFlush(ctx)
	p.stop()
	<-p.done // soon: the attempt under way was cancelled
	return errors.Join(err, p.exporter.Shutdown(ctx))
}

// run gathers records and sends them until Shutdown.
func (p *processor) run() {
	defer close(p.done)
	defer close(p.reports)
	p.timer = time.NewTimer(0)
	<-p.timer.C
	for {
		records := p.records
		if len(p.batch) == batchSize {
			records = nil
		}
		select {
		case r := <-records:
			p.batch = append(p.batch, r)
			p.pending.Store(int64(len(p.batch)))
			if len(p.batch) == 1 {
				p.timer.Reset(gatherFor)
			}
			if len(p.batch) == batchSize && p.pause == 0 {
				p.attempt()
			}
		case f := <-p.flushes:
			p.waiting = append(p.waiting, f)
			if p.pause == 0 {
				p.attempt()
			}
		case <-p.timer.C:
			p.attempt()
		case <-p.ctx.Done():
			if n := len(p.batch); n > 0 {
				p.lost.Add(int64(n))
				p.tell(fmt.Errorf("%d records are lost: not delivered at shutdown", n))
			}
			return
		}
	}
}

// attempt tries to empty the batch.
func (p *processor) attempt() {
	before := p.untold
	settled, failed := p.send(p.batch)
	p.batch = slices.Delete(p.batch, 0, settled)
	p.pending.Store(int64(len(p.batch)))
	p.waiting = slices.DeleteFunc(p.waiting, func(f flush) bool { return f.ctx.Err() != nil }) // gone
	if n := p.untold - before; n > 0 {
		p.tell(fmt.Errorf("%d records are lost: %w", n, p.refused))
	}
	if failed != nil {
		p.failure.Store(&failed)
		p.tell(failed)
		_, wish := again(failed)
		p.pause = min(max(2*p.pause, firstPause), longestPause)
		p.timer.Reset(max(wish, p.pause/2+rand.N(p.pause/2))) //gosec:disable G404 -- only so that not all come at once
		return
	}
	p.failure.Store(nil)
	p.pause = 0
	p.timer.Stop()
	for _, f := range p.waiting {
		var err error
		if p.untold > 0 {
			err = fmt.Errorf("%d records are lost: %w", p.untold, p.refused)
			p.untold = 0
		}
		f.answer <- err
	}
	p.waiting = nil
}

// send exports batch and returns how many of its records are settled: delivered,
// or refused for good and counted. The others are to be sent again, because of
// failed.
func (p *processor) send(batch []sdklog.Record) (settled int, failed error) {
	if len(batch) == 0 {
		return 0, nil
	}
	err := p.exporter.Export(p.ctx, batch)
	if err == nil {
		p.delivered.Add(int64(len(batch)))
		return len(batch), nil
	}
	if retry, _ := again(err); retry {
		return 0, err
	}
	if half := len(batch) / 2; half > 0 && severable(err) {
		// One record may be at fault: the others do not go with it.
		if settled, failed = p.send(batch[:half]); failed != nil {
			return settled, failed
		}
		settled, failed = p.send(batch[half:])
		return half + settled, failed
	}
	p.refused = err
	n := losses(err, len(batch))
	p.lost.Add(n)
	p.untold += n
	p.delivered.Add(int64(len(batch)) - n)
	return len(batch), nil
}

// tell reports err, unless many reports wait already.
func (p *processor) tell(err error) {
	select {
	case p.reports <- &logly.Error{Sink: "otlp", Op: "export", Count: 1, Err: err}:
	default:
	}
}
