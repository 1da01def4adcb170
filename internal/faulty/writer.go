// Package faulty has destinations that misbehave, for tests: they take part of
// what they are given, fail, panic, lie, are slow or hang, for a while or for
// ever.
//
//	w := faulty.New(faulty.Short(3, nil), faulty.Fail(err)) // two faults, then healthy
//	w.Always(faulty.Panic("no"))                            // from now on, until Heal
//	gate := faulty.NewGate(); w.Always(gate.Stuck)          // until gate.Open
package faulty

import (
	"strings"
	"sync"
	"sync/atomic"
)

// Writer keeps what it takes and misbehaves as told. Its methods may be called
// at any time, also while a Write hangs.
type Writer struct {
	mu     sync.Mutex
	next   []Fault // one for each of the next Writes
	always Fault   // for all further ones; nil: healthy
	text   strings.Builder
	writes []string // what was taken, one for each Write
	sync   func() error
	events []string // "write" and "sync" as they came, equal neighbours once
	syncs  int

	busy     atomic.Bool
	overlaps atomic.Bool
}

// New returns a Writer whose first Writes meet the faults, one each; after
// those it is healthy.
func New(faults ...Fault) *Writer { return &Writer{next: faults} }

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	defer w.enter()()
	taken, n, err := w.fault()(p) // without the lock: it may hang
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p[:taken])
	w.writes = append(w.writes, string(p[:taken]))
	w.event("write")
	return n, err
}

// Sync does what OnSync said, by default nothing.
func (w *Writer) Sync() error {
	defer w.enter()()
	w.mu.Lock()
	do := w.sync
	w.syncs++
	w.event("sync")
	w.mu.Unlock()
	if do == nil {
		return nil
	}
	return do()
}

// enter notes a call that comes while another is under way.
func (w *Writer) enter() (leave func()) {
	if w.busy.Swap(true) {
		w.overlaps.Store(true)
	}
	return func() { w.busy.Store(false) }
}

// fault takes the fault that the next Write meets.
func (w *Writer) fault() Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(w.next) > 0:
		f := w.next[0]
		w.next = w.next[1:]
		return f
	case w.always != nil:
		return w.always
	}
	return healthy
}

func (w *Writer) event(what string) {
	if len(w.events) == 0 || w.events[len(w.events)-1] != what {
		w.events = append(w.events, what)
	}
}

// Next lets the next Writes meet faults, one each.
func (w *Writer) Next(faults ...Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = append(w.next, faults...)
}

// Always lets every further Write meet f.
func (w *Writer) Always(f Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.always = f
}

// Heal ends all faults. A Write that hangs goes on hanging.
func (w *Writer) Heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next, w.always = nil, nil
}

// OnSync sets what Sync does.
func (w *Writer) OnSync(f func() error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sync = f
}

// Event notes that something else happened, such as a flush.
func (w *Writer) Event(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.event(what)
}

// Text returns all that was taken.
func (w *Writer) Text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// Writes returns what was taken, one string for each Write that came back.
func (w *Writer) Writes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.writes...)
}

// Syncs returns how often Sync was called.
func (w *Writer) Syncs() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.syncs
}

// Events returns what happened in which order, equal neighbours once.
func (w *Writer) Events() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.events, " ")
}

// Overlapped reports whether two calls of Write or Sync ever ran at a time.
func (w *Writer) Overlapped() bool { return w.overlaps.Load() }
