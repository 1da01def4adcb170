package logly

// waiter is a caller that waits for room in a queue. Its entry stays the
// caller's; the worker takes it over and then answers.
type waiter struct {
	e    entry
	gap  uint64     // records dropped right before it, still to be told
	done chan error // one slot; nil: accepted
	next *waiter    // in a waiterList
	also *waiter    // the next one that the same Handle waits for
}

func newWaiter(e entry, gap uint64) *waiter {
	return &waiter{e: e, gap: gap, done: make(chan error, 1)}
}

// wait returns once the entry was accepted, or refused with an error. After an
// error a stuck worker may still read the entry.
func (w *waiter) wait() error { return <-w.done }

// waiterList is a queue of waiters, oldest first.
type waiterList struct {
	first, last *waiter
}

func (l *waiterList) push(w *waiter) {
	if l.first == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
}

func (l *waiterList) pop() *waiter {
	w := l.first
	if l.first = w.next; l.first == nil {
		l.last = nil
	}
	w.next = nil
	return w
}

// answer tells every waiter of the list what became of it.
func (l *waiterList) answer(err error) {
	for l.first != nil {
		l.pop().done <- err
	}
}
