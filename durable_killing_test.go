//go:build linux || darwin || freebsd

package logly

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// killing is one log and the processes that one after the other live and die on
// it.
type killing struct {
	*testing.T
	r     *rand.Rand
	total *killTotal
	disk  string // its name
	dir   string // everything is in here, the log in a directory of its own
	plan  plan
	book  *ledger
	life  int // how many there were
	lives int // how many there shall be
	done  bool

	unsure    int  // kills during Open, of which it is not known yet whether there was something to recover
	dead      bool // no process is at work
	unordered bool // the files are in no order
	mayReport bool // trouble, and with it doubles of what was taken away
	taken     int
	removed   []func() logText // files that were removed, and what they hold
}

func newKilling(t *testing.T, r *rand.Rand, disk killDisk, total *killTotal) *killing {
	dir, err := os.MkdirTemp(disk.dir, "logly-kill-")
	require.NoError(t, err)
	k := &killing{T: t, r: r, total: total, disk: disk.name, dir: dir}
	t.Cleanup(func() {
		if !k.done {
			t.Logf("left to look at: %s", dir)
		}
	})
	k.plan = plan{File: filepath.Join(dir, "log", "app.log"), Ledger: filepath.Join(dir, "ledger"), Producers: 1}
	var unmap func() error
	k.book, unmap, err = openLedger(k.plan.Ledger)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, unmap()) })
	return k
}

// vary chooses the n-th combination of what every kind of kill is to meet.
func (k *killing) vary(n int) {
	n *= 3 // neighbours differ in more than one
	if n&1 != 0 {
		k.plan.Producers = maxProducers
	}
	k.plan.QueueSize = defaultQueueSize
	if n&2 == 0 {
		k.plan.QueueSize = os.Getpagesize()
	}
	if n&4 == 0 {
		k.plan.Large = largeRecords{Every: 50, Max: 4 * uint64(k.plan.QueueSize)}
		if k.plan.QueueSize == defaultQueueSize {
			k.plan.Large.Every = 1000
		}
	}
	k.plan.Busy = k.r.IntN(4) == 0
}

// soon returns a time after which to kill: mostly some milliseconds, sometimes
// at once.
func (k *killing) soon() time.Duration {
	return min(time.Duration(k.r.ExpFloat64()*float64(4*time.Millisecond)), 25*time.Millisecond)
}

func (k *killing) whileLogging() {
	for k.life < k.lives {
		k.killLogging(nil)
		k.total.hit("logging")
	}
}

func (k *killing) whileRotating() {
	k.plan.Rotation = "200 KB"
	for k.life < k.lives {
		k.killLogging(nil)
	}
	if len(k.names()) > 2 { // the live file and the queue
		k.total.counts["rotating"] += k.lives
	}
}

func (k *killing) withGzip() {
	k.plan.Rotation, k.plan.Compression = "200 KB", Gzip
	for k.life < k.lives {
		k.killLogging(nil)
		k.total.hit("gzip")
	}
}

// whileRecovering lets a process log for a while and kills some after it as they
// start.
func (k *killing) whileRecovering() {
	if k.r.IntN(2) == 0 {
		k.plan.Rotation = "200 KB"
	}
	for k.life < k.lives {
		if k.life == 0 || k.r.IntN(4) == 0 {
			k.killLogging(nil)
			continue
		}
		v := k.start(func(p *plan) {
			p.Settle = k.r.IntN(4) > 0
			if k.r.IntN(8) == 0 { // another size than the file's
				p.QueueSize = 1 << (12 + k.r.IntN(10))
			}
		})
		v.await(phaseOpening)
		within := &k.total.recovery
		wait(time.Duration(k.r.Int64N(int64(within.d))))
		within.adapt(v.kill() < phaseLogging)
	}
}

func (k *killing) whileClosing() {
	for k.life < k.lives {
		v := k.start(func(p *plan) { p.Close = 1 + k.soon() })
		v.await(phaseClosing)
		within := &k.total.close
		wait(time.Duration(k.r.Int64N(int64(within.d))))
		in := v.kill()
		within.adapt(in < phaseClosed)
		if k.total.hit("closing"); in == phaseClosed {
			k.queueIsGone()
		}
	}
}

func (k *killing) killLogging(change func(*plan)) {
	v := k.start(change)
	v.await(phaseLogging)
	wait(k.soon())
	v.kill()
}

// victim is a process that is to be killed.
type victim struct {
	*killing
	cmd  *exec.Cmd
	page *life
	dead chan struct{}
}

// start starts the next process.
func (k *killing) start(change func(*plan)) *victim {
	require.Less(k, k.life, maxLives)
	p := k.plan
	p.Life = k.life
	k.life++
	if change != nil {
		change(&p)
	}
	stderr, err := os.OpenFile(filepath.Join(k.dir, "stderr"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	require.NoError(k, err)
	defer func() { require.NoError(k, stderr.Close()) }()
	cmd, err := p.command()
	require.NoError(k, err)
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(k, err)
	require.NoError(k, cmd.Start())
	v := &victim{killing: k, cmd: cmd, page: &k.book[p.Life], dead: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // its ProcessState tells
		_ = stdin.Close()
		close(v.dead)
	}()
	return v
}

// await returns once the process has come to p.
func (v *victim) await(p phase) {
	for end := time.Now().Add(20 * time.Second); v.page.in() < p; {
		select {
		case <-v.dead:
			require.Fail(v, "died on its own", "%v, while %v: %s", v.cmd.ProcessState, v.page.in(), v.stderr())
		default:
		}
		if time.Now().After(end) {
			_ = v.cmd.Process.Signal(syscall.SIGQUIT) // tells where it hangs
			<-v.dead
			require.Fail(v, "hangs", "while %v: %s", v.page.in(), v.stderr())
		}
		wait(50 * time.Microsecond)
	}
}

// kill kills the process by SIGKILL and returns in which phase that was.
func (v *victim) kill() phase {
	require.NoError(v, v.cmd.Process.Kill())
	status := v.end()
	require.True(v, status.Signaled() && status.Signal() == syscall.SIGKILL, "died on its own: %v, while %v: %s", v.cmd.ProcessState, v.page.in(), v.stderr())
	return v.page.in()
}

// end waits for the death of the process and takes down what it was like.
func (v *victim) end() syscall.WaitStatus {
	select {
	case <-v.dead:
	case <-time.After(20 * time.Second):
		require.Fail(v, "does not die", "while %v: %s", v.page.in(), v.stderr())
	}
	in, recovered := v.page.in(), v.page.recovered.Load()
	switch {
	case in == phaseOpening:
		v.unsure++
	case in > phaseOpening:
		v.opened(recovered)
	}
	if in == phaseDraining && recovered > 0 {
		v.total.hit("recovering")
	}
	if info, err := os.Stat(v.plan.File); err == nil {
		inside, err := endsInsideLine(v.plan.File, info)
		if require.NoError(v, err); inside {
			v.total.hit("inside a line")
		}
	}
	v.total.phases[in]++
	v.total.hit("on " + v.disk)
	v.total.hit(fmt.Sprintf("of %d goroutines", v.plan.Producers))
	v.total.hit(fmt.Sprintf("with a queue of %d bytes and records of up to %d", v.plan.QueueSize, max(256, v.plan.Large.Max)))
	return v.cmd.ProcessState.Sys().(syscall.WaitStatus)
}

// opened takes in how many records an Open has recovered. If any, those who died
// in Open before had them to recover, too.
func (k *killing) opened(recovered uint64) {
	if recovered > 0 && k.unsure > 0 {
		k.total.counts["recovering"] += k.unsure
	}
	k.total.recovered += recovered
	k.unsure = 0
}

func (k *killing) stderr() string {
	text, err := os.ReadFile(filepath.Join(k.dir, "stderr"))
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(k, err)
	}
	return string(text)
}

// finish opens the log for the last time, here, closes it and counts.
func (k *killing) finish() {
	before := k.count()
	var got reports
	h, err := Open(k.plan.sink(), got.option())
	require.NoError(k, err)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	require.NoError(k, h.CompleteContext(ctx))
	require.NoError(k, h.CloseContext(ctx))
	allReported(h)
	s := h.Stats()[0]
	k.opened(s.Recovered)
	after := k.count()
	k.total.add(after)
	k.total.logs++
	defer k.clear()

	require.NoError(k, after.err())
	require.Zero(k, s.Records+s.Dropped+s.Queued, "%+v", s)
	require.GreaterOrEqual(k, s.Recovered, after.found-before.found, "%+v", s)
	k.queueIsGone()
	for _, name := range k.names() {
		require.Regexp(k, `^(app(-[-0-9T.]{23})?\.log(\.gz)?|`+takenPrefix+`.*)$`, name, "whose file is it?")
	}
	var told []string
	for _, err := range got.all() {
		told = append(told, err.Error())
	}
	if k.mayReport {
		// A new file may get the inode of one that was removed, and is taken for it
		// if it looks alike: empty. But what was removed is nobody's double.
		if after.again > before.again && len(k.removed) == 0 {
			require.NotEmpty(k, told, "what was written again is not reported")
		}
		return
	}
	for line := range strings.Lines(k.stderr()) {
		if strings.HasPrefix(line, reportMark) {
			told = append(told, line)
		}
	}
	require.Empty(k, told)
	require.Zero(k, after.again+after.cut)
}

// allReported returns once OnError has been called for all that there was, which
// Close does not wait for.
func allReported(h *Handler) {
	for reporting := true; reporting; runtime.Gosched() {
		h.core.reporter.mu.Lock()
		reporting = h.core.reporter.running
		h.core.reporter.mu.Unlock()
	}
}

// clear removes what nobody has to look at.
func (k *killing) clear() {
	if k.done = !k.Failed(); k.done {
		require.NoError(k, os.RemoveAll(k.dir))
	}
}

func (k *killing) count() tally {
	var files []logText
	for _, read := range k.removed {
		files = append(files, read())
	}
	return k.book.count(append(files, readLog(k, k.plan.File)...), k.plan.Large, k.unordered)
}

func (k *killing) names() []string {
	entries, err := os.ReadDir(filepath.Dir(k.plan.File))
	require.NoError(k, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (k *killing) queueIsGone() {
	require.NoFileExists(k, k.plan.File+".queue")
}

// wait waits for d, however short, without keeping a processor busy all that
// time. time.Sleep in an idle process waits for a millisecond at least.
func wait(d time.Duration) {
	end := time.Now().Add(d)
	if d > 100*time.Microsecond {
		d -= 50 * time.Microsecond
	}
	tv := unix.NsecToTimeval(d.Nanoseconds())
	_, _ = unix.Select(0, nil, nil, nil, &tv)
	for time.Now().Before(end) {
	}
}

// window is how long after an event a kill hits what the event has begun, as
// experience tells.
type window struct{ d time.Duration }

func (w *window) adapt(hit bool) {
	if hit {
		w.d = min(w.d*6/5, 20*time.Millisecond)
	} else {
		w.d = max(w.d*4/5, 50*time.Microsecond)
	}
}
