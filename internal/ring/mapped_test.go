//go:build linux || darwin || freebsd

package ring

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func whole(line []byte) bool { return json.Valid(line) }

// numbered returns a line that tells its number.
func numbered(n int) []byte {
	return fmt.Appendf(nil, "{\"n\":%d,\"pad\":\"%s\"}\n", n, bytes.Repeat([]byte("x"), n*7%50))
}

// through returns the lines of the numbers from through to.
func through(from, to int) string {
	var all []byte
	for n := from; n <= to; n++ {
		all = append(all, numbered(n)...)
	}
	return string(all)
}

// open opens the ring at path, without patience and in a boot of its own.
func open(t testing.TB, path string) (*Mapped, error) {
	t.Helper()
	o := newOpener(path, 1, whole)
	o.boot = "this boot"
	return o.open(0)
}

func opened(t testing.TB, path string) *Mapped {
	t.Helper()
	m, err := open(t, path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	return m
}

// fresh returns a new ring of one page.
func fresh(t testing.TB) *Mapped {
	t.Helper()
	return opened(t, filepath.Join(t.TempDir(), "app.log.queue"))
}

func put(m *Mapped, from, to int) {
	for n := from; n <= to; n++ {
		m.Put(numbered(n))
	}
}

// die gives everything back that a killed process gives back, and no more.
func (m *Mapped) die() {
	if m.mem != nil {
		_, _ = unix.Munmap(m.mem), unlock(m.file)
		m.mem = nil
	}
}

func drain(t testing.TB, m *Mapped) string {
	t.Helper()
	var all []byte
	for rounds := 0; m.Len() > 0; rounds++ {
		require.Less(t, rounds, 1_000_000)
		batch := m.Peek(1 << 10)
		if batch == nil {
			require.Zero(t, m.Len())
			break
		}
		require.Equal(t, byte('\n'), batch[len(batch)-1])
		all = append(all, batch...)
		m.Advance(len(batch))
	}
	return string(all)
}

func read1(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// others returns the names beside path.
func others(t testing.TB, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestMappedStreamComesOutAsItWentIn(t *testing.T) {
	testStream(t, fresh(t))
}

func TestMappedDoesNotAllocate(t *testing.T) {
	m := fresh(t)
	line := numbered(30)
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		m.Put(line)
		m.Begin(Intent{N: len(line)})
		m.Advance(len(m.Peek(100)))
	}))
}

// A kill between any two stores leaves a ring that holds every line that was put
// in, none that was given up, and an intent that is whole or void.
func TestKilledBetweenAnyTwoStores(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	m := fresh(t)
	again := filepath.Join(t.TempDir(), "copy")

	var stream []byte // all that was put in, by position
	type state struct {
		head, tail, gap uint64
		intent          *Intent
	}
	now := state{}
	var next state
	killed := func() {
		require.NoError(t, os.WriteFile(again, read1(t, m.path), 0o600))
		r, err := open(t, again)
		require.NoError(t, err)
		defer r.die()
		n, damage := r.Found()
		require.NoError(t, damage)
		require.Contains(t, []uint64{now.head, next.head}, r.Head())
		require.Contains(t, []uint64{now.tail, next.tail}, r.Tail())
		require.Contains(t, []uint64{now.gap, next.gap}, r.Gap())
		held := stream[r.Head():r.Tail()]
		require.Equal(t, bytes.Count(held, newline), n)
		if i, live := r.Live(); live {
			allowed := []Intent{}
			for _, s := range []state{now, next} {
				if s.intent != nil {
					allowed = append(allowed, *s.intent)
				}
			}
			require.Contains(t, allowed, i)
			if !i.Oversize {
				require.Equal(t, string(held[:i.N]), string(r.Peek(1)))
			}
		} else {
			require.True(t, now.intent == nil || next.intent == nil || *now.intent != *next.intent, "a live intent is lost")
		}
		require.Equal(t, string(held), drain(t, r))
	}
	m.traced = killed
	do := func(f func()) {
		f()
		now = next
		killed()
	}
	for step := range 600 {
		next = now
		switch line := numbered(step); {
		case rnd.IntN(3) > 0 && len(line) <= m.Size()-m.Len():
			stream = append(stream, line...)
			next.tail += uint64(len(line))
			do(func() { m.Put(line) })
		case rnd.IntN(5) == 0:
			next.gap = rnd.Uint64()
			do(func() { m.SetGap(next.gap) })
		case m.Len() == 0 && rnd.IntN(2) == 0:
			next.intent = &Intent{N: m.Size() + step, Ino: rnd.Uint64(), Dev: 7, Offset: int64(step), Oversize: true}
			do(func() { m.Begin(*next.intent) })
			next.intent = nil
			do(m.Void)
		case m.Len() == 0:
			do(func() { assert.NoError(t, m.Resize((1+rnd.IntN(3))*os.Getpagesize())) })
		default:
			batch := m.Peek(1 + rnd.IntN(m.Size()))
			next.intent = &Intent{N: len(batch), Ino: rnd.Uint64(), Dev: rnd.Uint64(), Offset: rnd.Int64()}
			do(func() { m.Begin(*next.intent) })
			if rnd.IntN(4) == 0 { // it failed, and begins anew
				continue
			}
			next.intent, next.head = nil, now.head+uint64(len(batch))
			do(func() { m.Advance(len(batch)) })
		}
	}
	m.traced = nil
	require.Greater(t, len(stream), 3*os.Getpagesize(), "it went round")
}

// What OpenMapped found to be finished comes alone, also when lines follow it or
// it is larger than the limit, until it is settled.
func TestFoundIntentIsHandedOutAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q")
	intent := Intent{N: len(through(1, 5)), Ino: 3, Dev: 4, Offset: 5}
	for _, c := range []struct {
		name   string
		settle func(m *Mapped) (rest string)
	}{
		{"advance", func(m *Mapped) string { m.Advance(intent.N); return through(6, 12) }},
		{"void", func(m *Mapped) string { m.Void(); return through(1, 12) }},
		{"begin", func(m *Mapped) string { m.Begin(intent); return through(1, 12) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := opened(t, path)
			put(m, 1, 10)
			m.Begin(intent)
			_, live := m.Live()
			assert.False(t, live, "it is the last process's only")
			m.die()

			m = opened(t, path)
			n, damage := m.Found()
			require.NoError(t, damage)
			assert.Equal(t, 10, n)
			found, live := m.Live()
			require.True(t, live)
			assert.Equal(t, intent, found)
			put(m, 11, 12)
			assert.Equal(t, through(1, 5), string(m.Peek(1)))
			assert.Equal(t, through(1, 5), string(m.Peek(1<<20)))
			rest := c.settle(m)
			_, live = m.Live()
			assert.False(t, live)
			assert.Equal(t, rest, string(m.Peek(1<<20)))
			assert.Equal(t, rest, drain(t, m))
			require.NoError(t, m.Close())
		})
	}
}

func TestFoundIntentAcrossTheEnd(t *testing.T) {
	m := fresh(t)
	fill := append(bytes.Repeat([]byte("1"), m.Size()-10), '\n')
	m.Put(fill)
	m.Advance(len(fill))
	m.Put(numbered(20))
	m.Begin(Intent{N: len(numbered(20))})
	m.die()
	m = opened(t, m.path)
	m.Put(numbered(21))
	assert.Equal(t, string(numbered(20)), string(m.Peek(1)))
	assert.Equal(t, through(20, 21), drain(t, m))
}

func TestOversizeIntentOfTheLastProcess(t *testing.T) {
	m := fresh(t)
	intent := Intent{N: 1 << 20, Ino: 1, Dev: 2, Offset: 3, Oversize: true}
	m.Begin(intent)
	require.NoError(t, m.Close())
	m = opened(t, m.path) // it stayed, because of the intent
	found, live := m.Live()
	require.True(t, live)
	assert.Equal(t, intent, found)
	assert.Nil(t, m.Peek(100))
	put(m, 1, 3)
	assert.Equal(t, through(1, 3), string(m.Peek(1000)), "an oversize line is not in the ring")
	m.Void()
	_, live = m.Live()
	assert.False(t, live)
}

func TestResize(t *testing.T) {
	page := os.Getpagesize()
	m := fresh(t)
	put(m, 1, 10)
	require.NoError(t, m.Resize(1), "the size that it has")
	require.Error(t, m.Resize(2*page), "it holds lines")
	assert.Equal(t, through(1, 10), drain(t, m))
	tail := m.Tail()
	for _, pages := range []int{3, 2, 5, 1} {
		require.NoError(t, m.Resize(pages*page-1))
		assert.Equal(t, pages*page, m.Size())
		assert.Equal(t, tail, m.Head(), "positions never go back")
		info, err := os.Stat(m.path)
		require.NoError(t, err)
		assert.EqualValues(t, headerSize+pages*page, info.Size())
		assert.False(t, sparse(info, info.Size()))
		testStream(t, m)
		put(m, 1, 20)
		m.die()
		m = opened(t, m.path)
		assert.Equal(t, pages*page, m.Size())
		assert.Equal(t, through(1, 20), drain(t, m))
		tail = m.Tail()
	}
}

func TestCloseRemovesOnlyWhatHasNothingToTell(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*Mapped)
		stay bool
	}{
		{"never used", func(*Mapped) {}, false},
		{"drained", func(m *Mapped) { put(m, 1, 3); m.Advance(m.Len()) }, false},
		{"lines", func(m *Mapped) { put(m, 1, 3) }, true},
		{"a gap", func(m *Mapped) { m.SetGap(3) }, true},
		{"a gap that was told", func(m *Mapped) { m.SetGap(3); m.SetGap(0) }, false},
		{"an intent", func(m *Mapped) { m.Begin(Intent{N: 1, Oversize: true}) }, true},
		{"an intent that was settled", func(m *Mapped) { m.Begin(Intent{N: 1, Oversize: true}); m.Void() }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := fresh(t)
			c.do(m)
			require.NoError(t, m.Close())
			require.NoError(t, m.Close(), "again")
			_, err := os.Stat(m.path)
			assert.Equal(t, c.stay, err == nil)
		})
	}
}

func TestCloseLeavesAFileOfOthersAlone(t *testing.T) {
	m := fresh(t)
	require.NoError(t, os.Remove(m.path))
	require.NoError(t, os.WriteFile(m.path, []byte("mine"), 0o600))
	require.NoError(t, m.Close())
	assert.Equal(t, "mine", string(read1(t, m.path)))
}

func TestGapOutlivesTheProcess(t *testing.T) {
	m := fresh(t)
	m.SetGap(12)
	m.die()
	m = opened(t, m.path)
	assert.EqualValues(t, 12, m.Gap())
	m.SetGap(0)
}
