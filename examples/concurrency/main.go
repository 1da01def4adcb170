// Command concurrency runs the scenarios that logly is made for on real files,
// and counts in the files what was logged: nothing may be missing, doubled, torn
// or out of order. It exits with 1 if any count is off.
//
//	go run ./examples/concurrency            # in a temporary directory
//	go run ./examples/concurrency -dir logs  # in a directory of yours, which is kept
//	go run ./examples/concurrency -lose 1    # with a line taken away before counting: must fail
//
// In the last scenario it starts itself as another process, which it kills.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

func main() {
	beVictim()
	dir := flag.String("dir", "", "directory for the log files; empty: a temporary one, removed at the end")
	lose := flag.Int("lose", 0, "lines to take out of each scenario's log before it is counted, to see the count fail")
	flag.Parse()
	if err := run(os.Stdout, *dir, *lose); err != nil {
		fmt.Fprintln(os.Stderr, "concurrency:", err)
		os.Exit(1)
	}
}

// run runs every scenario in a directory of its own under dir and prints what
// was logged and what was counted.
func run(w io.Writer, dir string, lose int) error {
	if dir == "" {
		temp, err := os.MkdirTemp("", "logly-concurrency-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		dir = temp
	}
	fmt.Fprintf(w, "%-56s %8s    %8s  %5s  %7s\n", "scenario", "counted", "logged", "files", "seconds")
	off := 0
	for i, s := range scenarios {
		where := filepath.Join(dir, fmt.Sprintf("logly-concurrency-%d", i+1))
		if err := os.RemoveAll(where); err != nil {
			return err
		}
		start := time.Now()
		did, err := s.run(where)
		if errors.Is(err, errors.ErrUnsupported) {
			fmt.Fprintf(w, "%-56s skipped: %v\n", s.name, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		took := time.Since(start)
		if err := loseLines(where, lose); err != nil {
			return err
		}
		got, err := count(where)
		if err == nil {
			err = s.judge(did, got)
		}
		verdict := "ok" + did.note
		if more := got.lines - did.total(); more > 0 {
			verdict += fmt.Sprintf(", %d more were under way at a kill", more)
		}
		if err != nil {
			off++
			verdict = "WRONG: " + err.Error()
		}
		fmt.Fprintf(w, "%-56s %8d of %8d  %5d  %7.2f  %s\n", s.name, got.lines, did.total(), got.files, took.Seconds(), verdict)
	}
	if off > 0 {
		return fmt.Errorf("%d of %d scenarios are off", off, len(scenarios))
	}
	return nil
}
