// Command tailer measures what becomes of a log that logly rotates while a real
// agent, rsyslogd with its imfile, tails it: how many records it ships, how many
// twice, and how many it loses, for each of several settings of both. It needs
// rsyslogd, which Debian and Ubuntu have in the package rsyslog, and starts one
// of its own that has nothing to do with the system's.
//
//	go run ./examples/tailer                              # every setting, once
//	go run ./examples/tailer -rounds 5                    # the worst of five runs of each
//	go run ./examples/tailer -only 'app-\*.log' -dir kept # some, in a directory that is kept
//
// What the figures say is in docs/TAILERS.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
)

func main() {
	records := flag.Int("records", 100_000, "records of each run")
	rounds := flag.Int("rounds", 1, "runs of each setting; the worst counts")
	only := flag.String("only", "", "a regular expression: only the settings whose row it matches")
	dir := flag.String("dir", "", "directory for the files of the runs; empty: a temporary one, removed at the end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, *records, *rounds, *only, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "tailer:", err)
		os.Exit(1)
	}
}

// run prints a row of a Markdown table for each setting.
func run(ctx context.Context, w io.Writer, records, rounds int, only, dir string) error {
	rsyslogd, err := findAgent()
	if err != nil {
		return err
	}
	wanted, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "logly-tailer-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	fmt.Fprintf(w, "Of %d records, the worst of %d runs:\n\n", records, rounds)
	fmt.Fprintln(w, "| the agent tails | logly | rotations | the agent | doubled | lost |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for i, s := range settings {
		row := s.String()
		if !wanted.MatchString(row) {
			continue
		}
		var worst counted
		for round := range rounds {
			where := filepath.Join(dir, fmt.Sprintf("logly-tailer-%d-%d", i+1, round+1))
			if err := errors.Join(os.RemoveAll(where), os.MkdirAll(where, 0o700)); err != nil {
				return err
			}
			c, err := s.measure(ctx, rsyslogd, where, records)
			if err != nil {
				return fmt.Errorf("%s %w", row, err)
			}
			worst.doubled = max(worst.doubled, c.doubled)
			worst.lost = max(worst.lost, c.lost)
		}
		fmt.Fprintf(w, "%s %d | %d |\n", row, worst.doubled, worst.lost)
	}
	return nil
}
