// Package verify reads back what a logger has written, line by line.
package verify

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Report is what was found.
type Report struct {
	Want      int   // lines that should be there
	Lines     int   // lines that are there
	Bytes     int64 // uncompressed
	Lost      int   // records with no valid line
	Doubled   int   // valid lines of a record that had one already
	Invalid   int   // lines that are not one JSON object holding one record's numbers
	Reordered int   // lines that stand before an earlier record of their goroutine
}

// OK reports whether every record is there, once, whole and in order.
func (r Report) OK() bool { return r.Lost+r.Doubled+r.Invalid+r.Reordered == 0 }

func (r Report) String() string {
	if r.OK() {
		return fmt.Sprintf("all %d lines", r.Want)
	}
	var what []string
	for _, w := range []struct {
		n    int
		name string
	}{{r.Lost, "lost"}, {r.Invalid, "invalid"}, {r.Doubled, "doubled"}, {r.Reordered, "out of order"}} {
		if w.n > 0 {
			what = append(what, fmt.Sprintf("%d %s", w.n, w.name))
		}
	}
	return fmt.Sprintf("%s of %d", strings.Join(what, ", "), r.Want)
}

// Add adds what another file holds.
func (r *Report) Add(o Report) {
	r.Want += o.Want
	r.Lines += o.Lines
	r.Bytes += o.Bytes
	r.Lost += o.Lost
	r.Doubled += o.Doubled
	r.Invalid += o.Invalid
	r.Reordered += o.Reordered
}

// Dir verifies the log and its backups in a directory of their own. want holds
// the number of records of each goroutine.
func Dir(dir, name string, want []int) (Report, error) {
	files, err := Files(dir, name)
	if err != nil {
		return Report{}, err
	}
	c := NewChecker(want)
	for _, f := range files {
		if err := c.file(f); err != nil {
			return Report{}, err
		}
	}
	return c.Report(), nil
}

// Files returns the log called name and its backups, oldest first. Where a
// backup is there both plain and compressed, compressing it was cut short, and
// the plain one counts. Symbolic links to the log are left out.
func Files(dir, name string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, e := range entries {
		if e.Type().IsRegular() {
			names[e.Name()] = true
		}
	}
	var files []string
	for n := range names {
		if plain, ok := strings.CutSuffix(n, ".gz"); n != name && (!ok || !names[plain]) {
			files = append(files, filepath.Join(dir, n))
		}
	}
	slices.Sort(files)
	if names[name] {
		files = append(files, filepath.Join(dir, name))
	}
	return files, nil
}

// Checker takes lines and counts what is wrong with them.
type Checker struct {
	r    Report
	seen [][]uint64 // a bit for each record of each goroutine
	want []int
	last []int // the highest number seen of each goroutine
}

// NewChecker returns a Checker for want[g] records of each goroutine g, numbered
// from 0.
func NewChecker(want []int) *Checker {
	c := &Checker{want: want, seen: make([][]uint64, len(want)), last: make([]int, len(want))}
	for g, n := range want {
		c.r.Want += n
		c.seen[g] = make([]uint64, (n+63)/64)
		c.last[g] = -1
	}
	return c
}

// Line takes one line, with its newline; a line without is torn.
func (c *Checker) Line(line []byte) {
	c.r.Lines++
	c.r.Bytes += int64(len(line))
	g, seq, ok := numbers(line)
	if !ok || g >= len(c.want) || seq >= c.want[g] {
		c.r.Invalid++
		return
	}
	word, bit := &c.seen[g][seq/64], uint64(1)<<(seq%64)
	if *word&bit != 0 {
		c.r.Doubled++
		return
	}
	*word |= bit
	if seq < c.last[g] {
		c.r.Reordered++
	} else {
		c.last[g] = seq
	}
}

// Report returns what was found in all lines taken.
func (c *Checker) Report() Report {
	r := c.r
	r.Lost = r.Want - (r.Lines - r.Invalid - r.Doubled)
	return r
}

func (c *Checker) file(path string) error {
	f, err := os.Open(path) //gosec:disable G304 -- a log of the run
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	var from io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if from, err = gzip.NewReader(f); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	b := bufio.NewReaderSize(from, 1<<20)
	for {
		line, err := b.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) { // no record is that long
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = b.ReadSlice('\n')
			}
			line = nil
			c.Line(line)
		} else if len(line) > 0 {
			c.Line(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
}

var gKey, seqKey = []byte(`"g":`), []byte(`"seq":`)

// numbers returns the goroutine and the number of a valid line. What else it
// says is not looked at, but a line that was put together from two has one of
// the numbers twice or is no JSON.
func numbers(line []byte) (g, seq int, ok bool) {
	if len(line) == 0 || line[len(line)-1] != '\n' || line[0] != '{' || !json.Valid(line) {
		return 0, 0, false
	}
	g, okG := number(line, gKey)
	seq, okSeq := number(line, seqKey)
	return g, seq, okG && okSeq
}

// number returns the number after the only occurrence of key.
func number(line, key []byte) (n int, ok bool) {
	i := bytes.Index(line, key)
	if i < 0 || bytes.Contains(line[i+1:], key) {
		return 0, false
	}
	for _, d := range line[i+len(key):] {
		if d < '0' || d > '9' || n > 1<<40 {
			break
		}
		n, ok = 10*n+int(d-'0'), true
	}
	return n, ok
}
