// Package report turns measurements into a page of tables, plots and targets.
package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/logly-go/logly/bench/internal/gobench"
	"github.com/logly-go/logly/bench/internal/load"
	"github.com/logly-go/logly/bench/internal/peer"
	"github.com/logly-go/logly/bench/internal/verify"
)

// Data is everything measured. Each slice has an element a round.
type Data struct {
	Command  string
	Date     time.Time
	Machine  []string
	Versions []string
	Rounds   int
	Slices   int // of the Go benchmarks, in each round
	Took     time.Duration
	Queue    int64 // bytes of logly's queue

	Bench map[string][]gobench.Result // by the benchmark's name
	Runs  map[string][]load.Result    // by Key
	Gone  map[string]string           // systems that are not to be had, and why
}

// Key names the runs of one system under one load.
func Key(part string, of any, system string) string {
	return fmt.Sprintf("%s/%v/%s", part, of, system)
}

// Median returns the middle of values, or the mean of the two in the middle; of
// none, NaN.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	v := slices.Sorted(slices.Values(values))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// ns returns the median time of a benchmark, or NaN.
func (d *Data) ns(name string) float64 {
	var v []float64
	for _, r := range d.Bench[name] {
		v = append(v, r.NS)
	}
	return Median(v)
}

// against returns the median of what one benchmark takes relative to another in
// the same round, or NaN. A machine whose speed changes from one moment to the
// next changes it for both.
func (d *Data) against(name, base string) float64 {
	a, b := d.Bench[name], d.Bench[base]
	if len(a) != len(b) {
		return math.NaN()
	}
	var v []float64
	for i := range a {
		v = append(v, a[i].NS/b[i].NS)
	}
	return Median(v)
}

// benchmark returns the name of a benchmark with a case and a mode.
func benchmark(of, kind, mode, handler string) string {
	return fmt.Sprintf("%s/case=%s/mode=%s/handler=%s", of, kind, mode, handler)
}

// figure is one number of a Result.
type figure func(load.Result) float64

func at(q float64) figure { return func(r load.Result) float64 { return r.At(q) } }

func perSecond(r load.Result) float64 { return r.PerSecond }
func callNS(r load.Result) float64    { return r.CallNS }
func cpuNS(r load.Result) float64     { return r.CPUNS }
func share(r load.Result) float64     { return r.Share }
func peak(r load.Result) float64      { return float64(r.Peak) }
func growth(r load.Result) float64    { return float64(r.Growth) }
func lateness(r load.Result) float64  { return r.Late }
func lineBytes(r load.Result) float64 { return r.LineBytes }

// of returns the median of a figure over the rounds in which the system ran to
// its end, or NaN.
func (d *Data) of(key string, f figure) float64 {
	var v []float64
	for _, r := range d.Runs[key] {
		if r.Failed == "" {
			v = append(v, f(r))
		}
	}
	return Median(v)
}

// ratio returns the median of one system's figure relative to another's in the
// same round, over the rounds in which both ran to their ends, or NaN.
func (d *Data) ratio(key, base string, f figure) float64 {
	a, b := d.Runs[key], d.Runs[base]
	var v []float64
	for i := range min(len(a), len(b)) {
		if a[i].Failed == "" && b[i].Failed == "" {
			v = append(v, f(a[i])/f(b[i]))
		}
	}
	return Median(v)
}

// verified sums up what the rounds have left in the files, and returns the
// reasons of those that failed.
func (d *Data) verified(key string) (all verify.Report, failed []string) {
	for _, r := range d.Runs[key] {
		all.Add(r.Verified)
		if r.Failed != "" {
			failed = append(failed, r.Failed)
		}
	}
	return all, failed
}

// safe reports whether a system has lost and mangled nothing in any round.
func (d *Data) safe(key string) bool {
	found, failed := d.verified(key)
	return len(d.Runs[key]) > 0 && len(failed) == 0 && found.OK()
}

// systems returns those that have run under a load.
func (d *Data) systems(part string, of any) []peer.System {
	return slices.DeleteFunc(peer.Systems(), func(s peer.System) bool {
		return len(d.Runs[Key(part, of, s.Name)]) == 0
	})
}

func isLogly(s peer.System) bool { return strings.HasPrefix(s.Name, "logly") }

// rivals returns the systems, none of logly's, that have run under a load and
// lost nothing.
func (d *Data) rivals(part string, of any) []peer.System {
	return slices.DeleteFunc(d.systems(part, of), func(s peer.System) bool {
		return isLogly(s) || s.Floor || !d.safe(Key(part, of, s.Name))
	})
}

// closest returns the one of systems that has the highest figure relative to
// logly's, or with least the lowest, and that ratio.
func (d *Data) closest(systems []peer.System, part string, of any, f figure, least bool) (best peer.System, times float64) {
	times = math.NaN()
	for _, s := range systems {
		v := d.ratio(Key(part, of, s.Name), Key(part, of, "logly"), f)
		if !math.IsNaN(v) && (math.IsNaN(times) || (v < times) == least) {
			best, times = s, v
		}
	}
	return best, times
}

// fastest returns the rival with the most records a second, and how many times
// as many as logly's.
func (d *Data) fastest(part string, of any) (peer.System, float64) {
	return d.closest(d.rivals(part, of), part, of, perSecond, false)
}

// numbers returns the different loads of a part, such as the goroutines.
func (d *Data) numbers(part string) []int {
	var all []int
	for key := range d.Runs {
		var n int
		p := strings.Split(key, "/")
		if _, err := fmt.Sscan(p[1], &n); p[0] == part && err == nil && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all
}

// series returns the benchmark called of, over the values of its parameter, for
// each handler.
func (d *Data) series(of, parameter string) (x []int, y map[string][]float64) {
	y = map[string][]float64{}
	for name := range d.Bench {
		var n int
		p := strings.Split(name, "/")
		if p[0] != of || len(p) < 2 {
			continue
		}
		if _, err := fmt.Sscanf(p[1], parameter+"=%d", &n); err == nil && !slices.Contains(x, n) {
			x = append(x, n)
		}
	}
	slices.Sort(x)
	for _, h := range peer.Handlers() {
		for _, n := range x {
			y[h.Name] = append(y[h.Name], d.ns(fmt.Sprintf("%s/%s=%d/handler=%s", of, parameter, n, h.Name)))
		}
	}
	return x, y
}

// line fits y = a + b·x with the relative errors weighted alike, and returns the
// largest relative error too.
func line(x []int, y []float64) (a, b, worst float64) {
	var s, sx, sxx, sy, sxy float64
	for i := range x {
		w, xi := 1/(y[i]*y[i]), float64(x[i])
		s, sx, sxx, sy, sxy = s+w, sx+w*xi, sxx+w*xi*xi, sy+w*y[i], sxy+w*xi*y[i]
	}
	b = (s*sxy - sx*sy) / (s*sxx - sx*sx)
	a = (sy - b*sx) / s
	for i := range x {
		worst = max(worst, math.Abs(y[i]-a-b*float64(x[i]))/y[i])
	}
	return a, b, worst
}
