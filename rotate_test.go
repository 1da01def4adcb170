package logly

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reports collects what OnError is told.
type reports struct {
	mu   sync.Mutex
	errs []error
}

func (r *reports) option() Option {
	return OnError(func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.errs = append(r.errs, err)
	})
}

func (r *reports) all() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.errs)
}

// logTo opens a handler with one file sink. The test fails if any trouble is
// reported.
func logTo(t testing.TB, s Sink) *Handler {
	t.Helper()
	var got reports
	h, err := Open(s, got.option())
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, h.Close())
		if _, ok := t.(*testing.F); !ok {
			assert.Empty(t, got.all())
		}
	})
	return h
}

// bare leaves only what the test logs.
func bare(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return a
}

// produce logs numbered records from several goroutines.
func produce(h *Handler, producers, each int) {
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			l := slog.New(h).With("producer", p)
			for i := range each {
				l.Info("", "seq", i)
			}
		})
	}
	wg.Wait()
}

// names returns the names in the directory of the log, the log itself aside.
func names(t testing.TB, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	got := []string{}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			got = append(got, e.Name())
		}
	}
	return got
}

func temp(t testing.TB) string { return filepath.Join(t.TempDir(), "app.log") }

func write(t testing.TB, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// info logs one message and returns the error of Handle.
func info(h *Handler, msg string) error {
	return h.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelInfo, msg, 0))
}

// messages returns the messages in a log file and its backups.
func messages(t testing.TB, path string) []string {
	t.Helper()
	var got []string
	for _, l := range readLines(t, path) {
		_, l, _ = strings.Cut(l, `"msg":"`)
		l, _, _ = strings.Cut(l, `"`)
		got = append(got, l)
	}
	return got
}

// bubble runs f in a synctest bubble, where it is 2000-01-01 00:00 UTC.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestRotateInATightLoopUnderTraffic(t *testing.T) {
	for _, enqueue := range []bool{true, false} {
		t.Run(fmt.Sprintf("enqueue=%v", enqueue), func(t *testing.T) {
			path := temp(t)
			h := logTo(t, Sink{File: path, Enqueue: enqueue, ReplaceAttr: bare})
			calls := 1000
			if raceEnabled {
				calls = 100
			}
			stop := make(chan struct{})
			var wg sync.WaitGroup
			var sent [8]int
			for p := range sent {
				wg.Go(func() {
					l := slog.New(h).With("producer", p)
					for {
						select {
						case <-stop:
							return
						default:
							l.Info("", "seq", sent[p])
							sent[p]++
							if sent[p]%16 == 0 {
								time.Sleep(100 * time.Microsecond)
							}
						}
					}
				})
			}
			for n := 0; n < calls || h.Stats()[0].Rotations < uint64(calls/2); n++ {
				require.NoError(t, h.Rotate())
			}
			close(stop)
			wg.Wait()
			require.NoError(t, h.Complete())
			assert.NotContains(t, stacks(), "lumberjack")
			require.NoError(t, h.Close())
			total := 0
			for _, n := range sent {
				total += n
			}
			assert.Equal(t, total, inOrder(t, readLines(t, path)))
			assert.Len(t, names(t, path), int(h.Stats()[0].Rotations))
		})
	}
}

func stacks() string {
	buf := make([]byte, 4<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

func TestSizeRotationLosesNothing(t *testing.T) {
	for _, c := range []struct {
		name    string
		sink    Sink
		records int
	}{
		{"queue gzip", Sink{Enqueue: true, Compression: Gzip}, 100_000},
		{"queue", Sink{Enqueue: true, QueueSize: 4096}, 10_000},
		{"sync", Sink{}, 10_000},
		{"sync gzip delayed", Sink{Compression: Gzip, DelayCompression: true}, 5_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			if raceEnabled {
				c.records /= 10
			}
			path := temp(t)
			c.sink.File, c.sink.Rotation, c.sink.ReplaceAttr = path, "1 KB", bare
			h := logTo(t, c.sink)
			produce(h, 8, c.records/8)
			require.NoError(t, h.Complete())
			u := &h.core.sinks[0].file.janitor.unsynced
			u.mu.Lock()
			assert.Empty(t, u.files)
			u.mu.Unlock()
			require.NoError(t, h.Close())
			lines := readLines(t, path)
			assert.Equal(t, c.records/8*8, inOrder(t, lines))
			backups := names(t, path)
			assert.Len(t, backups, int(h.Stats()[0].Rotations))
			for i, name := range backups {
				if c.sink.DelayCompression && i < len(backups)-1 {
					continue // TestDelayCompression looks at the clock
				}
				plain := c.sink.Compression == "" || c.sink.DelayCompression
				assert.Equal(t, plain, strings.HasSuffix(name, ".log"), name)
			}
			checkSizes(t, path, 1000)
		})
	}
}

// checkSizes checks that a file is larger than the limit only if it holds a
// single record, and that none was rotated early.
func checkSizes(t *testing.T, path string, limit int) {
	t.Helper()
	files := names(t, path)
	for i, name := range files {
		text := readFile(t, filepath.Join(filepath.Dir(path), name))
		if len(text) > limit {
			assert.Equal(t, 1, strings.Count(text, "\n"), name)
		}
		next := path
		if i+1 < len(files) {
			next = filepath.Join(filepath.Dir(path), files[i+1])
		}
		first := strings.IndexByte(readFile(t, next), '\n') + 1
		assert.Greater(t, len(text)+first, limit, "%s was rotated early", name)
	}
}

func TestSizeIsCheckedPerLine(t *testing.T) {
	for _, enqueue := range []bool{true, false} {
		path := temp(t)
		h := logTo(t, Sink{File: path, Enqueue: enqueue, Rotation: "500 B"})
		for i := range 300 {
			require.NoError(t, info(h, strings.Repeat("x", i*37%900)))
		}
		require.NoError(t, h.Close())
		assert.Len(t, readLines(t, path), 300)
		checkSizes(t, path, 500)
	}
}

// The newline that ends a line somebody else left counts into the size.
func TestSizeWithAnUnfinishedLine(t *testing.T) {
	path := temp(t)
	line := `{"seq":0}` + "\n"
	write(t, path, strings.Repeat("x", 500-len(line)))
	h := logTo(t, Sink{File: path, Rotation: "500 B", ReplaceAttr: bare})
	slog.New(h).Info("", "seq", 0)
	require.NoError(t, h.Close())
	assert.Equal(t, line, readFile(t, path))
	assert.Len(t, names(t, path), 1)
}

func TestRotateNothing(t *testing.T) {
	path := temp(t)
	h := logTo(t, Sink{File: path, Rotation: Daily})
	for range 3 {
		assert.NoError(t, h.Rotate())
	}
	assert.Empty(t, names(t, path))
	assert.Zero(t, h.Stats()[0].Rotations)

	none, err := Open(Sink{Writer: &strings.Builder{}}, Sink{Handler: slog.DiscardHandler})
	require.NoError(t, err)
	assert.NoError(t, none.Rotate())
	require.NoError(t, none.Close())
}

// A file that somebody truncated is empty, whatever was written before.
func TestRotateAfterTruncate(t *testing.T) {
	path := temp(t)
	h := logTo(t, Sink{File: path, Rotation: "1 KB"})
	require.NoError(t, info(h, strings.Repeat("x", 900)))
	require.NoError(t, os.Truncate(path, 0))
	require.NoError(t, h.Rotate())
	assert.Empty(t, names(t, path))
	require.NoError(t, info(h, strings.Repeat("y", 900)))
	assert.Empty(t, names(t, path), "an empty file is not rotated")
	assert.False(t, strings.Contains(readFile(t, path), "\x00"))
}

func TestRotateReopensAFileThatWasMoved(t *testing.T) {
	for _, create := range []bool{true, false} {
		path := temp(t)
		h := logTo(t, Sink{File: path, Enqueue: true})
		require.NoError(t, info(h, "a"))
		require.NoError(t, h.Complete())
		require.NoError(t, os.Rename(path, path+".1"))
		if create {
			write(t, path, "")
		}
		require.NoError(t, h.Rotate())
		require.NoError(t, info(h, "b"))
		require.NoError(t, h.Close())
		assert.Equal(t, []string{"b"}, messages(t, path))
		assert.Equal(t, []string{"app.log.1"}, names(t, path))
		assert.Zero(t, h.Stats()[0].Rotations)
	}
}

type failingRenamer struct{}

var errRename = errors.New("no rename today")

func (failingRenamer) Rotate() error { return errRename }
func (failingRenamer) Close() error  { return nil }

// fileFor returns a logFile outside any handler.
func fileFor(t testing.TB, s Sink) (*logFile, *reports) {
	t.Helper()
	var got reports
	f := newLogFile(s, &counters{}, func(err error) {
		got.mu.Lock()
		defer got.mu.Unlock()
		got.errs = append(got.errs, err)
	})
	t.Cleanup(func() { assert.NoError(t, f.close()) })
	return f, &got
}

// put writes a line as a sink without a queue does.
func put(t testing.TB, f *logFile, line string) {
	t.Helper()
	_, err := f.ready(len(line))
	require.NoError(t, err)
	_, err = f.Write([]byte(line))
	require.NoError(t, err)
	require.True(t, f.landed())
}

// An earlier run died between link and unlink: the newest backup is the live
// file, whose lines must not be compressed away under a writer.
func TestInterruptedMoveIsTakenBack(t *testing.T) {
	path := temp(t)
	write(t, path, "1\n")
	require.NoError(t, os.Link(path, filepath.Dir(path)+"/app-2030-01-01T00-00-00.000.log"))
	h := logTo(t, Sink{File: path, Compression: Gzip})
	require.NoError(t, info(h, "2"))
	require.NoError(t, h.Close())
	assert.Empty(t, names(t, path))
	assert.Len(t, readLines(t, path), 2)
}

// Backup names are taken: by a link that leads elsewhere, by a directory, by a
// compressed file.
func TestTakenBackupNames(t *testing.T) {
	bubble(t, func(t *testing.T) {
		path := temp(t)
		dir := filepath.Dir(path)
		victim := filepath.Join(t.TempDir(), "victim")
		write(t, victim, "precious")
		h := logTo(t, Sink{File: path, Compression: Gzip})
		require.NoError(t, info(h, "0"))
		stamp := func(ms int) string { return fmt.Sprintf("%s/app-2000-01-01T00-00-00.%03d.log", dir, ms) }
		require.NoError(t, h.Complete())
		first := int(time.Now().UnixMilli() % 1000)
		require.NoError(t, os.Symlink(victim, stamp(first)))
		require.NoError(t, os.Symlink(victim, stamp(first+1)+".gz"))
		require.NoError(t, os.Mkdir(stamp(first+2), 0o700))
		require.NoError(t, os.Symlink("nowhere", stamp(first+3)))
		temporary := filepath.Join(dir, "."+filepath.Base(stamp(first+4))+".gz.tmp")
		require.NoError(t, os.Symlink(victim, temporary))
		require.NoError(t, h.Rotate())
		require.NoError(t, h.Close())
		assert.Equal(t, "precious", readFile(t, victim))
		assert.NoFileExists(t, stamp(first+4))
		assert.Contains(t, readFile(t, stamp(first+4)+".gz"), `"msg":"0"`)
		_, err := os.Lstat(temporary)
		assert.ErrorIs(t, err, fs.ErrNotExist)
		info, err := os.Lstat(stamp(first+4) + ".gz")
		require.NoError(t, err)
		assert.True(t, info.Mode().IsRegular())
	})
}

// A rotation that fails is reported, costs no line and is tried again.
func TestRotationFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		path := temp(t)
		f, got := fileFor(t, Sink{File: path, Rotation: "20 B"})
		require.NoError(t, f.openNow())
		good := f.lumber
		f.lumber = failingRenamer{}
		for range 100 {
			put(t, f, "123456789\n")
		}
		require.Len(t, got.all(), 1, "tried once a second")
		assert.ErrorIs(t, got.all()[0], errRename)
		assert.ErrorIs(t, f.rotate(), errRename)
		time.Sleep(time.Second)
		put(t, f, "123456789\n")
		assert.Len(t, got.all(), 2)
		f.lumber = good
		time.Sleep(time.Second)
		put(t, f, "123456789\n")
		require.NoError(t, f.close())
		assert.Len(t, readLines(t, path), 102)
		assert.Equal(t, int64(10), int64(len(readFile(t, path))))
		assert.Equal(t, uint64(1), f.count.rotations.Load())
	})
}

// silentRenamer does nothing and says that all is well.
type silentRenamer struct{ failingRenamer }

func (silentRenamer) Rotate() error { return nil }

func TestRotationIsNotBelieved(t *testing.T) {
	path := temp(t)
	f, _ := fileFor(t, Sink{File: path})
	put(t, f, "a\n")
	f.lumber = silentRenamer{}
	assert.ErrorContains(t, f.rotate(), "still in its place")
	assert.Zero(t, f.count.rotations.Load())
	put(t, f, "b\n")
	assert.Equal(t, "a\nb\n", readFile(t, path))
}

// renameOnly renames and then fails, as lumberjack does when it may not keep the
// owner of the file, or cannot open the new one.
type renameOnly struct {
	renamer
	path string
}

func (r renameOnly) Rotate() error {
	if err := r.renamer.Rotate(); err != nil {
		return err
	}
	return errors.Join(os.Remove(r.path), &fs.PathError{Op: "chown", Path: r.path, Err: fs.ErrPermission})
}

func TestRenameSucceedsAndTheRestFails(t *testing.T) {
	path := temp(t)
	write(t, path, "")
	require.NoError(t, os.Chmod(path, 0o640))
	f, got := fileFor(t, Sink{File: path})
	put(t, f, "a\n")
	f.lumber = renameOnly{f.lumber, path}
	require.NoError(t, f.rotate())
	put(t, f, "b\n")
	require.NoError(t, f.close())
	assert.Equal(t, []string{"a", "b"}, readLines(t, path))
	assert.Equal(t, uint64(1), f.count.rotations.Load())
	if runtime.GOOS != "windows" {
		assert.Equal(t, fs.FileMode(0o640), modeOf(t, path))
	}
	assert.Empty(t, got.all())
}

func modeOf(t testing.TB, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode().Perm()
}

func TestOpenCloseCycles(t *testing.T) {
	path := temp(t)
	n := 1000
	if raceEnabled {
		n = 200
	}
	goroutines, fds := runtime.NumGoroutine(), len(descriptors())
	for i := range n {
		h, err := Open(Sink{File: path, Enqueue: i%2 == 0, Rotation: "1 KB", Compression: Gzip, MaxBackups: 3, ReplaceAttr: bare})
		require.NoError(t, err)
		slog.New(h).Info("", "producer", 0, "seq", i)
		require.NoError(t, h.Close())
		require.LessOrEqual(t, len(descriptors()), fds, "cycle %d", i)
	}
	for range 100 {
		if runtime.NumGoroutine() <= goroutines {
			break
		}
		time.Sleep(time.Millisecond)
	}
	assert.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	assert.LessOrEqual(t, len(names(t, path)), 4)
	lines := readLines(t, path)
	assert.Contains(t, lines[len(lines)-1], fmt.Sprintf(`"seq":%d`, n-1))
}

// record returns a record with a number.
func record(seq int) slog.Record {
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "", 0)
	r.AddAttrs(slog.Int("seq", seq))
	return r
}
