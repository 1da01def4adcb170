package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/logly-go/logly/bench/internal/gobench"
	"github.com/logly-go/logly/bench/internal/load"
	"github.com/logly-go/logly/bench/internal/peer"
	"github.com/logly-go/logly/bench/internal/verify"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		in   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 100}, 3}} {
		if got := Median(test.in); got != test.want {
			t.Errorf("Median(%v) = %v, want %v", test.in, got, test.want)
		}
	}
	if got := Median(nil); !math.IsNaN(got) {
		t.Errorf("Median of nothing = %v", got)
	}
	in := []float64{2, 1}
	if Median(in); in[0] != 2 {
		t.Error("Median has sorted its argument")
	}
}

func TestLine(t *testing.T) {
	a, b, worst := line([]int{0, 1, 2, 5}, []float64{10, 13, 16, 25})
	if math.Abs(a-10) > 1e-9 || math.Abs(b-3) > 1e-9 || worst > 1e-9 {
		t.Errorf("got %v + %v·x within %v, want 10 + 3·x", a, b, worst)
	}
	if _, _, worst = line([]int{0, 1, 2, 5}, []float64{10, 13, 40, 25}); worst < 0.25 {
		t.Errorf("a step went unnoticed: within %v", worst)
	}
}

func TestFormat(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{ns(1234567), "1.23 ms"}, {ns(999), "999 ns"}, {ns(math.NaN()), none}, {ns(2e9), "2 s"},
		{thousands(1234567), "1,234,567"}, {thousands(999), "999"},
		{ratio(1. / 4), "0.25"}, {ratio(math.Inf(1)), none}, {ratio(15), "15"},
		{percent(0.0005), "0.05 %"}, {percent(1), "100 %"}, {mebibytes(1 << 20), "1 MiB"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

// sample has logly twice as good as slog in everything.
func sample() *Data {
	d := &Data{
		Command: "go run ./cmd/drive", Rounds: 3, Date: time.Now(), Queue: 1 << 20,
		Bench: map[string][]gobench.Result{}, Runs: map[string][]load.Result{}, Gone: map[string]string{"logly-durable": "not yet"},
	}
	for name, cost := range map[string]float64{"logly": 100, "slog": 400, "phuslu": 250} {
		for _, of := range []string{"Log", "Handle"} {
			d.Bench[benchmark(of, "attrs5", "seq", name)] = []gobench.Result{{NS: cost}, {NS: 9 * cost}, {NS: cost}}
		}
		for i, n := range []string{"0", "5", "10"} {
			d.Bench["Attrs/attrs="+n+"/handler="+name] = []gobench.Result{{NS: cost * float64(1+i)}}
		}
	}
	for name, cost := range map[string]float64{"logly": 1, "slog": 5, "zerolog": 0.5} {
		r := load.Result{PerSecond: 1e6 / cost, CallNS: 1000 * cost, Peak: 20 << 20}
		for i := range load.Quantiles {
			r.Latency = append(r.Latency, int64(1000*cost)+int64(i))
		}
		r.Verified = verify.Report{Want: 100, Lines: 100}
		if name == "zerolog" {
			r.Verified = verify.Report{Want: 100, Lines: 90, Lost: 10}
		}
		for _, n := range []int{1, 8} {
			d.Runs[Key("saturated", n, name)] = []load.Result{r, r, r}
			d.Runs[Key("paced", n, name)] = []load.Result{r, r, r}
		}
	}
	return d
}

// A machine that halves its speed in some rounds must not change a ratio.
func TestRatiosAreOfOneRound(t *testing.T) {
	d := &Data{Bench: map[string][]gobench.Result{}, Runs: map[string][]load.Result{}}
	for i, speed := range []float64{1, 2, 1, 2, 2} {
		d.Bench["a"] = append(d.Bench["a"], gobench.Result{NS: 100 * speed})
		d.Bench["b"] = append(d.Bench["b"], gobench.Result{NS: 400 * speed})
		d.Runs["a"] = append(d.Runs["a"], load.Result{CallNS: 100 * speed})
		d.Runs["b"] = append(d.Runs["b"], load.Result{CallNS: 400 * speed})
		if i == 2 { // a failed run has no partner
			d.Runs["b"][i] = load.Result{Failed: "x"}
		}
	}
	if got := d.against("a", "b"); got != 0.25 {
		t.Errorf("against: %v", got)
	}
	if got := d.ratio("a", "b", callNS); got != 0.25 {
		t.Errorf("ratio: %v", got)
	}
	for _, got := range []float64{d.against("a", "none"), d.ratio("a", "none", callNS)} {
		if !math.IsNaN(got) {
			t.Errorf("with nothing: %v", got)
		}
	}
}

func TestTargets(t *testing.T) {
	got := map[string]target{}
	for _, one := range sample().targets() {
		got[one.what] = one
	}
	for what, want := range map[string]verdict{
		"Handle alone, 5 attributes, against slog.JSONHandler":                                        met,
		"records/s until drained against slog writing the file, 1 goroutine":                          met,
		"records/s until drained against slog writing the file, 8 goroutines":                         missed,
		"records/s until drained against the fastest peer that loses nothing, 8 goroutines":           met,
		"p99 of the call, paced, 8 goroutines, against every peer":                                    missed, // one that loses is a peer too
		"p99 and p99.9 below, and records/s above, every system that loses nothing, under every load": met,
		"Durable against the queue in memory, time of a call, 1 goroutine":                            unknown,
		"memory with a stuck writer":                                                                  unknown,
		"allocations a record, common kinds":                                                          met,
		"the fastest encoder in every case":                                                           met,
		"time of Handle by number of attributes":                                                      met,
		"records/s until drained against the fastest peer that loses nothing, 64 goroutines":          unknown,
		"p99.9 of the paced call with rotation every 10 MB and gzip, against without":                 unknown,
	} {
		if g, ok := got[what]; !ok || g.met != want {
			t.Errorf("%s: got %+v, want %v", what, g, want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	d := sample()
	dir := t.TempDir()
	plots, err := d.Plots(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(plots) != 4 {
		t.Errorf("plots: %v", plots)
	}
	for _, p := range plots {
		svg, err := os.Open(filepath.Join(dir, p[0]))
		if err != nil {
			t.Fatal(err)
		}
		defer svg.Close() //nolint:errcheck // it is only read
		x := xml.NewDecoder(svg)
		for err == nil {
			_, err = x.Token()
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", p[0], err)
		}
	}
	page := d.Markdown(plots, false)
	for _, want := range []string{
		"# Performance", d.Command, "![", "latency.svg", "### 8 goroutines", "30 lost of 300",
		"`go run ./cmd/drive -part saturated -systems zerolog -goroutines 8", "not measured: not yet",
		"| 5 attributes | **100 (0.25)** | 400 (1.00) |", "| **logly, Enqueue** | 1,000,000 | 5.00 | 5.00 |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if brief := d.Markdown(nil, true); strings.Contains(brief, "| "+string(unknown)+" |") || !strings.Contains(brief, string(missed)) {
		t.Error("the brief page should hold what was measured, and that only")
	}
	columns := 0
	for line := range strings.Lines(page) {
		switch n := strings.Count(line, " |"); {
		case !strings.HasPrefix(line, "|"):
			columns = 0
		case strings.HasPrefix(line, "|---"):
		case columns == 0:
			columns = n
		case n != columns:
			t.Errorf("%d columns instead of %d: %s", n, columns, line)
		}
	}
	if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
		t.Error("NaN on the page")
	}
}

func TestSummary(t *testing.T) {
	d := sample()
	if got := d.Summary(); got != "" {
		t.Errorf("of a part: %s", got)
	}
	for _, s := range summarized {
		for _, part := range []string{"saturated", "paced", "killed"} {
			r := load.Result{PerSecond: 1e6, Verified: verify.Report{Want: 100}}
			if s.system == "zap" && part == "killed" {
				r.Verified.Lost = 7
			}
			d.Runs[Key(part, 8, s.system)] = []load.Result{r, r, r}
		}
	}
	got, err := Insert([]byte("a\n"+begin+"old\n"+end+"b\n"), d.Summary())
	if err != nil {
		t.Fatal(err)
	}
	text := string(got)
	if !strings.HasPrefix(text, "a\n"+begin+"\n|") || !strings.HasSuffix(text, "|\n\n"+end+"b\n") || strings.Contains(text, "old") {
		t.Errorf("%s", text)
	}
	if !strings.Contains(text, "| zap (zapslog, BufferedWriteSyncer) | 1,000,000 (1.00 × slog) | 0 | 0 ns | 0 ns | **21** of 300 |") {
		t.Errorf("%s", text)
	}
	if _, err := Insert([]byte(begin), ""); err == nil {
		t.Error("no error without the second mark")
	}
}

// Everything that is called by name must exist.
func TestNames(t *testing.T) {
	names := map[string]bool{}
	for _, s := range peer.Systems() {
		if names[s.Name] || s.Title == "" || s.Open == nil {
			t.Errorf("system %q", s.Name)
		}
		names[s.Name] = true
	}
	wanted := []string{"logly", "logly-durable", "slog"}
	for _, s := range summarized {
		wanted = append(wanted, s.system)
	}
	for _, n := range wanted {
		if !names[n] {
			t.Errorf("no system %q", n)
		}
	}
}
