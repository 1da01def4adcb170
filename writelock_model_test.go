package logly

import (
	"fmt"
	"testing"
)

// The lock once more, as steps of which each is one access to shared memory, so
// that all orders in which they can happen are tried.

const (
	modelGoroutines = 3
	modelRounds     = 2 // how often each takes the lock
	modelVain       = 2 // in place of vainWakes
)

// step is what a goroutine does next.
type step uint8

const (
	stepLock step = iota
	stepSpin
	stepTurn
	stepAwaitTurn
	stepSpinFirst
	stepMark
	stepTakeMarked
	stepSleep
	stepLeaveTurn // from here on it has the lock
	stepMarkForNext
	stepPassTurn
	stepUnlock
	stepPass
	stepStoreFree
	stepStoreHeld // until here
	stepWake
	stepDone
)

// What a turn channel may hold.
const (
	passTurn = 1
	passDue  = 2
)

type modelGoroutine struct {
	step  step
	vain  uint8
	mark  uint8
	round uint8
}

func (g modelGoroutine) owns() bool { return g.step >= stepLeaveTurn && g.step <= stepStoreHeld }

// lockModel is one state of all there is.
type lockModel struct {
	state, wake, users, pass uint8
	g                        [modelGoroutines]modelGoroutine
}

// next returns the states to which goroutine i can go; none: it is blocked.
func (m lockModel) next(i int) (all []lockModel, err error) {
	g := &m.g[i]
	to := func(s step) { g.step = s; all = append(all, m) }
	released := func() {
		g.round++
		if g.vain, g.mark = 0, 0; g.round == modelRounds {
			to(stepDone)
		} else {
			to(stepLock)
		}
	}
	switch g.step {
	case stepLock:
		if m.state == lockFree {
			m.state = lockHeld
			to(stepUnlock)
		} else {
			to(stepSpin)
		}
	case stepSpin, stepSpinFirst: // it may also have looked too early
		first := g.step == stepSpinFirst
		was := m.state
		if first {
			to(stepMark)
		} else {
			to(stepTurn)
		}
		if was == lockFree {
			m.state = lockHeld
			if first {
				to(stepLeaveTurn)
			} else {
				to(stepUnlock)
			}
		}
	case stepTurn:
		m.users++
		if m.users > 1 {
			to(stepAwaitTurn)
		} else {
			to(stepSpinFirst)
		}
	case stepAwaitTurn:
		switch m.pass {
		case passTurn:
			m.pass = 0
			to(stepSpinFirst)
		case passDue:
			m.pass, g.mark = 0, lockDue
			to(stepSleep)
		}
	case stepMark:
		was, vain := m.state, g.vain
		if was != lockFree && was != lockHeld {
			return nil, fmt.Errorf("marked twice")
		}
		for mark := uint8(lockWanted); mark <= lockDue; mark++ {
			if vain == modelVain && mark == lockWanted {
				continue // before that, it depends on the time
			}
			m.state, g.mark = mark, mark
			if was == lockFree {
				to(stepTakeMarked)
			} else {
				to(stepSleep)
			}
		}
	case stepTakeMarked:
		m.state = lockHeld
		to(stepLeaveTurn)
	case stepSleep:
		if m.wake == 1 {
			m.wake = 0
			if g.mark == lockDue {
				to(stepLeaveTurn)
			} else {
				g.vain++
				to(stepSpinFirst)
			}
		}
	case stepLeaveTurn:
		m.users--
		if m.users > 0 {
			g.mark = lockWanted
			to(stepPassTurn)
			to(stepMarkForNext) // that depends on the time
		} else {
			to(stepUnlock)
		}
	case stepMarkForNext:
		if m.state != lockHeld {
			return nil, fmt.Errorf("marked twice")
		}
		m.state, g.mark = lockDue, lockDue
		to(stepPassTurn)
	case stepPassTurn:
		if m.pass != 0 {
			return nil, fmt.Errorf("the turn blocks")
		}
		if m.pass = passTurn; g.mark == lockDue {
			m.pass = passDue
		}
		to(stepUnlock)
	case stepUnlock:
		if m.state == lockHeld {
			m.state = lockFree
			released()
		} else {
			to(stepPass)
		}
	case stepPass:
		switch m.state {
		case lockDue:
			to(stepStoreHeld)
		case lockWanted:
			to(stepStoreFree)
		default:
			return nil, fmt.Errorf("the mark has gone")
		}
	case stepStoreFree, stepStoreHeld:
		m.state = lockFree
		if g.step == stepStoreHeld {
			m.state = lockHeld
		}
		to(stepWake)
	case stepWake:
		if m.wake != 0 {
			return nil, fmt.Errorf("the wake blocks")
		}
		m.wake = 1
		released()
	}
	return all, nil
}

// check returns what is wrong in going from m to n by a step of goroutine i.
func (m lockModel) check(n lockModel, i int) error {
	owners := 0
	for j, g := range n.g {
		if g.owns() {
			owners++
		}
		due := g.step == stepSleep && g.mark == lockDue
		if due && j != i && n.g[i].owns() && !m.g[i].owns() {
			return fmt.Errorf("%d came before %d, for whom the lock is due", i, j)
		}
	}
	if owners > 1 {
		return fmt.Errorf("%d have the lock", owners)
	}
	return nil
}

func TestTheWriteLockInAllOrders(t *testing.T) {
	var start lockModel
	seen := map[lockModel]bool{start: true}
	for todo := []lockModel{start}; len(todo) > 0; {
		m := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		blocked, done := true, true
		for i := range m.g {
			all, err := m.next(i)
			if err != nil {
				t.Fatalf("%v: %+v", err, m)
			}
			for _, n := range all {
				blocked = false
				if err := m.check(n, i); err != nil {
					t.Fatalf("%v: %+v", err, n)
				}
				if !seen[n] {
					seen[n] = true
					todo = append(todo, n)
				}
			}
			done = done && m.g[i].step == stepDone
		}
		if blocked && !done {
			t.Fatalf("all are blocked: %+v", m)
		}
		if done && (m.state != lockFree || m.wake != 0 || m.users != 0 || m.pass != 0) {
			t.Fatalf("something is left: %+v", m)
		}
	}
	t.Logf("%d states", len(seen))
}
