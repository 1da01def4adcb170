package logly

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheWriteLockExcludes(t *testing.T) {
	for _, pause := range []func(){func() {}, runtime.Gosched, func() { time.Sleep(time.Microsecond) }} {
		l := newWriteLock()
		n := 0
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 2000 {
					l.lock()
					n++
					pause()
					l.unlock()
				}
			})
		}
		wg.Wait()
		require.Equal(t, 16_000, n)
		require.EqualValues(t, lockFree, l.state.Load())
		require.Zero(t, l.users.Load())
		require.Empty(t, l.turn)
		require.Empty(t, l.wake)
	}
}

// Who waits gets the lock in the order in which it came, and counts as blocked
// in a bubble meanwhile.
func TestTheWriteLockIsFairToThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newWriteLock()
		l.lock()
		var order, want []int
		for i := range 50 {
			go func() {
				l.lock()
				order = append(order, i)
				l.unlock()
			}()
			synctest.Wait()
			want = append(want, i)
		}
		l.unlock()
		synctest.Wait()
		require.Equal(t, want, order)
	})
}

// Somebody comes before the first waiter every time that the lock is released:
// that goes well a number of times, and after that the lock is handed over.
func TestTheWriteLockIsDueAfterTriesInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where no time passes
		l := newWriteLock()
		l.lock()
		got := false
		go func() {
			l.lock()
			got = true
		}()
		for range vainWakes {
			synctest.Wait()
			require.EqualValues(t, lockWanted, l.state.Load())
			l.state.Store(lockHeld) // released, and taken at once
			l.wake <- struct{}{}
		}
		synctest.Wait()
		require.False(t, got)
		require.EqualValues(t, lockDue, l.state.Load())
		l.unlock()
		require.False(t, l.state.CompareAndSwap(lockFree, lockHeld), "nobody comes before")
		synctest.Wait()
		require.True(t, got)
		l.unlock()
	})
}

// The same after a time. Those who come to be first after that time need not
// try in vain again.
func TestTheWriteLockIsDueAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newWriteLock()
		l.lock()
		for range 3 {
			go func() {
				l.lock()
				time.Sleep(time.Second)
				l.unlock()
			}()
		}
		synctest.Wait()
		require.EqualValues(t, lockWanted, l.state.Load())
		time.Sleep(2 * vainWait)
		l.state.Store(lockHeld) // released, and taken at once
		l.wake <- struct{}{}
		synctest.Wait()
		require.EqualValues(t, lockDue, l.state.Load())
		l.unlock()
		for _, want := range []uint32{lockDue, lockDue, lockHeld, lockFree} {
			synctest.Wait()
			require.Equal(t, want, l.state.Load())
			time.Sleep(time.Second)
		}
	})
}
