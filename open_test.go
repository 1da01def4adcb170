package logly

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tree lists what is below a directory.
func tree(t testing.TB, dir string) []string {
	t.Helper()
	var got []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		got = append(got, path)
		return err
	}))
	return got
}

func TestMissingDirectoriesAreMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "c", "app.log")
	h := logTo(t, Sink{File: path})
	require.NoError(t, info(h, "0"))
	require.NoError(t, h.Complete())
	assert.Len(t, readLines(t, path), 1)
}

func TestOpenThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken.log")
	held := logTo(t, Sink{File: taken})
	require.NoError(t, info(held, "0"))
	write(t, filepath.Join(dir, "file"), "")
	for _, bad := range []string{
		dir,
		taken,
		filepath.Join(dir, "file", "app.log"),
		filepath.Join(dir, "x", "y", strings.Repeat("z", 300), "app.log"),
		filepath.Join(dir, "x", strings.Repeat("z", 300)),
	} {
		before, open, running := tree(t, dir), len(descriptors()), runtime.NumGoroutine()
		for _, enqueue := range []bool{true, false} {
			_, err := Open(
				Sink{File: filepath.Join(dir, "new", "sub", "good.log"), Enqueue: enqueue},
				Sink{File: filepath.Join(dir, "good.log"), Enqueue: enqueue},
				Sink{File: bad, Enqueue: enqueue},
			)
			require.Error(t, err, bad)
			assert.Equal(t, before, tree(t, dir))
			assert.Len(t, descriptors(), open)
			assert.LessOrEqual(t, runtime.NumGoroutine(), running)
		}
	}
	h := logTo(t, Sink{File: filepath.Join(dir, "good.log")}) // it is not held either
	require.NoError(t, info(h, "0"))
}

// Who waits for the error of Open does not wait for an earlier run's backups to
// be compressed.
func TestOpenThatFailsAbortsCompression(t *testing.T) {
	path := temp(t)
	backup := filepath.Dir(path) + "/app-2000-01-01T00-00-00.000.log"
	require.NoError(t, os.WriteFile(backup, nil, 0o600))
	require.NoError(t, os.Truncate(backup, 4<<30)) // sparse: tens of seconds of work
	began := time.Now()
	_, err := Open(Sink{File: path, Compression: Gzip}, Sink{File: filepath.Dir(path)})
	require.Error(t, err)
	assert.Less(t, time.Since(began), 10*time.Second)
	assert.Equal(t, []string{filepath.Base(backup)}, names(t, path))
}

func TestFileThatEndsInsideALine(t *testing.T) {
	path := temp(t)
	write(t, path, "whole\ntor")
	h := logTo(t, Sink{File: path, ReplaceAttr: bare})
	for i := range 2 {
		slog.New(h).Info("", "seq", i)
	}
	require.NoError(t, h.Close())
	assert.Equal(t, "whole\ntor\n{\"seq\":0}\n{\"seq\":1}\n", readFile(t, path))
}

func TestPathIsHeldByOneHandler(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "app.log")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "real"), 0o700))
	first := logTo(t, Sink{File: path})
	for _, same := range []string{path, filepath.Join(dir, "real", "..", "app.log"), dir + "/./app.log"} {
		_, err := Open(Sink{File: same})
		assert.ErrorContains(t, err, "open already")
		assert.ErrorContains(t, err, same)
	}
	_, err := Open(Sink{File: filepath.Join(dir, "b.log")}, Sink{File: filepath.Join(dir, "real/../b.log")})
	assert.ErrorContains(t, err, "another sink")
	assert.NoFileExists(t, filepath.Join(dir, "b.log"))
	require.NoError(t, first.Close())
	require.NoError(t, logTo(t, Sink{File: path}).Close())
}

func TestNewHandlerTakesOverWhenTheFirstCloses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		path := temp(t)
		first := logTo(t, Sink{File: path})
		var got reports
		second := NewHandler(Sink{File: path, Enqueue: true}, got.option())
		require.NoError(t, info(first, "0"))
		require.NoError(t, info(second, "1"))
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.ErrorContains(t, second.Complete(), "1 record still queued")
		require.NotEmpty(t, got.all())
		assert.ErrorContains(t, got.all()[0], "open already")
		require.NoError(t, info(first, "2"))
		require.NoError(t, first.Close())
		require.NoError(t, second.Complete())
		require.NoError(t, second.Close())
		assert.Equal(t, []string{"0", "2", "1"}, messages(t, path))
	})
}

func TestFileIsRemovedWhileRunning(t *testing.T) {
	for _, enqueue := range []bool{true, false} {
		dir := filepath.Join(t.TempDir(), "log")
		path := filepath.Join(dir, "app.log")
		h := logTo(t, Sink{File: path, Enqueue: enqueue})
		for i, remove := range []string{path, path, dir} {
			require.NoError(t, info(h, "lost"))
			require.NoError(t, h.Complete())
			require.NoError(t, os.RemoveAll(remove))
			require.NoError(t, info(h, "kept"))
			require.NoError(t, h.Complete())
			require.Equal(t, []string{"kept"}, messages(t, path), i)
			require.NoError(t, os.Remove(path))
		}
	}
}

// removing removes the file after the first part of a batch is written.
type removing struct {
	*logFile
	done bool
}

func (r *removing) Write(p []byte) (int, error) {
	if r.done {
		return r.logFile.Write(p)
	}
	r.done = true
	n, err := r.logFile.Write(p[:len(p)/2])
	if err == nil {
		err = os.Remove(r.path)
	}
	return n, err
}

func TestFileIsRemovedInTheMiddleOfABatch(t *testing.T) {
	path := temp(t)
	f, _ := fileFor(t, Sink{File: path})
	o := &lineOutput{destination: &removing{logFile: f}, name: path, count: &counters{}}
	batch := []byte("1111\n2222\n3333\n4444\n5555\n")
	for n, i := 0, 0; n < len(batch); i++ {
		done, _, _ := o.deliver(entry{line: batch[n:]})
		n += done
		require.Less(t, i, 10)
	}
	assert.Equal(t, string(batch), readFile(t, path))
}

func TestFileIsMovedWhileRunning(t *testing.T) {
	for _, enqueue := range []bool{true, false} {
		for _, create := range []bool{true, false} {
			bubble(t, func(t *testing.T) {
				path := temp(t)
				h := logTo(t, Sink{File: path, Enqueue: enqueue})
				say := func(msg string) {
					require.NoError(t, info(h, msg))
					require.NoError(t, h.Complete())
				}
				say("0")
				moved := filepath.Dir(path) + "/moved"
				require.NoError(t, os.Rename(path, moved))
				if create {
					write(t, path, "")
				}
				say("1") // within the second it may go to either
				time.Sleep(checkEvery)
				say("2")
				say("3")
				require.NoError(t, h.Close())
				assert.Equal(t, []string{"0", "1"}, messages(t, moved))
				assert.Equal(t, []string{"2", "3"}, messages(t, path))
			})
		}
	}
}

func TestFileIsTruncatedWhileRunning(t *testing.T) {
	path := temp(t)
	h := logTo(t, Sink{File: path})
	require.NoError(t, info(h, "0"))
	require.NoError(t, os.Truncate(path, 0))
	require.NoError(t, info(h, "1"))
	assert.Equal(t, []string{"1"}, messages(t, path))
	assert.NotContains(t, readFile(t, path), "\x00")
}

// The live file is renamed by somebody just before it is due: what then stands
// at the path is not rotated in its place.
func TestSomebodyElsesFileIsNotRotated(t *testing.T) {
	path := temp(t)
	f, _ := fileFor(t, Sink{File: path, Rotation: "10 B"})
	put(t, f, "12345678\n")
	require.NoError(t, os.Rename(path, path+".1"))
	write(t, path, "theirs\n")
	put(t, f, "87654321\n")
	assert.Equal(t, "theirs\n87654321\n", readFile(t, path))
	assert.Equal(t, []string{"app.log.1"}, names(t, path))
}
