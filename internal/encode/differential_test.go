package encode

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var seed = flag.Uint64("encode.seed", 0, "seed of the differential test; 0: a new one")

func TestDifferential(t *testing.T) {
	start := *seed
	if start == 0 {
		start = uint64(time.Now().UnixNano())
	}
	for _, f := range []Format{JSON, Text} {
		t.Run(f.name(), func(t *testing.T) {
			t.Parallel()
			wrong, calls := 0, 0
			for i := range uint64(differentialCases / 2) {
				g := &gen{rng: rand.New(rand.NewPCG(start, i<<8|uint64(f)))}
				c := g.testCase(f)
				isWrong, n := check(t, c)
				if isWrong {
					wrong++
				}
				calls += n
				if t.Failed() {
					t.Fatalf("case %d; run again with -encode.seed=%d", i, start)
				}
			}
			t.Logf("seed %d: %d cases, of which slog writes %d wrongly; %d calls of ReplaceAttr", start, differentialCases/2, wrong, calls)
			assert.NotZero(t, wrong)
		})
	}
}

func (f Format) name() string { return [...]string{"JSON", "Text", "Console"}[f] }

// check holds the line of c against slog's: directly, unless slog is wrong
// about c, and in any case for the input that means the same but that slog
// writes rightly.
func check(t testing.TB, c *testCase) (wrong bool, calls int) {
	got, gotCalls := c.logly()
	requireLine(t, got, c.opts.Format)
	norm, m := c.normalized()
	want, _ := norm.slog()
	if maskFrames(want) != maskFrames(got) {
		require.Equal(t, maskFrames(want), maskFrames(got), "against the normalized input")
	}
	if !equalCalls(m.calls, gotCalls) {
		require.Equal(t, m.calls, gotCalls, "calls of ReplaceAttr")
	}
	if m.wrong {
		return true, len(gotCalls)
	}
	direct, directCalls := c.slog()
	if maskFrames(direct) != maskFrames(got) {
		require.Equal(t, maskFrames(direct), maskFrames(got))
	}
	if c.fixed == nil && c.dynamic == nil && !equalCalls(directCalls, gotCalls) {
		require.Equal(t, directCalls, gotCalls, "calls of ReplaceAttr, as by slog")
	}
	return false, len(gotCalls)
}

func equalCalls(a, b []call) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].key != b[i].key || a[i].isNil != b[i].isNil || strings.Join(a[i].groups, "\x00") != strings.Join(b[i].groups, "\x00") {
			return false
		}
	}
	return true
}

// requireLine checks what holds for every line whatever the record.
func requireLine(t testing.TB, line []byte, f Format) {
	if bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' {
		require.Fail(t, "not one line", "%q", line)
	}
	if f == JSON {
		if !json.Valid(line) || line[0] != '{' {
			require.Fail(t, "not a JSON object", "%q", line)
		}
		return
	}
	if err := parseLogfmt(string(line[:len(line)-1]), f); err != "" {
		require.Fail(t, "not logfmt: "+err, "%q", line)
	}
}
