package logly

import "sync/atomic"

// writeLock is the lock of a sink without a queue: first come, first served, so
// that neither a caller nor a Complete starves behind others who log in a loop.
// Who waits, waits on a channel: in a bubble of testing/synctest a caller behind
// a stuck Write counts as blocked, as behind a sync.Mutex it would not.
type writeLock struct {
	users atomic.Int32  // who has the lock or waits for it
	pass  chan struct{} // one slot: the lock is handed to the one who waits longest
}

func newWriteLock() writeLock { return writeLock{pass: make(chan struct{}, 1)} }

func (l *writeLock) lock() {
	if l.users.Add(1) > 1 {
		<-l.pass
	}
}

func (l *writeLock) unlock() {
	if l.users.Add(-1) > 0 {
		l.pass <- struct{}{} // never blocks: only who has the lock sends
	}
}
