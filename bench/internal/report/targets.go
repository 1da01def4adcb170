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

// atMost is a target for a ratio.
func atMost(what string, times, limit float64) target {
	return target{what, "≤ " + digits(limit), ratio(times), judge(times <= limit, times)}
}

func atLeast(what string, times, limit float64) target {
	return target{what, "≥ " + digits(limit), ratio(times), judge(times >= limit, times)}
}

func (d *Data) encodeTargets() []target {
	against := func(of, handler string) float64 {
		return d.against(benchmark(of, "attrs5", "seq", "logly"), benchmark(of, "attrs5", "seq", handler))
	}
	all := []target{
		atMost("Handle alone, 5 attributes, against slog.JSONHandler", against("Handle", "slog"), 0.28),
		atMost("the same against phuslu/log", against("Handle", "phuslu"), 0.55),
		atMost("log call to a discarding writer, 5 attributes, against slog.JSONHandler", against("Log", "slog"), 0.50),
		atMost("the same against phuslu/log", against("Log", "phuslu"), 0.75),
	}
	var slower []excess
	cases := 0
	for _, of := range []string{"Log", "Handle"} {
		for _, c := range encodeCases {
			for _, mode := range modes {
				own := benchmark(of, c.name, mode, "logly")
				if c.name == "disabled" || math.IsNaN(d.ns(own)) {
					continue
				}
				cases++
				var best excess
				for _, h := range peer.Handlers()[1:] {
					if times := d.against(own, benchmark(of, c.name, mode, h.Name)); times > max(1, best.times) {
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
	for _, t := range []struct {
		n           int
		call, speed float64
	}{{1, 0.25, 4}, {8, 0.20, 6}} {
		own, base := Key("saturated", t.n, "logly"), Key("saturated", t.n, "slog")
		all = append(all,
			atMost("enqueued log call against slog writing the file, "+goroutines(t.n), d.ratio(own, base, callNS), t.call),
			atLeast("records/s until drained against slog writing the file, "+goroutines(t.n), d.ratio(own, base, perSecond), t.speed))
	}
	for _, n := range []int{1, 8, 64} {
		s, times := d.fastest("saturated", n)
		t := atLeast("records/s until drained against the fastest peer that loses nothing, "+goroutines(n), 1/times, 1.25)
		if s.Title != "" {
			t.got += ", " + s.Title
		}
		all = append(all, t)
	}
	for _, q := range tails {
		own := d.of(Key("paced", 8, "logly"), at(q.q))
		s, times := d.closest(d.others("paced", 8), "paced", 8, at(q.q), true)
		t := target{q.name + " of the call, paced, 8 goroutines, against every peer", "below all", ns(own), judge(times > 1, times)}
		if s.Title != "" {
			t.got = fmt.Sprintf("%s, %s of that of %s", ns(own), ratio(1/times), s.Title)
		}
		all = append(all, t)
	}
	return append(all, d.everyLoad())
}

// others are all peers under a load, those that lose records too.
func (d *Data) others(part string, of any) []peer.System {
	return slices.DeleteFunc(d.systems(part, of), func(s peer.System) bool { return isLogly(s) || s.Floor })
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
				if math.IsNaN(times) {
					return
				}
				if comparisons++; times >= 1 {
					worse = append(worse, excess{fmt.Sprintf("%s of %s, %s: %s", what, goroutines(n), part, s.Title), times})
				}
			}
			for _, q := range tails {
				s, times := d.closest(d.rivals(part, n), part, n, at(q.q), true)
				compare(q.name, s, 1/times)
			}
			if part == "saturated" {
				s, times := d.fastest(part, n)
				compare("records/s", s, times)
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
		durable, memory := Key("saturated", n, "logly-durable"), Key("saturated", n, "logly")
		all = append(all,
			atMost("Durable against the queue in memory, time of a call, "+goroutines(n), d.ratio(durable, memory, callNS), 1.25),
			atLeast("Durable against the queue in memory, records/s until drained, "+goroutines(n), d.ratio(durable, memory, perSecond), 0.8))
	}
	if why := d.Gone["logly-durable"]; why != "" {
		for i := range all {
			all[i].got = why
		}
	}
	stuck := d.of(Key("stuck", 8, "logly"), growth)
	limit := float64(d.Queue + 16<<20)
	rotating := d.ratio(Key("rotation", "yes", "logly"), Key("rotation", "no", "logly"), at(0.999))
	idle, slow := d.of(Key("idle", 0, "logly"), share), d.of(Key("idle", 10, "logly"), share)
	return append(all, []target{
		{"memory with a stuck writer", "≤ the queue + 16 MiB = " + mebibytes(limit), mebibytes(stuck), judge(stuck <= limit, stuck)},
		{"CPU with nothing logged, of a core", "< 0.1 %", percent(idle), judge(idle < 0.001, idle)},
		{"CPU at 10 records/s, of a core", "< 1 %", percent(slow), judge(slow < 0.01, slow)},
		atMost("p99.9 of the paced call with rotation every 10 MB and gzip, against without", rotating, 3),
	}...)
}

func goroutines(n int) string {
	if n == 1 {
		return "1 goroutine"
	}
	return thousands(float64(n)) + " goroutines"
}
