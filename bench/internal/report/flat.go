package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/logly-go/logly/bench/internal/load"
)

// How far from flat or straight a cost may be that is called so.
const (
	flatWithin     = 1.25
	straightWithin = 0.25
	memoryWithin   = 4 << 20
)

// flatTargets say that nothing grows but with the work.
func (d *Data) flatTargets() []target {
	between := func(part string, n, base int, f figure) float64 {
		return d.ratio(Key(part, n, "logly"), Key(part, base, "logly"), f)
	}
	wall := func(r load.Result) float64 { return 1e9 / r.PerSecond }
	all := []target{atMost("wall time a record, 1,024 goroutines against 1", between("saturated", 1024, 1, wall), flatWithin)}
	if counts := d.numbers("count"); len(counts) > 2 {
		base, most := counts[len(counts)-2], counts[len(counts)-1]
		of := func(n int, f figure) float64 { return d.of(Key("count", n, "logly"), f) }
		which := fmt.Sprintf("%s records against %s", thousands(float64(most)), thousands(float64(base)))
		grown := of(most, peak) - of(base, peak)
		all = append(all,
			atMost("wall time a record, "+which, between("count", most, base, wall), flatWithin),
			atMost("p99 of the call, "+which, between("count", most, base, at(0.99)), flatWithin),
			target{"peak memory, " + which, "≤ " + mebibytes(memoryWithin) + " more", mebibytes(grown) + " more", judge(grown <= memoryWithin, grown)})
	}
	for _, s := range []struct{ of, parameter, what string }{
		{"Attrs", "attrs", "time of Handle by number of attributes"},
		{"Bytes", "bytes", "time of Handle by bytes of a string"},
	} {
		x, y := d.series(s.of, s.parameter)
		own, worst := y["logly"], math.NaN()
		got := none
		if len(x) > 2 && !slices.ContainsFunc(own, math.IsNaN) {
			var a, b float64
			a, b, worst = line(x, own)
			got = fmt.Sprintf("%s + %s each, within %s", ns(a), ns(b), percent(math.Round(1000*worst)/1000))
		}
		all = append(all, target{s.what, "a straight line within " + percent(straightWithin), got, judge(worst <= straightWithin, worst)})
	}
	if times := d.against(sinksName(true, 4), sinksName(true, 1)); !math.IsNaN(times) {
		all = append(all, target{"Handle with 4 queued sinks of one format against 1", none, ratio(times), noTarget})
	}
	return all
}

// flatness is the section with the figures behind flatTargets.
func (d *Data) flatness() string {
	var b strings.Builder
	if n := d.numbers("saturated"); len(n) > 0 {
		b.WriteString("By goroutines, saturated, logly with Enqueue:\n\n")
		t := newTable("goroutines", "wall time a record", "CPU time a record", "peak memory")
		for _, n := range n {
			key := Key("saturated", n, "logly")
			t.row(thousands(float64(n)), ns(1e9/d.of(key, perSecond)), ns(d.of(key, cpuNS)), mebibytes(d.of(key, peak)))
		}
		b.WriteString(t.String())
	}
	if n := d.numbers("count"); len(n) > 0 {
		b.WriteString("By records, one goroutine, a message and two integers each, logly with Enqueue; the longest row runs once:\n\n")
		t := newTable("records", "wall time a record", "p50", "p99", "p99.9", "peak memory", "file")
		for _, n := range n {
			key := Key("count", n, "logly")
			t.row(thousands(float64(n)), ns(1e9/d.of(key, perSecond)), ns(d.of(key, at(0.5))), ns(d.of(key, at(0.99))),
				ns(d.of(key, at(0.999))), mebibytes(d.of(key, peak)), d.file(key))
		}
		b.WriteString(t.String())
	}
	if len(d.Bench[sinksName(true, 1)]) > 0 {
		b.WriteString("By sinks of one format, Handle with 5 attributes, discarding writers:\n\n")
		t := newTable("sinks", "without queue", "against one", "Enqueue", "against one")
		for n := 1; n <= 4; n++ {
			cells := []string{fmt.Sprint(n)}
			for _, queue := range []bool{false, true} {
				cells = append(cells, ns(d.ns(sinksName(queue, n))), ratio(d.against(sinksName(queue, n), sinksName(queue, 1))))
			}
			t.row(cells...)
		}
		b.WriteString(t.String())
	}
	return b.String()
}

func sinksName(queue bool, n int) string {
	return fmt.Sprintf("Sinks/enqueue=%v/sinks=%d/handler=logly", queue, n)
}
