package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryLogIsTheSame(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(&out, t.TempDir(), false), "%s", &out)
	assert.Equal(t, len(migrations), strings.Count(out.String(), " lines"), "%s", &out)
}

func TestOneLetterIsNoticed(t *testing.T) {
	var out bytes.Buffer
	require.Error(t, run(&out, t.TempDir(), true), "%s", &out)
	assert.Equal(t, len(migrations), strings.Count(out.String(), "DIFFERENT: "), "%s", &out)
}

func TestCompareFiles(t *testing.T) {
	tests := map[string]struct {
		before, after map[string]string
		want          string
	}{
		"a line too few": {map[string]string{"app.log": "a\nb\n"}, map[string]string{"app.log": "a\n"},
			"file 1, line 2"},
		"a file too few": {map[string]string{"app.log": "a\n", "app-2026.log": "b\n"}, map[string]string{"app.log": "a\n"},
			"2 files before, 1 after"},
		"split elsewhere": {map[string]string{"app-1.log": "a\n", "app.log": "b\nc\n"}, map[string]string{"app-2.log": "a\nb\n", "app.log": "c\n"},
			"file 1, line 2"},
		"the end of the last line": {map[string]string{"app.log": "a\n"}, map[string]string{"app.log": "a"},
			"file 1 has 1 lines before, 0 after"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := compareFiles(writeFiles(t, test.before), writeFiles(t, test.after))
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestCompareRecords(t *testing.T) {
	const first = `{"level":"info","ts":1.5,"caller":"fromzap/before.go:10","msg":"a"}` + "\n"
	const firstAfter = `{"ts":1.5,"level":"info","caller":"fromzap/after.go:12","msg":"a"}` + "\n"
	tests := map[string]struct {
		before, after string
		want          string // of the error; "": none
	}{
		"numbers spelled differently": {`{"a":0.0000001}`, `{"a":1e-7}`, ""},
		"another order":               {`{"a":1,"b":[1,{"c":2}]}`, `{"b":[1,{"c":2}],"a":1}`, ""},
		"the same call":               {`{"caller":"fromzap/before.go:20"}`, `{"caller":"fromzap/after.go:22"}`, ""},
		"another call":                {`{"caller":"fromzap/before.go:20"}`, `{"caller":"fromzap/after.go:23"}`, "line 2"},
		"large numbers, off by one":   {`{"a":1152921504606846976}`, `{"a":1152921504606846977}`, "line 2"},
		"a number and its text":       {`{"a":1}`, `{"a":"1"}`, "line 2"},
		"a list in another order":     {`{"a":[1,2]}`, `{"a":[2,1]}`, "line 2"},
		"null and nothing":            {`{"a":null}`, `{}`, "line 2"},
		"no JSON":                     {`{"a":1}`, `{"a":1`, `{"a":1: unexpected EOF`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := writeFiles(t, map[string]string{"app.log": first + test.before + "\n"})
			after := writeFiles(t, map[string]string{"app.log": firstAfter + test.after + "\n"})
			found, err := compareRecords(before, after)
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				return
			}
			require.NoError(t, err)
			require.Contains(t, found, "2 lines: ")
		})
	}
}

func writeFiles(t *testing.T, files map[string]string) (path string) {
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return filepath.Join(dir, "app.log")
}
