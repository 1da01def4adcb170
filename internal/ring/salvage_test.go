//go:build linux || darwin || freebsd

package ring

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// killed returns the path of a ring that a killed process left with the lines
// from 50 to 79, which lie across the end.
func killed(t testing.TB) string {
	t.Helper()
	m := fresh(t)
	for n := 0; m.Tail() < uint64(m.Size()-len(through(50, 64))); n++ {
		m.Put(numbered(1000 + n))
		m.Advance(m.Len())
	}
	put(m, 50, 79)
	require.Greater(t, m.Tail(), uint64(m.Size()), "across the end")
	m.die()
	return m.path
}

// edit changes the header of the file at path.
func edit(t testing.TB, path string, change func(h *header)) {
	t.Helper()
	h, page := headerCopy()
	data := read1(t, path)
	copy(page, data)
	change(h)
	copy(data, page)
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // not truncated, to keep its blocks
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	_, err = f.WriteAt(data, 0)
	require.NoError(t, err)
}

var asideName = regexp.MustCompile(`^app\.log\.queue\.damaged-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$`)

// requireSetAside checks that the file with these bytes lies aside, and nothing
// else, and that damage says so.
func requireSetAside(t testing.TB, path string, data []byte, damage error) {
	t.Helper()
	require.Error(t, damage)
	left := others(t, path)
	require.Len(t, left, 1)
	require.Regexp(t, asideName, left[0])
	require.ErrorContains(t, damage, left[0])
	require.True(t, bytes.Equal(data, read1(t, filepath.Join(filepath.Dir(path), left[0]))), "byte for byte")
}

func TestDamaged(t *testing.T) {
	all := through(50, 79)
	for _, c := range []struct {
		name, why string
		gap       uint64
		change    func(h *header)
		saved     string // "": what is in the file, in its order
	}{
		{"magic", "not a queue file", 0, func(h *header) { h.magic.Add(1) }, ""},
		{"byte order", "not a queue file", 0, func(h *header) { h.magic.Store(0x0d6c_6f67_6c79_510a) }, ""},
		{"version", "version is 2", 0, func(h *header) { h.version.Store(2) }, ""},
		{"size 0", "size of 0", 0, func(h *header) { h.size.Store(0) }, ""},
		{"size not blocks", "size of 1000", 0, func(h *header) { h.size.Store(1000) }, ""},
		{"size beyond all", "size of 184467", 0, func(h *header) { h.size.Store(1<<64 - 4096) }, ""},
		{"head after tail", "claims to hold", 0, func(h *header) { h.head.Store(h.tail.Load() + 1) }, ""},
		{"too much", "claims to hold", 0, func(h *header) { h.tail.Store(h.head.Load() + h.size.Load() + 1) }, ""},
		{"too far", "claims to hold", 0, func(h *header) { h.head.Store(math.MaxUint64 - 9); h.tail.Store(math.MaxUint64 - 5) }, ""},
		{"boot", "restarted", 3, func(h *header) { h.setBoot("another boot") }, all},
		{"boot unknown", "restarted", 3, func(h *header) { h.setBoot("") }, all},
		{"intent of nothing", "about to be written", 3, func(h *header) { h.n.Store(0); h.start.Store(h.head.Load()) }, all},
		{"intent beyond tail", "about to be written", 3, func(h *header) {
			h.n.Store(h.tail.Load() - h.head.Load() + 1)
			h.start.Store(h.head.Load())
		}, all},
		{"intent before the file", "about to be written", 3, func(h *header) {
			h.n.Store(1)
			h.offset.Store(1 << 63)
			h.start.Store(h.head.Load())
		}, all},
		{"unknown flag", "about to be written", 3, func(h *header) {
			h.n.Store(1)
			h.flags.Store(2)
			h.start.Store(h.head.Load())
		}, all},
		{"intent in a line", "not end with a line", 3, func(h *header) {
			h.n.Store(5)
			h.start.Store(h.head.Load())
		}, all},
		{"tail in a line", "not end with a line", 3, func(h *header) { h.tail.Add(^uint64(4)) }, through(50, 78)},
		{"boot, head in a line", "restarted", 3, func(h *header) { h.setBoot("another boot"); h.head.Add(5) }, through(51, 79)},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := killed(t)
			edit(t, path, func(h *header) { h.gap.Store(3); c.change(h) })
			data := read1(t, path)
			m := opened(t, path)
			n, damage := m.Found()
			require.ErrorContains(t, damage, c.why)
			requireSetAside(t, path, data, damage)
			assert.EqualValues(t, c.gap, m.Gap())
			_, live := m.Live()
			assert.False(t, live)
			info, err := os.Stat(path)
			require.NoError(t, err)
			assert.Equal(t, fs.FileMode(0o600), info.Mode())
			saved := drain(t, m)
			assert.Equal(t, strings.Count(saved, "\n"), n)
			assert.ErrorContains(t, damage, fmt.Sprintf(" %d lines saved", n))
			if c.saved != "" {
				require.Equal(t, c.saved, saved)
			} else {
				for i := 50; i < 80; i++ {
					require.Equal(t, 1, strings.Count(saved, string(numbered(i))), "line %d, also the one across the end", i)
				}
				for line := range strings.Lines(saved) {
					require.True(t, whole([]byte(line)))
				}
			}
			m.SetGap(0)
		})
	}
}

// An unknown boot is never the same as another unknown one.
func TestUnknownBootIsNotTrusted(t *testing.T) {
	path := killed(t)
	edit(t, path, func(h *header) { h.setBoot("") })
	data := read1(t, path)
	o := newOpener(path, 1, whole)
	o.boot = ""
	m, err := o.open(0)
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close()) }()
	_, damage := m.Found()
	requireSetAside(t, path, data, damage)
	assert.Equal(t, through(50, 79), drain(t, m))
}

// lengths are file lengths at which a truncated ring may differ, and some more.
func lengths(size int) (all []int) {
	for n := 1; n < size; n++ {
		if n < 3 || n%headerSize < 3 || n%headerSize > headerSize-3 || n%53 == 0 {
			all = append(all, n)
		}
	}
	return append(all, 559, 560, 561)
}

func TestTruncatedToAnyLength(t *testing.T) {
	path := killed(t)
	data := read1(t, path)
	h, page := headerCopy()
	copy(page, data)
	size := h.size.Load()
	for _, n := range lengths(len(data)) {
		var want []byte // the lines that lie before the cut, found byte by byte
		if n >= headerSize {
			var line []byte
			for pos := h.head.Load(); pos < h.tail.Load(); pos++ {
				place := int(headerSize + pos%size)
				if place >= n {
					line = append(line, 0)
				} else {
					line = append(line, data[place])
				}
				if line[len(line)-1] == '\n' {
					if !bytes.Contains(line, []byte{0}) {
						want = append(want, line...)
					}
					line = nil
				}
			}
		}
		cut := filepath.Join(t.TempDir(), "app.log.queue")
		require.NoError(t, os.WriteFile(cut, data[:n], 0o600))
		m, err := open(t, cut)
		require.NoError(t, err, "length %d", n)
		_, damage := m.Found()
		requireSetAside(t, cut, data[:n], damage)
		require.Equal(t, string(want), drain(t, m), "length %d", n)
		require.NoError(t, m.Close())
	}
}

// More lines are saved than the wanted size holds.
func TestNewRingIsLargeEnough(t *testing.T) {
	m := fresh(t)
	require.NoError(t, m.Resize(1<<20))
	put(m, 1, 10_000)
	m.die()
	edit(t, m.path, func(h *header) { h.setBoot("another boot") })
	m = opened(t, m.path)
	assert.Less(t, m.Size(), 1<<20)
	assert.Equal(t, through(1, 10_000), drain(t, m))
}

func TestSetAsideTwice(t *testing.T) {
	path := killed(t)
	for range 3 {
		edit(t, path, func(h *header) { h.setBoot("another boot") })
		m, err := open(t, path)
		require.NoError(t, err)
		m.die()
	}
	left := others(t, path)
	require.Len(t, left, 3)
	for _, name := range left {
		require.Regexp(t, asideName, name)
	}
	assert.Equal(t, through(50, 79), drain(t, opened(t, path)))
}

// A file that claims to be, or is, of gigabytes costs neither.
func TestHugeSparseFile(t *testing.T) {
	const size = 8 << 30
	for _, c := range []struct {
		name   string
		change func(h *header)
		saved  string
		part   bool
	}{
		{"all of it held", func(h *header) { h.size.Store(size); h.head.Store(0); h.tail.Store(size) }, "", true},
		{"a little held", func(h *header) { h.size.Store(size) }, "", false},
		{"damaged", func(h *header) { h.magic.Add(1); h.size.Store(size) }, "", true},
		{"a small ring in a huge file", func(*header) {}, through(50, 79), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := killed(t)
			edit(t, path, c.change)
			require.NoError(t, os.Truncate(path, headerSize+size))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m := opened(t, path)
			runtime.ReadMemStats(&after)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(3*examinable))
			n, damage := m.Found()
			if c.saved != "" {
				require.NoError(t, damage)
				assert.Equal(t, c.saved, drain(t, m))
				return
			}
			assert.Equal(t, c.part, strings.Contains(fmt.Sprint(damage), fmt.Sprintf("of the first %d bytes", examinable)))
			assert.LessOrEqual(t, m.Size(), 2*examinable)
			saved := drain(t, m)
			assert.Equal(t, n, strings.Count(saved, "\n"))
			assert.Contains(t, saved, string(numbered(55)))
			left := others(t, path)
			require.Len(t, left, 1)
			var st unix.Stat_t
			require.NoError(t, unix.Stat(filepath.Join(filepath.Dir(path), left[0]), &st))
			assert.EqualValues(t, int64(headerSize+size), st.Size)
			assert.Less(t, int64(st.Blocks), int64(examinable/512))
		})
	}
}

func TestWholeLines(t *testing.T) {
	for _, c := range []struct {
		name, data string
		circle     bool
		want       string
	}{
		{"nothing", "", true, ""},
		{"no end", "1", true, ""},
		{"one", "1\n", true, "1\n"},
		{"empty lines", "\n\n1\n\n", true, "1\n"},
		{"torn", "1\n{\"a\":\n2\n", true, "1\n2\n"},
		{"zeros before", "1\n\x00\x002\n3\n", true, "1\n3\n"},
		{"zeros after", "1\n2\n\x00\x00", true, "1\n2\n"},
		{"across the end", "1}\n2\n{\"a\":", true, "2\n{\"a\":1}\n"},
		{"not in a circle", "1}\n2\n{\"a\":", false, "2\n"},
		{"a whole one at the start", "1\n2\n{\"a\":", true, "1\n2\n"},
		{"across the end, torn", "1}\n2\n{\"a\x00", true, "2\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOpener("", 1, whole)
			assert.Equal(t, c.want, string(o.wholeLines([]byte(c.data), c.circle)))
		})
	}
}

func TestZerosAreInNoLine(t *testing.T) {
	o := newOpener("", 1, func([]byte) bool { return true })
	assert.Equal(t, "a\nc\n", string(o.wholeLines([]byte("a\nb\x00b\nc\n\x00\n"), true)))
}

// A block that cannot be read costs the lines in it only.
func TestReadGoesOnAfterAnError(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	_, err = f.WriteAt([]byte("content"), headerSize)
	require.NoError(t, err)
	full := append([]byte("before"), bytes.Repeat([]byte("x"), 4*headerSize)...)
	data := read(full[:6], f, 0, 3*headerSize) // of which most lies after its end
	want := append([]byte("beforecontent"), make([]byte, 3*headerSize-7)...)
	assert.Equal(t, want, data)
}
