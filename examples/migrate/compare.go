package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// compareFiles wants the same files, backups included, with the same bytes.
// Only the times in the names of backups differ.
func compareFiles(before, after string) (string, error) {
	a, err := readLog(before)
	if err != nil {
		return "", err
	}
	b, err := readLog(after)
	if err != nil {
		return "", err
	}
	if len(a) != len(b) {
		return "", fmt.Errorf("%d files before, %d after", len(a), len(b))
	}
	lines := 0
	for i := range a {
		x, y := bytes.Split(a[i], newline), bytes.Split(b[i], newline)
		for n := range min(len(x), len(y)) {
			if !bytes.Equal(x[n], y[n]) {
				return "", different(i+1, n+1, x[n], y[n])
			}
		}
		if len(x) != len(y) {
			return "", fmt.Errorf("file %d has %d lines before, %d after", i+1, len(x)-1, len(y)-1)
		}
		lines += len(x) - 1
	}
	return fmt.Sprintf("%d lines in %d files, each with the same bytes", lines, len(a)), nil
}

// compareRecords wants the same lines, save that zap writes the level before the
// time and a field logger before the caller, that logly writes the stack right
// after the message, and how a string or a number is spelled in JSON: lines that
// differ must hold the same values. Callers must be the same places of before.go
// and after.go.
func compareRecords(before, after string) (string, error) {
	a, err := readLog(before)
	if err != nil {
		return "", err
	}
	b, err := readLog(after)
	if err != nil {
		return "", err
	}
	if len(a) != 1 || len(b) != 1 {
		return "", fmt.Errorf("%d files before, %d after, not one each", len(a), len(b))
	}
	x, y := bytes.Split(a[0], newline), bytes.Split(b[0], newline)
	if len(x) != len(y) || len(x) < 2 {
		return "", fmt.Errorf("%d lines before, %d after", len(x)-1, len(y)-1)
	}
	x, y = x[:len(x)-1], y[:len(y)-1]
	down, err := moved(x[0], y[0])
	if err != nil {
		return "", err
	}
	sameBytes := 0
	for n := range x {
		was := asAfter(x[n], down)
		if bytes.Equal(levelSecond(was), y[n]) {
			sameBytes++
			continue
		}
		same, err := sameValues(was, y[n])
		if err != nil {
			return "", err
		}
		if !same {
			return "", different(1, n+1, was, y[n])
		}
	}
	return fmt.Sprintf("%d lines: %d with the same bytes but for level and ts, which change places; %d with the same values",
		len(x), sameBytes, len(x)-sameBytes), nil
}

func different(file, line int, before, after []byte) error {
	return fmt.Errorf("file %d, line %d:\n\tbefore: %s\n\tafter:  %s", file, line, before, after)
}

// readLog returns what is in a log's files, unpacked: backups, oldest first, then
// the live file.
func readLog(path string) ([][]byte, error) {
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "app-*.log*"))
	if err != nil {
		return nil, err
	}
	var files [][]byte
	for _, name := range append(names, path) {
		text, err := readFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, text)
	}
	return files, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path) //gosec:disable G304 -- one of our own logs
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	if !strings.HasSuffix(path, ".gz") {
		return io.ReadAll(f)
	}
	zip, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return io.ReadAll(zip)
}

var (
	newline   = []byte{'\n'}
	place     = regexp.MustCompile(`(fromzap/before\.go:)(\d+)`)
	headOfZap = regexp.MustCompile(`^\{("level":"[a-z]+"),("ts":[^,]+),`)
)

// moved returns how many lines further down a call stands in after.go.
func moved(before, after []byte) (int, error) {
	was := place.FindSubmatch(before)
	is := regexp.MustCompile(`"caller":"fromzap/after\.go:(\d+)"`).FindSubmatch(after)
	if was == nil || is == nil {
		return 0, fmt.Errorf("no caller:\n\tbefore: %s\n\tafter:  %s", before, after)
	}
	return number(is[1]) - number(was[2]), nil
}

func number(digits []byte) int {
	n, err := strconv.Atoi(string(digits))
	if err != nil {
		panic(err) // the pattern matches digits
	}
	return n
}

// asAfter returns a line of before with the places in it as they are after.
func asAfter(line []byte, down int) []byte {
	line = place.ReplaceAllFunc(line, func(p []byte) []byte {
		return fmt.Appendf(nil, "fromzap/after.go:%d", number(place.FindSubmatch(p)[2])+down)
	})
	return bytes.ReplaceAll(line, []byte("fromzap.(*Before)."), []byte("fromzap.(*After)."))
}

// levelSecond returns a line of zap with level after ts.
func levelSecond(line []byte) []byte { return headOfZap.ReplaceAll(line, []byte("{$2,$1,")) }

// sameValues reports whether two lines are JSON of the same value.
func sameValues(a, b []byte) (bool, error) {
	x, err := parse(a)
	if err != nil {
		return false, err
	}
	y, err := parse(b)
	return reflect.DeepEqual(x, y), err
}

// parse returns the value of a line.
func parse(line []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("%s: %w", line, err)
	}
	return exact(v), nil
}

// fraction is a number, which "1e-7" and "0.0000001" spell differently.
type fraction string

func exact(v any) any {
	switch v := v.(type) {
	case json.Number:
		if r, ok := new(big.Rat).SetString(string(v)); ok {
			return fraction(r.RatString())
		}
	case map[string]any:
		for key := range v {
			v[key] = exact(v[key])
		}
	case []any:
		for i := range v {
			v[i] = exact(v[i])
		}
	}
	return v
}

func lastIndex(text []byte, what string) int {
	at := bytes.LastIndex(text, []byte(what))
	if at < 0 {
		return -1
	}
	return at + len(what)
}
