// Command migrate shows how a service comes to logly from slog over lumberjack
// and from zap over lumberjack, and proves that its log stays what it was: it runs
// the same work before and after, and compares the files line by line. It exits
// with 1 on any difference that README.md does not name.
//
//	go run .             # in a temporary directory
//	go run . -dir logs   # in a directory of yours, which is kept
//	go run . -spoil      # with one letter changed before comparing: must fail
//
// To be read side by side: fromslog/before.go and after.go, fromzap/before.go and
// after.go. To be copied: fromslog/sink.go, fromzap/attr.go and stack.go.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	dir := flag.String("dir", "", "directory for the log files; empty: a temporary one, removed at the end")
	spoil := flag.Bool("spoil", false, "change a letter in each log before it is compared, to see the comparison fail")
	flag.Parse()
	if err := run(os.Stdout, *dir, *spoil); err != nil {
		fmt.Fprintln(os.Stderr, "migrate:", err)
		os.Exit(1)
	}
}

// run runs every migration in a directory of its own under dir, and prints what
// was compared.
func run(w io.Writer, dir string, spoil bool) error {
	if dir == "" {
		temp, err := os.MkdirTemp("", "logly-migrate-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		dir = temp
	}
	off := 0
	for i, m := range migrations {
		where := filepath.Join(dir, fmt.Sprintf("logly-migrate-%d", i+1))
		if err := os.RemoveAll(where); err != nil {
			return err
		}
		before, after := filepath.Join(where, "before", "app.log"), filepath.Join(where, "after", "app.log")
		if err := m.run(before, after); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if spoil {
			if err := spoilFile(after); err != nil {
				return err
			}
		}
		found, err := m.compare(before, after)
		if err != nil {
			off++
			found = "DIFFERENT: " + err.Error()
		}
		fmt.Fprintf(w, "%-52s %s\n", m.name, found)
	}
	if off > 0 {
		return fmt.Errorf("%d of %d logs are different", off, len(migrations))
	}
	return nil
}
