package logly

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The lock is handed on in the order in which it was asked for: nobody starves
// behind one who takes it in a loop.
func TestTheWriteLockIsFair(t *testing.T) {
	l := newWriteLock()
	l.lock()
	var order []int
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			l.lock()
			order = append(order, i)
			l.unlock()
		})
		for l.users.Load() < int32(i)+2 {
			runtime.Gosched()
		}
		runtime.Gosched() // from the counter to the channel
	}
	l.unlock()
	l.lock() // comes after all who wait already
	assert.Len(t, order, 50)
	l.unlock()
	wg.Wait()
}

func TestTheWriteLockExcludes(t *testing.T) {
	l := newWriteLock()
	n := 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10_000 {
				l.lock()
				n++
				l.unlock()
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 80_000, n)
}
