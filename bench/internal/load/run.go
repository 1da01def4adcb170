package load

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/logly-go/logly/bench/internal/peer"
)

const (
	longest = int64(time.Minute) // that a histogram tells apart
	late    = time.Millisecond
)

// measure runs s in this process.
func measure(s Spec) (r Result, err error) {
	if s.Mode == Stuck {
		return stuck(s)
	}
	sys, ok := peer.Find(s.System)
	if !ok {
		return r, fmt.Errorf("no system is called %q", s.System)
	}
	open := func(dir string) (*peer.Running, error) {
		return sys.Open(filepath.Join(s.Dir, dir, logName), s.Options)
	}
	passes := s.passes()
	switch s.Mode {
	case Probe:
		p, err := open("probe")
		if err != nil {
			return r, err
		}
		return r, p.Close()
	case Paced, Idle:
		p, err := open(passes[0].dir)
		if err != nil {
			return r, err
		}
		return paced(s, p, passes[0].want)
	case Killed:
		p, err := open(passes[0].dir)
		if err != nil {
			return r, err
		}
		return r, killed(s, p, passes[0].want)
	case reopened:
		p, err := open(passes[0].dir)
		if err != nil {
			return r, err
		}
		return r, p.Close()
	}
	before := resident()
	p, err := open(passes[0].dir)
	if err != nil {
		return r, err
	}
	if r, err = throughput(s, p, passes[0].want); err != nil {
		return r, err
	}
	r.Peak = peak()
	r.Growth = r.Peak - before
	if p, err = open(passes[1].dir); err != nil {
		return r, err
	}
	r.Latency, err = latency(s, p, passes[1].want)
	return r, err
}

// callers starts a goroutine for each of want. What it returns lets them all go
// and returns when they have ended.
func callers(want []int, p *peer.Running, rec peer.Record, loop func(g, n int, call func(int))) (run func()) {
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	for g, n := range want {
		ready.Add(1)
		done.Go(func() {
			call := p.Caller(g, rec)
			ready.Done()
			<-begin
			loop(g, n, call)
		})
	}
	ready.Wait()
	runtime.GC()
	return func() {
		close(begin)
		done.Wait()
	}
}

// throughput measures without a clock between the calls.
func throughput(s Spec, p *peer.Running, want []int) (r Result, err error) {
	run := callers(want, p, s.Record, func(_, n int, call func(int)) {
		for seq := range n {
			call(seq)
		}
	})
	cpu, start := usage(), time.Now()
	run()
	called := time.Since(start)
	err = p.Drain()
	drained := time.Since(start)
	r.CPU = usage() - cpu
	if err != nil {
		return r, err
	}
	n := float64(s.Records)
	r.PerSecond = n / drained.Seconds()
	r.CallNS = float64(called) / n
	r.CPUNS = r.CPU * 1e9 / n
	r.Share = r.CPU / drained.Seconds()
	return r, p.Close()
}

// latency times each call, into a histogram for each goroutine.
func latency(s Spec, p *peer.Running, want []int) ([]int64, error) {
	h := histograms(len(want))
	start := time.Now()
	run := callers(want, p, s.Record, func(g, n int, call func(int)) {
		for seq := range n {
			before := time.Since(start)
			call(seq)
			h.record(g, time.Since(start)-before)
		}
	})
	run()
	if err := p.Drain(); err != nil {
		return nil, err
	}
	return h.quantiles(), p.Close()
}

// paced makes each goroutine log at times of its own, spread evenly.
func paced(s Spec, p *peer.Running, want []int) (r Result, err error) {
	h := histograms(len(want))
	lates := make([]int, len(want))
	var start time.Time
	run := callers(want, p, s.Record, func(g, n int, call func(int)) {
		s.pace(start, g, n, len(want), func(due, now time.Duration, seq int) {
			if now-due > late {
				lates[g]++
			}
			call(seq)
			h.record(g, time.Since(start)-now)
		})
		time.Sleep(s.Time - time.Since(start))
	})
	cpu := usage()
	start = time.Now() // read by the goroutines only once run has let them go
	run()
	if err := p.Drain(); err != nil {
		return r, err
	}
	took := time.Since(start)
	r.CPU = usage() - cpu
	r.Share = r.CPU / took.Seconds()
	n := 0
	for g := range want {
		n += want[g]
		r.Late += float64(lates[g])
	}
	if n > 0 {
		r.PerSecond = float64(n) / took.Seconds()
		r.CPUNS = r.CPU * 1e9 / float64(n)
		r.Late /= float64(n)
		r.Latency = h.quantiles()
	}
	r.Peak = peak()
	return r, p.Close()
}

// pace calls record n times for goroutine g of so many, at the times when it is
// due. One that is late goes on at once, and does not skip a record.
func (s Spec) pace(start time.Time, g, n, goroutines int, record func(due, now time.Duration, seq int)) {
	every := time.Second / time.Duration(max(s.Rate, 1)) * time.Duration(goroutines)
	due := every * time.Duration(g+1) / time.Duration(goroutines)
	for seq := range n {
		now := time.Since(start)
		if now < due {
			time.Sleep(due - now)
			now = time.Since(start)
		}
		record(due, now, seq)
		due += every
	}
}

// killed ends the process as soon as every call has returned.
func killed(s Spec, p *peer.Running, want []int) error {
	start := time.Now()
	callers(want, p, s.Record, func(g, n int, call func(int)) {
		s.pace(start, g, n, len(want), func(_, _ time.Duration, seq int) { call(seq) })
	})()
	if err := json.NewEncoder(os.Stdout).Encode(Result{}); err != nil {
		return err
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	if err := self.Kill(); err != nil {
		return err
	}
	select {}
}

// hists holds a histogram for each goroutine, so that recording shares nothing.
type hists []*hdrhistogram.Histogram

func histograms(n int) hists {
	h := make(hists, n)
	for i := range h {
		h[i] = hdrhistogram.New(1, longest, 2)
	}
	return h
}

func (h hists) record(g int, d time.Duration) {
	_ = h[g].RecordValue(min(int64(d), longest)) // an error only beyond longest
}

func (h hists) quantiles() []int64 {
	all := hdrhistogram.New(1, longest, 2)
	for _, one := range h {
		all.Merge(one)
	}
	at := make([]int64, len(Quantiles))
	for i, q := range Quantiles {
		at[i] = all.ValueAtQuantile(100 * q)
	}
	return at
}
