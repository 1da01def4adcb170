package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// line is what a scenario's record looks like in the file.
type line struct {
	producer int
	seq      int
	fields   map[string]any
}

// counted is what the files of a scenario hold.
type counted struct {
	files     int
	lines     int
	records   []line
	producers map[int]int // how many lines of each
}

// count reads the backups, oldest first, and the live file. Every line must be a
// record, and each producer's numbers must run from 0 without a gap, a double
// or a step back.
func count(dir string) (counted, error) {
	c := counted{producers: map[int]int{}}
	files, err := logFiles(dir)
	if err != nil {
		return c, err
	}
	for _, path := range files {
		if err := c.read(path); err != nil {
			return c, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
	for _, l := range c.records {
		if want := c.producers[l.producer]; l.seq != want {
			return c, fmt.Errorf("producer %d: record %d where %d belongs", l.producer, l.seq, want)
		}
		c.producers[l.producer]++
	}
	return c, nil
}

// judge tells what is wrong with what was counted.
func (s scenario) judge(o outcome, c counted) error {
	for producer, got := range c.producers {
		if producer >= len(o.logged) {
			return fmt.Errorf("%d lines of producer %d, who logged nothing", got, producer)
		}
	}
	for producer, want := range o.logged {
		got := c.producers[producer]
		if got != want && (!o.underWay || got != want+1) {
			return fmt.Errorf("%d lines of producer %d, not %d", got, producer, want)
		}
	}
	if s.check != nil {
		return s.check(c)
	}
	return nil
}

// logFiles returns the log files in dir, oldest first: the names of backups sort
// by time, and the live file comes last.
func logFiles(dir string) ([]string, error) {
	backups, err := filepath.Glob(filepath.Join(dir, "app-*.log*"))
	return append(backups, app(dir)), err
}

func (c *counted) read(path string) error {
	f, err := os.Open(path) //gosec:disable G304 -- a file of the scenario
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	c.files++
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return err
		}
	}
	s := bufio.NewScanner(r)
	for s.Scan() {
		c.lines++
		l := line{fields: map[string]any{}}
		if err := json.Unmarshal(s.Bytes(), &l.fields); err != nil {
			return fmt.Errorf("line %d: %w", c.lines, err)
		}
		producer, ok := l.fields["producer"].(float64)
		seq, ok2 := l.fields["seq"].(float64)
		if !ok || !ok2 {
			return fmt.Errorf("line %d is no record of ours: %s", c.lines, s.Bytes())
		}
		l.producer, l.seq = int(producer), int(seq)
		c.records = append(c.records, l)
	}
	return s.Err()
}

// loseLines takes the last n lines out of the live file.
func loseLines(dir string, n int) error {
	if n == 0 {
		return nil
	}
	text, err := os.ReadFile(app(dir))
	if err != nil {
		return err
	}
	lines := strings.SplitAfter(string(text), "\n")
	lines = lines[:max(0, len(lines)-1-n)]
	return os.WriteFile(app(dir), []byte(strings.Join(lines, "")), 0o600) //gosec:disable G703 -- a file of the scenario
}
