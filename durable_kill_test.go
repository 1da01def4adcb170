//go:build linux || darwin || freebsd

package logly

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

var (
	killCount = flag.Int("kills", 0, "how many processes TestDurableKill kills at least; 0: some hundred")
	killSeed  = flag.Uint64("kills.seed", 0, "what the kill tests begin with; 0: chosen and printed")
)

// TestDurableKill kills processes by SIGKILL while they log as fast as they can
// through a Durable sink, start the next one on what the last has left, and in
// the end counts the files against what the processes had acknowledged.
//
//	go test -run DurableKill -kills 1000
func TestDurableKill(t *testing.T) {
	kills := *killCount
	switch {
	case kills > 0:
	case testing.Short():
		kills = 40
	case raceEnabled: // it does not see mapped memory, and takes its time
		kills = 60
	default:
		kills = 200
	}
	r := killRand(t)
	total := newKillTotal()
	disks := killDisks(t)
	for _, kind := range []struct {
		name  string
		share float64
		hits  func() int // kills of this kind so far
		run   func(*killing)
	}{
		{"logging", 0.1, total.count("logging"), (*killing).whileLogging},
		{"rotating", 0.35, total.count("rotating"), (*killing).whileRotating},
		{"recovering", 0.35, total.count("recovering"), (*killing).whileRecovering},
		{"closing", 0.1, total.count("closing"), (*killing).whileClosing},
		{"gzip", 0.1, total.count("gzip"), (*killing).withGzip},
	} {
		for i, disk := range disks {
			t.Run(kind.name+" on "+disk.name, func(t *testing.T) {
				enough := int(float64(kills)*kind.share)*(i+1)/len(disks) + 1
				for logs := 0; kind.hits() < enough; logs++ {
					require.Less(t, logs, 10+enough, "kills do not hit what they are aimed at: %v", total)
					k := newKilling(t, rand.New(rand.NewPCG(r.Uint64(), 0)), disk, total)
					k.vary(logs)
					if k.lives = 5; kills >= 1000 {
						k.lives += k.r.IntN(16)
					}
					kind.run(k)
					k.finish()
				}
			})
		}
	}
	t.Log(total)
	if !t.Failed() {
		for _, p := range []phase{phaseOpening, phaseDraining, phaseLogging, phaseClosing, phaseClosed} {
			assert.True(t, total.phases[p] > 0 || kills < 1000, "no kill while %v", p)
		}
		assert.NotZero(t, total.recovered)
	}
}

// The other ends to which a process may come lose nothing either.
func TestDurableOtherEnds(t *testing.T) {
	exits := func(code int) func(syscall.WaitStatus) bool {
		return func(s syscall.WaitStatus) bool { return s.Exited() && s.ExitStatus() == code }
	}
	for _, end := range []struct {
		name   string
		signal syscall.Signal // 0: one of ends
		is     func(syscall.WaitStatus) bool
	}{
		{"os.Exit", 0, exits(7)},
		{"panic", 0, exits(2)},
		{"fatal error", 0, exits(2)},
		{"exec", 0, exits(0)},
		{"SIGTERM", syscall.SIGTERM, func(s syscall.WaitStatus) bool { return s.Signaled() && s.Signal() == syscall.SIGTERM }},
		{"SIGQUIT", syscall.SIGQUIT, exits(2)},
		{"SIGABRT", syscall.SIGABRT, exits(2)},
		{"SIGSEGV", syscall.SIGSEGV, exits(2)},
	} {
		t.Run(end.name, func(t *testing.T) {
			r := killRand(t)
			total := newKillTotal()
			disks := killDisks(t)
			for i := range killLogs(8) {
				k := newKilling(t, rand.New(rand.NewPCG(r.Uint64(), 0)), disks[(i+i/2)%len(disks)], total)
				k.vary(i)
				k.plan.Rotation = []Rotation{"", "200 KB"}[i/2%2]
				for range 2 {
					v := k.start(func(p *plan) {
						if end.signal == 0 {
							p.End, p.EndAfter = end.name, k.soon()
						}
					})
					v.await(phaseLogging)
					if end.signal != 0 {
						wait(k.soon())
						require.NoError(t, v.cmd.Process.Signal(end.signal))
					}
					require.True(t, end.is(v.end()), "ended otherwise: %v; %s", v.cmd.ProcessState, k.stderr())
				}
				k.finish()
			}
			t.Log(total)
		})
	}
}

// Without Durable, the kill tests fail.
func TestKillsWithoutDurable(t *testing.T) {
	r := killRand(t)
	disks := killDisks(t)
	for range 10 {
		k := newKilling(t, rand.New(rand.NewPCG(r.Uint64(), 0)), disks[0], newKillTotal())
		k.plan.NotDurable = true
		k.plan.Producers = maxProducers
		for k.lives = 3; k.life < k.lives; {
			k.killLogging(nil)
		}
		got := k.count()
		if k.clear(); got.lost > 0 {
			t.Log(got)
			return
		}
	}
	t.Error("no record was lost: the kills come when the queue is empty, or the count does not see it")
}

func killRand(t *testing.T) *rand.Rand {
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-kills.seed=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// killLogs returns on how many logs to try something that takes n usually.
func killLogs(n int) int {
	switch {
	case *killCount > 0:
		return max(n, *killCount/50)
	case testing.Short() || raceEnabled:
		return 2
	}
	return n
}

// killDisk is a directory to log in.
type killDisk struct{ name, dir string }

// killDisks returns one on a disk and, where there is one, one in memory.
func killDisks(t *testing.T) []killDisk {
	disks := []killDisk{{"disk", os.TempDir()}}
	if isTmpfs(os.TempDir()) {
		t.Logf("%s is no disk but in memory", os.TempDir())
	}
	const shm = "/dev/shm"
	if isTmpfs(shm) {
		return append(disks, killDisk{"tmpfs", shm})
	}
	dir := t.TempDir()
	if err := mountTmpfs(dir, "size=512m"); err != nil {
		t.Logf("no tmpfs in this run: %s is none, and mount: %v", shm, err)
		return disks
	}
	t.Cleanup(func() { assert.NoError(t, unmount(dir)) })
	return append(disks, killDisk{"tmpfs", dir})
}

// isTmpfs reports whether dir is in memory and has room for the tests.
func isTmpfs(dir string) bool {
	const magic, room = 0x01021994, 256 << 20
	var st unix.Statfs_t
	return runtime.GOOS == "linux" && unix.Statfs(dir, &st) == nil && st.Type == magic && uint64(st.Bavail)*uint64(st.Bsize) >= room
}

// killTotal is what a test has done in all.
type killTotal struct {
	tally
	logs      int
	phases    [phases]int    // in which processes died
	counts    map[string]int // how many died so
	recovered uint64
	recovery  window
	close     window
}

func newKillTotal() *killTotal {
	const first = time.Millisecond
	return &killTotal{counts: map[string]int{}, recovery: window{first}, close: window{first}}
}

func (k *killTotal) hit(what string)              { k.counts[what]++ }
func (k *killTotal) count(what string) func() int { return func() int { return k.counts[what] } }

func (k *killTotal) String() string {
	var s strings.Builder
	all := 0
	for p, n := range k.phases {
		all += n
		fmt.Fprintf(&s, "%d %v, ", n, phase(p))
	}
	text := fmt.Sprintf("%d processes on %d logs died: %sof these", all, k.logs, &s)
	for _, what := range slices.Sorted(maps.Keys(k.counts)) {
		text += fmt.Sprintf("\n%6d %s", k.counts[what], what)
	}
	return fmt.Sprintf("%s\n%d records recovered; %v", text, k.recovered, k.tally)
}
