//go:build unix

package logly

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestFileThatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	require.NoError(t, unix.Mkfifo(fifo, 0o600))
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(fifo, link))
	loop := filepath.Join(dir, "loop")
	require.NoError(t, os.Symlink("loop", loop))
	before := tree(t, dir)
	for path, want := range map[string]string{dir: "directory", fifo: "named pipe", link: "named pipe", os.DevNull: "device"} {
		_, err := Open(Sink{File: path})
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "Writer")
	}
	_, err := Open(Sink{File: loop})
	require.ErrorContains(t, err, "too many symbolic links")
	assert.Equal(t, before, tree(t, dir))
}

func TestFileThatIsALinkFromTheStart(t *testing.T) {
	for _, exists := range []bool{true, false} {
		dir := t.TempDir()
		path, real := filepath.Join(dir, "app.log"), filepath.Join(dir, "real", "data.log")
		require.NoError(t, os.Mkdir(filepath.Dir(real), 0o700))
		if exists {
			write(t, real, "")
		}
		require.NoError(t, os.Symlink("real/data.log", path))
		h := logTo(t, Sink{File: path, Compression: Gzip})
		require.NoError(t, info(h, "0"))
		require.NoError(t, h.Rotate())
		require.NoError(t, info(h, "1"))
		_, err := Open(Sink{File: real})
		require.ErrorContains(t, err, "open already")
		require.NoError(t, h.Close())
		assert.Equal(t, []string{"0", "1"}, messages(t, real))
		to, err := os.Readlink(path)
		require.NoError(t, err)
		assert.Equal(t, "real/data.log", to)
	}
}

func TestFileIsReplacedByALink(t *testing.T) {
	for _, moved := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			path := temp(t)
			victim := filepath.Join(t.TempDir(), "victim")
			write(t, victim, "precious")
			var got reports
			h, err := Open(Sink{File: path, Enqueue: true, Rotation: Hourly}, got.option())
			require.NoError(t, err)
			require.NoError(t, info(h, "0"))
			require.NoError(t, h.Complete())
			saved := filepath.Dir(path) + "/saved"
			if moved {
				require.NoError(t, os.Rename(path, saved))
			} else {
				require.NoError(t, os.Remove(path))
			}
			require.NoError(t, os.Symlink(victim, path))
			time.Sleep(2 * time.Hour)
			require.NoError(t, info(h, "1"))
			assert.ErrorContains(t, h.Complete(), "symbolic link")
			assert.ErrorContains(t, h.Rotate(), "symbolic link")
			time.Sleep(2 * time.Second)
			synctest.Wait()
			require.NotEmpty(t, got.all())
			assert.Equal(t, "precious", readFile(t, victim))
			require.NoError(t, os.Remove(path))
			time.Sleep(2 * time.Second)
			require.NoError(t, h.Close())
			assert.Equal(t, []string{"1"}, messages(t, path))
			assert.Equal(t, "precious", readFile(t, victim))
			assert.Zero(t, h.Stats()[0].Rotations)
		})
	}
}

// A backup that somebody swaps for a pipe or a link is left alone, and holds up
// nobody.
func TestBackupsAreSwapped(t *testing.T) {
	path := temp(t)
	f, got := fileFor(t, Sink{File: path, Compression: Gzip, MaxBackups: 1})
	require.NoError(t, f.openNow())
	j := f.janitor
	victim := filepath.Join(t.TempDir(), "victim")
	write(t, victim, "precious")
	j.aborted.Store(true)
	for range 3 {
		put(t, f, "a\n")
		require.NoError(t, f.rotate())
	}
	backups := names(t, path)
	require.Len(t, backups, 3)
	dir := filepath.Dir(path)
	for i := range 2 {
		require.NoError(t, os.Remove(filepath.Join(dir, backups[i])))
	}
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, backups[0]), 0o600))
	require.NoError(t, os.Symlink(victim, filepath.Join(dir, backups[1])))
	for i := range 2 {
		assert.ErrorIs(t, j.compressFile(filepath.Join(dir, backups[i])), errNotRegular)
	}
	j.aborted.Store(false)
	j.mu.Lock()
	j.start()
	j.mu.Unlock()
	require.NoError(t, f.close())
	assert.Equal(t, "precious", readFile(t, victim))
	assert.Equal(t, []string{backups[0], backups[1], backups[2] + ".gz"}, names(t, path))
	_ = got
}

func TestFileMode(t *testing.T) {
	if !inChild(t) {
		return
	}
	for _, umask := range []int{0o077, 0, 0o777} {
		syscall.Umask(umask)
		for mode, want := range map[fs.FileMode]fs.FileMode{0: 0o600, 0o640: 0o640, 0o666: 0o666, 0o400: 0o400} {
			dir, err := os.MkdirTemp("", "logly")
			require.NoError(t, err)
			require.NoError(t, os.Chmod(dir, 0o700))
			defer os.RemoveAll(dir)
			path := filepath.Join(dir, "app.log")
			h := logTo(t, Sink{File: path, FileMode: mode, Compression: Gzip})
			assert.Equal(t, want, modeOf(t, path))
			require.NoError(t, info(h, "0"))
			require.NoError(t, h.Rotate())
			assert.Equal(t, want, modeOf(t, path))
			// One that was changed, or existed, keeps its mode and hands it on.
			require.NoError(t, os.Chmod(path, 0o664))
			require.NoError(t, info(h, "1"))
			require.NoError(t, h.Rotate())
			assert.Equal(t, fs.FileMode(0o664), modeOf(t, path))
			require.NoError(t, h.Close())
			assert.Equal(t, want, modeOf(t, filepath.Join(dir, names(t, path)[0])))
			assert.Equal(t, fs.FileMode(0o664), modeOf(t, filepath.Join(dir, names(t, path)[1])))
		}
	}
	syscall.Umask(0o022)
}

// The directory goes and a file stands in its place: nothing can be opened until
// it is back.
func TestDirectoryIsReplaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "log")
		path := filepath.Join(dir, "app.log")
		var got reports
		h, err := Open(Sink{File: path, Enqueue: true, Rotation: Daily}, got.option())
		require.NoError(t, err)
		require.NoError(t, info(h, "0"))
		require.NoError(t, h.Complete())
		require.NoError(t, os.Rename(dir, dir+".old"))
		write(t, dir, "")
		time.Sleep(25 * time.Hour) // due meanwhile
		require.NoError(t, info(h, "1"))
		require.Error(t, h.Complete())
		require.Error(t, h.Rotate())
		require.NoError(t, os.Remove(dir))
		time.Sleep(2 * time.Second)
		require.NoError(t, h.Complete())
		require.NoError(t, h.Close())
		assert.Equal(t, []string{"0"}, messages(t, dir+".old/app.log"))
		assert.Equal(t, []string{"1"}, messages(t, path))
		assert.NotEmpty(t, got.all())
	})
}

// No descriptor is left for the new file: the rename stands, and the line goes
// into the new file once there is one.
func TestNoDescriptorLeftAtRotation(t *testing.T) {
	if !inChild(t) {
		return
	}
	path := temp(t)
	write(t, path, "")
	require.NoError(t, os.Chmod(path, 0o644))
	var got reports
	h, err := Open(Sink{File: path}, got.option())
	require.NoError(t, err)
	h.core.sinks[0].file.janitor.abort() // or it would close the old file soon
	require.NoError(t, info(h, "0"))
	var hoard []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if errors.Is(err, syscall.EMFILE) {
			break
		}
		require.NoError(t, err)
		hoard = append(hoard, f)
		if len(hoard) == 1 {
			limit := syscall.Rlimit{Cur: 64, Max: 64}
			require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
		}
	}
	require.ErrorIs(t, h.Rotate(), syscall.EMFILE)
	require.ErrorIs(t, info(h, "1"), syscall.EMFILE)
	require.NoError(t, hoard[0].Close())
	require.NoError(t, info(h, "2"))
	for _, f := range hoard[1:] {
		require.NoError(t, f.Close())
	}
	require.NoError(t, h.Close())
	assert.Equal(t, []string{"0", "logly: records dropped", "2"}, messages(t, path))
	assert.Equal(t, uint64(1), h.Stats()[0].Rotations)
	assert.Equal(t, fs.FileMode(0o644), modeOf(t, path))
	assert.NotEmpty(t, got.all())
}
