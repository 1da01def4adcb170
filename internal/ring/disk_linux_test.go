package ring

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// onDisk gives the test a file system of 64 KiB, or skips it where it may not
// mount one.
func onDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=64k"); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

func free(t *testing.T, dir string) int {
	t.Helper()
	var st unix.Statfs_t
	require.NoError(t, unix.Statfs(dir, &st))
	return int(st.Bfree) * int(st.Bsize)
}

func TestNoRoomForANewFile(t *testing.T) {
	dir := onDisk(t)
	before := free(t, dir)
	_, err := OpenMapped(filepath.Join(dir, "q"), 1<<20, whole)
	require.ErrorIs(t, err, unix.ENOSPC)
	require.ErrorContains(t, err, "a queue of 1048576 bytes")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
	assert.Equal(t, before, free(t, dir))
}

func TestNoRoomToGrow(t *testing.T) {
	dir := onDisk(t)
	m := opened(t, filepath.Join(dir, "q"))
	before, size := free(t, dir), m.Size()
	require.ErrorIs(t, m.Resize(1<<20), unix.ENOSPC)
	assert.Equal(t, size, m.Size())
	assert.Equal(t, before, free(t, dir))
	require.NoError(t, m.Fault())
	testStream(t, m)
	put(m, 1, 9)
	m.die()
	m = opened(t, m.path)
	_, damage := m.Found()
	require.NoError(t, damage)
	assert.Equal(t, through(1, 9), drain(t, m))
}

// A damaged file stays where it is until there is room for what is saved of it.
func TestNoRoomToSalvage(t *testing.T) {
	dir := onDisk(t)
	m := opened(t, filepath.Join(dir, "app.log.queue"))
	require.NoError(t, m.Resize(40<<10))
	put(m, 1, 200)
	m.die()
	edit(t, m.path, func(h *header) { h.setBoot("another boot") })
	data := read1(t, m.path)
	ballast := filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	require.NoError(t, err)
	require.NoError(t, unix.Fallocate(int(f.Fd()), 0, 0, int64(free(t, dir))))
	require.NoError(t, f.Close())
	_, err = open(t, m.path)
	require.ErrorIs(t, err, unix.ENOSPC)
	require.ErrorContains(t, err, "restarted")
	assert.Equal(t, []string{"ballast"}, others(t, m.path))
	assert.Equal(t, data, read1(t, m.path))

	require.NoError(t, os.Remove(ballast))
	m = opened(t, m.path)
	_, damage := m.Found()
	requireSetAside(t, m.path, data, damage)
	assert.Equal(t, through(1, 200), drain(t, m))
}

// On a full disk a file with holes is not mapped: to write there would fault.
func TestNoRoomForTheHoles(t *testing.T) {
	dir := onDisk(t)
	m := opened(t, filepath.Join(dir, "q"))
	put(m, 1, 9)
	m.die()
	const size = 128 << 10
	edit(t, m.path, func(h *header) { h.size.Store(size) })
	require.NoError(t, os.Truncate(m.path, headerSize+size))
	_, err := open(t, m.path)
	require.ErrorIs(t, err, unix.ENOSPC)
	assert.Len(t, read1(t, m.path), headerSize+size, "still there")
}
