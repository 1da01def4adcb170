//go:build linux || darwin || freebsd

package ring

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestNewFile(t *testing.T) {
	defer unix.Umask(unix.Umask(0o277))
	page := os.Getpagesize()
	path := filepath.Join(t.TempDir(), "q")
	m, err := OpenMapped(path, page+1, whole)
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close()) }()
	info, err := os.Lstat(path)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode(), "whatever the umask")
	assert.EqualValues(t, headerSize+2*page, info.Size())
	assert.False(t, sparse(info, info.Size()))
	assert.Equal(t, 2*page, m.Size())
	assert.Zero(t, m.Len())
	n, damage := m.Found()
	assert.Zero(t, n)
	assert.NoError(t, damage)
	assert.Empty(t, others(t, path))
}

func TestReopen(t *testing.T) {
	m := fresh(t)
	put(m, 1, 20)
	require.NoError(t, m.Close())
	require.NoError(t, os.Chmod(m.path, 0o644))
	o := newOpener(m.path, 100<<10, whole)
	o.boot = "this boot"
	again, err := o.open(0)
	require.NoError(t, err)
	defer func() { require.NoError(t, again.Close()) }()
	n, damage := again.Found()
	assert.Equal(t, 20, n)
	require.NoError(t, damage)
	assert.Equal(t, m.path, again.path)
	assert.Equal(t, os.Getpagesize(), again.Size(), "the file's own")
	info, err := os.Lstat(m.path)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode())
	assert.Equal(t, through(1, 20), drain(t, again))
}

func TestMissingDirectory(t *testing.T) {
	_, err := open(t, filepath.Join(t.TempDir(), "none", "q"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// Only a regular file of ours is opened, and none that has another name.
func TestRefused(t *testing.T) {
	ring := func(t *testing.T, path string) {
		m := opened(t, path)
		put(m, 1, 3)
		m.die()
	}
	for _, c := range []struct {
		name, why string
		make      func(t *testing.T, path string)
	}{
		{"symlink", "symbolic link", func(t *testing.T, path string) {
			ring(t, path+"-real")
			require.NoError(t, os.Symlink(path+"-real", path))
		}},
		{"dangling symlink", "symbolic link", func(t *testing.T, path string) {
			require.NoError(t, os.Symlink(path+"-none", path))
		}},
		{"directory", "regular", func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o700)) }},
		{"fifo", "regular", func(t *testing.T, path string) { require.NoError(t, unix.Mkfifo(path, 0o600)) }},
		{"hard link", "2 names", func(t *testing.T, path string) {
			ring(t, path)
			require.NoError(t, os.Link(path, path+"-too"))
		}},
		{"foreign owner", "another user", func(t *testing.T, path string) {
			if os.Geteuid() != 0 {
				t.Skip("needs root, to give a file away")
			}
			ring(t, path)
			require.NoError(t, os.Chown(path, 12345, 12345))
		}},
		{"device", "regular", func(t *testing.T, path string) {
			if err := unix.Mknod(path, unix.S_IFCHR|0o600, 0x103); err != nil {
				t.Skipf("needs the right to make a device: %v", err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, suffix := range []string{"", ".new"} {
				if suffix == ".new" && c.name == "hard link" {
					continue
				}
				path := filepath.Join(t.TempDir(), "q")
				c.make(t, path+suffix)
				before, err := os.Lstat(path + suffix)
				require.NoError(t, err)
				_, err = open(t, path)
				require.ErrorContains(t, err, c.why)
				assert.ErrorContains(t, err, path+suffix)
				after, err := os.Lstat(path + suffix)
				require.NoError(t, err)
				assert.Equal(t, before, after, "untouched")
			}
		})
	}
}

// What another program has at the other name is in the way only where the name
// is needed.
func TestOtherNameIsTaken(t *testing.T) {
	m := fresh(t)
	put(m, 1, 3)
	m.die()
	require.NoError(t, os.Mkdir(m.path+".new", 0o700))
	m = opened(t, m.path)
	assert.Equal(t, through(1, 3), string(m.Peek(1000)))
	m.die()
	require.NoError(t, os.Truncate(m.path, 100))
	_, err := open(t, m.path)
	require.ErrorContains(t, err, m.path+".new: it is not a regular file")
	assert.Len(t, read1(t, m.path), 100, "still there")
}

func TestZeroLength(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	m := opened(t, path)
	n, damage := m.Found()
	assert.Zero(t, n)
	require.NoError(t, damage)
	assert.Equal(t, os.Getpagesize(), m.Size())
	assert.Empty(t, others(t, path))
}

// A file with holes is given blocks before it is mapped.
func TestHolesAreFilled(t *testing.T) {
	m := fresh(t)
	require.NoError(t, m.Resize(1<<20))
	put(m, 1, 9)
	m.die()
	whole := read1(t, m.path)
	require.NoError(t, os.Truncate(m.path, 2*headerSize))
	require.NoError(t, os.Truncate(m.path, int64(len(whole))))
	info, err := os.Stat(m.path)
	require.NoError(t, err)
	if !sparse(info, info.Size()) {
		t.Skip("this file system has no holes")
	}
	m = opened(t, m.path)
	_, damage := m.Found()
	require.NoError(t, damage)
	info, err = os.Stat(m.path)
	require.NoError(t, err)
	assert.False(t, sparse(info, info.Size()))
	assert.Equal(t, whole, read1(t, m.path), "nothing else has changed")
	assert.Equal(t, through(1, 9), drain(t, m))
}

// Where there is no fallocate, what is there is written again.
func TestRewriteFillsHolesAndKeepsTheRest(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	const size = 300 << 10
	want := make([]byte, size)
	copy(want[100<<10:], "content")
	_, err = f.WriteAt([]byte("content"), 100<<10)
	require.NoError(t, err)
	require.NoError(t, rewrite(f, 0, size))
	info, err := f.Stat()
	require.NoError(t, err)
	assert.Equal(t, want, read1(t, f.Name()))
	assert.False(t, sparse(info, size))
}

// A ring of another boot that holds nothing is taken over; a kill meanwhile
// leaves it as empty as it was.
func TestOtherBootEmpty(t *testing.T) {
	m := fresh(t)
	put(m, 1, 5)
	m.Advance(m.Len())
	m.SetGap(4)
	m.Begin(Intent{N: 1 << 20, Oversize: true})
	m.die()
	o := newOpener(m.path, 1, whole)
	o.boot = "another boot"
	again, err := o.open(0)
	require.NoError(t, err)
	n, damage := again.Found()
	assert.Zero(t, n)
	require.NoError(t, damage)
	_, live := again.Live()
	assert.False(t, live)
	assert.EqualValues(t, 4, again.Gap())
	assert.Equal(t, m.head, again.head)
	put(again, 1, 2)
	again.die()
	again, err = o.open(0)
	require.NoError(t, err)
	_, damage = again.Found()
	require.NoError(t, damage, "its boot is this one now")
	_, live = again.Live()
	assert.False(t, live)
	assert.Equal(t, through(1, 2), drain(t, again))
	again.SetGap(0)
	require.NoError(t, again.Close())
}

func TestBootIsKnown(t *testing.T) {
	assert.NotEmpty(t, bootID())
	assert.LessOrEqual(t, len(bootID()), 64)
	assert.Equal(t, bootID(), bootID())
	h, _ := headerCopy()
	h.fill(headerSize, 0, 0, bootID())
	assert.True(t, h.sameBoot(bootID()))
	h.setBoot("")
	assert.False(t, h.sameBoot(""), "unknown is the same as nothing")
}

func TestFileSystemThatCannotMap(t *testing.T) {
	f, err := os.Open("/dev/null")
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	_, err = mapFile(f, headerSize)
	require.Error(t, err)
	if errors.Is(err, unix.ENODEV) {
		assert.ErrorIs(t, err, errors.ErrUnsupported)
	}
}
