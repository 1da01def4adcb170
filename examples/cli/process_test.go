package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var program string // the program, built

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "logly-cli-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "cli.exe")
	args := []string{"build", "-buildvcs=false", "-o", program}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %s", err, out))
	}
	return m.Run()
}

// command is the program in dir, which ends with the test at the latest.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // a race build would sleep for a second
	return cmd
}

// ran is how the program ended.
type ran struct {
	code           int
	stdout, stderr []string // lines
}

// finish runs the program to its end.
func finish(t *testing.T, cmd *exec.Cmd) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
	}
	return ran{cmd.ProcessState.ExitCode(), lines(t, stdout.String()), lines(t, stderr.String())}
}

func lines(t *testing.T, text string) []string {
	t.Helper()
	if text == "" {
		return nil
	}
	require.True(t, strings.HasSuffix(text, "\n"), "ends inside a line: %q", text)
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// tree makes n files in directories of dir/tree and returns the sums to expect,
// sorted.
func tree(t *testing.T, dir string, n int) []string {
	t.Helper()
	var want []string
	for i := range n {
		name := fmt.Sprintf("tree/%d/%d.txt", i%7, i)
		text := fmt.Appendf(nil, "file %d\n", i)
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, text, 0o600))
		want = append(want, fmt.Sprintf("%x  %s", sha256.Sum256(text), name))
	}
	slices.Sort(want)
	return want
}

// entry is what the tests look at in a line of the log file.
type entry struct {
	Time   time.Time `json:"time"`
	Level  string    `json:"level"`
	Msg    string    `json:"msg"`
	Worker int       `json:"worker"`
	File   string    `json:"file"`
	Files  int       `json:"files"`
	Cause  string    `json:"cause"`
}

func readLog(t *testing.T, path string) []entry {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var entries []entry
	for _, l := range lines(t, string(text)) {
		var e entry
		require.NoError(t, json.Unmarshal([]byte(l), &e), "%q", l)
		require.NotZero(t, e.Time, "%q", l)
		entries = append(entries, e)
	}
	return entries
}

// having returns the entries with a message.
func having(entries []entry, msg string) []entry {
	return slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return e.Msg != msg })
}

// requireConsole requires lines for people, each with one of levels, and
// without an escape sequence.
func requireConsole(t *testing.T, lines []string, levels string) {
	t.Helper()
	for _, l := range lines {
		require.Regexp(t, `^\d\d:\d\d:\d\d\.\d{3} (`+levels+`) [ -~]+$`, l)
	}
}

func TestSumsAndTheLog(t *testing.T) {
	const files = 200
	for _, c := range []struct {
		flag   string
		levels string // on standard error
		lines  int
	}{
		{"-q", "none", 0},
		{"", "INF", 1},
		{"-v", "DBG|INF", 3 + 2*files}, // started, the log skipped, done; each file begun and summed
	} {
		t.Run("flag "+c.flag, func(t *testing.T) {
			dir := t.TempDir()
			want := tree(t, dir, files)
			log := filepath.Join(dir, "tree", "cli.log")
			args := slices.DeleteFunc([]string{c.flag, "-log", log, "tree"}, func(a string) bool { return a == "" })
			got := finish(t, command(t, dir, args...))

			assert.Equal(t, 0, got.code)
			slices.Sort(got.stdout)
			assert.Equal(t, want, got.stdout)
			assert.Len(t, got.stderr, c.lines)
			requireConsole(t, got.stderr, c.levels)

			entries := readLog(t, log)
			assert.Len(t, entries, 3+2*files)
			assert.Equal(t, "started", entries[0].Msg)
			last := entries[len(entries)-1]
			assert.Equal(t, "done", last.Msg)
			assert.Equal(t, files, last.Files)
			begun := map[string]int{}
			for _, e := range having(entries, "begun") {
				require.NotContains(t, begun, e.File)
				require.Positive(t, e.Worker)
				begun[e.File] = e.Worker
			}
			for _, e := range having(entries, "summed") {
				require.Equal(t, begun[e.File], e.Worker, "of another worker, or twice: %s", e.File)
				delete(begun, e.File)
			}
			assert.Empty(t, begun)
		})
	}
}

func TestTheLogIsAppendedTo(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, 3)
	for range 2 {
		require.Equal(t, 0, finish(t, command(t, dir, "-q", "-log", "cli.log", "tree")).code)
	}
	entries := readLog(t, filepath.Join(dir, "cli.log"))
	assert.Len(t, having(entries, "done"), 2)
	assert.Len(t, having(entries, "summed"), 6)
}

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	want := tree(t, dir, 3)
	for _, c := range []struct {
		args []string
		code int
		sums []string
		says string // the only line on standard error, or the first
	}{
		{[]string{"tree"}, 0, want, ` INF done files=3 bytes=21 unreadable=0$`},
		{[]string{"-h"}, 0, nil, `^usage: cli `},
		{[]string{"-nonsense"}, 2, nil, `^flag provided but not defined: -nonsense$`},
		{[]string{"-v", "-q"}, 2, nil, `^cli: -v and -q contradict each other$`},
		{[]string{"-log", "tree", "tree"}, 1, nil, `^cli: logly: open .*tree.*$`},
		{[]string{"-q", "tree", "missing"}, 1, want, ` ERR cannot be read file=missing error=".*"$`},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			got := finish(t, command(t, dir, c.args...))
			assert.Equal(t, c.code, got.code)
			slices.Sort(got.stdout)
			assert.Equal(t, c.sums, got.stdout)
			require.NotEmpty(t, got.stderr)
			assert.Regexp(t, c.says, got.stderr[0])
		})
	}
}

// With an output that fails the program ends, and says why.
func TestAnOutputThatFails(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, 100)
	log := filepath.Join(dir, "cli.log")
	t.Chdir(dir)
	writes := 0
	broken := writerFunc(func([]byte) (int, error) {
		writes++
		return 0, errors.New("no room")
	})
	assert.Equal(t, 1, run([]string{"-q", "-log", log, "tree"}, broken))
	entries := readLog(t, log)
	assert.Equal(t, "not done", entries[len(entries)-1].Msg)
	assert.Equal(t, 1, writes)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
