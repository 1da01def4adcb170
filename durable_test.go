//go:build linux || darwin || freebsd

package logly

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly/internal/ring"
)

// durable is a sink with a small queue that survives.
func durable(path string) Sink {
	return Sink{File: path, Enqueue: true, Durable: true, QueueSize: 1, ReplaceAttr: withoutTime}
}

// leave makes the queue file that a killed process would have left: lines, the
// last batch it was about to write, and nothing given back.
func leave(t testing.TB, path string, lines string, in *ring.Intent) {
	t.Helper()
	m, err := ring.OpenMapped(path+queueSuffix, 1, isJSON)
	require.NoError(t, err)
	for line := range strings.Lines(lines) {
		m.Put([]byte(line))
	}
	if in != nil {
		m.Begin(*in)
	}
	require.NoError(t, m.Close(), "with content it stays")
	require.FileExists(t, path+queueSuffix)
}

// numbered returns lines as emit would write them.
func numbered(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, `{"level":"INFO","msg":"x","p":0,"s":%d}`+"\n", i)
	}
	return b.String()
}

func inode(t testing.TB, path string) (ino, dev uint64) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	var state fileState
	_, _, err = state.look(f, f.Fd())
	require.NoError(t, err)
	return state.id()
}

func TestDurableWritesAndLeavesNoQueueFile(t *testing.T) {
	path := temp(t)
	h := logTo(t, durable(path))
	require.FileExists(t, path+queueSuffix)
	for i := range 1000 {
		require.NoError(t, emit(h, slog.LevelInfo, 0, i, 100))
	}
	require.NoError(t, h.Complete())
	assert.Equal(t, seqs(0, 1000), order(t, readFile(t, path)))
	require.NoError(t, h.Close())
	assert.Empty(t, names(t, path))
	s := h.Stats()[0]
	assert.EqualValues(t, 1000, s.Records)
	assert.Zero(t, s.Recovered)
}

// What an earlier run had in its queue is written at the next start, before all
// else, and wherever the kill fell.
func TestDurableRecovery(t *testing.T) {
	const before = `{"level":"INFO","msg":"x","p":1,"s":0}` + "\n"
	queued := numbered(0, 5)
	batch := len(numbered(0, 3)) // of which some had been written
	offset := int64(len(before))
	line := len(numbered(0, 1))
	for _, c := range []struct {
		name    string
		written int                             // of the batch; -1: it had not been begun
		meddle  func(t *testing.T, path string) // what others do before the next start
		want    string                          // in the log and what others made of it, in order
		reports bool                            // a record may be there twice
	}{
		{name: "no batch begun", written: -1, want: "1.0 0.0 0.1 0.2 0.3 0.4"},
		{name: "nothing written", written: 0, want: "1.0 0.0 0.1 0.2 0.3 0.4"},
		{name: "half a line written", written: line / 2, want: "1.0 0.0 0.1 0.2 0.3 0.4"},
		{name: "a line written", written: line, want: "1.0 0.0 0.1 0.2 0.3 0.4"},
		{name: "all but one byte written", written: batch - 1, want: "1.0 0.0 0.1 0.2 0.3 0.4"},
		{name: "all written", written: batch, want: "1.0 0.0 0.1 0.2 0.3 0.4"},
		{
			name: "renamed to a backup", written: line + 3,
			meddle: func(t *testing.T, path string) {
				require.NoError(t, os.Rename(path, filepath.Dir(path)+"/app-2000-01-01T00-00-00.000.log"))
			},
			want: "1.0 0.0 0.1 0.2 0.3 0.4",
		},
		{
			name: "renamed by logrotate", written: line + 3,
			meddle: func(t *testing.T, path string) {
				require.NoError(t, os.Rename(path, path+".1"))
			},
			want: "1.0 0.0 0.1 0.2 0.3 0.4",
		},
		{
			name: "renamed and made anew", written: line + 3,
			meddle: func(t *testing.T, path string) {
				require.NoError(t, os.Rename(path, filepath.Dir(path)+"/app-2000-01-01T00-00-00.000.log"))
				write(t, path, "")
			},
			want: "1.0 0.0 0.1 0.2 0.3 0.4",
		},
		{
			name: "others append whole lines after a whole line", written: line,
			meddle: func(t *testing.T, path string) {
				write(t, path, readFile(t, path)+strings.Replace(before, `"s":0`, `"s":1`, 1))
			},
			want: "1.0 0.0 1.1 0.0 0.1 0.2 0.3 0.4", reports: true,
		},
		{
			name: "others append after the batch", written: batch,
			meddle: func(t *testing.T, path string) {
				write(t, path, readFile(t, path)+strings.Replace(before, `"s":0`, `"s":1`, 1))
			},
			want: "1.0 0.0 0.1 0.2 1.1 0.3 0.4",
		},
		{
			name: "emptied", written: batch,
			meddle: func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 0)) },
			want:   "0.0 0.1 0.2 0.3 0.4", reports: true,
		},
		{
			name: "removed", written: batch,
			meddle: func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) },
			want:   "0.0 0.1 0.2 0.3 0.4", reports: true,
		},
		{
			name: "removed, and another file has its inode", written: line,
			meddle: func(t *testing.T, path string) {
				ino, dev := inode(t, path)
				require.NoError(t, os.Remove(path))
				write(t, path, strings.Repeat(before, 3))
				if i, d := inode(t, path); i != ino || d != dev {
					t.Skip("the file system did not give the inode again")
				}
			},
			want: "1.0 1.0 1.0 0.0 0.1 0.2 0.3 0.4", reports: true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := temp(t)
			write(t, path, before+queued[:max(0, c.written)])
			if c.written < 0 {
				leave(t, path, queued, nil)
			} else {
				ino, dev := inode(t, path)
				leave(t, path, queued, &ring.Intent{N: batch, Ino: ino, Dev: dev, Offset: offset})
			}
			if c.meddle != nil {
				c.meddle(t, path)
			}
			var got reports
			h, err := Open(durable(path), got.option())
			require.NoError(t, err)
			require.NoError(t, emit(h, slog.LevelInfo, 0, 5, 1))
			require.NoError(t, h.Complete())
			s := h.Stats()[0]
			assert.EqualValues(t, 5, s.Recovered)
			assert.EqualValues(t, 1, s.Records)
			assert.Zero(t, s.Queued)
			require.NoError(t, h.Close())
			text := ""
			for _, name := range names(t, path) {
				text += readFile(t, filepath.Join(filepath.Dir(path), name))
			}
			assert.Equal(t, c.want+" 0.5", order(t, text+readFile(t, path)))
			assert.NoFileExists(t, path+queueSuffix)
			if c.reports {
				waitFor(t, func() bool { return len(got.all()) == 1 })
				assert.ErrorContains(t, got.all()[0], "may be there twice")
			} else {
				assert.Empty(t, got.all())
			}
		})
	}
}

// The batch is finished in the file that is open although others take its name
// away before.
func TestDurableRecoveryInAFileTakenAwayMeanwhile(t *testing.T) {
	path, taken := temp(t), filepath.Join(t.TempDir(), "taken")
	write(t, path, numbered(0, 2)[:50])
	ino, dev := inode(t, path)
	leave(t, path, numbered(0, 3), &ring.Intent{N: len(numbered(0, 2)), Ino: ino, Dev: dev})
	var got reports
	h, err := build([]Option{durable(path), got.option()})
	require.NoError(t, err)
	require.NoError(t, h.core.sinks[0].open())
	require.NoError(t, os.Rename(path, taken))
	h.core.start()
	require.NoError(t, h.Complete())
	require.NoError(t, h.Close())
	assert.Equal(t, seqs(0, 3), order(t, readFile(t, taken)))
	assert.Empty(t, got.all())
}

// A batch of which an earlier run wrote a part stays in one file: it is finished
// before the file is rotated or its backup compressed.
func TestDurableRecoveryComesBeforeRotationAndCompression(t *testing.T) {
	path := temp(t)
	backup := filepath.Dir(path) + "/app-2000-01-01T00-00-00.000.log"
	old := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, name := range []string{path, backup} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			write(t, path, numbered(0, 2)[:50])
			ino, dev := inode(t, path)
			leave(t, path, numbered(0, 3), &ring.Intent{N: len(numbered(0, 2)), Ino: ino, Dev: dev})
			if name == backup {
				require.NoError(t, os.Rename(path, backup))
			}
			require.NoError(t, os.Chtimes(name, old, old))
			s := durable(path)
			s.Rotation, s.Compression = "daily", Gzip
			h := logTo(t, s)
			require.NoError(t, h.Close())
			lines := readLines(t, path)
			assert.Equal(t, seqs(0, 3), order(t, strings.Join(lines, "\n")+"\n"))
			for _, name := range names(t, path) {
				assert.True(t, strings.HasSuffix(name, gzipSuffix), name)
				require.NoError(t, os.Remove(filepath.Join(filepath.Dir(path), name)))
			}
			require.NoError(t, os.RemoveAll(path))
		})
	}
}

// Of a line larger than the queue a killed process has told nobody that it was
// accepted: what there is of it is taken back, unless it is whole.
func TestDurableRecoveryOfALineLargerThanTheQueue(t *testing.T) {
	const before = `{"level":"INFO","msg":"x","p":1,"s":0}` + "\n"
	large := fmt.Sprintf(`{"level":"INFO","msg":"%s","p":0,"s":0}`+"\n", strings.Repeat("x", 3*os.Getpagesize()))
	for _, c := range []struct{ name, there, want string }{
		{"nothing written", "", before},
		{"a part", large[:5000], before},
		{"all but its end", large[:len(large)-1], before},
		{"all", large, before + large},
		{"a part, and a line of others", large[:5000] + "\n" + before, before + large[:5000] + "\n" + before},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := temp(t)
			write(t, path, before+c.there)
			ino, dev := inode(t, path)
			leave(t, path, "", &ring.Intent{N: len(large), Ino: ino, Dev: dev, Offset: int64(len(before)), Oversize: true})
			require.NoError(t, logTo(t, durable(path)).Close())
			assert.Equal(t, c.want, readFile(t, path))
			assert.NoFileExists(t, path+queueSuffix)
		})
	}
}

// Records larger than the queue go through it like others.
func TestDurableTakesRecordsLargerThanTheQueue(t *testing.T) {
	path := temp(t)
	h := logTo(t, durable(path))
	for i := range 50 {
		require.NoError(t, emit(h, slog.LevelInfo, 0, i, i*1000))
	}
	require.NoError(t, h.Close())
	assert.Equal(t, seqs(0, 50), order(t, readFile(t, path)))
}

// A second process, or handler, is refused, and told by which file.
func TestDurableIsForOneAtATime(t *testing.T) {
	path := temp(t)
	h := logTo(t, durable(path))
	_, err := Open(Sink{File: path, Enqueue: true})
	assert.ErrorContains(t, err, "a handler of this process has it open already")
	_, err = Open(Sink{File: path + queueSuffix})
	assert.ErrorContains(t, err, "a handler of this process has it open already")
	require.NoError(t, h.Close())

	m, err := ring.OpenMapped(path+queueSuffix, 1, isJSON) // as another process would
	require.NoError(t, err)
	_, err = Open(durable(path))
	require.ErrorIs(t, err, ring.ErrHeld)
	assert.ErrorContains(t, err, path+queueSuffix)

	// NewHandler works without, and takes the file when it is free.
	var got reports
	two := NewHandler(durable(path), got.option())
	require.NoError(t, emit(two, slog.LevelInfo, 0, 0, 1))
	require.NoError(t, two.Complete())
	assert.Equal(t, seqs(0, 1), order(t, readFile(t, path)))
	waitFor(t, func() bool { return len(got.all()) == 1 })
	assert.ErrorIs(t, got.all()[0], ring.ErrHeld)
	m.Put([]byte(numbered(1, 2)))
	require.NoError(t, m.Close())
	require.NoError(t, emit(two, slog.LevelInfo, 0, 2, 1))
	require.NoError(t, two.Complete())
	waitUntil(t, func() bool { return two.Stats()[0].Recovered == 1 })
	require.NoError(t, two.Complete())
	require.NoError(t, emit(two, slog.LevelInfo, 0, 3, 1))
	require.NoError(t, two.Close())
	records, _ := once(t, strings.ReplaceAll(order(t, readFile(t, path)), "0.2 0.1", "0.1 0.2"))
	assert.Len(t, records["0"], 4)
	assert.NoFileExists(t, path+queueSuffix)
}

// waitUntil waits for what happens by the real clock.
func waitUntil(t testing.TB, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it does not happen")
}

// What Close could not write is not lost: it stays for the next start, and the
// error says how much that is.
func TestDurableKeepsWhatCloseCouldNotWrite(t *testing.T) {
	path := temp(t)
	h := NewHandler(durable(path), quiet)
	require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 1))
	require.NoError(t, h.Complete())
	require.NoError(t, os.Rename(path, path+".1"))
	require.NoError(t, os.Mkdir(path, 0o700)) // in the way
	h.core.sinks[0].file.checked = time.Time{}
	for i := 1; i < 10; i++ {
		require.NoError(t, emit(h, slog.LevelInfo, 0, i, 1))
	}
	err := h.Close()
	require.ErrorContains(t, err, "9 records still queued")
	s := h.Stats()[0]
	assert.Zero(t, s.Dropped)
	assert.EqualValues(t, 9, s.Queued)
	require.ErrorIs(t, emit(h, slog.LevelInfo, 0, 10, 1), ErrClosed)

	require.NoError(t, os.Remove(path))
	h = logTo(t, durable(path))
	assert.EqualValues(t, 9, h.Stats()[0].Recovered)
	require.NoError(t, h.Close())
	assert.Equal(t, seqs(0, 10), order(t, readFile(t, path+".1")+readFile(t, path)))
}

// How many records were dropped, and not told yet, survives, too.
func TestDurableKeepsTheCountOfDroppedRecords(t *testing.T) {
	path := temp(t)
	s := durable(path)
	s.DropBelow = slog.LevelWarn
	require.NoError(t, os.Mkdir(path, 0o700)) // nothing can be written
	h := NewHandler(s, quiet)
	taken := 0
	for h.Stats()[0].Dropped < 7 {
		require.NoError(t, emit(h, slog.LevelInfo, 0, taken, 1))
		taken++
	}
	require.Error(t, h.Close())
	require.NoError(t, os.Remove(path))

	h = logTo(t, s)
	require.NoError(t, h.Complete())
	require.NoError(t, emit(h, slog.LevelInfo, 0, taken, 1))
	require.NoError(t, h.Close())
	want := strings.TrimSuffix(seqs(0, taken-7), " ") + fmt.Sprintf(" [7] 0.%d", taken)
	assert.Equal(t, want, order(t, readFile(t, path)))
}

// The queue file is made as large as QueueSize says, once it is empty.
func TestDurableQueueSizeChanges(t *testing.T) {
	path := temp(t)
	write(t, path, "")
	leave(t, path, numbered(0, 3), nil)
	page := os.Getpagesize()
	for _, pages := range []int{16, 2} {
		s := durable(path)
		s.QueueSize = pages * page
		h := logTo(t, s)
		require.NoError(t, h.Complete())
		k := h.core.sinks[0].queue
		waitUntil(t, func() bool {
			k.mu.Lock()
			defer k.mu.Unlock()
			return k.store.Size() == pages*page
		})
		require.NoError(t, emit(h, slog.LevelInfo, 0, 3, 1))
		require.NoError(t, h.Close())
		assert.NoFileExists(t, path+queueSuffix)
		leave(t, path, numbered(4, 5), nil)
	}
}

// Several sinks, of which one or all are durable, get all records.
func TestDurableBesideOtherSinks(t *testing.T) {
	dir := t.TempDir()
	a, b, c := filepath.Join(dir, "a.log"), filepath.Join(dir, "b.log"), filepath.Join(dir, "c.log")
	h := open(t, durable(a), durable(b), Sink{File: c, ReplaceAttr: withoutTime})
	for i := range 500 {
		require.NoError(t, emit(h, slog.LevelInfo, 0, i, 60))
	}
	require.NoError(t, h.Close())
	for _, path := range []string{a, b, c} {
		assert.Equal(t, seqs(0, 500), order(t, readFile(t, path)))
	}
}

// A queue file that cannot be trusted, as after a power failure, is set aside,
// and what is whole in it is written: rather twice than never.
func TestDurableDamage(t *testing.T) {
	path := temp(t)
	write(t, path, numbered(0, 1))
	leave(t, path, numbered(1, 4), nil)
	queue := readFile(t, path+queueSuffix)
	write(t, path+queueSuffix, "LOGLY???"+queue[8:])
	var got reports
	h, err := Open(durable(path), got.option())
	require.NoError(t, err)
	require.NoError(t, h.Close())
	assert.Equal(t, seqs(0, 4), order(t, readFile(t, path)))
	assert.EqualValues(t, 3, h.Stats()[0].Recovered)
	waitFor(t, func() bool { return len(got.all()) == 1 })
	var e *Error
	require.ErrorAs(t, got.all()[0], &e)
	assert.Equal(t, "recover", e.Op)
	aside := names(t, path)
	require.Len(t, aside, 1)
	assert.Contains(t, aside[0], "app.log.queue.damaged-")
	assert.ErrorContains(t, e, aside[0])
	assert.Equal(t, "LOGLY???"+queue[8:], readFile(t, filepath.Join(filepath.Dir(path), aside[0])))
}

// Somebody truncates the queue file while it is mapped: no crash, and what is
// logged from then on arrives.
func TestDurableQueueFileIsTruncated(t *testing.T) {
	for _, to := range []int64{0, int64(os.Getpagesize()), int64(3 * os.Getpagesize())} {
		t.Run(fmt.Sprint(to), func(t *testing.T) {
			path := temp(t)
			s := durable(path)
			s.QueueSize = 8 * os.Getpagesize()
			var got reports
			h, err := Open(s, got.option())
			require.NoError(t, err)
			const n = 1000
			for i := range n {
				if i == n/2 {
					require.NoError(t, h.Complete())
					require.NoError(t, os.Truncate(path+queueSuffix, to))
				}
				require.NoError(t, emit(h, slog.LevelInfo, 0, i, 100))
			}
			require.NoError(t, h.Close())
			s2 := h.Stats()[0]
			records, _ := once(t, order(t, readFile(t, path)))
			assert.EqualValues(t, n, uint64(len(records["0"]))+s2.Dropped)
			assert.LessOrEqual(t, s2.Dropped, uint64(1), "only what lay there at that moment")
			waitFor(t, func() bool { return len(got.all()) > 0 })
			assert.ErrorContains(t, got.all()[0], "does not survive")
			assert.NoFileExists(t, path+queueSuffix)
		})
	}
}

func TestDurableMisconfigured(t *testing.T) {
	path := temp(t)
	_, err := Open(durable(path), Sink{File: path + queueSuffix})
	assert.ErrorContains(t, err, "another sink of this handler has it")
	_, err = Open(Sink{File: path + queueSuffix}, durable(path))
	assert.ErrorContains(t, err, "another sink of this handler has it")
}

// Open leaves nothing behind when another sink cannot be opened.
func TestDurableOpenIsUndone(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "x"), 0o700))
	_, err := Open(durable(filepath.Join(dir, "new", "app.log")), Sink{File: filepath.Join(dir, "x")})
	require.Error(t, err)
	assert.NoDirExists(t, filepath.Join(dir, "new"))
}

// Close and Complete with a deadline while the log cannot be written.
func TestDurableCompleteTellsWhatIsQueued(t *testing.T) {
	path := temp(t)
	require.NoError(t, os.Mkdir(path, 0o700))
	h := NewHandler(durable(path), quiet)
	require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 1))
	err := h.Complete()
	assert.ErrorContains(t, err, "1 record still queued")
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	err = h.CloseContext(ctx)
	assert.True(t, errors.Is(err, context.DeadlineExceeded) || err != nil && strings.Contains(err.Error(), "still queued"), "%v", err)
	waitUntil(t, func() bool { _, err := os.Stat(path + queueSuffix); return err == nil })
}
