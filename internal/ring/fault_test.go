//go:build linux || darwin || freebsd

package ring

import (
	"bytes"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// long returns a ring of 16 pages that holds the lines from 1 to its last, the
// position of each, and the number of the last.
func long(t testing.TB) (m *Mapped, at []uint64, last int) {
	t.Helper()
	m = fresh(t)
	require.NoError(t, m.Resize(16*os.Getpagesize()))
	at = []uint64{0}
	for m.Size()-m.Len() > 1000 {
		last++
		at = append(at, m.Tail())
		m.Put(numbered(last))
	}
	return m, append(at, m.Tail()), last
}

// readable returns the numbers of the lines that end before the file was cut.
func readable(at []uint64, last int, length int64) (until int) {
	for until < last && int64(at[until+2])+headerSize <= length {
		until++
	}
	return until
}

// cuts are lengths to which the file is truncated under the mapping.
func cuts(m *Mapped) map[string]int64 {
	return map[string]int64{
		"whole file":  0,
		"all lines":   headerSize,
		"half":        int64(headerSize + m.Size()/2),
		"in a page":   int64(headerSize + m.Size()/2 + 700),
		"a last byte": int64(headerSize + m.Size() - 2000),
	}
}

// Whichever call meets the fault first, the ring goes on with what can be read
// and with what comes after it.
func TestTruncatedUnderTheMapping(t *testing.T) {
	calls := map[string]func(m *Mapped){
		"Peek":  func(m *Mapped) { m.Peek(1 << 20) },
		"Check": func(m *Mapped) { m.Check() },
		"Lines": func(m *Mapped) { m.Lines(); m.Check() },
		"Guard": func(m *Mapped) {
			if m.Guard(func() { bytes.Count(m.buf, newline) }) != nil {
				require.NoError(t, m.Fault(), "Guard moves nothing")
			}
			m.Check()
		},
		"Put": func(m *Mapped) {
			m.Put(numbered(0)) // in the last page, which is missing
			m.Check()
		},
		"Begin":  func(m *Mapped) { m.Begin(Intent{N: 1}); m.Check() },
		"Void":   func(m *Mapped) { m.Void(); m.Check() },
		"SetGap": func(m *Mapped) { m.SetGap(1); m.SetGap(0); m.Check() },
	}
	for call, do := range calls {
		sample, _, _ := long(t)
		for cut, length := range cuts(sample) {
			t.Run(call+", "+cut, func(t *testing.T) {
				m, at, last := long(t)
				require.NoError(t, os.Truncate(m.path, length))
				do(m)
				require.ErrorContains(t, m.Fault(), m.path)
				until := readable(at, last, length)
				want := through(1, until)
				if call == "Put" && cut != "a last byte" { // there it met no fault, behind zeros
					want += through(0, 0)
				}
				require.Equal(t, strings.Count(want, "\n"), m.Lines())
				for n := 1; n <= last; n++ {
					require.Equal(t, n > until, m.Gone(at[n]), "line %d", n)
				}
				put(m, last+1, last+5)
				require.Equal(t, want+through(last+1, last+5), drain(t, m))
				require.Zero(t, m.Lines())
				require.Equal(t, m.Tail(), m.Head())
				require.NoFileExists(t, m.path, "nothing in it is to be delivered")
				testStream(t, m)
				m.Begin(Intent{N: 1, Oversize: true})
				m.Void()
				require.NoError(t, m.Resize(1))
				require.Equal(t, os.Getpagesize(), m.Size())
				testStream(t, m)
			})
		}
	}
}

// A file that was cut within its last page does not fault, and one that was
// removed neither: they are found all the same.
func TestSpoiledWithoutAFault(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(m *Mapped) error
		want  string
		err   error
	}{
		{"removed", func(m *Mapped) error { return os.Remove(m.path) }, through(1, 9), errRemoved},
		{"moved", func(m *Mapped) error { return os.Rename(m.path, m.path+"-elsewhere") }, through(1, 9), errMoved},
		{"cut", func(m *Mapped) error { return os.Truncate(m.path, int64(headerSize+len(through(1, 5))+2)) }, through(1, 5), errCut},
		{"zeros", func(m *Mapped) error { clear(m.buf); return nil }, "", errOverwritten},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := fresh(t)
			put(m, 1, 9)
			require.NoError(t, c.spoil(m))
			assert.Equal(t, c.want, drain(t, m))
			require.ErrorIs(t, m.Fault(), c.err)
			put(m, 10, 12)
			assert.Equal(t, through(10, 12), drain(t, m))
		})
	}
}

// A line whose own memory faults is not accepted, and the panic is its owner's.
func TestLineThatCannotBeRead(t *testing.T) {
	other, _, _ := long(t)
	require.NoError(t, os.Truncate(other.path, int64(headerSize+os.Getpagesize())))
	m := fresh(t)
	require.NoError(t, m.Resize(1<<20))
	put(m, 1, 3)
	tail := m.header.tail.Load()
	assert.Panics(t, func() { m.Put(other.buf) })
	assert.Equal(t, tail, m.header.tail.Load())
	assert.NoError(t, m.Fault())
	m.die()
	m = opened(t, m.path)
	assert.Equal(t, through(1, 3), drain(t, m))
}

// Faults and panics that are not of the mapping are not Guard's, and the state
// of the goroutine is as before.
func TestGuardLetsOthersPass(t *testing.T) {
	m := fresh(t)
	require.NoError(t, m.Guard(func() {}))
	assert.PanicsWithValue(t, "mine", func() { _ = m.Guard(func() { panic("mine") }) })
	assert.PanicsWithError(t, "runtime error: invalid memory address or nil pointer dereference", func() {
		_ = m.Guard(func() { *(*int)(nil) = 1 })
	})
	other, _, _ := long(t)
	require.NoError(t, os.Truncate(other.path, 0))
	assert.Panics(t, func() { _ = m.Guard(func() { other.buf[0] = 1 }) }, "another mapping's")
	require.NoError(t, m.Fault())
	m.Check()
	require.NoError(t, m.Fault())
	assert.False(t, debug.SetPanicOnFault(false))

	debug.SetPanicOnFault(true)
	assert.NoError(t, m.Guard(func() {}))
	assert.True(t, debug.SetPanicOnFault(false))
}

func TestMapsEndsWithItsLastPage(t *testing.T) {
	m := fresh(t)
	start := uintptr(unsafe.Pointer(unsafe.SliceData(m.mem)))
	size := uintptr(wholePages(headerSize + m.Size()))
	assert.False(t, m.maps(start-1))
	assert.True(t, m.maps(start))
	assert.True(t, m.maps(start+size-1))
	assert.False(t, m.maps(start+size))
}
