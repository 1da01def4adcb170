package logly

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
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

// strangers are names that look like backups of app.log and are none.
var strangers = []string{
	"app-2000-01-01T00-00-00.000.txt",
	"app-2000-01-01T00-00-00.000.log.gz.bak",
	"app-2000-01-01T00-00-00.00.log",
	"app-2000-01-01T00-00-00,000.log",
	"app-2000-02-30T00-00-00.000.log",
	"app-2000-01-01T24-00-00.000.log",
	"app-2000-01-01T00-00-00.000-1.log",
	"app-2000-01-01.log",
	"app-old.log",
	"app-.log",
	"app.log.1",
	"apples-2000-01-01T00-00-00.000.log",
	"my-app-2000-01-01T00-00-00.000.log",
	".app-2000-01-01T00-00-00.000.log.gz",
	"app-2000-01-01T00-00-00.000.log.gz.tmp",
	".app-x.log.gz.tmp",
}

func TestStrangersAreNotTouched(t *testing.T) {
	path := temp(t)
	dir := filepath.Dir(path)
	for _, name := range strangers {
		write(t, filepath.Join(dir, name), "keep")
	}
	require.NoError(t, os.Mkdir(dir+"/app-2000-01-01T00-00-00.000.log", 0o700))
	before := names(t, path)
	h := logTo(t, Sink{File: path, MaxBackups: 1, MaxAge: time.Hour, MaxTotalSize: 1, Compression: Gzip})
	require.NoError(t, h.Close())
	assert.Equal(t, before, names(t, path))
}

func TestMaxBackups(t *testing.T) {
	path := temp(t)
	h := logTo(t, Sink{File: path, Enqueue: true, MaxBackups: 3, Compression: Gzip})
	for i := range 20 {
		require.NoError(t, info(h, fmt.Sprint(i)))
		require.NoError(t, h.Complete())
		require.NoError(t, h.Rotate())
	}
	require.NoError(t, info(h, "20"))
	require.NoError(t, h.Close())
	assert.Equal(t, []string{"17", "18", "19", "20"}, messages(t, path))
}

// Backups that others have removed count no longer.
func TestMaxBackupsCountsWhatIsThere(t *testing.T) {
	path := temp(t)
	h := logTo(t, Sink{File: path, MaxBackups: 3})
	rotate := func(i int) {
		require.NoError(t, info(h, fmt.Sprint(i)))
		require.NoError(t, h.Rotate())
	}
	for i := range 3 {
		rotate(i)
	}
	require.NoError(t, os.Remove(filepath.Join(filepath.Dir(path), names(t, path)[1])))
	rotate(3)
	require.NoError(t, h.Close())
	assert.Equal(t, []string{"0", "2", "3"}, messages(t, path))
}

func TestMaxAge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		path := temp(t)
		dir := filepath.Dir(path)
		write(t, dir+"/app-1999-12-30T23-59-59.999.log", "")
		write(t, dir+"/app-1999-12-31T00-00-00.001.log.gz", "")
		h := logTo(t, Sink{File: path, MaxAge: 24 * time.Hour})
		synctest.Wait()
		waitFor(t, func() bool { return len(names(t, path)) == 1 })
		time.Sleep(2 * time.Minute) // nothing is logged: the clock alone
		waitFor(t, func() bool { return len(names(t, path)) == 0 })
		require.NoError(t, h.Close())
	})
}

// waitFor waits, in real time, for what a goroutine does to files.
func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	for range 100_000 {
		if ok() {
			return
		}
		runtime.Gosched()
	}
	t.Fatal("it does not happen")
}

func TestMaxTotalSize(t *testing.T) {
	path := temp(t)
	h := logTo(t, Sink{File: path, MaxTotalSize: 1000})
	for i := range 10 {
		require.NoError(t, info(h, fmt.Sprint(i)+strings.Repeat("x", 300)))
		require.NoError(t, h.Rotate())
	}
	require.NoError(t, h.Close())
	got := messages(t, path)
	require.Len(t, got, 2)
	assert.True(t, strings.HasPrefix(got[0], "8"))
	assert.True(t, strings.HasPrefix(got[1], "9"))
}

// The size that counts is that after compression, which is not delayed where
// room is short.
func TestMaxTotalSizeOfCompressed(t *testing.T) {
	for _, delay := range []bool{false, true} {
		t.Run(fmt.Sprintf("delay=%v", delay), func(t *testing.T) {
			path := temp(t)
			h := logTo(t, Sink{File: path, MaxTotalSize: 5000, Compression: Gzip, DelayCompression: delay})
			for i := range 5 {
				require.NoError(t, info(h, fmt.Sprint(i)+strings.Repeat("x", 3000)))
				require.NoError(t, h.Rotate())
				require.NoError(t, h.Complete())
				h.core.sinks[0].file.janitor.close() // until it is idle
			}
			require.NoError(t, h.Close())
			assert.Len(t, messages(t, path), 5)
		})
	}
}

// plainNames returns how many backups there are, and how many of them, the
// newest, are plain. Before one that is plain none may be.
func plainNames(t *testing.T, path string) (all, plain int) {
	t.Helper()
	for _, name := range names(t, path) {
		all++
		if !strings.HasSuffix(name, gzipSuffix) {
			plain++
		} else {
			assert.Zero(t, plain, "%s is compressed, an older one is not", name)
		}
	}
	return all, plain
}

// A tailer has the newest backup, and every other one for a minute.
func TestDelayCompression(t *testing.T) {
	for _, enqueue := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			path := temp(t)
			sink := Sink{File: path, Enqueue: enqueue, Compression: Gzip, DelayCompression: true}
			plain := func(want int) {
				t.Helper()
				synctest.Wait()
				all, got := plainNames(t, path)
				assert.Equal(t, 4, all)
				assert.Equal(t, want, got)
			}
			h := logTo(t, sink)
			for i := range 4 {
				require.NoError(t, info(h, fmt.Sprint(i)))
				require.NoError(t, h.Complete())
				require.NoError(t, h.Rotate())
				time.Sleep(10 * time.Second)
			}
			plain(4)
			time.Sleep(19 * time.Second)
			plain(4)
			time.Sleep(tailing + idleEvery)
			plain(1)
			time.Sleep(time.Hour)
			plain(1)
			require.NoError(t, h.Close())
			plain(1)
			assert.Equal(t, []string{"0", "1", "2", "3"}, messages(t, path))
		})
	}
}

// Close compresses what has waited. What it must leave, as a process that is
// killed does, the next handler compresses when its time has come.
func TestDelayCompressionAcrossClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		path := temp(t)
		sink := Sink{File: path, Compression: Gzip, DelayCompression: true}
		h := logTo(t, sink)
		for i := range 4 {
			require.NoError(t, info(h, fmt.Sprint(i)))
			require.NoError(t, h.Rotate())
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = h.CloseContext(ctx) // aborts compression
		_, plain := plainNames(t, path)
		assert.Equal(t, 4, plain)
		h = logTo(t, sink)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		_, plain = plainNames(t, path)
		assert.Equal(t, 4, plain)
		time.Sleep(tailing + idleEvery)
		synctest.Wait()
		_, plain = plainNames(t, path)
		assert.Equal(t, 1, plain)

		for i := range 3 {
			require.NoError(t, info(h, fmt.Sprint(i)))
			require.NoError(t, h.Rotate())
		}
		synctest.Wait()
		_, plain = plainNames(t, path)
		assert.Equal(t, 3, plain) // the one before was old enough
		require.NoError(t, h.Close())
		all, plain := plainNames(t, path)
		assert.Equal(t, 7, all)
		assert.Equal(t, 1, plain)
	})
}

// What cannot be compressed is tried again after a while, and not with every
// record.
func TestFailingBackupsAreNotTriedAllTheTime(t *testing.T) {
	for name, sink := range map[string]Sink{
		"compressed": {Compression: Gzip},
		"delayed":    {Compression: Gzip, DelayCompression: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				sink.File, sink.Enqueue = temp(t), true
				dir := filepath.Dir(sink.File)
				for _, n := range []string{"1", "2"} {
					name := "app-1999-01-01T00-00-00.00" + n + ".log"
					write(t, filepath.Join(dir, name), "x\n")
					require.NoError(t, os.MkdirAll(filepath.Join(dir, "."+name+".gz.tmp", "in the way"), 0o700))
				}
				h := NewHandler(sink, quiet)
				for i := range 1000 {
					require.NoError(t, info(h, fmt.Sprint(i)))
					time.Sleep(100 * time.Millisecond)
					synctest.Wait()
				}
				assert.Less(t, h.Stats()[0].Errors, uint64(20))
				assert.Positive(t, h.Stats()[0].Errors)
				_ = h.Close()
			})
		})
	}
}

// A clock that was set back makes names from the future; the minute is none of
// the clock's.
func TestDelayCompressionWhenTheClockIsSetBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		path := temp(t)
		ahead := time.Now().UTC().Add(time.Hour).Format(stampLayout)
		write(t, filepath.Dir(path)+"/app-"+ahead+".log", "old\n")
		h := logTo(t, Sink{File: path, Enqueue: true, Compression: Gzip, DelayCompression: true})
		for i := range 5 {
			require.NoError(t, info(h, fmt.Sprint(i)))
			require.NoError(t, h.Complete())
			require.NoError(t, h.Rotate())
			time.Sleep(time.Second)
		}
		synctest.Wait()
		all, plain := plainNames(t, path)
		assert.Equal(t, 6, all)
		assert.Equal(t, 5, plain)
		time.Sleep(tailing + idleEvery)
		synctest.Wait()
		_, plain = plainNames(t, path)
		assert.Equal(t, 1, plain)
		require.NoError(t, h.Close())
	})
}

// Backups that come while others are compressed count when they are compressed.
func TestMaxTotalSizeDuringABurst(t *testing.T) {
	for _, delay := range []bool{false, true} {
		t.Run(fmt.Sprintf("delay=%v", delay), func(t *testing.T) {
			path := temp(t)
			h := logTo(t, Sink{File: path, MaxTotalSize: 400_000, Compression: Gzip, DelayCompression: delay})
			for i := range 100 {
				require.NoError(t, info(h, fmt.Sprint(i)+strings.Repeat("x", 30_000)))
				require.NoError(t, h.Rotate())
			}
			require.NoError(t, h.Close())
			assert.Len(t, messages(t, path), 100)
		})
	}
}

// Backups from the future, of a clock that was set back, do not wait for it.
func TestDelayCompressionOfTheFuture(t *testing.T) {
	path := temp(t)
	for _, ms := range []string{"001", "002", "003"} {
		write(t, filepath.Dir(path)+"/app-2100-01-01T00-00-00."+ms+".log", ms+"\n")
	}
	h := logTo(t, Sink{File: path, Compression: Gzip, DelayCompression: true})
	require.NoError(t, h.Close())
	all, plain := plainNames(t, path)
	assert.Equal(t, 3, all)
	assert.Equal(t, 1, plain)
}

func TestCompressedFileKeepsModeTimeAndContent(t *testing.T) {
	for _, name := range []string{"app.log", "журнал.log", "app", ".log", "app.gz", "a b%.x-y.log"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			j := &janitor{}
			j.settle(path)
			backup := j.path("2001-02-03T04-05-06.789")
			content := make([]byte, 300_000)
			for i := range content {
				content[i] = "abcdefgh\n"[rand.IntN(9)]
			}
			require.NoError(t, os.WriteFile(backup, content, 0o600))
			require.NoError(t, os.Chmod(backup, 0o646))
			mtime := time.Date(2001, 2, 3, 4, 5, 6, 789_000_000, time.UTC)
			require.NoError(t, os.Chtimes(backup, mtime, mtime))
			h := logTo(t, Sink{File: path, Compression: Gzip})
			require.NoError(t, h.Close())
			assert.NoFileExists(t, backup)
			assert.Equal(t, string(content), readFile(t, backup+".gz"))
			info, err := os.Stat(backup + ".gz")
			require.NoError(t, err)
			assert.True(t, mtime.Equal(info.ModTime()))
			if runtime.GOOS != "windows" {
				assert.Equal(t, fs.FileMode(0o646), info.Mode().Perm())
			}
			assert.Len(t, names(t, path), 1)
		})
	}
}

func TestLeftoversOfACrash(t *testing.T) {
	path := temp(t)
	dir := filepath.Dir(path)
	write(t, dir+"/app-2000-01-01T00-00-00.000.log", "1\n")
	write(t, dir+"/app-2000-01-01T00-00-00.000.log.gz", "half a gzip file")
	write(t, dir+"/.app-2000-01-01T00-00-00.000.log.gz.tmp", "stale")
	write(t, dir+"/app-2000-01-01T00-00-00.001.log", "2\n")
	write(t, dir+"/.app-2000-01-01T00-00-00.002.log.gz.tmp", "stale")
	h := logTo(t, Sink{File: path, Compression: Gzip})
	require.NoError(t, h.Close())
	assert.Equal(t, []string{"app-2000-01-01T00-00-00.000.log.gz", "app-2000-01-01T00-00-00.001.log.gz"}, names(t, path))
	assert.Equal(t, []string{"1", "2"}, readLines(t, path))
}

func TestCloseContextAbortsCompression(t *testing.T) {
	path := temp(t)
	backup := filepath.Dir(path) + "/app-2000-01-01T00-00-00.000.log"
	content := bytes.Repeat([]byte("0123456789abcde\n"), 1<<20)
	require.NoError(t, os.WriteFile(backup, content, 0o600))
	require.NoError(t, os.Truncate(backup, 4<<30))
	h, err := Open(Sink{File: path, Compression: Gzip, Enqueue: true})
	require.NoError(t, err)
	require.NoError(t, info(h, "0"))
	require.NoError(t, h.Rotate())
	waitFor(t, func() bool { return len(names(t, path)) > 1 })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.ErrorIs(t, h.CloseContext(ctx), context.Canceled)
	<-h.core.sinks[0].queue.done
	for _, name := range names(t, path) {
		assert.True(t, strings.HasSuffix(name, ".log"), name)
	}

	require.NoError(t, os.Truncate(backup, int64(len(content))))
	h = logTo(t, Sink{File: path, Compression: Gzip})
	require.NoError(t, h.Close())
	for _, name := range names(t, path) {
		assert.True(t, strings.HasSuffix(name, ".gz"), name)
	}
	assert.Equal(t, string(content), readFile(t, backup+".gz"))
}

// A backup that cannot be compressed is reported, and holds up no other.
func TestCompressionFails(t *testing.T) {
	path := temp(t)
	dir := filepath.Dir(path)
	write(t, dir+"/app-2000-01-01T00-00-00.000.log", "1\n")
	write(t, dir+"/app-2000-01-01T00-00-00.001.log", "2\n")
	require.NoError(t, os.MkdirAll(dir+"/app-2000-01-01T00-00-00.000.log.gz/full", 0o700))
	var got reports
	h, err := Open(Sink{File: path, Compression: Gzip}, got.option())
	require.NoError(t, err)
	require.NoError(t, h.Close())
	waitFor(t, func() bool { return len(got.all()) > 0 })
	var e *Error
	require.ErrorAs(t, got.all()[0], &e)
	assert.Equal(t, "compress", e.Op)
	assert.Equal(t, []string{
		"app-2000-01-01T00-00-00.000.log", "app-2000-01-01T00-00-00.000.log.gz", "app-2000-01-01T00-00-00.001.log.gz",
	}, names(t, path))
	assert.NotZero(t, h.Stats()[0].Errors)
}

// Somebody may rename the log to the name of a backup right after it was opened:
// it is the only name it has then.
func TestLogThatBecameABackupIsNotRemoved(t *testing.T) {
	path := temp(t)
	write(t, path, "1\n")
	live, err := os.Lstat(path)
	require.NoError(t, err)
	backup := filepath.Dir(path) + "/app-2000-01-01T00-00-00.000.log"
	require.NoError(t, os.Rename(path, backup))
	j := newJanitor(Sink{File: path}, time.UTC, &counters{}, func(error) {})
	j.settle(path)
	j.look(live)
	j.close()
	assert.FileExists(t, backup)
}

// A backlog is compressed while new backups come in: the limits hold meanwhile.
func TestBacklogDoesNotStarvePruning(t *testing.T) {
	path := temp(t)
	f, _ := fileFor(t, Sink{File: path, Compression: Gzip, MaxBackups: 200})
	j := f.janitor
	j.settle(path)
	backup := func(i int) string {
		name := j.path(fmt.Sprintf("2000-01-01T00-00-00.%03d", i))
		write(t, name, "x\n")
		return name
	}
	for i := range 200 {
		backup(i)
	}
	// Two that cannot be compressed tell where the pass over the backlog is.
	inFirstBatch, inSecondBatch := maxBatch/2, maxBatch+maxBatch/2
	for _, i := range []int{inFirstBatch, inSecondBatch} {
		require.NoError(t, os.MkdirAll(j.temp(backup(i))+"/not-empty", 0o700))
	}
	passed := 0
	j.report = func(error) {
		switch passed++; passed {
		case 1: // one too many from here on
			j.mu.Lock()
			defer j.mu.Unlock()
			backup(999)
			j.at("2000-01-01T00-00-00.999").plain = true
		case 2:
			assert.NoFileExists(t, j.path("2000-01-01T00-00-00.000")+gzipSuffix)
			assert.FileExists(t, j.path("2000-01-01T00-00-00.199"), "the backlog is not done")
		}
	}
	require.NoError(t, f.openNow())
	require.NoError(t, f.close())
	assert.Equal(t, 2, passed)
	assert.Len(t, names(t, path), 200+2, "the backups and what stood in the way of two of them")
}

// What went wrong with a file rotated away is told by the next Complete, once.
func TestFailedSyncOfARotatedFile(t *testing.T) {
	f, got := fileFor(t, Sink{File: temp(t)})
	put(t, f, "a\n")
	bad, err := os.Create(filepath.Join(t.TempDir(), "x"))
	require.NoError(t, err)
	require.NoError(t, bad.Close())
	f.janitor.unsynced.add(bad, true, "")
	f.janitor.unsynced.sync() // in the background
	assert.ErrorIs(t, f.sync(context.Background()), os.ErrClosed)
	assert.NoError(t, f.sync(context.Background()))
	assert.NotEmpty(t, got.all())
}

// Complete must wait for an fsync that is under way: its error would be told to
// nobody else.
func TestCompleteWaitsForTheBackgroundSync(t *testing.T) {
	f, _ := fileFor(t, Sink{File: temp(t)})
	put(t, f, "a\n")
	u := &f.janitor.unsynced
	u.syncing.Lock()
	done := make(chan error)
	go func() { done <- f.sync(context.Background()) }()
	select {
	case err := <-done:
		t.Error("it did not wait", err)
	case <-time.After(50 * time.Millisecond):
		u.mu.Lock()
		u.fault = errors.New("lost")
		u.mu.Unlock()
		u.syncing.Unlock()
		assert.ErrorContains(t, <-done, "lost")
		return
	}
	u.syncing.Unlock()
}

func TestUnsyncedFilesAreFew(t *testing.T) {
	f, _ := fileFor(t, Sink{File: temp(t)})
	f.janitor.aborted.Store(true) // no goroutine helps
	for range 50 {
		put(t, f, "a\n")
		require.NoError(t, f.rotate())
		assert.LessOrEqual(t, len(f.janitor.unsynced.files), maxUnsynced)
	}
}

// A clock that jumps during the rotation: the backup is found all the same.
func TestBackupIsFoundAfterAJump(t *testing.T) {
	path := temp(t)
	f, _ := fileFor(t, Sink{File: path, Compression: Gzip})
	put(t, f, "a\n")
	f.lumber = jumping{path}
	require.NoError(t, f.rotate())
	require.NoError(t, f.close())
	assert.Equal(t, []string{"app-2001-01-01T00-00-00.000.log.gz"}, names(t, path))
}

type jumping struct{ path string }

func (r jumping) Rotate() error {
	return os.Rename(r.path, filepath.Dir(r.path)+"/app-2001-01-01T00-00-00.000.log")
}
func (jumping) Close() error { return nil }

func FuzzStampOf(f *testing.F) {
	for _, name := range strangers {
		f.Add(name, "app.log", int64(0))
	}
	f.Add("app-2000-01-01T00-00-00.000.log", "app.log", int64(946684800000))
	f.Add("app-2000-01-01T00-00-00.000.log.gz", "app.log", int64(-1))
	f.Add("app-2000-01-01T00-00-00.000.gz", "app.gz", int64(1<<40))
	f.Add("-2000-01-01T00-00-00.000.log", ".log", int64(253402300799999))
	f.Fuzz(func(t *testing.T, name, base string, ms int64) {
		if base == "" || strings.ContainsRune(base, filepath.Separator) || base == "." || base == ".." {
			return
		}
		j := &janitor{}
		j.settle(filepath.Join("/dir", base))
		if stamp, gz, ok := j.stampOf(name); ok {
			want := filepath.Base(j.path(stamp))
			if gz {
				want += gzipSuffix
			}
			if want != name {
				t.Errorf("%q of %q is read as %q, which is %q", name, base, stamp, want)
			}
			if _, err := time.Parse(stampLayout, stamp); err != nil {
				t.Error(err)
			}
		}
		const year0, year10000 = -62167219200000, 253402300800000
		ms = year0 + int64(uint64(ms)%uint64(year10000-year0))
		stamp := time.UnixMilli(ms).UTC().Format(stampLayout)
		for _, suffix := range []string{"", gzipSuffix} {
			got, gz, ok := j.stampOf(filepath.Base(j.path(stamp)) + suffix)
			if !ok || got != stamp || gz != (suffix != "") {
				t.Errorf("%q of %q is not read back: %q %v %v", stamp, base, got, gz, ok)
			}
		}
		if j.isTemp(filepath.Base(j.path(stamp))) || !j.isTemp(filepath.Base(j.temp(j.path(stamp)))) {
			t.Errorf("%q: temporary names", base)
		}
	})
}
