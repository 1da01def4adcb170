package bench

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/logly-go/logly/bench/internal/peer"
	"github.com/logly-go/logly/bench/internal/report"
)

func TestCases(t *testing.T) {
	var names []string
	for _, w := range workloads {
		names = append(names, w.name)
	}
	if !slices.Equal(names, report.Cases()) {
		t.Errorf("the page shows %v, the benchmarks run %v", report.Cases(), names)
	}
}

// What is compared must be the same record: the call and Handle alone, and one
// handler and another, say the same.
func TestWorkloads(t *testing.T) {
	for _, w := range workloads {
		want := 0
		for _, h := range peer.Handlers() {
			t.Run(w.name+"/"+h.Name, func(t *testing.T) {
				var out bytes.Buffer
				made, ctx := w.prepare(h, &out)
				if made == nil {
					t.Skip("has no AddSource")
				}
				w.log(ctx, slog.New(made))
				called := leaves(t, out.Bytes())
				if w.level < slog.LevelInfo {
					if out.Len() > 0 {
						t.Errorf("disabled, but wrote %s", out.Bytes())
					}
					return
				}
				if want == 0 {
					want = called // logly is first
				}
				line := out.String()
				out.Reset()
				if err := made.Handle(ctx, w.record(time.Now())); err != nil {
					t.Fatal(err)
				}
				if got := leaves(t, out.Bytes()); got != called || !w.source && got != want {
					t.Errorf("%d and %d values, want %d:\n%s%s", called, got, want, line, out.Bytes())
				}
			})
		}
	}
}

// leaves counts the values in a line.
func leaves(t *testing.T, line []byte) int {
	t.Helper()
	if len(line) == 0 {
		return 0
	}
	var v any
	if err := json.Unmarshal(line, &v); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	var count func(any) int
	count = func(v any) (n int) {
		switch v := v.(type) {
		case map[string]any:
			for _, inner := range v {
				n += count(inner)
			}
		case []any:
			for _, inner := range v {
				n += count(inner)
			}
		default:
			n = 1
		}
		return n
	}
	return count(v)
}
