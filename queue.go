package logly

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"time"
)

const (
	batchBytes   = 64 << 10              // the worker takes at most this much at once: callers who wait for room wait less
	lingerTime   = time.Millisecond      // how long an idle worker sleeps before it looks again
	lingerTimes  = 5                     // how often it does so before it parks, where that pays
	firstPause   = 10 * time.Millisecond // after a failure; doubled at each further one
	longestPause = time.Second
	closingPause = 200 * time.Millisecond // the longest once Close has been called
)

// queue is the asynchronous way into a sink: callers put entries in, and one
// worker delivers them in the order in which they passed the lock.
type queue struct {
	name      string
	out       output
	count     *counters
	report    func(error)
	notice    func(dropped uint64) []byte // the line that tells a gap; nil where entries carry it
	dropBelow slog.Leveler                // nil: never drop

	wake chan struct{} // one slot; received by the worker
	done chan struct{} // closed by the worker as its last act

	mu        queueLock
	store     store
	durable   *durableStore // store, where the sink is Durable; else nil
	state     workerState
	waiters   waiterList // who waits for room, first come first served: nobody overtakes them
	admitted  waiterList // accepted by the worker, to be told once it has unlocked
	requests  []*request
	closing   bool     // new entries are refused
	stopping  bool     // the worker ends when nothing is left
	gaveUp    bool     // the worker ends at once
	counted   bool     // what is left was counted as dropped
	ended     bool     // the worker has left
	closeErr  error    // of the output, set with ended
	abandoned bool     // close has returned without closeErr
	attempt   uint64   // deliveries begun
	failing   bool     // the last of them moved nothing
	gap       uint64   // records dropped since the last one that entered or began to wait, still to be told
	notices   []uint64 // positions in store of the lines that are no records
	queued    uint64   // records in store
	records   uint64   // accepted
	dropped   uint64
}

// store holds what was accepted and is not delivered yet. Positions grow by
// each entry's size and never wrap. The queue's lock guards it, but what peek
// returned may be read without, until Advance.
type store interface {
	Size() int
	Len() int
	Head() uint64
	Tail() uint64
	put(entry)
	peek(limit int) entry // the oldest; the zero entry when empty
	Advance(n int)
}

// workerState tells who comes with something new whether to wake the worker.
type workerState int

const (
	running   workerState = iota // it will look again before it sleeps
	lingering                    // it looks again within lingerTime
	parked                       // it sleeps until woken
	pausing                      // it waits out a failure: only requests wake it
)

func newQueue(name string, s store, out output, count *counters, report func(error)) *queue {
	return &queue{
		name: name, store: s, out: out, count: count, report: report,
		wake: make(chan struct{}, 1), done: make(chan struct{}), mu: newQueueLock(),
	}
}

// put hands e over. A caller that gets a waiter must wait for it and leave e
// alone until then.
func (q *queue) put(e entry, level slog.Level) (*waiter, error) {
	droppable := q.dropBelow != nil && level < q.dropBelow.Level()
	q.mu.Lock()
	if q.enter(e) {
		q.unlockAndWake(q.state == parked || q.state == lingering && q.store.Len() > q.store.Size()/4)
		return nil, nil
	}
	if q.closing {
		q.dropped++
		q.mu.Unlock()
		return nil, ErrClosed
	}
	if droppable && (q.store.Len() > 0 || q.waiters.first != nil) {
		q.dropped++
		q.gap++
		q.durable.addGap(1)
		q.mu.Unlock()
		return nil, nil
	}
	w := newWaiter(e, q.gap)
	q.gap = 0
	q.waiters.push(w)
	q.unlockAndWake(q.state == parked || q.state == lingering)
	return w, nil
}

func (q *queue) unlockAndWake(wake bool) {
	if wake {
		q.state = running
	}
	q.mu.Unlock()
	if wake {
		q.kick()
	}
}

// kick wakes the worker, or keeps it from falling asleep.
func (q *queue) kick() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// enter takes e into the store if nobody waits and there is room for it and for
// the notice of a gap before it. The lock is released while that is encoded;
// what is dropped meanwhile is told later.
func (q *queue) enter(e entry) bool {
	for q.waiters.first == nil && !q.closing && q.fits(e) {
		if q.gap == 0 {
			q.accept(e)
			return true
		}
		told := q.gap
		q.mu.Unlock()
		both := q.tell(e, told)
		q.mu.Lock()
		switch {
		case q.gap < told: // somebody else told it
			continue
		case q.waiters.first != nil || q.closing || !q.fits(both):
			return false
		}
		q.gap -= told
		q.accept(both)
		return true
	}
	return false
}

// tell returns e with the notice of a gap before it: as a line of its own, or
// for the output of records to make. It needs no lock.
func (q *queue) tell(e entry, gap uint64) entry {
	e.gap = gap
	if q.notice != nil {
		e.line = append(q.notice(gap), e.line...)
	}
	return e
}

func (q *queue) fits(e entry) bool { return q.store.Len()+e.size() <= q.store.Size() }

// accept takes e, which fits, into the store.
func (q *queue) accept(e entry) {
	if e.gap > 0 && e.rec == nil {
		q.notices = append(q.notices, q.store.Tail())
	}
	q.store.put(e)
	q.durable.tellGap(e.gap) // not before the notice is in
	q.queued++
	q.records++
}

// run is the worker.
func (q *queue) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var pause time.Duration
	lingered, patience := 0, lingerTimes
	q.mu.Lock()
	for !q.gaveUp {
		q.checkDurable()
		q.admit()
		q.serve()
		e, oversize := q.next()
		switch {
		case q.gaveUp:
		case q.checkDurable(): // what next has returned may be another by now
		case e.size() > 0:
			lingered = 0
			err := q.deliver(e, oversize)
			if q.failing = err != nil; !q.failing {
				pause = 0
			} else {
				longest := longestPause
				if q.closing { // its tries, see manyFails, are to take a second, however long it has failed
					longest = closingPause
				}
				pause = min(max(2*pause, firstPause), longest)
				q.failRequests(err)
				q.sleep(pausing, timer, pause)
			}
		case len(q.requests) > 0 || q.admitted.first != nil || q.waiters.first != nil:
			q.unlock() // one came in while the lock was released
			q.mu.Lock()
		case q.stopping:
			q.gaveUp = true
		case q.improveDurable():
		case lingered < patience:
			lingered++
			q.sleep(lingering, timer, lingerTime)
		default:
			// Where entries come so far apart, lingering saves no wake-up.
			patience = lingerTimes
			if q.park(timer) > lingerTimes*lingerTime {
				patience = 1
			}
		}
	}
	q.unlock()
	err := q.out.close()
	q.mu.Lock()
	q.leaveDurable()
	err = errors.Join(err, q.durable.close())
	q.ended, q.closeErr = true, err
	q.refuseAll()
	unheard := q.abandoned
	q.mu.Unlock()
	if err != nil {
		q.count.errors.Add(1)
		if unheard {
			q.report(err)
		}
	}
	close(q.done)
}

// unlock releases the lock and then tells those who were admitted under it.
func (q *queue) unlock() {
	admitted := q.admitted
	q.admitted = waiterList{}
	q.mu.Unlock()
	admitted.answer(nil)
}

// admit takes in those who wait, in order, as far as there is room. The lock is
// released while the notice of a gap is encoded.
func (q *queue) admit() {
	for w := q.waiters.first; w != nil; w = q.waiters.first {
		if w.gap > 0 {
			e, gap := w.e, w.gap
			q.unlock()
			e = q.tell(e, gap)
			q.mu.Lock()
			if q.waiters.first == w { // else close has refused it
				w.e, w.gap = e, 0
			}
			continue
		}
		if !q.fits(w.e) {
			return
		}
		q.accept(w.e)
		q.admitted.push(q.waiters.pop())
	}
}

// next returns what to deliver: the oldest of the store or, once that is empty,
// an entry larger than the store, straight from who waits with it.
func (q *queue) next() (e entry, oversize bool) {
	if e = q.store.peek(batchBytes); e.size() > 0 {
		return e, false
	}
	w := q.waiters.first
	if w == nil || w.gap > 0 || q.fits(w.e) { // admit has to look at it first
		return entry{}, false
	}
	return w.e, true
}

// deliver offers e to the output, without the lock, and gives up what is done.
// It returns an error when nothing moved.
func (q *queue) deliver(e entry, oversize bool) error {
	q.attempt++
	q.unlock()
	before := q.count.taken.Load()
	var done, lost, lines int
	var err error
	if q.durable == nil {
		done, lost, lines, err = q.offer(e)
	} else {
		done, lost, lines, err = q.offerGuarded(e)
	}
	if err != nil {
		q.fail(err)
	}
	q.mu.Lock()
	switch {
	case done == 0:
	case oversize:
		q.settleOversize(e, done, lost)
	default:
		q.settle(done, lines, lost)
	}
	if done == 0 && q.count.taken.Load() == before {
		return err
	}
	return nil
}

// offer offers e to the output, and counts the lines that are done.
func (q *queue) offer(e entry) (done, lost, lines int, err error) {
	done, lost, err = q.out.deliver(e)
	lines = 1
	if e.rec == nil {
		lines = bytes.Count(e.line[:done], []byte{'\n'})
	}
	return done, lost, lines, err
}

// fail counts and reports an error. The lock must not be held.
func (q *queue) fail(err error) {
	q.count.errors.Add(1)
	q.report(err)
}

// settleOversize takes done bytes off e, with which the first waiter waits.
//
//gosec:disable G115 -- not negative
func (q *queue) settleOversize(e entry, done, lost int) {
	q.durable.void()
	q.durable.tellGap(e.gap)
	switch {
	case q.gaveUp: // refused meanwhile, and counted as dropped
	case done < e.size(): // the notice before it
		q.waiters.first.e = entry{line: e.line[done:]}
	default:
		q.records++
		q.dropped += uint64(lost)
		q.admitted.push(q.waiters.pop())
	}
}

// settle takes done bytes, which held so many lines, out of the store.
//
//gosec:disable G115 -- not negative
func (q *queue) settle(done, lines, lost int) {
	end := q.store.Head() + uint64(done) // after a fault Head may leap further
	q.store.Advance(done)
	for len(q.notices) > 0 && q.notices[0] < end {
		q.notices = q.notices[1:]
		lines--
	}
	if q.counted { // they were counted as dropped, and now they have arrived after all
		q.dropped -= uint64(lines)
	} else {
		q.queued -= uint64(lines)
	}
	q.dropped += uint64(lost)
}

// sleep waits for d, or until woken.
func (q *queue) sleep(state workerState, timer *time.Timer, d time.Duration) {
	q.state = state
	q.unlock()
	timer.Reset(d)
	select {
	case <-q.wake:
	case <-timer.C:
	}
	q.mu.Lock()
	q.state = running
}

// park does what the output has to do by the clock and sleeps until it has to
// again, or until woken. It returns how long it has slept.
func (q *queue) park(timer *time.Timer) time.Duration {
	start := time.Now()
	q.unlock()
	wait, err := q.out.idle()
	if err != nil {
		q.fail(err)
	}
	q.mu.Lock()
	wait = q.durable.soonest(wait)
	if q.store.Len() > 0 || q.waiters.first != nil || len(q.requests) > 0 || q.stopping || q.gaveUp {
		return 0
	}
	if wait > 0 {
		q.sleep(parked, timer, wait)
		return time.Since(start)
	}
	q.state = parked
	q.mu.Unlock()
	<-q.wake
	q.mu.Lock()
	q.state = running
	return time.Since(start)
}

// refuse makes put refuse new entries from now on.
func (q *queue) refuse() {
	q.mu.Lock()
	q.closing = true
	q.mu.Unlock()
}

// close drains the queue, ends the worker and closes the output.
func (q *queue) close(ctx context.Context) error {
	q.refuse()
	err := q.ask(ctx, &request{drain: true, lasts: ctx != nil})
	q.mu.Lock()
	q.stopping = true
	if err != nil {
		q.giveUp()
	}
	q.mu.Unlock()
	q.kick()
	err = part(ctx, q.name, q.out, q.count, err, q.done)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.abandoned = !q.ended // the worker ends when its Write returns
	return errors.Join(err, q.closeErr)
}

// giveUp counts what is left as dropped, unless it lasts, and lets everybody go.
func (q *queue) giveUp() {
	q.gaveUp = true
	if !q.durable.lasts() {
		q.dropped += q.queued
		q.queued, q.counted = 0, true
	}
	q.refuseAll()
}

// refuseAll lets those go who wait for room or for an answer.
func (q *queue) refuseAll() {
	for w := q.waiters.first; w != nil; w = w.next {
		q.dropped++
	}
	q.waiters.answer(ErrClosed)
	for _, r := range q.requests {
		r.done <- ErrClosed
	}
	q.requests = nil
}

func (q *queue) stats(s *Stats) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.Records, s.Dropped, s.Queued = q.records, q.dropped, q.queued
	s.Recovered = q.durable.recoveredRecords()
}
