// Package load puts a logging system under load in a process of its own, and
// measures it there.
package load

import (
	"time"

	"github.com/logly-go/logly/bench/internal/peer"
	"github.com/logly-go/logly/bench/internal/verify"
)

// Mode is what the goroutines do.
type Mode string

const (
	// Saturated has them log as fast as they can, twice: once without looking at
	// the clock, for throughput, CPU and memory, and once timing each call.
	Saturated Mode = "saturated"
	// Paced has them log Rate records a second together, each at its due time.
	Paced Mode = "paced"
	// Idle has one goroutine log Rate records a second; CPU is what counts.
	Idle Mode = "idle"
	// Stuck has them log, through logly's queue, to a writer that never returns;
	// memory is what counts.
	Stuck Mode = "stuck"
	// Killed has them log Rate records a second, and kills the process when the
	// last call has returned. The system is then opened once more, to write what
	// it may have saved.
	Killed Mode = "killed"
	// reopened is the second part of Killed.
	reopened Mode = "reopened"
	// Probe opens the system and closes it, to see whether it is to be had.
	Probe Mode = "probe"
)

// Spec is one run of one system.
type Spec struct {
	System     string
	Mode       Mode
	Goroutines int
	Records    int           // Saturated: how many in all
	Rate       int           // Paced, Idle, Killed: records a second in all
	Time       time.Duration // Paced, Idle, Killed, Stuck
	Record     peer.Record
	Options    peer.Options
	Dir        string // where files may be written
}

// Quantiles are those of the calls' durations that a Result holds; the last is
// the longest call.
var Quantiles = []float64{0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 1}

// Result is what a run has shown.
type Result struct {
	PerSecond float64 // records until the last is written
	CallNS    float64 // wall time a record until the last call has returned
	CPU       float64 // seconds, user and system, until the last is written
	CPUNS     float64 // the same a record
	Share     float64 // the same a second of wall time: cores used
	Peak      int64   // resident bytes at most
	Growth    int64   // the same, less what was resident before the system was opened
	Latency   []int64 // ns, at Quantiles
	Late      float64 // Paced: the share of the calls that began over 1 ms after they were due
	LineBytes float64 // bytes of a line

	Failed   string // why there are no figures
	Verified verify.Report
}

// At returns the duration at quantile q of Quantiles, or 0.
func (r Result) At(q float64) float64 {
	for i, have := range Quantiles {
		if have == q && i < len(r.Latency) {
			return float64(r.Latency[i])
		}
	}
	return 0
}

// shares divides n records among goroutines.
func shares(n, goroutines int) []int {
	each := make([]int, goroutines)
	for g := range each {
		each[g] = n / goroutines
		if g < n%goroutines {
			each[g]++
		}
	}
	return each
}

// pass is a log that a run writes and that is verified afterwards.
type pass struct {
	dir  string
	want []int
}

const logName = "app.log"

// passes returns the logs that s writes.
func (s Spec) passes() []pass {
	switch s.Mode {
	case Saturated:
		return []pass{
			{"throughput", shares(s.Records, s.Goroutines)},
			{"latency", shares(s.Records, s.Goroutines)},
		}
	case Paced, Idle, Killed, reopened:
		return []pass{{"paced", shares(int(float64(s.Rate)*s.Time.Seconds()), s.Goroutines)}}
	}
	return nil
}
