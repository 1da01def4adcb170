//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const deadline = 30 * time.Second // for what takes moments

// TestProcess runs the program as it will be run.
func TestProcess(t *testing.T) {
	program := build(t)
	t.Run("rotated under load", func(t *testing.T) { rotated(t, program) })
	t.Run("standard error only", func(t *testing.T) { stderrOnly(t, program) })
	t.Run("killed and restarted", func(t *testing.T) { killed(t, program) })
	t.Run("log lost", func(t *testing.T) { logLost(t, program) })
	t.Run("not started", func(t *testing.T) { notStarted(t, program) })
}

func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "http")
	args := []string{"build", "-buildvcs=false", "-o", program}
	if raceEnabled() {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, ".")...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// raceEnabled reports whether the tests run under the race detector: then the
// program does too.
func raceEnabled() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// process is the program, started.
type process struct {
	cmd    *exec.Cmd
	url    string
	stderr bytes.Buffer // complete when ended is closed
	ended  chan struct{}
}

// start starts the program on a free port and waits until it says which.
func start(t *testing.T, program string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*deadline)
	p := &process{ended: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, program, append([]string{"-addr", "127.0.0.1:0", "-format", "json", "-level", "debug"}, args...)...)
	p.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // a race build would sleep for a second
	pipe, err := p.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { // if the test has failed before its end
		cancel()
		<-p.ended
		_ = p.cmd.Wait()
	})
	r := bufio.NewReader(pipe)
	first, err := r.ReadBytes('\n')
	p.stderr.Write(first)
	go func() {
		defer close(p.ended)
		_, _ = p.stderr.ReadFrom(r) // a pipe that ends with the process
	}()
	require.NoError(t, err, "%s", first)
	said := parse(t, first)[0]
	require.Equal(t, "listening", said.Msg, "%s", first)
	p.url = "http://" + said.Addr
	return p
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(s))
}

// wait returns the exit code.
func (p *process) wait() int {
	<-p.ended
	_ = p.cmd.Wait() // the code tells
	return p.cmd.ProcessState.ExitCode()
}

// until waits for done, which cannot come when the program has ended.
func (p *process) until(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); ; time.Sleep(time.Millisecond) {
		over := time.Now().After(end)
		select {
		case <-p.ended:
			over = true
		default:
		}
		if done() {
			return
		}
		if over {
			_ = p.cmd.Process.Kill() // or it has ended by itself
			code, said := p.wait(), p.stderr.String()
			require.Fail(t, "it does not come about", "exit code %d\n%s", code, said[max(0, len(said)-4096):])
		}
	}
}

// rotated is the load of several clients while SIGHUP comes, then SIGTERM with
// requests under way. Each request must be answered, and have its lines, once.
func rotated(t *testing.T, program string) {
	path := filepath.Join(t.TempDir(), "http.log")
	p := start(t, program, "-log", path, "-rotate", "never", "-keep", "0")

	requests := 5_000
	if raceEnabled() {
		requests = 2_500
	}
	l := load{url: p.url, atLeast: requests/clients + 1}
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		l.run()
	}()
	const hangups = 5
	for n := range hangups {
		p.until(t, func() bool { return l.answered.Load() > int64(requests/(hangups+2)*(n+1)) })
		before := len(oldFiles(t, path))
		if n == 2 { // what logrotate does
			require.NoError(t, os.Rename(path, strings.TrimSuffix(path, ".log")+"-moved.log"))
		}
		p.signal(t, syscall.SIGHUP)
		p.until(t, func() bool {
			_, err := os.Stat(path)
			return err == nil && len(oldFiles(t, path)) > before
		})
	}
	at := l.answered.Load()
	p.until(t, func() bool { return l.answered.Load() > at+100 }) // the last rotation was not the end
	l.enough.Store(true)
	<-loaded
	require.Empty(t, l.errs)
	require.GreaterOrEqual(t, len(l.done), requests)

	drained(t, p, &l, path)
	require.Equal(t, 0, p.wait(), "%s", &p.stderr)

	own, others := check(t, readLog(t, path), l.done)
	assert.Empty(t, others, "lines of requests that nobody sent")
	assert.Equal(t, slices.Concat([]string{"listening"}, slices.Repeat([]string{"log rotated"}, hangups), []string{"draining", "stopped"}), messages(own))
	// The file that was moved away may have been missed before SIGHUP came, which
	// then rotated the next one.
	assert.Contains(t, []int{hangups, hangups + 1}, len(oldFiles(t, path)))
	t.Logf("%d requests, %d files", len(l.done), len(oldFiles(t, path))+1)
}

// oldFiles returns the names of the files before the live one. One that is being
// compressed is there twice for a moment.
func oldFiles(t *testing.T, path string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, f := range logFiles(t, path) {
		names[strings.TrimSuffix(f, ".gz")] = true
	}
	delete(names, path)
	return names
}

// drained ends the program while requests are under way, which must be answered
// nevertheless, and adds them to the load.
func drained(t *testing.T, p *process, l *load, path string) {
	t.Helper()
	began := func() int { return bytes.Count(readFile(t, path), []byte(`"slow work begun"`)) }
	before := began()
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			c := newClient("", p.url)
			defer c.http.CloseIdleConnections()
			e, err := c.send(exchange{kind: slow}, "?for=1s", fmt.Sprintf("under-way-%d", n))
			l.add([]exchange{e}, err)
		})
	}
	p.until(t, func() bool { return began() == before+clients })
	p.signal(t, syscall.SIGTERM)
	p.until(t, func() bool { // no longer accepts
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err == nil {
			require.NoError(t, c.Close())
		}
		return err != nil
	})
	wg.Wait()
	require.Empty(t, l.errs)
}

// stderrOnly is the program in a container.
func stderrOnly(t *testing.T, program string) {
	p := start(t, program, "-log", "")
	l := load{url: p.url, atLeast: 800 / clients}
	l.enough.Store(true)
	l.run()
	require.Empty(t, l.errs)
	p.signal(t, syscall.SIGINT)
	require.Equal(t, 0, p.wait(), "%s", &p.stderr)
	own, others := check(t, parse(t, p.stderr.Bytes()), l.done)
	assert.Empty(t, others)
	assert.Equal(t, []string{"listening", "draining", "stopped"}, messages(own))
}

// killed is kill -9 under load: with -durable every request that was answered
// has its lines nevertheless, because they were logged before the answer went out.
func killed(t *testing.T, program string) {
	if !slices.Contains([]string{"linux", "darwin", "freebsd"}, runtime.GOOS) {
		t.Skip("no Durable here")
	}
	path := filepath.Join(t.TempDir(), "http.log")
	p := start(t, program, "-log", path, "-rotate", "never", "-durable")
	l := load{url: p.url}
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		l.run()
	}()
	p.until(t, func() bool { return l.answered.Load() > 800 })
	p.signal(t, syscall.SIGKILL)
	require.Equal(t, -1, p.wait())
	<-loaded
	require.Len(t, l.errs, clients)

	p = start(t, program, "-log", path, "-rotate", "never", "-durable")
	p.signal(t, syscall.SIGTERM)
	require.Equal(t, 0, p.wait(), "%s", &p.stderr)
	own, others := check(t, readLog(t, path), l.done)
	assert.Equal(t, []string{"listening", "listening", "draining", "stopped"}, messages(own))
	assert.LessOrEqual(t, len(others), clients, "each client had one request under way")
	for id, lines := range others {
		assert.True(t, mayBegin(messages(lines)), "%s: %s", id, messages(lines))
	}
	assert.NoFileExists(t, path+".queue")
}

// logLost is a log that cannot be written any more. The requests go on, and what
// is missing in the end is told.
func logLost(t *testing.T, program string) {
	path := filepath.Join(t.TempDir(), "http.log")
	p := start(t, program, "-log", path)
	p.until(t, func() bool { return len(readFile(t, path)) > 0 })
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Mkdir(path, 0o700))
	c := newClient("", p.url)
	defer c.http.CloseIdleConnections()
	_, err := c.send(exchange{kind: order}, "17", "")
	require.NoError(t, err)
	p.signal(t, syscall.SIGTERM)
	assert.Equal(t, 1, p.wait())
	assert.Regexp(t, `(?m)^http: logly: .*http\.log: 6 records still queued: .*is a directory`, p.stderr.String())
}

// notStarted is what a user sees who has made a mistake.
func notStarted(t *testing.T, program string) {
	taken := start(t, program, "-log", "")
	defer func() {
		taken.signal(t, syscall.SIGTERM)
		assert.Equal(t, 0, taken.wait())
	}()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-nonsense"}, 2, "flag provided but not defined: -nonsense"},
		{[]string{"-level", "loud"}, 2, `invalid value "loud" for flag -level`},
		{[]string{"-rotate", "now and then"}, 2, `-rotate: logly: Rotation: "now and then"`},
		{[]string{"-log", "", "-format", "xml"}, 2, `-format: logly: Format: "xml"`},
		{[]string{"-log", t.TempDir()}, 1, "http: logly: open "},
		{[]string{"-log", "", "-addr", strings.TrimPrefix(taken.url, "http://")}, 1, `"msg":"not started"`},
	} {
		cmd := exec.Command(program, c.args...)
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%s", c.args)
		assert.Equal(t, c.code, exit.ExitCode(), "%s", c.args)
		assert.Contains(t, string(out), c.says, "%s", c.args)
	}
}
