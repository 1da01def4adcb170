// Command drive measures logly beside other loggers: encoders in front of a
// writer that discards, and whole systems in front of a file. It writes
// docs/PERFORMANCE.md with the plots beside it, and the table in README.md. From
// the directory bench:
//
//	go run ./cmd/drive
//
// Flags choose a part of it. What the page would say goes to standard output
// when -docs is empty, as for a single case:
//
//	go run ./cmd/drive -part saturated -systems logly,slog -goroutines 8 -rounds 1 -docs ""
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/logly-go/logly/bench/internal/load"
	"github.com/logly-go/logly/bench/internal/peer"
	"github.com/logly-go/logly/bench/internal/report"
)

// parts are what -part chooses from.
var parts = []string{"encode", "saturated", "paced", "killed", "rotation", "flat", "idle", "stuck"}

// config is what the flags say.
type config struct {
	parts      []string
	systems    []string
	goroutines []int
	rounds     int
	records    int
	most       int
	time       time.Duration
	benchtime  time.Duration
	slices     int
	dir        string
	docs       string
	raw        string
	from       string
}

func main() {
	load.Child()
	c, err := flags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = run(ctx, c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "drive:", err)
		os.Exit(1)
	}
}

func flags(args []string) (c config, err error) {
	var names []string
	for _, s := range peer.Systems() {
		names = append(names, s.Name)
	}
	f := flag.NewFlagSet("drive", flag.ContinueOnError)
	part := f.String("part", strings.Join(parts, ","), "what to measure")
	systems := f.String("systems", strings.Join(names, ","), "which `systems` to drive")
	goroutines := f.String("goroutines", "1,8,64,1024", "how many goroutines log")
	f.IntVar(&c.rounds, "rounds", 5, "how often everything is measured; medians are reported")
	f.IntVar(&c.records, "records", 150_000, "records of a saturated run, in each of its two passes")
	f.IntVar(&c.most, "most", 10_000_000, "records of the longest run, by which memory and latency must not grow")
	f.DurationVar(&c.time, "time", time.Second, "how long a paced run takes; idle and rotation take 3 and 2 times as long")
	f.DurationVar(&c.benchtime, "benchtime", 5*time.Millisecond, "how long a Go benchmark takes")
	f.IntVar(&c.slices, "slices", 8, "how often the Go benchmarks are run in a round")
	f.StringVar(&c.dir, "dir", os.TempDir(), "`directory` on the file system to be written to")
	f.StringVar(&c.docs, "docs", "../docs", "`directory` for PERFORMANCE.md and the plots; empty: standard output, no plots")
	f.StringVar(&c.raw, "raw", "", "`file` to keep all figures in, as JSON")
	f.StringVar(&c.from, "from", "", "measure nothing, and make the page of this `file` of -raw")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if f.NArg() > 0 {
		return c, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if c.parts, err = choice("part", *part, parts); err != nil {
		return c, err
	}
	if c.systems, err = choice("systems", *systems, names); err != nil {
		return c, err
	}
	for _, s := range strings.Split(*goroutines, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return c, fmt.Errorf("-goroutines: %q: must be numbers from 1", s)
		}
		c.goroutines = append(c.goroutines, n)
	}
	for name, n := range map[string]int{"rounds": c.rounds, "records": c.records, "most": c.most, "time": int(c.time), "benchtime": int(c.benchtime), "slices": c.slices} {
		if n < 1 {
			return c, fmt.Errorf("-%s: must be positive", name)
		}
	}
	return c, nil
}

func choice(name, list string, from []string) ([]string, error) {
	chosen := strings.Split(list, ",")
	for _, s := range chosen {
		if !slices.Contains(from, s) {
			return nil, fmt.Errorf("-%s: %q: must be of %s", name, s, strings.Join(from, ","))
		}
	}
	return chosen, nil
}

func run(ctx context.Context, c config) error {
	var d *report.Data
	if c.from != "" {
		text, err := os.ReadFile(c.from)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &d); err != nil {
			return fmt.Errorf("%s: %w", c.from, err)
		}
	} else {
		var err error
		if d, err = measure(ctx, c); err != nil {
			return err
		}
	}
	if c.raw != "" {
		text, err := json.Marshal(d)
		if err != nil {
			return err
		}
		if err := write(c.raw, text); err != nil {
			return err
		}
	}
	if c.docs == "" {
		_, err := fmt.Print(d.Markdown(nil, true))
		return err
	}
	if err := os.MkdirAll(c.docs, 0o755); err != nil { //gosec:disable G301 -- for everybody to read
		return err
	}
	plots, err := d.Plots(c.docs)
	if err != nil {
		return err
	}
	if err := write(filepath.Join(c.docs, "PERFORMANCE.md"), []byte(d.Markdown(plots, false))); err != nil {
		return err
	}
	return summarize(d, filepath.Join(c.docs, "..", "README.md"))
}

// write makes a file that everybody may read.
//
//gosec:disable G306 G703 -- where the flags say
func write(path string, text []byte) error { return os.WriteFile(path, text, 0o644) }

// summarize renews the table in the README, unless only a part was measured.
func summarize(d *report.Data, readme string) error {
	text := d.Summary()
	if text == "" {
		return nil
	}
	old, err := os.ReadFile(readme) //gosec:disable G304 -- where the flags say
	if err != nil {
		return err
	}
	renewed, err := report.Insert(old, text)
	if err != nil {
		return fmt.Errorf("%s: %w", readme, err)
	}
	return write(readme, renewed)
}
