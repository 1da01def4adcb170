package logly

import (
	"runtime"
	"sync/atomic"
	"time"
)

// writeLock is the lock of a sink without a queue. As with a sync.Mutex, who
// comes may take it before those who wait, which keeps it busy while they wake
// up; and nobody waits for long. Unlike there, who waits, waits on a channel: in
// a bubble of testing/synctest a caller behind a stuck Write counts as blocked.
//
// Who finds it held looks again for about a microsecond and then queues up. The
// first of the queue marks the lock and sleeps. A wanted lock becomes free when
// it is released, and the first is woken to try again; a lock that is due goes to
// the first as it is, and nobody comes before. The first makes it due after a
// number of tries in vain, or a millisecond; and who has waited for that long
// makes it due for the next of the queue, too.
//
// Only the first puts a mark, while there is none, or who has the lock and was
// the first until now; only who releases the lock takes the mark away, and then
// wakes the first. So there is at most one mark, one sleeper, one value in wake.
type writeLock struct {
	state atomic.Uint32
	users atomic.Int32  // the queue, the first included
	turn  chan bool     // one slot: who receives is first now; true: the lock is due
	wake  chan struct{} // one slot: a mark was taken away
}

// The states of a writeLock.
const (
	lockFree   = iota
	lockHeld   // nobody sleeps
	lockWanted // held, and marked: free it and wake the first
	lockDue    // held, and marked: wake the first, who has it then
)

// How often, and for how long, who waits lets others come before.
const (
	vainWakes = 100
	vainWait  = time.Millisecond
)

func newWriteLock() writeLock {
	return writeLock{turn: make(chan bool, 1), wake: make(chan struct{}, 1)}
}

func (l *writeLock) lock() {
	if !l.state.CompareAndSwap(lockFree, lockHeld) {
		l.wait()
	}
}

func (l *writeLock) unlock() {
	if !l.state.CompareAndSwap(lockHeld, lockFree) {
		l.pass()
	}
}

// wait locks l, which was held a moment ago.
func (l *writeLock) wait() {
	if l.spin() {
		return
	}
	since := time.Now()
	if l.users.Add(1) > 1 && <-l.turn {
		<-l.wake
	} else {
		l.compete(since)
	}
	if l.users.Add(-1) > 0 {
		late := time.Since(since) > vainWait
		if late {
			l.state.Store(lockDue) // it was held, by this goroutine
		}
		l.turn <- late // never blocks: only the first sends
	}
}

// compete is how the first of the queue gets the lock.
func (l *writeLock) compete(since time.Time) {
	for vain := 0; !l.spin(); vain++ {
		mark := uint32(lockWanted)
		if vain == vainWakes || time.Since(since) > vainWait {
			mark = lockDue
		}
		if l.state.Swap(mark) == lockFree { // just now; a mark keeps others away
			l.state.Store(lockHeld)
			return
		}
		<-l.wake
		if mark == lockDue {
			return
		}
	}
}

// spin tries for about as long as it takes to sleep and be woken.
func (l *writeLock) spin() bool {
	for range 50 {
		if l.state.Load() == lockFree && l.state.CompareAndSwap(lockFree, lockHeld) {
			return true
		}
		for range 50 { // leave the state's cache line to who has the lock
		}
	}
	return false
}

// pass releases l where it is marked; nobody else changes that.
func (l *writeLock) pass() {
	if l.state.Load() != lockDue {
		l.state.Store(lockFree)
		l.wake <- struct{}{} // never blocks
		return
	}
	l.state.Store(lockHeld)
	l.wake <- struct{}{}
	runtime.Gosched() // to the one who was woken: nothing is written until it runs
}
