package logly

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// onDisk gives the test a file system of its own, or skips it where it may not
// mount one.
func onDisk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := mountTmpfs(dir, options); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, unmount(dir)) })
	return dir
}

// tolerant opens a handler whose trouble is expected.
func tolerant(t *testing.T, s Sink) (*Handler, *slog.Logger) {
	t.Helper()
	var got reports
	h, err := Open(s, got.option())
	require.NoError(t, err)
	return h, slog.New(h)
}

// A rotation needs an inode for the new file. While there is none the log goes
// on as one file or waits in the queue, and nothing is lost.
func TestOutOfInodesAtRotation(t *testing.T) {
	dir := onDisk(t, "size=16m,nr_inodes=12")
	path := filepath.Join(dir, "app.log")
	h, log := tolerant(t, Sink{File: path, Enqueue: true, Rotation: "10 KB", QueueSize: 1 << 20})
	var taken []string
	for i := 0; ; i++ {
		name := filepath.Join(dir, fmt.Sprintf("taken-%d", i))
		f, err := os.Create(name)
		if err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			break
		}
		require.NoError(t, f.Close())
		taken = append(taken, name)
	}
	for seq := range 1000 {
		log.Info("record", "producer", 0, "seq", seq)
	}
	err := h.Complete()
	require.Error(t, err, "there is no inode for the new file")
	assert.ErrorIs(t, err, syscall.ENOSPC)
	assert.ErrorContains(t, err, "records still queued")
	for _, name := range taken {
		require.NoError(t, os.Remove(name))
	}
	for h.Complete() != nil { // backups use the inodes up, too
		backups, err := filepath.Glob(filepath.Join(dir, "app-*.log"))
		require.NoError(t, err)
		t.Skipf("%d backups took all inodes", len(backups))
	}
	require.NoError(t, h.Close())
	assert.Equal(t, 1000, inOrder(t, readLines(t, path)))
	assert.Zero(t, h.Stats()[0].Dropped)
}

// On a file system that is read-only the handler starts all the same, keeps what
// is logged, and opens its file once it can.
func TestReadOnlyFileSystem(t *testing.T) {
	dir := onDisk(t, "size=16m")
	path := filepath.Join(dir, "app.log")
	require.NoError(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	_, err := Open(Sink{File: path})
	require.ErrorIs(t, err, syscall.EROFS)

	told := make(chan error, 100)
	tell := OnError(func(err error) { told <- err })
	h := NewHandler(Sink{File: path, Enqueue: true, Rotation: "10 KB"}, tell)
	require.ErrorIs(t, <-told, syscall.EROFS, "told at once")
	without := NewHandler(Sink{File: filepath.Join(dir, "sync.log")}, tell)
	for seq := range 500 {
		slog.New(h).Info("record", "producer", 0, "seq", seq)
	}
	require.ErrorIs(t, info(without, "refused"), syscall.EROFS)
	err = h.Complete()
	require.ErrorIs(t, err, syscall.EROFS)
	assert.ErrorContains(t, err, "500 records still queued")

	require.NoError(t, unix.Mount("", dir, "", unix.MS_REMOUNT, ""))
	require.NoError(t, h.Complete())
	require.NoError(t, info(without, "taken"))
	require.NoError(t, h.Close())
	require.NoError(t, without.Close())
	assert.Equal(t, 500, inOrder(t, readLines(t, path)))
	assert.EqualValues(t, 1, without.Stats()[0].Dropped)
}

// A process without privileges loses the right to the directory and gets it
// back: what is logged meanwhile waits.
func TestPermissionIsTakenAndGivenBack(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become somebody else")
	}
	if !inChild(t) {
		return
	}
	dir, err := os.MkdirTemp("", "logly")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	logs := filepath.Join(dir, "logs")
	require.NoError(t, os.Mkdir(logs, 0o700))
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.Chown(logs, 65534, 65534))
	as := func(uid int) { require.NoError(t, syscall.Setresuid(-1, uid, 0)) }

	as(65534)
	path := filepath.Join(logs, "app.log")
	h, log := tolerant(t, Sink{File: path, Enqueue: true})
	log.Info("record", "producer", 0, "seq", 0)
	require.NoError(t, h.Complete())
	require.NoError(t, os.Rename(path, filepath.Join(logs, "app-2000-01-01T00-00-00.000.log")))
	require.NoError(t, h.Rotate()) // opens a new file
	require.NoError(t, os.Remove(path))
	as(0)
	require.NoError(t, os.Chmod(logs, 0o500)) // no new files
	as(65534)
	h.core.sinks[0].file.checked = time.Time{} // a second has passed
	for seq := 1; seq < 100; seq++ {
		log.Info("record", "producer", 0, "seq", seq)
	}
	err = h.Complete()
	require.ErrorIs(t, err, syscall.EACCES)
	assert.ErrorContains(t, err, "99 records still queued")
	as(0)
	require.NoError(t, os.Chmod(logs, 0o700))
	as(65534)
	require.NoError(t, h.Complete())
	require.NoError(t, h.Close())
	assert.Equal(t, 100, inOrder(t, readLines(t, path)))
	as(0)
}
