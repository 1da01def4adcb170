// Package gobench runs the module's Go benchmarks and reads what they print.
package gobench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Result is one benchmark of one run.
type Result struct {
	NS     float64 // for one operation
	Bytes  float64
	Allocs float64
}

// Suite is a compiled test binary.
type Suite struct {
	dir  string
	path string
}

// Build compiles the benchmarks of the package in dir.
func Build(ctx context.Context, dir string) (*Suite, error) {
	tmp, err := os.MkdirTemp("", "logly-bench-")
	if err != nil {
		return nil, err
	}
	s := &Suite{dir: dir, path: filepath.Join(tmp, "bench.test")}
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", s.path, ".") //gosec:disable G204 -- a path of our own
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(tmp)
		return nil, fmt.Errorf("go test -c: %w\n%s", err, out)
	}
	return s, nil
}

// Close removes the binary.
func (s *Suite) Close() error { return os.RemoveAll(filepath.Dir(s.path)) }

// Run runs the benchmarks that match pattern once, each for about the given time.
func (s *Suite) Run(ctx context.Context, pattern string, each time.Duration) (map[string]Result, error) {
	cmd := exec.CommandContext(ctx, s.path, "-test.run", "^$", "-test.bench", pattern, "-test.benchtime", each.String()) //gosec:disable G204 -- what Build has built
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("benchmarks: %w\n%s", err, out)
	}
	return Parse(out), nil
}

// procs is what the testing package appends to names.
var procs = regexp.MustCompile(`-\d+$`)

// Parse reads the output of go test -bench. Names are without "Benchmark" and
// the number of processors.
func Parse(out []byte) map[string]Result {
	all := map[string]Result{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		var r Result
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				break
			}
			switch f[i+1] {
			case "ns/op":
				r.NS = v
			case "B/op":
				r.Bytes = v
			case "allocs/op":
				r.Allocs = v
			}
		}
		if r.NS > 0 {
			all[procs.ReplaceAllString(strings.TrimPrefix(f[0], "Benchmark"), "")] = r
		}
	}
	return all
}
