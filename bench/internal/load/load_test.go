package load

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	Child()
	os.Exit(m.Run())
}

func run(t *testing.T, s Spec) Result {
	t.Helper()
	s.Dir = t.TempDir()
	r, err := Run(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(s.Dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	return r
}

// Every system that loses nothing by design must pass, at small scale.
func TestSystems(t *testing.T) {
	for _, name := range []string{
		"logly", "logly-sync", "slog", "slog-lumberjack", "slog-timberjack", "slog-bufio", "slog-channel",
		"zap", "zerolog", "phuslu", "phuslu-async", "write",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, Spec{System: name, Mode: Saturated, Goroutines: 3, Records: 200})
			if r.Failed != "" || !r.Verified.OK() || r.Verified.Want != 400 {
				t.Fatalf("%s %v", r.Failed, r.Verified)
			}
			if r.PerSecond <= 0 || r.CallNS <= 0 || r.LineBytes < 50 || len(r.Latency) != len(Quantiles) {
				t.Errorf("%+v", r)
			}
			for i := range r.Latency[1:] {
				if r.Latency[i] > r.Latency[i+1] {
					t.Errorf("quantiles: %v", r.Latency)
				}
			}
		})
	}
}

func TestPaced(t *testing.T) {
	r := run(t, Spec{System: "slog", Mode: Paced, Goroutines: 2, Rate: 500, Time: 200 * time.Millisecond})
	if r.Failed != "" || !r.Verified.OK() || r.Verified.Want != 100 {
		t.Fatalf("%s %v", r.Failed, r.Verified)
	}
	if r.PerSecond > 510 {
		t.Errorf("%v records/s instead of 500", r.PerSecond)
	}
}

// What is buffered in the process dies with it, and what is not must be there.
func TestKilled(t *testing.T) {
	for name, lost := range map[string]int{"slog": 0, "logly-sync": 0, "slog-bufio": 100, "logly-durable": 0} {
		t.Run(name, func(t *testing.T) {
			r := run(t, Spec{System: name, Mode: Killed, Goroutines: 2, Rate: 500, Time: 200 * time.Millisecond})
			if name == "logly-durable" && strings.Contains(r.Failed, "Durable") {
				t.Skip(r.Failed)
			}
			if r.Failed != "" || r.Verified.Want != 100 || r.Verified.Lost != lost || r.Verified.Doubled+r.Verified.Invalid > 0 {
				t.Errorf("%s %v, want %d lost", r.Failed, r.Verified, lost)
			}
		})
	}
}

func TestIdle(t *testing.T) {
	r := run(t, Spec{System: "logly", Mode: Idle, Goroutines: 1, Time: 50 * time.Millisecond})
	if r.Failed != "" || !r.Verified.OK() || r.Share > 1 {
		t.Errorf("%+v", r)
	}
}

func TestStuck(t *testing.T) {
	r := run(t, Spec{System: "logly", Mode: Stuck, Goroutines: 2, Time: 20 * time.Millisecond})
	if r.Failed != "" || r.Growth <= 0 {
		t.Errorf("%+v", r)
	}
}

// What a system does wrong is its result, and no error of the harness.
func TestFailed(t *testing.T) {
	r := run(t, Spec{System: "nothing", Mode: Paced, Goroutines: 1, Rate: 10, Time: time.Second})
	if !strings.Contains(r.Failed, `"nothing"`) || r.Verified.Lost != 10 {
		t.Errorf("%+v", r)
	}
}

func TestShares(t *testing.T) {
	got := shares(10, 4)
	if len(got) != 4 || got[0] != 3 || got[1] != 3 || got[2] != 2 || got[3] != 2 {
		t.Errorf("shares(10, 4) = %v", got)
	}
}
