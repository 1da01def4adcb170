package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/logly-go/logly/bench/internal/peer"
)

// target is something that logly is meant to reach.
type target struct {
	what string
	must string
	got  string
	met  verdict
}

type verdict string

const (
	met      verdict = "met"
	missed   verdict = "**missed**"
	unknown  verdict = "not measured"
	noTarget verdict = "–"
)

// tails are the quantiles that count.
var tails = []struct {
	name string
	q    float64
}{{"p99", 0.99}, {"p99.9", 0.999}}

// judge returns the verdict on a condition over figures of which all must have
// been measured.
func judge(condition bool, figures ...float64) verdict {
	for _, f := range figures {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return unknown
		}
	}
	if condition {
		return met
	}
	return missed
}

// targets returns all targets and what became of them.
func (d *Data) targets() []target {
	var all []target
	all = append(all, d.encodeTargets()...)
	all = append(all, d.systemTargets()...)
	all = append(all, d.restTargets()...)
	return append(all, d.flatTargets()...)
}

// atMost is a target for a ratio of two figures.
func atMost(what string, a, b, limit float64) target {
	return target{what, "≤ " + digits(limit), ratio(a, b), judge(a/b <= limit, a/b)}
}

func atLeast(what string, a, b, limit float64) target {
	return target{what, "≥ " + digits(limit), ratio(a, b), judge(a/b >= limit, a/b)}
}

func (d *Data) encodeTargets() []target {
	handle := func(h string) float64 { return d.ns(benchmark("Handle", "attrs5", "seq", h)) }
	log := func(h string) float64 { return d.ns(benchmark("Log", "attrs5", "seq", h)) }
	all := []target{
		atMost("Handle alone, 5 attributes, against slog.JSONHandler", handle("logly"), handle("slog"), 0.28),
		atMost("the same against phuslu/log", handle("logly"), handle("phuslu"), 0.55),
		atMost("log call to a discarding writer, 5 attributes, against slog.JSONHandler", log("logly"), log("slog"), 0.50),
		atMost("the same against phuslu/log", log("logly"), log("phuslu"), 0.75),
	}
	var slower []excess
	cases := 0
	for _, of := range []string{"Log", "Handle"} {
		for _, c := range encodeCases {
			for _, mode := range modes {
				own := d.ns(benchmark(of, c.name, mode, "logly"))
				if c.name == "disabled" || math.IsNaN(own) {
					continue
				}
				cases++
				var best excess
				for _, h := range peer.Handlers()[1:] {
					if times := own / d.ns(benchmark(of, c.name, mode, h.Name)); times > max(1, best.times) {
						best = excess{fmt.Sprintf("%s, %s, %s: %s", of, c.what, mode, h.Title), times}
					}
				}
				if best.times > 1 {
					slower = append(slower, best)
				}
			}
		}
	}
	all = append(all, everywhere("the fastest encoder in every case", cases, slower))
	return append(all, d.allocTarget())
}

// allocTarget looks at the cases in which neither slog.Logger nor the arguments
// of the call allocate.
func (d *Data) allocTarget() target {
	most := math.NaN()
	for _, of := range []string{"Log", "Handle"} {
		for _, c := range encodeCases {
			if c.allocates[of] {
				continue
			}
			for _, r := range d.Bench[benchmark(of, c.name, "seq", "logly")] {
				if math.IsNaN(most) || r.Allocs > most {
					most = r.Allocs
				}
			}
		}
	}
	return target{"allocations a record, common kinds", "0", digits(most), judge(most == 0, most)}
}

func (d *Data) systemTargets() []target {
	var all []target
	of := func(n int, system string, f figure) float64 { return d.of(Key("saturated", n, system), f) }
	for _, t := range []struct {
		n           int
		call, speed float64
	}{{1, 0.25, 4}, {8, 0.20, 6}} {
		all = append(all,
			atMost(fmt.Sprintf("enqueued log call against slog writing the file, %s", goroutines(t.n)),
				of(t.n, "logly", callNS), of(t.n, "slog", callNS), t.call),
			atLeast(fmt.Sprintf("records/s until drained against slog writing the file, %s", goroutines(t.n)),
				of(t.n, "logly", perSecond), of(t.n, "slog", perSecond), t.speed))
	}
	for _, n := range []int{1, 8, 64} {
		s, v, ok := d.fastest("saturated", n)
		if !ok {
			v = math.NaN()
		}
		t := atLeast("records/s until drained against the fastest peer that loses nothing, "+goroutines(n), of(n, "logly", perSecond), v, 1.25)
		if ok {
			t.got += ", " + s.Title
		}
		all = append(all, t)
	}
	for _, q := range tails {
		own := d.of(Key("paced", 8, "logly"), at(q.q))
		s, v, ok := d.anyBest("paced", 8, at(q.q))
		if !ok {
			v = math.NaN()
		}
		t := target{q.name + " of the call, paced, 8 goroutines, against every peer", "below all", ns(own), judge(own < v, own, v)}
		if ok {
			t.got += fmt.Sprintf("; the best of the others, %s: %s", s.Title, ns(v))
		}
		all = append(all, t)
	}
	return append(all, d.everyLoad())
}

// anyBest is best among all peers, those that lose records too.
func (d *Data) anyBest(part string, of any, f figure) (best peer.System, value float64, ok bool) {
	for _, s := range d.systems(part, of) {
		if v := d.of(Key(part, of, s.Name), f); !isLogly(s) && !s.Floor && !math.IsNaN(v) && (!ok || v < value) {
			best, value, ok = s, v, true
		}
	}
	return best, value, ok
}

// everyLoad compares latency and throughput with all systems that lose nothing.
func (d *Data) everyLoad() target {
	var worse []excess
	comparisons := 0
	for _, part := range []string{"saturated", "paced"} {
		for _, n := range d.numbers(part) {
			key := Key(part, n, "logly")
			if len(d.Runs[key]) == 0 {
				continue
			}
			compare := func(what string, s peer.System, times float64) {
				if comparisons++; times >= 1 {
					worse = append(worse, excess{fmt.Sprintf("%s of %s, %s: %s", what, goroutines(n), part, s.Title), times})
				}
			}
			for _, q := range tails {
				if s, v, ok := d.best(part, n, at(q.q), false); ok {
					compare(q.name, s, d.of(key, at(q.q))/v)
				}
			}
			if s, v, ok := d.fastest(part, n); ok && part == "saturated" {
				compare("records/s", s, v/d.of(key, perSecond))
			}
		}
	}
	return everywhere("p99 and p99.9 below, and records/s above, every system that loses nothing, under every load", comparisons, worse)
}

// excess is a comparison that logly has lost.
type excess struct {
	with  string
	times float64 // by which the other is better
}

// everywhere is a target for many comparisons of which none must be lost. It
// names the worst few.
func everywhere(what string, comparisons int, lost []excess) target {
	if comparisons == 0 {
		return target{what, "everywhere", none, unknown}
	}
	if len(lost) == 0 {
		return target{what, "everywhere", fmt.Sprintf("in all %d", comparisons), met}
	}
	slices.SortFunc(lost, func(a, b excess) int { return cmp.Compare(b.times, a.times) })
	got := fmt.Sprintf("not in %d of %d:", len(lost), comparisons)
	for _, one := range lost[:min(3, len(lost))] {
		got += fmt.Sprintf(" %s (better by %s);", one.with, digits(one.times))
	}
	if len(lost) > 3 {
		return target{what, "everywhere", got + " …", missed}
	}
	return target{what, "everywhere", strings.TrimSuffix(got, ";"), missed}
}

func (d *Data) restTargets() []target {
	var all []target
	for _, n := range []int{1, 8} {
		of := func(system string, f figure) float64 { return d.of(Key("saturated", n, system), f) }
		all = append(all,
			atMost("Durable against the queue in memory, time of a call, "+goroutines(n), of("logly-durable", callNS), of("logly", callNS), 1.25),
			atLeast("Durable against the queue in memory, records/s until drained, "+goroutines(n), of("logly-durable", perSecond), of("logly", perSecond), 0.8))
	}
	if why := d.Gone["logly-durable"]; why != "" {
		for i := range all {
			all[i].got = why
		}
	}
	stuck := d.of(Key("stuck", 8, "logly"), growth)
	limit := float64(d.Queue + 16<<20)
	plain, rotating := d.of(Key("rotation", "no", "logly"), at(0.999)), d.of(Key("rotation", "yes", "logly"), at(0.999))
	idle, slow := d.of(Key("idle", 0, "logly"), share), d.of(Key("idle", 10, "logly"), share)
	return append(all, []target{
		{"memory with a stuck writer", "≤ the queue + 16 MiB = " + mebibytes(limit), mebibytes(stuck), judge(stuck <= limit, stuck)},
		{"CPU with nothing logged, of a core", "< 0.1 %", percent(idle), judge(idle < 0.001, idle)},
		{"CPU at 10 records/s, of a core", "< 1 %", percent(slow), judge(slow < 0.01, slow)},
		atMost("p99.9 of the paced call with rotation every 10 MB and gzip, against without", rotating, plain, 3),
	}...)
}

func goroutines(n int) string {
	if n == 1 {
		return "1 goroutine"
	}
	return thousands(float64(n)) + " goroutines"
}
