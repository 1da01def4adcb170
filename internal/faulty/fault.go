package faulty

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"
)

// Fault decides how a Write of p goes: how many bytes of it are taken, and what
// Write returns.
type Fault func(p []byte) (taken, n int, err error)

func healthy(p []byte) (taken, n int, err error) { return len(p), len(p), nil }

// Short takes at most n bytes and says so, with err, which may be nil.
func Short(n int, err error) Fault {
	return func(p []byte) (int, int, error) { return min(n, len(p)), min(n, len(p)), err }
}

// Fail takes nothing.
func Fail(err error) Fault { return Short(0, err) }

// Late takes everything, says so and returns an error all the same.
func Late(err error) Fault {
	return func(p []byte) (int, int, error) { return len(p), len(p), err }
}

// Panic panics with v and takes nothing.
func Panic(v any) Fault {
	return func([]byte) (int, int, error) { panic(v) }
}

// Lie takes nothing and says that it took more bytes than it got, or, when
// below is set, fewer than none.
func Lie(below bool) Fault {
	return func(p []byte) (int, int, error) {
		if below {
			return 0, -1, nil
		}
		return 0, len(p) + 1, nil
	}
}

// Slow takes everything after the time d.
func Slow(d time.Duration) Fault {
	return func(p []byte) (int, int, error) {
		time.Sleep(d)
		return len(p), len(p), nil
	}
}

// Gate holds Writes up until it is opened.
type Gate struct {
	open    chan struct{}
	once    sync.Once
	entered atomic.Int64
	changed atomic.Bool
}

// NewGate returns a Gate that is shut.
func NewGate() *Gate { return &Gate{open: make(chan struct{})} }

// Stuck is a Fault: it hangs until the gate is open and then takes everything.
func (g *Gate) Stuck(p []byte) (taken, n int, err error) {
	g.hang(p)
	return len(p), len(p), nil
}

// StuckThenFail is a Fault that hangs until the gate is open and then fails.
func (g *Gate) StuckThenFail(cause error) Fault {
	return func(p []byte) (int, int, error) {
		g.hang(p)
		return 0, 0, cause
	}
}

// hang waits, and sees whether somebody writes to p meanwhile.
func (g *Gate) hang(p []byte) {
	g.entered.Add(1)
	before := bytes.Clone(p)
	<-g.open
	if !bytes.Equal(before, p) {
		g.changed.Store(true)
	}
}

// Open lets everybody pass from now on. It may be called again.
func (g *Gate) Open() { g.once.Do(func() { close(g.open) }) }

// Entered returns how many Writes have come to the gate.
func (g *Gate) Entered() int { return int(g.entered.Load()) }

// Changed reports whether what a Write was given changed while it hung.
func (g *Gate) Changed() bool { return g.changed.Load() }
