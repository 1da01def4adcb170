package logly

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly/internal/ring"
)

// ballast fills the file system that dir is on, down to so many bytes.
func ballast(t *testing.T, dir string, free int) (remove func()) {
	t.Helper()
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // the disk is full
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	info, err := f.Stat()
	require.NoError(t, err)
	require.NoError(t, f.Truncate(info.Size()-int64(free)))
	return func() { require.NoError(t, os.Remove(name)) }
}

// On a full disk there is no room for the queue file: Open says so and leaves
// nothing, NewHandler makes do without until there is.
func TestDurableOnAFullDisk(t *testing.T) {
	dir := onDisk(t, "size=1m")
	remove := ballast(t, dir, 8<<10)
	path := filepath.Join(dir, "app.log")
	s := durable(path)
	s.QueueSize = 64 << 10
	_, err := Open(s)
	require.ErrorIs(t, err, syscall.ENOSPC)
	assert.ErrorContains(t, err, "logly: open "+path)
	assert.Equal(t, []string{"ballast"}, names(t, path))

	var got reports
	h := NewHandler(s, got.option())
	for i := range 100 {
		require.NoError(t, emit(h, slog.LevelInfo, 0, i, 100)) // more than the disk has room for
	}
	require.ErrorIs(t, h.Complete(), syscall.ENOSPC)
	assert.NoFileExists(t, path+queueSuffix)
	waitFor(t, func() bool { return len(got.all()) > 0 })
	assert.ErrorIs(t, got.all()[0], syscall.ENOSPC)
	remove()
	require.NoError(t, h.Complete())
	waitUntil(t, func() bool { _, err := os.Stat(path + queueSuffix); return err == nil })
	require.NoError(t, emit(h, slog.LevelInfo, 0, 100, 100))
	require.NoError(t, h.Close())
	assert.Equal(t, seqs(0, 101), order(t, readFile(t, path)))
	assert.Equal(t, []string{}, names(t, path))
}

// The disk fills up while the program runs: the queue has its room already. What
// it took is there after the process has died, and goes on where it stopped.
func TestDurableWhenTheDiskFillsUp(t *testing.T) {
	dir := onDisk(t, "size=1m")
	path := filepath.Join(dir, "app.log")
	s := durable(path)
	s.QueueSize = 64 << 10
	h := NewHandler(s, quiet)
	require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 100))
	require.NoError(t, h.Complete())
	remove := ballast(t, dir, 1000) // the file goes on for some bytes, to the end of its block
	const n = 300
	for i := 1; i < n; i++ {
		require.NoError(t, emit(h, slog.LevelInfo, 0, i, 100))
	}
	require.ErrorIs(t, h.Complete(), syscall.ENOSPC)
	require.ErrorIs(t, h.Close(), syscall.ENOSPC)
	left := h.Stats()[0].Queued
	assert.NotZero(t, left)
	assert.Zero(t, h.Stats()[0].Dropped)
	remove()

	h = logTo(t, s)
	assert.Equal(t, left, h.Stats()[0].Recovered)
	require.NoError(t, h.Close())
	assert.Equal(t, seqs(0, n), order(t, readFile(t, path)))
}

// After a power failure the log is what was synced last and the queue file what
// happened to be written back: what can be read in it is written again, rather
// twice than never, and the report says so.
func TestDurableAfterAPowerFailure(t *testing.T) {
	path := temp(t)
	h, err := Open(durable(path))
	require.NoError(t, err)
	require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 1))
	require.NoError(t, h.Complete())
	synced := readFile(t, path)
	require.NoError(t, h.Close())

	for _, c := range []struct {
		name  string
		log   string // that has reached the disk
		queue func(file []byte) []byte
		want  string
	}{
		{"nothing of the batch", synced, nil, "0.0 0.1 0.2 0.3 0.4"},
		{"all of the batch", synced + numbered(1, 3), nil, "0.0 0.1 0.2 0.1 0.2 0.3 0.4"},
		{"the last block of the queue was not written back", synced, func(file []byte) []byte {
			at := bytes.Index(file, []byte(numbered(3, 4))) + 10
			return append(file[:at], make([]byte, len(file)-at)...)
		}, "0.0 0.1 0.2"},
		{"its first bytes were not", synced, func(file []byte) []byte {
			at := bytes.Index(file, []byte(numbered(1, 2)))
			clear(file[at : at+10])
			return file
		}, "0.0 0.2 0.3 0.4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, path, c.log)
			ino, dev := inode(t, path)
			leave(t, path, numbered(1, 5), &ring.Intent{
				N: len(numbered(1, 3)), Ino: ino, Dev: dev, Offset: int64(len(synced)),
			})
			boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
			require.NoError(t, err)
			file := []byte(readFile(t, path+queueSuffix))
			require.Equal(t, 1, bytes.Count(file, bytes.TrimSpace(boot)))
			file = bytes.Replace(file, bytes.TrimSpace(boot), bytes.Repeat([]byte("a"), 36), 1)
			if c.queue != nil {
				file = c.queue(file)
			}
			write(t, path+queueSuffix, string(file))

			var got reports
			h, err := Open(durable(path), got.option())
			require.NoError(t, err)
			require.NoError(t, h.Close())
			assert.Equal(t, c.want, order(t, readFile(t, path)))
			waitFor(t, func() bool { return len(got.all()) == 1 })
			aside, err := filepath.Glob(path + queueSuffix + ".damaged-*")
			require.NoError(t, err)
			require.Len(t, aside, 1)
			assert.ErrorContains(t, got.all()[0], aside[0])
			assert.Equal(t, string(file), readFile(t, aside[0]))
			require.NoError(t, os.Remove(aside[0]))
		})
	}
}

// childDurable opens a Durable file, says whether that worked, and logs on.
func childDurable(args []string) {
	h, err := Open(durable(args[0]))
	if err != nil {
		fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
	check(emit(h, slog.LevelInfo, 1, 0, 1))
	fmt.Println("open")
	select {}
}

func init() { children["durable"] = childDurable }

// Of two processes the second is told which file the first has; when the first
// dies, the file is free and nothing is lost.
func TestDurableTwoProcesses(t *testing.T) {
	path := temp(t)
	first := child("durable", path)
	out, err := first.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, first.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "open\n", line)

	said, err := child("durable", path).Output()
	require.Error(t, err)
	assert.Contains(t, string(said), path+queueSuffix)
	assert.Contains(t, string(said), "in use by another process")

	require.NoError(t, first.Process.Kill())
	require.Error(t, first.Wait())
	h := logTo(t, durable(path))
	require.NoError(t, emit(h, slog.LevelInfo, 1, 1, 1))
	require.NoError(t, h.Close())
	assert.Equal(t, seqs(1, 2), order(t, readFile(t, path)))
}

// A log that was removed to make room gives its room back although half a line
// is still to be written to it: the line goes into the new one.
func TestRemovingTheLogMakesRoom(t *testing.T) {
	for _, s := range []Sink{{Enqueue: true}, {Enqueue: true, Durable: true, QueueSize: 64 << 10}} {
		t.Run(map[bool]string{true: "durable", false: "queue"}[s.Durable], func(t *testing.T) {
			dir := onDisk(t, "size=1m")
			path := filepath.Join(dir, "app.log")
			s.File, s.ReplaceAttr = path, withoutTime
			h, _ := tolerant(t, s)
			n := 0
			for ; !errors.Is(h.Complete(), syscall.ENOSPC); n++ { // fills the disk with the log
				require.NoError(t, emit(h, slog.LevelInfo, 0, n, 10_000))
			}
			there := strings.Count(readFile(t, path), "\n")
			require.NoError(t, os.Remove(path))
			require.NoError(t, h.Complete())
			require.NoError(t, h.Close())
			got, _ := once(t, order(t, readFile(t, path)))
			assert.GreaterOrEqual(t, there+len(got["0"]), n)
			assert.Equal(t, n-1, got["0"][len(got["0"])-1])
		})
	}
}
