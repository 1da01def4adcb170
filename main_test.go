package logly

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails the run if the tests, all of which close their handlers, leave
// a goroutine of this module or a descriptor behind.
func TestMain(m *testing.M) {
	runChild()
	flag.Parse()
	soakFits()
	before := descriptors()
	code := m.Run()
	if code == 0 {
		if left := leaks(before); left != "" {
			fmt.Println("FAIL: left behind after all tests:\n" + left)
			code = 1
		}
	}
	os.Exit(code)
}

// leaks returns what is still left of this module's goroutines and of
// descriptors after a grace for what is about to end.
func leaks(before map[string]string) string {
	var left string
	for range 50 {
		left = strings.Join(append(goroutines(), newDescriptors(before)...), "\n")
		if left == "" {
			return ""
		}
		time.Sleep(20 * time.Millisecond)
	}
	return left
}

// goroutines returns the stacks of the goroutines that run this module's code,
// the caller's aside.
func goroutines() []string {
	buf := make([]byte, 4<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var ours []string
	for _, g := range strings.Split(string(buf), "\n\n")[1:] {
		if strings.Contains(g, "github.com/logly-go/logly") && !strings.Contains(g, "testing.tRunner") {
			ours = append(ours, g)
		}
	}
	return ours
}

// descriptors returns the open descriptors of the process and what they are,
// where the system lists them.
func descriptors() map[string]string {
	open := map[string]string{}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return open
	}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			open[e.Name()] = to
		}
	}
	return open
}

// newDescriptors returns the descriptors that were not open before. What the
// runtime opens for itself (epoll, eventfd, pidfd) does not count.
func newDescriptors(before map[string]string) []string {
	var left []string
	for fd, to := range descriptors() {
		if before[fd] != to && !strings.HasPrefix(to, "anon_inode:") && !strings.HasSuffix(to, "/fd") {
			left = append(left, "descriptor "+fd+": "+to)
		}
	}
	return left
}
