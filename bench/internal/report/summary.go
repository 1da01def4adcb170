package report

import (
	"bytes"
	"fmt"
	"math"

	"github.com/logly-go/logly/bench/internal/peer"
)

// summarized are the systems that the README compares, and the encoders that
// they are built on.
var summarized = []struct{ system, handler string }{
	{"logly", "logly"},
	{"logly-durable", ""},
	{"slog", "slog"},
	{"slog-lumberjack", ""},
	{"slog-bufio", ""},
	{"zap", "zap"},
	{"zerolog", "zerolog"},
	{"phuslu-async", "phuslu-logger"},
}

// Summary is the README's table: what most people want to know first. It is
// empty if not all of it was measured.
func (d *Data) Summary() string {
	t := newTable("into a file, 8 goroutines", "records/s at full speed", "of them lost", "a call at 20,000 records/s: p99", "p99.9", "lost by kill -9", "Handle alone, 5 attributes")
	for _, s := range summarized {
		system, _ := peer.Find(s.system)
		saturated, paced, killed := Key("saturated", 8, s.system), Key("paced", 8, s.system), Key("killed", 8, s.system)
		if len(d.Runs[saturated]) == 0 || len(d.Runs[paced]) == 0 || len(d.Runs[killed]) == 0 {
			return ""
		}
		handle := ""
		if v := d.ns(benchmark("Handle", "attrs5", "seq", s.handler)); !math.IsNaN(v) {
			handle = ns(v)
		}
		t.row(title(system),
			fmt.Sprintf("%s (%s × slog)", thousands(d.of(saturated, perSecond)), ratio(d.ratio(saturated, Key("saturated", 8, "slog"), perSecond))),
			d.lost(saturated), ns(d.of(paced, at(0.99))), ns(d.of(paced, at(0.999))), d.lost(killed), handle)
	}
	return t.String()
}

// Marks around the part of a document that Insert replaces.
const (
	begin = "<!-- measured: written by the command in docs/PERFORMANCE.md -->\n"
	end   = "<!-- end of measured -->\n"
)

// Insert returns document with text between the marks; without them, it is an
// error.
func Insert(document []byte, text string) ([]byte, error) {
	before, rest, ok := bytes.Cut(document, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return nil, fmt.Errorf("no %q followed by %q", begin, end)
	}
	return bytes.Join([][]byte{before, []byte(begin + "\n" + text), []byte(end), after}, nil), nil
}
