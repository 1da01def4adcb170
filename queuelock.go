package logly

import (
	"runtime"
	"sync"
)

// queueLock is the lock of a queue: a sync.Mutex that is waited for awake before
// it is waited for asleep. It is held for as long as copying a line takes, but
// where other goroutines are ready to run, as under load, sync.Mutex sends who
// finds it held to sleep at once, behind all of those and their time slices of
// up to 10 ms each.
type queueLock struct {
	sync.Mutex
	tries int // before sleeping
}

// lockTries takes about 50 µs: who has the lock and is put off by the operating
// system is often back by then.
const lockTries = 2000

func newQueueLock() queueLock {
	if runtime.GOMAXPROCS(0) == 1 { // who has the lock needs the processor
		return queueLock{}
	}
	return queueLock{tries: lockTries}
}

// Lock locks l.
func (l *queueLock) Lock() {
	if !l.TryLock() && !l.spin() {
		l.Mutex.Lock()
	}
}

func (l *queueLock) spin() bool {
	for range l.tries {
		for range 50 { // leave the state's cache line to who has the lock
		}
		if l.TryLock() {
			return true
		}
	}
	return false
}
