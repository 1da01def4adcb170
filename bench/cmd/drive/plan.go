package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/logly-go/logly/bench/internal/gobench"
	"github.com/logly-go/logly/bench/internal/load"
	"github.com/logly-go/logly/bench/internal/peer"
	"github.com/logly-go/logly/bench/internal/report"
)

const (
	rate      = 20_000  // records a second of paced runs
	padding   = 1000    // bytes more in each record where files are rotated: there are several rotations a second
	loglySize = 1 << 20 // logly's default queue
)

// turn is one run of one system.
type turn struct {
	key  string
	spec load.Spec
	once bool // in the first round only
}

// group is the turns that are compared. They follow one another, or, where the
// machine has nothing to do, go together.
type group struct {
	turns    []turn
	together bool
}

// plan lists the groups of a round.
func plan(c config) []group {
	var all []group
	has := func(part string) bool { return slices.Contains(c.parts, part) }
	add := func(part string, of any, systems []string, s load.Spec) {
		var g group
		for _, name := range systems {
			if slices.Contains(c.systems, name) {
				s.System = name
				g.turns = append(g.turns, turn{key: report.Key(part, of, name), spec: s})
			}
		}
		if len(g.turns) > 0 {
			all = append(all, g)
		}
	}
	for _, mode := range []load.Mode{load.Saturated, load.Paced} {
		if !has(string(mode)) {
			continue
		}
		for _, n := range c.goroutines {
			add(string(mode), n, c.systems, load.Spec{Mode: mode, Goroutines: n, Records: c.records, Rate: rate, Time: c.time})
		}
	}
	if has("killed") {
		add("killed", 8, c.systems, load.Spec{Mode: load.Killed, Goroutines: 8, Rate: rate, Time: c.time / 4})
	}
	if has("rotation") {
		s := load.Spec{Mode: load.Paced, Goroutines: 8, Rate: rate, Time: 2 * c.time, Record: peer.Record{Pad: padding}}
		rotating := []string{"logly", "slog-lumberjack", "slog-timberjack"}
		add("rotation", "no", rotating, s)
		s.Options.Rotate = true
		add("rotation", "yes", rotating, s)
	}
	if has("flat") {
		for n := 10; n <= c.most; n *= 10 {
			before := len(all)
			add("count", n, []string{"logly"}, load.Spec{Mode: load.Saturated, Goroutines: 1, Records: n, Record: peer.Record{Brief: true}})
			if len(all) > before {
				all[before].turns[0].once = n == c.most && n > c.records
			}
		}
	}
	if has("idle") {
		idle := group{together: true}
		for _, r := range []int{0, 10} {
			before := len(all)
			add("idle", r, []string{"logly", "logly-durable", "logly-sync", "slog"}, load.Spec{Mode: load.Idle, Goroutines: 1, Rate: r, Time: 3 * c.time})
			for _, g := range all[before:] {
				idle.turns = append(idle.turns, g.turns...)
			}
			all = all[:before]
		}
		if len(idle.turns) > 0 {
			all = append(all, idle)
		}
	}
	if has("stuck") {
		add("stuck", 8, []string{"logly"}, load.Spec{Mode: load.Stuck, Goroutines: 8, Time: 100 * time.Millisecond})
	}
	return all
}

// measure runs everything, round by round.
func measure(ctx context.Context, c config) (*report.Data, error) {
	start := time.Now()
	d := &report.Data{
		Command: command(os.Args[1:]), Date: start, Machine: machine(c.dir), Versions: versions(), Rounds: c.rounds, Slices: c.slices, Queue: loglySize,
		Bench: map[string][]gobench.Result{}, Runs: map[string][]load.Result{}, Gone: map[string]string{},
	}
	if err := probe(ctx, &c, d); err != nil {
		return nil, err
	}
	var suite *gobench.Suite
	if patterns(c) != "" {
		var err error
		if suite, err = gobench.Build(ctx, "."); err != nil {
			return nil, err
		}
		defer suite.Close() //nolint:errcheck // a temporary directory
	}
	for round := range c.rounds {
		if suite != nil {
			progress(start, round, c.rounds, "encoders")
			for range c.slices {
				results, err := suite.Run(ctx, patterns(c), c.benchtime)
				if err != nil {
					return nil, err
				}
				for name, r := range results {
					d.Bench[name] = append(d.Bench[name], r)
				}
			}
		}
		for _, g := range plan(c) {
			if err := take(ctx, c, d, g, round, start); err != nil {
				return nil, err
			}
		}
	}
	d.Took = time.Since(start)
	fmt.Fprintf(os.Stderr, "took %v\n", d.Took.Round(time.Second))
	return d, nil
}

// take runs a group, beginning with another of its turns in each round.
func take(ctx context.Context, c config, d *report.Data, g group, round int, start time.Time) error {
	n := len(g.turns)
	results, errs := make([]load.Result, n), make([]error, n)
	var together sync.WaitGroup
	for i := range n {
		i = (i + round) % n
		t := g.turns[i]
		if t.once && round > 0 {
			continue
		}
		progress(start, round, c.rounds, t.key)
		t.spec.Dir = c.dir
		run := func() { results[i], errs[i] = load.Run(ctx, t.spec) }
		if g.together {
			together.Go(run)
		} else {
			run()
		}
		if errs[i] != nil && !g.together {
			break
		}
	}
	together.Wait()
	for i, t := range g.turns {
		if errs[i] != nil {
			return fmt.Errorf("%s: %w", t.key, errs[i])
		}
		if !t.once || round == 0 {
			d.Runs[t.key] = append(d.Runs[t.key], results[i])
		}
	}
	return nil
}

// probe leaves out the systems that are not to be had here.
func probe(ctx context.Context, c *config, d *report.Data) error {
	var there []string
	for _, name := range c.systems {
		r, err := load.Run(ctx, load.Spec{System: name, Mode: load.Probe, Dir: c.dir})
		switch {
		case err != nil:
			return err
		case r.Failed != "":
			d.Gone[name] = r.Failed
		default:
			there = append(there, name)
		}
	}
	c.systems = there
	return nil
}

// patterns returns which Go benchmarks are wanted.
func patterns(c config) string {
	var p []string
	if slices.Contains(c.parts, "encode") {
		p = append(p, "Log", "Handle", "Attrs")
	}
	if slices.Contains(c.parts, "flat") {
		p = append(p, "Attrs", "Bytes", "Sinks")
	}
	if len(p) == 0 {
		return ""
	}
	return "^Benchmark(" + strings.Join(slices.Compact(p), "|") + ")$"
}

func progress(start time.Time, round, rounds int, what string) {
	fmt.Fprintf(os.Stderr, "%6s  round %d of %d  %s\n", time.Since(start).Round(time.Second), round+1, rounds, what)
}
