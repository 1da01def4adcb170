package logly

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// readLines returns the lines of a log: its backups, oldest first, then the live
// file. Each must end in a newline.
func readLines(t testing.TB, path string) []string {
	t.Helper()
	ext := filepath.Ext(path)
	files, err := filepath.Glob(strings.TrimSuffix(path, ext) + "-*" + ext + "*") // sorted, and so by time
	require.NoError(t, err)
	var lines []string
	for _, f := range append(files, path) {
		text := readFile(t, f)
		if text == "" {
			continue
		}
		require.True(t, strings.HasSuffix(text, "\n"), "%s ends inside a line", f)
		lines = append(lines, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
	}
	return lines
}

// readFile returns what is in a file, unpacked if its name ends in .gz.
func readFile(t testing.TB, path string) string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	var r io.Reader = f
	if strings.HasSuffix(path, gzipSuffix) {
		r, err = gzip.NewReader(f)
		require.NoError(t, err)
	}
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(text)
}

// inOrder checks that the records of each producer are numbered from 0 without
// a gap, a double or a step back, and returns how many records there are.
func inOrder(t testing.TB, lines []string) int {
	t.Helper()
	next := map[float64]float64{}
	for _, l := range lines {
		var m struct{ Producer, Seq *float64 }
		require.NoError(t, json.Unmarshal([]byte(l), &m), "%q", l)
		require.NotNil(t, m.Seq, "%q", l)
		require.Equal(t, next[*m.Producer], *m.Seq, "producer %v", *m.Producer)
		next[*m.Producer]++
	}
	return len(lines)
}
