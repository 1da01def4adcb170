//go:build linux || darwin || freebsd

package ring

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzOpen opens a ring file of any content: what it held is in the ring, or the
// file lies aside as it was.
func FuzzOpen(f *testing.F) {
	add := func(use func(m *Mapped)) {
		m := fresh(f)
		use(m)
		m.die()
		data := read1(f, m.path)
		f.Add(data)
		for _, at := range []int{0, 8, 16, 64, 128, 256, 512, 520, 544, 552, headerSize, len(data) - 1} {
			bad := bytes.Clone(data)
			bad[at] ^= 0x11
			f.Add(bad)
		}
		f.Add(data[:len(data)/2])
	}
	add(func(*Mapped) {})
	add(func(m *Mapped) { put(m, 1, 20) })
	add(func(m *Mapped) { put(m, 1, 20); m.Begin(Intent{N: len(through(1, 9)), Ino: 1, Dev: 2, Offset: 3}) })
	add(func(m *Mapped) { m.SetGap(9); m.Begin(Intent{N: 1 << 20, Oversize: true}) })
	f.Add(read1(f, killed(f)))
	f.Add([]byte("not a ring\n"))

	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "app.log.queue")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := open(t, path)
		runtime.ReadMemStats(&after)
		require.NoError(t, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20+8*len(data)))
		n, damage := m.Found()
		switch {
		case damage != nil:
			requireSetAside(t, path, data, damage)
		case len(data) > 0:
			h, page := headerCopy()
			copy(page, data)
			require.Equal(t, h.head.Load(), m.Head())
			require.Equal(t, h.tail.Load(), m.Tail())
			for pos := m.Head(); pos < m.Tail(); pos++ {
				require.Equal(t, data[headerSize+pos%h.size.Load()], *m.at(pos))
			}
			require.Empty(t, others(t, path))
		}
		require.Equal(t, n, m.Lines())
		m.die()
		aside := others(t, path)
		m, err = open(t, path)
		require.NoError(t, err)
		again, damage := m.Found()
		require.NoError(t, damage, "it is a good one now")
		require.Equal(t, n, again)
		held := drain(t, m)
		require.Equal(t, n, bytes.Count([]byte(held), newline))
		m.Put(numbered(1))
		require.Equal(t, through(1, 1), drain(t, m))
		require.NoError(t, m.Fault())
		m.SetGap(0)
		m.Void()
		require.NoError(t, m.Close())
		require.NoFileExists(t, path)
		require.Equal(t, aside, others(t, path))
	})
}
