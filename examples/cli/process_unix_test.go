//go:build unix

package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Ctrl-C ends the program in the middle of a file. What it has printed is in the
// log, and nothing else.
func TestInterrupt(t *testing.T) {
	const files = 50
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			dir := t.TempDir()
			want := tree(t, dir, files)
			endless(t, filepath.Join(dir, "tree", "endless"))
			cmd := command(t, dir, "-v", "-log", "cli.log", "tree")
			var stdout bytes.Buffer
			cmd.Stdout = &stdout
			pipe, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			stderr := bufio.NewScanner(pipe)
			for summed, begun := 0, false; summed < files || !begun; {
				require.True(t, stderr.Scan())
				if strings.Contains(stderr.Text(), " summed ") {
					summed++
				}
				begun = begun || strings.HasSuffix(stderr.Text(), "file=tree/endless")
			}
			require.NoError(t, cmd.Process.Signal(sig))
			for stderr.Scan() {
				requireConsole(t, []string{stderr.Text()}, "DBG|WRN")
			}
			require.Error(t, cmd.Wait())
			assert.Equal(t, 130, cmd.ProcessState.ExitCode())
			assert.ElementsMatch(t, want, lines(t, stdout.String()))

			entries := readLog(t, filepath.Join(dir, "cli.log"))
			last := entries[len(entries)-1]
			assert.Equal(t, "interrupted", last.Msg)
			assert.Contains(t, last.Cause, sig.String())
			assert.Equal(t, files, last.Files)
			assert.Len(t, having(entries, "begun"), files+1)
			assert.Len(t, having(entries, "summed"), files)
			givenUp := having(entries, "given up")
			require.Len(t, givenUp, 1)
			assert.Equal(t, filepath.Join("tree", "endless"), givenUp[0].File)
			assert.Positive(t, givenUp[0].Worker)
		})
	}
}

// endless makes a file that takes an hour to read and no room on the disk.
func endless(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(4<<40))
	require.NoError(t, f.Close())
}

// When the reader of the sums goes away (cli | head), the log is complete still.
func TestTheReaderGoesAway(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, 50)
	cmd := command(t, dir, "-log", "cli.log", "tree")
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &stderr
	err = cmd.Run()
	require.NoError(t, w.Close())
	require.Error(t, err)
	assert.Equal(t, 1, cmd.ProcessState.ExitCode())
	assert.Contains(t, stderr.String(), "broken pipe")
	entries := readLog(t, filepath.Join(dir, "cli.log"))
	assert.Equal(t, "not done", entries[len(entries)-1].Msg)
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	want := tree(t, dir, 10)
	closed := filepath.Join("tree", "closed")
	switch {
	case os.Geteuid() != 0:
		require.NoError(t, os.WriteFile(filepath.Join(dir, closed), nil, 0o000))
	case runtime.GOOS == "linux":
		closed = "/proc/self/mem" // root too cannot read its beginning
	default:
		t.Skip("root can read everything")
	}
	got := finish(t, command(t, dir, "-q", "-log", "cli.log", "tree", closed))
	assert.Equal(t, 1, got.code)
	assert.ElementsMatch(t, want, got.stdout)
	require.Len(t, got.stderr, 1)
	requireConsole(t, got.stderr, "ERR")
	assert.Contains(t, got.stderr[0], " cannot be read worker=")
	assert.Contains(t, got.stderr[0], " file="+closed+" error=")
	assert.Len(t, having(readLog(t, filepath.Join(dir, "cli.log")), "cannot be read"), 1)
}

// A name can hold anything: it breaks out of no line of any output.
func TestHostileNames(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "tree"), 0o755))
	for _, name := range []string{"new\nline", "back\\slash", "\x1b[31mred", "a b", `"`, "\u202eevil", "ö"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "tree", name), []byte(name), 0o600))
	}
	got := finish(t, command(t, dir, "-v", "-log", "cli.log", "tree"))
	assert.Equal(t, 0, got.code)
	assert.Len(t, got.stdout, 7)
	assert.Len(t, got.stderr, 2+2*7)
	for _, l := range got.stderr {
		assert.NotContains(t, l, "\x1b")
		assert.NotContains(t, l, "\u202e")
	}
	assert.Len(t, readLog(t, filepath.Join(dir, "cli.log")), 2+2*7)

	sha256sum, err := exec.LookPath("sha256sum")
	if err != nil {
		t.Skip("no sha256sum here to check the output")
	}
	check := command(t, dir, "tree")
	check.Path, check.Args = sha256sum, []string{"sha256sum", "--check", "--strict", "--quiet"}
	check.Stdin = strings.NewReader(strings.Join(got.stdout, "\n") + "\n")
	out, err := check.CombinedOutput()
	assert.NoError(t, err, "%s", out)
}
