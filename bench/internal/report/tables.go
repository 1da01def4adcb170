package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/logly-go/logly/bench/internal/peer"
)

// encodeCases are the workloads of the Go benchmarks.
var encodeCases = []struct {
	name, what string
	allocates  map[string]bool // whatever the handler: by slog.Logger or by the call's arguments
}{
	{"message", "message only", nil},
	{"attrs5", "5 attributes", nil},
	{"group10", "10 with a group and a float", map[string]bool{"Log": true}},
	{"with5", "With(5) + 3", nil},
	{"pairs5", "5 key-value pairs", map[string]bool{"Log": true}},
	{"struct", "a struct", map[string]bool{"Log": true, "Handle": true}},
	{"escape", "a message to escape", nil},
	{"source", "5 and AddSource", nil},
	{"context", "2 context fields + 3", nil},
	{"disabled", "disabled level", nil},
}

// Cases returns the names of the workloads in the order of the tables.
func Cases() []string {
	var names []string
	for _, c := range encodeCases {
		names = append(names, c.name)
	}
	return names
}

var modes = []string{"seq", "par"}

// encodeTable shows all handlers side by side; the fastest is in bold.
func (d *Data) encodeTable(of, mode string) string {
	columns := []string{"ns/op (of slog's)"}
	for _, h := range peer.Handlers() {
		columns = append(columns, h.Title)
	}
	t := newTable(columns...)
	rows := 0
	for _, c := range encodeCases {
		base := benchmark(of, c.name, mode, "slog")
		if math.IsNaN(d.ns(base)) {
			continue
		}
		rows++
		least := math.Inf(1)
		for _, h := range peer.Handlers() {
			if v := d.against(benchmark(of, c.name, mode, h.Name), base); v < least {
				least = v
			}
		}
		cells := []string{c.what}
		for _, h := range peer.Handlers() {
			name := benchmark(of, c.name, mode, h.Name)
			times := d.against(name, base)
			cell := fmt.Sprintf("%s (%s)", digits(d.ns(name)), ratio(times))
			switch {
			case math.IsNaN(times):
				cell = none
			case times == least:
				cell = "**" + cell + "**"
			}
			cells = append(cells, cell)
		}
		t.row(cells...)
	}
	if rows == 0 {
		return ""
	}
	return t.String()
}

// file says what was found in the files of all rounds.
func (d *Data) file(key string) string {
	found, failed := d.verified(key)
	switch {
	case len(failed) > 0 && found.OK():
		return fmt.Sprintf("**failed** in %d of %d rounds: %s", len(failed), len(d.Runs[key]), failed[0])
	case len(failed) > 0:
		return fmt.Sprintf("**%v; failed** in %d of %d rounds: %s", found, len(failed), len(d.Runs[key]), failed[0])
	case !found.OK():
		return fmt.Sprintf("**%v**", found)
	}
	return "whole"
}

func (d *Data) saturatedTable(n int) string {
	of := func(s string, f figure) float64 { return d.of(Key("saturated", n, s), f) }
	peer, _ := d.fastest("saturated", n)
	times := func(s, base string) string {
		return ratio(d.ratio(Key("saturated", n, s), Key("saturated", n, base), perSecond))
	}
	t := newTable("system", "records/s", "of slog's", "of the fastest peer's", "wall time a record in the calls",
		"p50", "p99", "p99.9", "max", "CPU time a record", "peak memory", "bytes a line", "file")
	for _, s := range d.systems("saturated", n) {
		t.row(title(s), thousands(of(s.Name, perSecond)), times(s.Name, "slog"), times(s.Name, peer.Name), ns(of(s.Name, callNS)),
			ns(of(s.Name, at(0.5))), ns(of(s.Name, at(0.99))), ns(of(s.Name, at(0.999))), ns(of(s.Name, at(1))),
			ns(of(s.Name, cpuNS)), mebibytes(of(s.Name, peak)), digits(of(s.Name, lineBytes)), d.file(Key("saturated", n, s.Name)))
	}
	return t.String()
}

// pacedTable serves all loads at which calls are paced.
func (d *Data) pacedTable(part string, of any) string {
	figureOf := func(s string, f figure) float64 { return d.of(Key(part, of, s), f) }
	times := func(s string, f figure) string { return ratio(d.ratio(Key(part, of, s), Key(part, of, "slog"), f)) }
	t := newTable("system", "p50", "p99", "p99.9", "max", "p99 of slog's", "p99.9 of slog's", "CPU, of a core", "calls over 1 ms late", "file")
	for _, s := range d.systems(part, of) {
		t.row(title(s), ns(figureOf(s.Name, at(0.5))), ns(figureOf(s.Name, at(0.99))), ns(figureOf(s.Name, at(0.999))), ns(figureOf(s.Name, at(1))),
			times(s.Name, at(0.99)), times(s.Name, at(0.999)),
			percent(math.Round(1000*figureOf(s.Name, share))/1000), percent(math.Round(1e4*figureOf(s.Name, lateness))/1e4),
			d.file(Key(part, of, s.Name)))
	}
	return t.String()
}

func (d *Data) rotationTable() string {
	t := newTable("system", "rotation", "p50", "p99", "p99.9", "max", "p99.9 against without", "CPU, of a core", "file")
	rows := 0
	for _, s := range peer.Systems() {
		for _, on := range []string{"no", "yes"} {
			key := Key("rotation", on, s.Name)
			if len(d.Runs[key]) == 0 {
				continue
			}
			rows++
			against := none
			if on == "yes" {
				against = ratio(d.ratio(key, Key("rotation", "no", s.Name), at(0.999)))
			}
			t.row(title(s), on, ns(d.of(key, at(0.5))), ns(d.of(key, at(0.99))), ns(d.of(key, at(0.999))), ns(d.of(key, at(1))),
				against, percent(math.Round(1000*d.of(key, share))/1000), d.file(key))
		}
	}
	if rows == 0 {
		return ""
	}
	return t.String()
}

func (d *Data) idleTable() string {
	t := newTable("system", "nothing logged", "10 records/s")
	rows := 0
	for _, s := range peer.Systems() {
		none, some := d.of(Key("idle", 0, s.Name), share), d.of(Key("idle", 10, s.Name), share)
		if !math.IsNaN(none + some) {
			rows++
			t.row(title(s), percent(none), percent(some))
		}
	}
	if rows == 0 {
		return ""
	}
	return t.String()
}

// killedTable says what was missing after SIGKILL.
func (d *Data) killedTable() string {
	systems := d.systems("killed", 8)
	if len(systems) == 0 {
		return ""
	}
	t := newTable("system", "lost", "file")
	for _, s := range systems {
		key := Key("killed", 8, s.Name)
		t.row(title(s), d.lost(key), d.file(key))
	}
	return t.String()
}

// lost says how many records are not in the files of all rounds together.
func (d *Data) lost(key string) string {
	found, failed := d.verified(key)
	switch {
	case len(d.Runs[key]) == 0:
		return none
	case len(failed) > 0:
		return "**failed**"
	case found.Lost == 0:
		return "0"
	}
	return fmt.Sprintf("**%s** of %s", thousands(float64(found.Lost)), thousands(float64(found.Want)))
}

func title(s peer.System) string {
	if isLogly(s) {
		return "**" + s.Title + "**"
	}
	return s.Title
}

// losses tells which systems have lost or mangled lines, where, and how to see
// it.
func (d *Data) losses() string {
	t := newTable("system", "load", "of all rounds", "the command that shows it")
	rows := 0
	for _, part := range []string{"saturated", "paced"} {
		for _, n := range d.numbers(part) {
			for _, s := range d.systems(part, n) {
				key := Key(part, n, s.Name)
				if d.safe(key) {
					continue
				}
				rows++
				t.row(s.Title, fmt.Sprintf("%s, %s", part, goroutines(n)), strings.Trim(d.file(key), "*"),
					fmt.Sprintf("`go run ./cmd/drive -part %s -systems %s -goroutines %d -rounds 1 -docs \"\"`", part, s.Name, n))
			}
		}
	}
	if rows == 0 {
		return "No system has lost or mangled a line.\n\n"
	}
	return t.String()
}
