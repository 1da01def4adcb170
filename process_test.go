//go:build unix

package logly

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// children are the programs that tests run as processes of their own. TestMain
// runs the one that the environment names.
var children = map[string]func(args []string){
	"stdout":  childStdout,
	"panic":   childPanic,
	"default": childDefault,
	"forever": childForever,
	"stuck":   childStuck,
}

const childEnv = "LOGLY_TEST_CHILD"

// runChild runs a child if this process was started to be one.
func runChild() {
	if name, args, _ := strings.Cut(os.Getenv(childEnv), " "); name != "" {
		children[name](strings.Fields(args))
		os.Exit(0)
	}
}

func child(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(append([]string{name}, args...), " "))
	return cmd
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(3)
	}
}

// childStdout logs to stdout until told by a line on stdin that its reader has
// gone, then once more.
func childStdout(args []string) {
	if args[0] == "ignore" {
		signal.Ignore(syscall.SIGPIPE)
	}
	var told atomic.Int64
	h := NewHandler(Sink{Format: JSON, Enqueue: args[1] == "enqueue"}, OnError(func(err error) {
		if errors.Is(err, syscall.EPIPE) {
			told.Add(1)
		}
	}))
	l := slog.New(h)
	l.Info("before")
	check(h.Complete())
	_, err := bufio.NewReader(os.Stdin).ReadString('\n')
	check(err)
	handled := h.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelInfo, "after", 0))
	closed := h.Close()
	fmt.Fprintf(os.Stderr, "handled=%t closed=%t dropped=%d\n", handled == nil, closed == nil, h.Stats()[0].Dropped)
	for told.Load() == 0 {
		runtime.Gosched()
	}
}

// When the reader of stdout goes away the process ends by SIGPIPE, as Go
// programs do; one that ignores the signal has a failing destination.
func TestReaderOfStdoutGoesAway(t *testing.T) {
	for _, c := range []struct{ signal, mode, want string }{
		{"default", "sync", ""},
		{"default", "enqueue", ""},
		{"ignore", "sync", "handled=false closed=true dropped=1\n"},
		{"ignore", "enqueue", "handled=true closed=false dropped=1\n"},
	} {
		t.Run(c.signal+" "+c.mode, func(t *testing.T) {
			cmd := child("stdout", c.signal, c.mode)
			r, w, err := os.Pipe()
			require.NoError(t, err)
			in, err := cmd.StdinPipe()
			require.NoError(t, err)
			var stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = w, &stderr
			require.NoError(t, cmd.Start())
			require.NoError(t, w.Close())
			line, err := bufio.NewReader(r).ReadString('\n')
			require.NoError(t, err)
			assert.Contains(t, line, `"msg":"before"`)
			require.NoError(t, r.Close())
			_, err = io.WriteString(in, "gone\n")
			require.NoError(t, err)
			err = cmd.Wait()
			if c.signal == "default" {
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit)
				assert.Equal(t, syscall.SIGPIPE, exit.Sys().(syscall.WaitStatus).Signal())
				return
			}
			require.NoError(t, err, "%s", &stderr)
			assert.Equal(t, c.want, stderr.String())
		})
	}
}

func childPanic(args []string) {
	h, err := Open(Sink{File: args[0], Enqueue: true, Rotation: "10 KB", Compression: Gzip})
	check(err)
	defer h.Close()
	l := slog.New(h)
	for i := range 1000 {
		l.Info("record", "producer", 0, "seq", i)
	}
	panic("the application's own")
}

func TestDeferredCloseDrainsInAPanic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	out, err := child("panic", path).CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "panic: the application's own")
	assert.Equal(t, 1000, inOrder(t, readLines(t, path)))
}

// childDefault is slog's default, with package log redirected into it, on a
// destination that fails: what reports the failure must not log.
func childDefault(args []string) {
	broken := writerFunc(func([]byte) (int, error) { return 0, errors.New("broken") })
	h := NewHandler(Sink{Writer: broken, Enqueue: args[0] == "enqueue"})
	slog.SetDefault(slog.New(h)) // package log writes to it from here on
	log.Print("one")
	slog.Info("two")
	for range 100 {
		log.Print("more")
	}
	_ = h.Complete()
	_ = h.Close()
	for reporting := true; reporting; runtime.Gosched() {
		h.core.reporter.mu.Lock()
		reporting = h.core.reporter.running
		h.core.reporter.mu.Unlock()
	}
	fmt.Print(h.Stats()[0].Dropped)
}

func TestAFailingDefaultLoggerDoesNotLogItsFailure(t *testing.T) {
	for _, mode := range []string{"sync", "enqueue"} {
		cmd := child("default", mode)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		require.NoError(t, err, "%s", &stderr)
		assert.Equal(t, "102", string(out), mode)
		assert.Contains(t, stderr.String(), "logly: write writer: broken")
		assert.Less(t, strings.Count(stderr.String(), "\n"), 10, "merged, not one a record")
	}
}

// childForever logs until its stdin ends, and prints how much it has logged.
func childForever(args []string) {
	h, err := Open(Sink{File: args[0], Enqueue: true, Rotation: Rotation(strings.ReplaceAll(args[1], "_", " "))})
	check(err)
	var done atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		done.Store(true)
	}()
	l := slog.New(h)
	fmt.Println("started")
	n := 0
	for ; !done.Load(); n++ {
		l.Info("record", "producer", 0, "seq", n)
		if n%100 == 0 {
			time.Sleep(time.Millisecond) // not a wait: just less than all of the disk
		}
	}
	check(h.Close())
	fmt.Println(n)
}

// A process that is stopped over several rotations goes on where it was.
func TestASuspendedProcessLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("stops a process for seconds")
	}
	path := filepath.Join(t.TempDir(), "app.log")
	cmd := child("forever", path, "1_second")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	for range 2 {
		for size := int64(0); size == 0; { // an empty file is not rotated
			info, err := os.Stat(path)
			require.NoError(t, err)
			size = info.Size()
		}
		require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
		time.Sleep(1500 * time.Millisecond) // a real process lives by the real clock
		require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
		time.Sleep(200 * time.Millisecond)
	}
	require.NoError(t, in.Close())
	require.True(t, lines.Scan())
	n, err := strconv.Atoi(lines.Text())
	require.NoError(t, err)
	require.NoError(t, cmd.Wait())
	assert.Equal(t, n, inOrder(t, readLines(t, path)))
	backups, err := filepath.Glob(filepath.Join(filepath.Dir(path), "app-*.log"))
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(backups), 2, "one for each time it was stopped past a boundary")
}

// After a kill the file may end inside a line, and what the process had queued
// is gone; but no later line is glued to what is there.
func TestAKillTearsNoLaterLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	const kills = 5
	for range kills {
		before, _ := os.ReadFile(path) // none at first
		cmd := child("forever", path, "never")
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		defer in.Close() //nolint:errcheck // Wait may have closed it
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		require.True(t, bufio.NewScanner(out).Scan())
		for size := 0; size < len(before)+10_000; {
			info, err := os.Stat(path)
			require.NoError(t, err)
			size = int(info.Size())
		}
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
		// A kill inside write(2) tears a line, but seldom: make it sure. It may
		// also take no more than the end of a line.
		text := readFile(t, path)
		switch last := text[strings.LastIndex(text, "\n")+1:]; {
		case json.Valid([]byte(last)):
			text += "\n"
			fallthrough
		case last == "":
			require.NoError(t, os.WriteFile(path, []byte(text+`{"time":"half a li`), 0o600))
		}
	}
	slog.New(open(t, Sink{File: path})).Info("last")
	torn := 0
	for _, line := range readLines(t, path) {
		if !json.Valid([]byte(line)) {
			torn++
		}
		assert.LessOrEqual(t, strings.LastIndex(line, `{"time":`), 0, "glued: %q", line)
	}
	assert.Equal(t, kills, torn)
}

// childStuck offers a million records to a writer that never returns, and
// prints how much memory that took.
func childStuck([]string) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	stuck := writerFunc(func([]byte) (int, error) { select {} })
	h := NewHandler(Sink{Writer: stuck, Enqueue: true, DropBelow: slog.LevelError}, OnError(func(error) {}))
	l := slog.New(h)
	for i := range 1_000_000 {
		l.Info("record", "seq", i)
	}
	runtime.ReadMemStats(&after)
	s := h.Stats()[0]
	if s.Records+s.Dropped != 1_000_000 || s.Records != s.Queued {
		check(fmt.Errorf("%+v", s))
	}
	fmt.Println(after.Sys - before.Sys)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := h.CloseContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		check(fmt.Errorf("CloseContext: %w", err))
	}
	if s := h.Stats()[0]; s.Dropped != 1_000_000 || s.Queued != 0 {
		check(fmt.Errorf("%+v", s))
	}
}

func TestMemoryIsBoundedWithAStuckWriter(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's own memory is not what is measured")
	}
	out, err := child("stuck").CombinedOutput()
	require.NoError(t, err, "%s", out)
	grown, err := strconv.ParseUint(strings.TrimSpace(string(out)), 10, 64)
	require.NoError(t, err, "%s", out)
	t.Logf("grew by %d KiB", grown>>10)
	assert.Less(t, grown, uint64(defaultQueueSize+16<<20))
}

// A named pipe is no file, but it is a Writer: while it has no reader it fails,
// and when one comes it goes on where it stopped.
func TestNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	_, err := Open(Sink{File: path})
	require.ErrorContains(t, err, "is a named pipe, not a regular file; open it yourself and use Writer")

	reader := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		require.NoError(t, err)
		return f
	}
	first := reader()
	pipe, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, pipe.Close()) })
	told := make(chan error, 10)
	h := open(t, Sink{Writer: pipe, Enqueue: true}, OnError(func(err error) {
		select {
		case told <- err:
		default:
		}
	}))
	l := slog.New(h)
	l.Info("record", "producer", 0, "seq", 0)
	require.NoError(t, h.Complete())
	got, err := bufio.NewReader(first).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, first.Close())
	for seq := 1; seq < 10; seq++ {
		l.Info("record", "producer", 0, "seq", seq)
	}
	err = h.Complete()
	require.ErrorIs(t, err, syscall.EPIPE)
	require.ErrorContains(t, err, "9 records still queued")
	require.ErrorIs(t, <-told, syscall.EPIPE)

	second := reader()
	defer func() { require.NoError(t, second.Close()) }()
	require.NoError(t, h.Complete())
	rest := make([]byte, 1<<16)
	n, err := second.Read(rest)
	require.NoError(t, err)
	assert.Equal(t, 10, inOrder(t, strings.Split(strings.TrimSuffix(got+string(rest[:n]), "\n"), "\n")))
}
