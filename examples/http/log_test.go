package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// line is what the tests look at in a line of the log.
type line struct {
	Time      time.Time `json:"time"`
	Level     string    `json:"level"`
	Msg       string    `json:"msg"`
	RequestID string    `json:"request_id"`
	Method    string    `json:"method"`
	Route     *string   `json:"route"`
	OrderID   string    `json:"order_id"`
	Status    int       `json:"status"`
	Bytes     int64     `json:"bytes"`
	Duration  int64     `json:"duration"`
	Path      string    `json:"path"`
	Cause     string    `json:"cause"`
	Stack     string    `json:"stack"`
	Error     string    `json:"error"`
	Addr      string    `json:"addr"`
}

// parse returns the lines of text, each of which must be whole and JSON.
func parse(t *testing.T, text []byte) []line {
	t.Helper()
	var lines []line
	for raw := range bytes.Lines(text) {
		require.True(t, bytes.HasSuffix(raw, []byte("\n")), "ends inside a line: %q", raw)
		var l line
		require.NoError(t, json.Unmarshal(raw, &l), "%q", raw)
		require.NotZero(t, l.Time, "%q", raw)
		lines = append(lines, l)
	}
	return lines
}

// logFiles returns the log file and all that were one, in no order.
func logFiles(t *testing.T, path string) []string {
	t.Helper()
	files, err := filepath.Glob(strings.TrimSuffix(path, ".log") + "*.log*")
	require.NoError(t, err)
	return slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, ".queue") })
}

// readLog returns the lines of all those files, in the order of time.
func readLog(t *testing.T, path string) []line {
	t.Helper()
	var files [][]line
	for _, f := range logFiles(t, path) {
		if lines := parse(t, readFile(t, f)); len(lines) > 0 {
			files = append(files, lines)
		}
	}
	slices.SortFunc(files, func(a, b []line) int { return a[0].Time.Compare(b[0].Time) })
	return slices.Concat(files...)
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		r, err = gzip.NewReader(f)
		require.NoError(t, err)
	}
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return text
}

func messages(lines []line) []string {
	var msgs []string
	for _, l := range lines {
		msgs = append(msgs, l.Msg)
	}
	return msgs
}
