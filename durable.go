package logly

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/logly-go/logly/internal/ring"
)

// queueSuffix makes the name of a Durable sink's queue from its File.
const queueSuffix = ".queue"

// retryDurable is how often a queue file that cannot be had is tried again.
const retryDurable = time.Second

// durableStore is the store of a Durable sink: a ring in the file FILE.queue or,
// while that cannot be had, on the heap. The queue's lock guards it.
//
// Its positions go on when one ring takes over from another. The methods that
// the queue calls in any case do nothing on a nil receiver, which stands for a
// sink that is not Durable.
type durableStore struct {
	lineRing
	base   uint64       // what is added to lineRing's positions
	mapped *ring.Mapped // lineRing, if it came from the file; nil: on the heap

	size      int                    // asked for
	valid     func(line []byte) bool // of lines in a ring that is not to be trusted
	name      string                 // of the sink
	gap       uint64                 // records dropped that no notice in the ring tells of yet
	recovered uint64
	retry     time.Time // when to try for the file again; zero: never
	tooSmall  bool      // the file could not be made larger
	faulted   bool      // it has been reported that the ring left the file

	opened *ring.Mapped // to be taken once the queue is empty; nil: none
}

// lineRing is a ring of lines, on the heap or in a file.
type lineRing interface {
	Size() int
	Len() int
	Head() uint64
	Tail() uint64
	Put([]byte)
	Peek(limit int) []byte
	Advance(n int)
}

func newDurableStore(s Sink, size int) *durableStore {
	valid := isJSON
	if s.Format != "" && s.Format != JSON {
		valid = isPlain
	}
	return &durableStore{size: size, valid: valid, name: s.File}
}

func isJSON(line []byte) bool { return len(line) > 0 && line[0] == '{' && json.Valid(line) }

// isPlain reports whether a line may be one of Text or Console: both escape
// control characters and write UTF-8.
func isPlain(line []byte) bool {
	return len(line) > 0 && utf8.Valid(line) && !slices.ContainsFunc(line, func(c byte) bool { return c < ' ' || c == 0x7f })
}

func (d *durableStore) put(e entry)          { d.Put(e.line) }
func (d *durableStore) peek(limit int) entry { return entry{line: d.Peek(limit)} }
func (d *durableStore) Head() uint64         { return d.base + d.lineRing.Head() }
func (d *durableStore) Tail() uint64         { return d.base + d.lineRing.Tail() }

// inFile reports whether what is put in now lies in the file.
func (d *durableStore) inFile() bool { return d.mapped != nil && d.mapped.Fault() == nil }

func (q *queue) isDurable() bool { return q != nil && q.durable != nil }

// lasts reports whether what is not delivered stays for the next start.
func (d *durableStore) lasts() bool { return d != nil && d.inFile() }

func (d *durableStore) recoveredRecords() uint64 {
	if d == nil {
		return 0
	}
	return d.recovered
}

// addGap keeps count of dropped records in the file, too.
func (d *durableStore) addGap(n uint64) {
	if d == nil {
		return
	}
	d.gap += n
	if d.mapped != nil {
		d.mapped.SetGap(d.gap)
	}
}

// tellGap takes off what a notice tells. A process that is killed right before
// tells it twice.
func (d *durableStore) tellGap(n uint64) {
	if d != nil && n > 0 {
		d.addGap(-n)
	}
}

// begin writes down what is about to be written where.
func (d *durableStore) begin(in ring.Intent) {
	if d.mapped != nil {
		d.mapped.Begin(in)
	}
}

// void is called when a line that is larger than the ring has been delivered:
// that it is under way is true no longer.
func (d *durableStore) void() {
	if d != nil && d.mapped != nil {
		d.mapped.Void()
	}
}

// soonest returns how long a worker may sleep that could sleep for wait; 0: for
// ever.
func (d *durableStore) soonest(wait time.Duration) time.Duration {
	if d == nil || d.retry.IsZero() {
		return wait
	}
	if wait == 0 {
		return retryDurable
	}
	return min(wait, retryDurable)
}

// close gives the file back, and removes it if nothing is left in it.
func (d *durableStore) close() error {
	if d == nil {
		return nil
	}
	var errs []error
	for _, m := range []*ring.Mapped{d.mapped, d.opened} {
		if m != nil {
			errs = append(errs, m.Close())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &Error{Sink: d.name, Op: "close", Count: 1, Err: err}
	}
	return nil
}

// onHeap makes do without the file, after err. Only where no file can be mapped
// at all it is not tried again.
func (d *durableStore) onHeap(err error) {
	d.lineRing = ring.New(d.size)
	if !errors.Is(err, errors.ErrUnsupported) {
		d.retry = time.Now().Add(retryDurable)
	}
}

// take puts a ring from the file in the place of an empty one, or of none, and
// returns how many records of an earlier run are in it.
func (d *durableStore) take(m *ring.Mapped) (records int) {
	if d.lineRing != nil {
		d.base += d.lineRing.Tail()
	}
	d.base -= m.Head()
	d.lineRing, d.mapped, d.faulted, d.retry = m, m, false, time.Time{}
	records, _ = m.Found()
	d.recovered += uint64(records) //gosec:disable G115 -- not negative
	d.addGap(m.Gap())
	return records
}

// openDurable opens the queue's file before the worker is started.
func (q *queue) openDurable(path string) error {
	m, err := ring.OpenMapped(path, q.durable.size, q.durable.valid)
	if err != nil {
		return &Error{Sink: q.name, Op: "open", Count: 1, Err: err}
	}
	q.reportDamage(m)
	q.takeDurable(m)
	return nil
}

// reportDamage tells what was wrong with the file of a ring.
func (q *queue) reportDamage(m *ring.Mapped) {
	if _, damage := m.Found(); damage != nil {
		q.count.errors.Add(1)
		q.report(&Error{Sink: q.name, Op: "recover", Count: 1, Err: damage})
	}
}

// takeDurable takes a ring from a file into use, with what is in it. The lock is
// held, and the queue empty.
func (q *queue) takeDurable(m *ring.Mapped) {
	told := q.durable.gap
	records := q.durable.take(m)
	q.queued += uint64(records) //gosec:disable G115 -- not negative
	q.gap += q.durable.gap - told
	intent, live := m.Live()
	if live {
		q.out.(*durableOutput).file.interrupted = &intent
	}
}

// improveDurable is called by the worker when the queue is empty: the moment to
// go over to the file, once it can be had, or to another size. It reports
// whether something has changed, the lock having been released.
func (q *queue) improveDurable() bool {
	d := q.durable
	switch {
	case d == nil:
		return false
	case d.inFile():
		if d.tooSmall {
			return false
		}
		before := d.Size()
		if err := d.mapped.Resize(d.size); err != nil {
			d.tooSmall = true
			q.count.errors.Add(1)
			q.report(&Error{Sink: q.name, Op: "resize", Count: 1, Err: err})
		}
		return d.Size() != before
	case d.mapped != nil: // the file has failed, and holds nothing any more
		tail := d.Tail() // Close forgets it
		if err := d.mapped.Close(); err != nil {
			q.count.errors.Add(1)
			q.report(&Error{Sink: q.name, Op: "close", Count: 1, Err: err})
		}
		d.mapped = nil
		d.onHeap(nil)
		d.base = tail
		return true
	case d.opened != nil:
		q.takeDurable(d.opened)
		d.opened = nil
		return true
	case d.retry.IsZero() || time.Now().Before(d.retry):
		return false
	}
	q.unlock()
	file := q.out.(*durableOutput).file
	err := file.hold()
	var m *ring.Mapped
	if err == nil {
		m, err = ring.TryOpenMapped(file.path+queueSuffix, d.size, d.valid)
	}
	q.mu.Lock()
	if err != nil {
		d.retry = time.Now().Add(retryDurable)
		return false
	}
	q.reportDamage(m)
	d.opened = m // to be taken at once, if the queue is still empty
	return true
}

// checkDurable reports, once, that the ring has left its file, and counts what
// could not be saved. The lock is held. It reports whether that is new.
func (q *queue) checkDurable() bool {
	d := q.durable
	if d == nil || d.mapped == nil || d.faulted || d.mapped.Fault() == nil {
		return false
	}
	d.faulted = true
	err := &Error{Sink: q.name, Op: "queue", Count: 1, Err: fmt.Errorf("what is logged from now on does not survive the process: %w", d.mapped.Fault())}
	q.count.errors.Add(1)
	q.report(err)
	q.notices = slices.DeleteFunc(q.notices, func(pos uint64) bool { return d.mapped.Gone(pos - d.base) })
	if left := uint64(d.mapped.Lines() - len(q.notices)); left < q.queued { //gosec:disable G115 -- a notice is one of the lines
		q.dropped += q.queued - left
		q.queued = left
		q.requests = slices.DeleteFunc(q.requests, func(r *request) bool {
			if !r.rotate {
				r.done <- r.refusal(q.name, q.queued, err)
			}
			return !r.rotate
		})
	}
	q.out.(*durableOutput).faulted()
	return true
}

// leaveDurable counts, when the worker ends, what does not stay after all.
func (q *queue) leaveDurable() {
	d := q.durable
	if d == nil || d.mapped == nil {
		return
	}
	d.mapped.Check()
	q.checkDurable()
	if !d.lasts() {
		q.dropped += q.queued
		q.queued = 0
	}
}

// offerGuarded is offer where e may lie in memory that others can take away, by
// truncating the file.
func (q *queue) offerGuarded(e entry) (done, lost, lines int, err error) {
	fault := q.durable.guard(func() { done, lost, lines, err = q.offer(e) })
	if fault == nil && !errors.Is(err, syscall.EFAULT) {
		return done, lost, lines, err
	}
	q.mu.Lock()
	q.durable.mapped.Check() // moves what can be read to the heap
	q.mu.Unlock()
	q.out.(*durableOutput).tear()
	return 0, 0, 0, errors.Join(fault, err)
}

func (d *durableStore) guard(f func()) error {
	if d.mapped == nil {
		f()
		return nil
	}
	return d.mapped.Guard(f)
}
