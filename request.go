package logly

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// request asks a sink for something that is done between lines. It is guarded
// by the lock of who serves it.
type request struct {
	rotate bool       // start a new file; otherwise: complete
	drain  bool       // complete, when nobody waits for room in the queue any more either
	lasts  bool       // it is not given up because of failures: its asker says how long to try
	cause  error      // of the last failure, where it lasts
	target uint64     // complete, when the queue's head has come this far
	since  uint64     // attempts begun when it was made: later ones that fail count
	fails  int        // how many of those have failed, and one more if the last before had
	done   chan error // one slot
	round  *round     // set while it is being served by a sync
	left   bool       // nobody waits for the answer
}

// round is the requests that one sync answers. Its context ends when none of
// them is waited for any more.
type round struct {
	waiting int
	cancel  context.CancelFunc
}

func newRound(requests []*request) (*round, context.Context) {
	ctx, cancel := context.WithCancel(context.Background())
	served := &round{waiting: len(requests), cancel: cancel}
	for _, r := range requests {
		r.round = served
	}
	return served, ctx
}

// leave is called when the asker waits no longer, and returns the answer if it
// came at the last moment.
func (r *request) leave() (answer error, ok bool) {
	select {
	case answer = <-r.done:
		return answer, true
	default:
	}
	r.left = true
	if r.round != nil {
		if r.round.waiting--; r.round.waiting == 0 {
			r.round.cancel()
		}
	}
	return nil, false
}

// answer gives err to all of requests, and reports whether that was heard. An
// error that was not must be reported elsewhere.
func answer(requests []*request, err error) (heard bool) {
	for _, r := range requests {
		heard = heard || !r.left
		r.done <- err
	}
	return heard || err == nil
}

// refusal is the error of a request that could not be served.
func (r *request) refusal(sink string, queued uint64, cause error) error {
	cause = brief(cause, sink)
	op := "rotate"
	if !r.rotate {
		op = "complete"
		records := "records"
		if queued == 1 {
			records = "record"
		}
		cause = fmt.Errorf("%d %s still queued: %w", queued, records, cause)
	}
	return &Error{Sink: sink, Op: op, Count: 1, Err: cause}
}

// brief takes the sink's name from an error that will stand after it.
func brief(err error, sink string) error {
	if e, ok := err.(*Error); ok && e.Sink == sink { //nolint:errorlint // only if nothing stands around it
		return fmt.Errorf("%s: %w", e.Op, e.Err)
	}
	return err
}

// patience is how long Complete, Close and Rotate wait, when they have no
// context, while no byte moves.
const patience = 5 * time.Second

// patient is the context of those who have none.
var patient context.Context

var errNoProgress = errors.New("no byte moved for 5s")

// await receives from done. It gives up when ctx ends or, where ctx is nil,
// when count shows no progress for the time of patience.
func await[T any](ctx context.Context, count *counters, done <-chan T) (v T, err error) {
	if ctx != nil {
		select {
		case v = <-done:
			return v, nil
		default:
		}
		select {
		case v = <-done:
			return v, nil
		case <-ctx.Done():
			return v, context.Cause(ctx)
		}
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		seen := count.progress()
		select {
		case v = <-done:
			return v, nil
		case <-timer.C:
			if count.progress() == seen {
				return v, errNoProgress
			}
			timer.Reset(patience)
		}
	}
}

// closeGrace is what close waits for the end of a sink that is stuck.
const closeGrace = 100 * time.Millisecond

// part waits until done tells that a closing sink has ended: as await does, or,
// if err shows that nothing moves, no longer than closeGrace. It returns err, or
// why it waits no longer.
func part(ctx context.Context, name string, out output, count *counters, err error, done <-chan struct{}) error {
	if stuck := errors.Is(err, errNoProgress) || ctx != nil && ctx.Err() != nil; !stuck {
		_, late := await(ctx, count, done)
		if late == nil {
			return err
		}
		if err == nil {
			err = &Error{Sink: name, Op: "close", Count: 1, Err: late}
		}
	}
	out.abort()
	timer := time.NewTimer(closeGrace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	return err
}

// ask makes a request and waits for its answer, as await does.
func (q *queue) ask(ctx context.Context, r *request) error {
	r.done = make(chan error, 1)
	q.mu.Lock()
	if q.ended {
		q.mu.Unlock()
		return ErrClosed
	}
	r.target, r.since = q.store.Tail(), q.attempt
	if q.failing {
		r.fails = 1
	}
	q.requests = append(q.requests, r)
	q.mu.Unlock()
	q.kick()
	answer, late := await(ctx, q.count, r.done)
	if late == nil {
		return answer
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if answer, ok := r.leave(); ok {
		return answer
	}
	q.requests = slices.DeleteFunc(q.requests, func(o *request) bool { return o == r })
	if r.cause != nil {
		late = fmt.Errorf("%w; %w", late, brief(r.cause, q.name))
	}
	return r.refusal(q.name, q.queued, late)
}

// serve answers the requests whose time has come.
func (q *queue) serve() {
	if len(q.requests) == 0 {
		return
	}
	var rotates, completes, later []*request
	for _, r := range q.requests {
		switch {
		case r.rotate:
			rotates = append(rotates, r)
		case q.store.Head() >= r.target && (!r.drain || q.store.Len() == 0 && q.waiters.first == nil):
			completes = append(completes, r)
		default:
			later = append(later, r)
		}
	}
	if rotates == nil && completes == nil {
		return
	}
	q.requests = later
	if rotates != nil {
		q.rotate(rotates)
	}
	if completes != nil {
		q.sync(completes)
	}
}

func (q *queue) rotate(requests []*request) {
	for _, r := range requests {
		q.unlock()
		err := q.out.rotate()
		q.mu.Lock()
		if errors.Is(err, errMidLine) {
			if !r.left {
				q.requests = append(q.requests, r)
			}
			continue
		}
		q.answer([]*request{r}, err)
	}
}

// sync answers requests with one sync of the output. An error is theirs alone:
// a second fsync that succeeds would not bring back what the first one lost.
func (q *queue) sync(requests []*request) {
	served, ctx := newRound(requests)
	defer served.cancel()
	q.unlock()
	err := q.out.sync(ctx)
	q.mu.Lock()
	q.answer(requests, err)
}

// answer tells requests what became of them, and OnError if nobody waits for
// the answer any more.
func (q *queue) answer(requests []*request, err error) {
	if err != nil {
		q.count.errors.Add(1)
	}
	if !answer(requests, err) {
		q.unlock()
		q.report(err)
		q.mu.Lock()
	}
}

// How often a destination must fail until a request is given up: once more
// after a failure, or for a Close, after which what is queued is lost, about a
// second long.
const (
	fewFails  = 2
	manyFails = 8
)

// failRequests answers those for whom a destination has failed often enough. An
// attempt that was under way when they asked does not count.
func (q *queue) failRequests(cause error) {
	q.requests = slices.DeleteFunc(q.requests, func(r *request) bool {
		if r.since >= q.attempt {
			return false
		}
		if r.lasts {
			r.cause = cause
			return false
		}
		if r.fails++; r.fails < fewFails || r.drain && r.fails < manyFails {
			return false
		}
		r.done <- r.refusal(q.name, q.queued, cause)
		return true
	})
}

func (q *queue) complete(ctx context.Context) error { return q.ask(ctx, &request{}) }

func (q *queue) rotateNow(ctx context.Context) error { return q.ask(ctx, &request{rotate: true}) }
