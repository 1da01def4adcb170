package logly

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/logly-go/logly/internal/ring"
)

// hookedFile is the file of a sink whose Write a test may fail or stop.
type hookedFile struct {
	*logFile
	hook atomic.Pointer[func(p []byte) (int, error)]
}

func (w *hookedFile) Write(p []byte) (int, error) {
	if f := w.hook.Load(); f != nil {
		return (*f)(p)
	}
	return w.logFile.Write(p)
}

func (w *hookedFile) heal() { w.hook.Store(nil) }

// full lets the file take n bytes and then no more.
func (w *hookedFile) full(n int) {
	write := func(p []byte) (int, error) {
		taken, err := w.logFile.Write(p[:min(n, len(p))])
		n -= taken
		return taken, errors.Join(err, syscall.ENOSPC)
	}
	w.hook.Store(&write)
}

// stop stops the next Write when n bytes are written, and lets it return with
// these when goOn is called.
func (w *hookedFile) stop(n int) (reached <-chan struct{}, goOn func()) {
	in, gate := make(chan struct{}), make(chan struct{})
	write := func(p []byte) (int, error) {
		w.heal()
		taken, err := w.logFile.Write(p[:min(n, len(p))])
		close(in)
		<-gate
		return taken, err
	}
	w.hook.Store(&write)
	return in, func() { close(gate) }
}

// hooked builds a handler with one sink as NewHandler does, and leaves it to the
// test to start the worker.
func hooked(t *testing.T, s Sink, onError Option) (h *Handler, q *queue, w *hookedFile) {
	t.Helper()
	h, err := build([]Option{s, onError})
	require.NoError(t, err)
	k := h.core.sinks[0]
	if err := k.open(); err != nil {
		k.makeDo(err)
	}
	w = &hookedFile{logFile: k.file}
	k.queue.out.(*durableOutput).destination = w
	return h, k.queue, w
}

// spoilQueue does f to the queue file.
func spoilQueue(t *testing.T, path string, f func(f *os.File) error) {
	t.Helper()
	file, err := os.OpenFile(path+queueSuffix, os.O_RDWR, 0)
	require.NoError(t, err)
	require.NoError(t, errors.Join(f(file), file.Close()))
}

// closeNow closes h without patience: the worker may go on until q.done is closed.
func closeNow(t *testing.T, h *Handler) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, h.CloseContext(ctx), context.Canceled)
}

// until waits for a state of the queue, which its lock guards.
func until(t *testing.T, q *queue, ok func() bool) {
	t.Helper()
	waitUntil(t, func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return ok()
	})
}

// afterKill returns what the log holds if the process is killed now and the next
// one finds that queue file.
func afterKill(t *testing.T, path, queue string) string {
	t.Helper()
	next := filepath.Join(t.TempDir(), "app.log")
	require.NoError(t, os.Link(path, next)) // the next one finds the same inode
	write(t, next+queueSuffix, readFile(t, queue))
	require.NoError(t, logTo(t, durable(next)).Close())
	return readFile(t, next)
}

// overlong is the size of a record that does not fit into the queue of durable.
var overlong = 3 * os.Getpagesize()

// The log has taken part of a batch when the queue file loses a part or all of
// it: what is left is another batch, on a line of its own.
func TestDurableQueueFileIsSpoiledAfterPartOfABatch(t *testing.T) {
	page := os.Getpagesize()
	for name, spoil := range map[string]func(f *os.File) error{
		"all": func(f *os.File) error { return f.Truncate(0) },
		"end": func(f *os.File) error { return f.Truncate(int64(4 * page)) },
		"beginning": func(f *os.File) error {
			_, err := f.WriteAt(make([]byte, page), int64(page))
			return errors.Join(err, f.Truncate(int64(38*page))) // much more than a batch stays
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := temp(t)
			s := durable(path)
			s.QueueSize = 40 * page
			h, q, w := hooked(t, s, quiet)
			for i := range 39 {
				require.NoError(t, emit(h, slog.LevelInfo, 0, i, page))
			}
			w.full(100)
			h.core.start()
			require.ErrorIs(t, h.Complete(), syscall.ENOSPC)
			torn := readFile(t, path)
			spoilQueue(t, path, spoil)
			until(t, q, func() bool { return !q.durable.inFile() })
			w.heal()
			require.NoError(t, emit(h, slog.LevelInfo, 1, 0, 1))
			require.NoError(t, h.Close())
			whole, found := strings.CutPrefix(readFile(t, path), torn+"\n")
			require.True(t, found)
			got, _ := once(t, order(t, whole))
			assert.Len(t, got["1"], 1)
			assert.EqualValues(t, 39, uint64(len(got["0"]))+h.Stats()[0].Dropped)
			assert.Equal(t, name == "all", len(got["0"]) == 0)
		})
	}
}

// The queue file is lost before the batch that an earlier run began is finished:
// it still is if it could be saved, else it is forgotten, and rotation goes on.
func TestDurableQueueFileIsLostDuringRecovery(t *testing.T) {
	line := len(numbered(0, 1))
	for _, c := range []struct {
		name    string
		written int // of the batch
		lose    func(queue string) error
		want    string
		dropped int
	}{
		{"removed", line + 5, os.Remove, seqs(0, 6), 0},
		{"emptied", line, func(queue string) error { return os.Truncate(queue, 0) }, "0.0 0.5", 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := temp(t)
			write(t, path, numbered(0, 5)[:c.written])
			ino, dev := inode(t, path)
			leave(t, path, numbered(0, 5), &ring.Intent{N: 3 * line, Ino: ino, Dev: dev})
			require.NoError(t, os.Rename(path, path+".1"))
			require.NoError(t, os.Mkdir(path, 0o700)) // in the way
			h, q, _ := hooked(t, durable(path), quiet)
			h.core.start()
			require.ErrorContains(t, h.Complete(), "5 records still queued")
			require.NoError(t, c.lose(path+queueSuffix))
			until(t, q, func() bool { return !q.durable.inFile() })
			require.NoError(t, os.Remove(path))
			require.NoError(t, h.Rotate())
			require.NoError(t, emit(h, slog.LevelInfo, 0, 5, 1))
			require.NoError(t, h.Close())
			text := readFile(t, path+".1") + strings.Join(readLines(t, path), "\n") + "\n"
			assert.Equal(t, c.want, order(t, text))
			assert.EqualValues(t, c.dropped, h.Stats()[0].Dropped)
		})
	}
}

// A queue file that began at a position of its own is given back after a fault:
// positions go on, and Complete still tells what has been written.
func TestDurablePositionsGoOnAfterAFault(t *testing.T) {
	path := temp(t)
	m, err := ring.OpenMapped(path+queueSuffix, 1, isJSON)
	require.NoError(t, err)
	m.Put([]byte(numbered(0, 1)))
	m.Advance(m.Len())
	m.Put([]byte(numbered(0, 1)))
	require.NoError(t, m.Close())
	h, q, w := hooked(t, durable(path), quiet)
	require.NoError(t, os.Remove(path+queueSuffix))
	h.core.start()
	until(t, q, func() bool { return q.durable.mapped == nil })
	w.full(0)
	require.NoError(t, emit(h, slog.LevelInfo, 0, 1, 1))
	require.ErrorContains(t, h.Complete(), "1 record still queued")
	w.heal()
	require.NoError(t, h.Close())
	assert.Equal(t, seqs(0, 2), order(t, readFile(t, path)))
}

// A notice before a line larger than the queue is a batch of its own: nothing is
// torn if the process is killed when it has written it, or a bit more.
func TestDurableKilledBetweenANoticeAndALargeLine(t *testing.T) {
	path := temp(t)
	s := durable(path)
	s.DropBelow = slog.LevelWarn
	h, _, w := hooked(t, s, quiet)
	require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 1))
	require.NoError(t, emit(h, slog.LevelInfo, 0, 1, overlong)) // is dropped
	h.core.start()
	require.NoError(t, h.Complete())
	reached, goOn := w.stop(100) // more than a notice
	done := make(chan error, 1)
	go func() { done <- emit(h, slog.LevelError, 0, 2, overlong) }()
	<-reached
	assert.Equal(t, "0.0 [1]", order(t, afterKill(t, path, path+queueSuffix)))
	goOn()
	require.NoError(t, <-done)
	require.NoError(t, h.Close())
}

// watchedRenamer is a renamer that tells when it is called.
type watchedRenamer struct {
	renamer
	tell func()
}

func (r watchedRenamer) Rotate() error { r.tell(); return r.renamer.Rotate() }

// The queue has given a batch of an earlier run up before its file is rotated,
// and maybe compressed: who recovers after a kill then would not find it.
func TestDurableRecoveredBatchIsGivenUpBeforeRotation(t *testing.T) {
	line := len(numbered(0, 1))
	for i, batch := range []int{3, 5, 5} { // of 5; rotated before the others, when idle, at Close
		path := temp(t)
		write(t, path, numbered(0, 2)[:line+5])
		ino, dev := inode(t, path)
		leave(t, path, numbered(0, 5), &ring.Intent{N: batch * line, Ino: ino, Dev: dev})
		old := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		require.NoError(t, os.Chtimes(path, old, old))
		s := durable(path)
		s.Rotation = Daily
		h, _, w := hooked(t, s, quiet)
		var queued []uint64
		w.lumber = watchedRenamer{w.lumber, func() { queued = append(queued, h.Stats()[0].Queued) }}
		h.core.start()
		if i < 2 {
			waitUntil(t, func() bool { return h.Stats()[0].Rotations > 0 })
		}
		require.NoError(t, h.Close())
		assert.Equal(t, []uint64{uint64(5 - batch)}, queued)
		assert.Equal(t, seqs(0, 5), order(t, strings.Join(readLines(t, path), "\n")+"\n"))
		assert.EqualValues(t, 4*line-5, h.Stats()[0].Bytes, "written by this run")
	}
}

// A damaged queue file can be had while the program logs: it is taken once the
// queue is empty, and the damage is told.
func TestDurableTakesADamagedFileUnderTraffic(t *testing.T) {
	path := temp(t)
	queue := path + queueSuffix
	leave(t, path, numbered(1, 2), nil)
	damaged := "LOGLY???" + readFile(t, queue)[8:]
	require.NoError(t, os.Remove(queue))
	require.NoError(t, os.Mkdir(queue, 0o700)) // in the way
	var got reports
	h, q, _ := hooked(t, durable(path), got.option())
	require.NoError(t, os.Remove(queue))
	write(t, queue, damaged)
	q.durable.retry = time.Unix(1, 0) // a second has passed
	q.durable.valid = func(line []byte) bool {
		q.durable.valid = isJSON
		assert.NoError(t, emit(h, slog.LevelInfo, 0, 0, 1)) // while it is opened
		return isJSON(line)
	}
	h.core.start()
	until(t, q, q.durable.inFile)
	waitFor(t, func() bool { return len(got.all()) == 1 })
	assert.ErrorContains(t, got.all()[0], queue+".damaged-")
	require.NoError(t, h.Close())
	assert.Equal(t, seqs(0, 2), order(t, readFile(t, path)))
}

// The queue file loses records that Complete waits for, and a notice: Complete
// says so, and the records count as dropped.
func TestDurableTellsAndCountsALoss(t *testing.T) {
	path := temp(t)
	s := durable(path)
	s.DropBelow = slog.LevelWarn
	h, q, _ := hooked(t, s, quiet)
	require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 1))
	require.NoError(t, emit(h, slog.LevelInfo, 0, 1, overlong)) // is dropped
	require.NoError(t, emit(h, slog.LevelInfo, 0, 2, 1))        // with a notice
	require.NoError(t, os.Truncate(path+queueSuffix, 0))
	done := make(chan error, 1)
	go func() { done <- h.Complete() }()
	until(t, q, func() bool { return len(q.requests) == 1 })
	h.core.start()
	assert.ErrorContains(t, <-done, "somebody has truncated it")
	assert.EqualValues(t, 3, h.Stats()[0].Dropped)
	assert.Zero(t, h.Stats()[0].Queued)
	assert.NoError(t, h.Complete(), "nothing has been lost since")
	require.NoError(t, h.Close())
}

// Close has given up on a Write that hangs and left the rest to the next start,
// when the queue file fails: each record is in the log or counts as dropped.
func TestDurableCountsALossAfterCloseGaveUp(t *testing.T) {
	for _, c := range []struct {
		name    string
		written int // when the file fails
		fail    func(f *os.File) error
		want    string
	}{
		{"before the write", 0, func(f *os.File) error { return f.Truncate(0) }, ""},
		{"after it", 100, func(f *os.File) error { // its lines are overwritten, its header cannot be written
			_, err := f.WriteAt(make([]byte, 1000), int64(os.Getpagesize()+len(numbered(0, 1))))
			const hole = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE
			return errors.Join(err, unix.Fallocate(int(f.Fd()), hole, 0, int64(os.Getpagesize())))
		}, "0.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := onDisk(t, "size=1m")
			path := filepath.Join(dir, "app.log")
			s := durable(path)
			s.DropBelow = slog.LevelWarn
			h, q, w := hooked(t, s, quiet)
			reached, goOn := w.stop(c.written)
			h.core.start()
			require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 1))
			<-reached
			require.NoError(t, emit(h, slog.LevelInfo, 0, 1, 1))
			require.NoError(t, emit(h, slog.LevelInfo, 0, 2, overlong)) // is dropped
			require.NoError(t, emit(h, slog.LevelInfo, 0, 3, 1))        // with a notice
			closeNow(t, h)
			spoilQueue(t, path, c.fail)
			ballast(t, dir, 0)
			goOn()
			<-q.done
			assert.Equal(t, c.want, order(t, readFile(t, path)))
			assert.EqualValues(t, 4-len(strings.Fields(c.want)), h.Stats()[0].Dropped)
			assert.Zero(t, h.Stats()[0].Queued)
		})
	}
}

// The queue file gets another name, which is told, and follows all the same what
// the heap delivers: if it is moved back after a kill, nothing is written twice.
func TestDurableQueueFileIsMoved(t *testing.T) {
	path := temp(t)
	queue := path + queueSuffix
	var got reports
	h, _, w := hooked(t, durable(path), got.option())
	for i := range 20 {
		require.NoError(t, emit(h, slog.LevelInfo, 0, i, 1))
	}
	require.NoError(t, os.Rename(queue, queue+".1"))
	reached, goOn := w.stop(100)
	h.core.start()
	<-reached
	assert.Equal(t, seqs(0, 20), order(t, afterKill(t, path, queue+".1")))
	goOn()
	waitFor(t, func() bool { return len(got.all()) == 1 })
	assert.ErrorContains(t, got.all()[0], "does not survive the process: "+queue+": somebody has moved it")
	require.NoError(t, h.Close())
}

// Close takes back the part of a line larger than the queue that the log had room
// for. Nothing is left to recover then, and no queue file.
func TestDurableLargeLineIsTakenBackByClose(t *testing.T) {
	path := temp(t)
	h, q, w := hooked(t, durable(path), quiet)
	w.full(100)
	h.core.start()
	done := make(chan error, 1)
	go func() { done <- emit(h, slog.LevelInfo, 0, 0, overlong) }()
	waitUntil(t, func() bool { return len(readFile(t, path)) == 100 })
	closeNow(t, h)
	require.ErrorIs(t, <-done, ErrClosed)
	<-q.done
	assert.Empty(t, readFile(t, path))
	assert.Empty(t, names(t, path))
}
