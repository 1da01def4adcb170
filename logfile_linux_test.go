package logly

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The owner is handed on too, whichever way the file was rotated.
func TestOwnerIsHandedOn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	bubble(t, func(t *testing.T) {
		path := temp(t)
		write(t, path, "")
		require.NoError(t, os.Chown(path, 12345, 23456))
		write(t, filepath.Dir(path)+"/app-2001-01-01T00-00-00.000.log", "")
		h := logTo(t, Sink{File: path, Compression: Gzip})
		require.NoError(t, info(h, "0"))
		require.NoError(t, h.Rotate())
		require.NoError(t, h.Close())
		for _, p := range []string{path, filepath.Dir(path) + "/app-2001-01-01T00-00-00.001.log.gz"} {
			info, err := os.Stat(p)
			require.NoError(t, err)
			st := info.Sys().(*syscall.Stat_t)
			assert.Equal(t, uint32(12345), st.Uid, p)
			assert.Equal(t, uint32(23456), st.Gid, p)
		}
	})
}

// A daemon opens its log and then gives up root: it may not even look into the
// directory any more, but the open file still takes what is logged.
func TestPrivilegesAreDropped(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if !inChild(t) {
		return
	}
	dir, err := os.MkdirTemp("", "logly")
	require.NoError(t, err)
	path := filepath.Join(dir, "app.log")
	var got reports
	h, err := Open(Sink{File: path, Rotation: "1 KB"}, got.option())
	require.NoError(t, err)
	f := h.core.sinks[0].file
	require.NoError(t, info(h, "0"))
	require.NoError(t, syscall.Setresuid(65534, 65534, 0))
	f.checked = time.Time{} // a second has passed
	require.NoError(t, info(h, "1"))
	require.NoError(t, info(h, strings.Repeat("x", 1000))) // too large, but it cannot be rotated
	require.Error(t, h.Rotate())
	require.NoError(t, info(h, "3"))
	assert.Zero(t, h.Stats()[0].Rotations)
	require.NoError(t, syscall.Setresuid(0, 0, 0))
	require.NoError(t, h.Close())
	assert.Len(t, readLines(t, path), 4)
	require.NoError(t, os.RemoveAll(dir))
}

// chown of the new file is not allowed: lumberjack fails after its rename.
func TestOwnerCannotBeKept(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if !inChild(t) {
		return
	}
	dir, err := os.MkdirTemp("", "logly")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o777))
	path := filepath.Join(dir, "app.log")
	write(t, path, "")
	require.NoError(t, os.Chmod(path, 0o666)) // root's
	require.NoError(t, syscall.Setresuid(65534, 65534, 0))
	var got reports
	h, err := Open(Sink{File: path, Enqueue: true, Compression: Gzip}, got.option())
	require.NoError(t, err)
	for i := range 5 {
		require.NoError(t, info(h, fmt.Sprint(i)))
		require.NoError(t, h.Complete())
		require.NoError(t, h.Rotate())
	}
	require.NoError(t, h.Close())
	assert.Equal(t, uint64(5), h.Stats()[0].Rotations)
	assert.Equal(t, fs.FileMode(0o666), modeOf(t, path))
	assert.Equal(t, []string{"0", "1", "2", "3", "4"}, messages(t, path))
	assert.Empty(t, got.all())
	require.NoError(t, syscall.Setresuid(0, 0, 0))
	require.NoError(t, os.RemoveAll(dir))
}

func TestDiskIsFull(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("no file system of its own: ", err)
	}
	defer func() { assert.NoError(t, unix.Unmount(dir, 0)) }()
	path := filepath.Join(dir, "app.log")
	var got reports
	h, err := Open(Sink{File: path, Enqueue: true, Rotation: "10 KB", Compression: Gzip, ReplaceAttr: bare}, got.option())
	require.NoError(t, err)
	defer h.Close()
	blocker := filepath.Join(dir, "blocker")
	require.NoError(t, os.WriteFile(blocker, make([]byte, 40<<10), 0o600))
	produce(h, 4, 3000)
	require.ErrorIs(t, h.Complete(), syscall.ENOSPC)
	// Room comes back: for the rest of the line, and then for all.
	require.NoError(t, os.Remove(blocker))
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=1m"))
	require.NoError(t, h.Complete())
	require.NoError(t, h.Close())
	assert.Equal(t, 12_000, inOrder(t, readLines(t, path)))
	checkNoTemp(t, path)
	assert.NotEmpty(t, got.all())
}

func checkNoTemp(t testing.TB, path string) {
	t.Helper()
	for _, name := range names(t, path) {
		assert.NotContains(t, name, ".tmp")
	}
}
