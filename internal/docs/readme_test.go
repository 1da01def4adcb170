package docs

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newcomer is somebody who has pasted the README's first example into a new
// module beside a checkout, and does what the README says.
type newcomer struct {
	*testing.T
	dir string
}

// command prepares a command as a person at a terminal would give it.
func (n newcomer) command(line string) *exec.Cmd {
	words := strings.Fields(line)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	n.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = n.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=")
	}), "GOFLAGS=", "GOWORK=off", "TERM=xterm-256color")
	return cmd
}

func (n newcomer) run(line string) (output string) {
	out, err := n.command(line).CombinedOutput()
	require.NoError(n, err, "%s: %s", line, out)
	return string(out)
}

// log returns the lines of the log file.
func (n newcomer) log() []string {
	text, err := os.ReadFile(filepath.Join(n.dir, "log", "app.log"))
	require.NoError(n, err)
	return strings.SplitAfter(strings.TrimSpace(string(text)), "\n")
}

// The README's first example, pasted into a new module that is set up by the
// README's own commands, logs to a file that is rotated, and to the console:
// coloured at a terminal, JSON elsewhere.
func TestReadmesFirstExampleRunsAsPasted(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a module")
	}
	readme := readmePage(t)
	n := newcomer{T: t, dir: t.TempDir()}
	example := firstBlock(t, readme, "go", "package main")
	require.NoError(t, os.WriteFile(filepath.Join(n.dir, "main.go"), []byte(example), 0o600))
	checkout, err := filepath.Abs(".")
	require.NoError(t, err)

	start := time.Now()
	commands := commandsOf(firstBlock(t, readme, "sh", "go mod edit"))
	if !slices.ContainsFunc(commands, isModInit) {
		n.run("go mod init example.com/hello")
	}
	for _, line := range commands {
		if line != "go run ." {
			n.run(strings.ReplaceAll(line, "/path/to/checkout", checkout))
		}
	}
	const record = `"msg":"order paid","request_id":"r-4711","amount":12.5}`
	stderr := n.run("go run .")
	assert.Regexp(t, `^\{"time":"[^"]+","level":"INFO",`+regexp.QuoteMeta(record)+"\n$", stderr)
	require.Len(t, n.log(), 1)
	assert.Contains(t, n.log()[0], record)
	t.Logf("from an empty directory to a log file: %v", time.Since(start).Round(time.Millisecond))

	t.Run("at a terminal", func(t *testing.T) {
		n := newcomer{t, n.dir}
		screen := atTerminal(t, n.command("go run ."))
		assert.Regexp(t, `^\x1b\[2m[0-9:.]+\x1b\[0m \x1b\[32mINF\x1b\[0m order paid `, screen)
		assert.Contains(t, screen, "request_id=\x1b[0mr-4711")
		require.Len(t, n.log(), 2)
		assert.Contains(t, n.log()[1], record, "the file stays JSON")
	})
	t.Run("on the next day", func(t *testing.T) {
		n := newcomer{t, n.dir}
		before := n.log()
		yesterday := time.Now().Add(-24 * time.Hour)
		require.NoError(t, os.Chtimes(filepath.Join(n.dir, "log", "app.log"), yesterday, yesterday))
		n.run("go run .")
		assert.Len(t, n.log(), 1)
		backups, err := filepath.Glob(filepath.Join(n.dir, "log", "app-*.log.gz"))
		require.NoError(t, err)
		require.Len(t, backups, 1)
		compressed, err := os.ReadFile(backups[0])
		require.NoError(t, err)
		unzip, err := gzip.NewReader(bytes.NewReader(compressed))
		require.NoError(t, err)
		text, err := io.ReadAll(unzip)
		require.NoError(t, err)
		assert.Equal(t, strings.Join(before, ""), strings.TrimSpace(string(text)))
	})
}

func isModInit(command string) bool { return strings.HasPrefix(command, "go mod init ") }

func readmePage(t *testing.T) page {
	t.Helper()
	for _, p := range pages(t) {
		if p.name == "README.md" {
			return p
		}
	}
	require.Fail(t, "no README.md")
	return page{}
}

// firstBlock returns the first block of a language with a certain text in it.
func firstBlock(t *testing.T, p page, lang, with string) string {
	t.Helper()
	for _, b := range p.blocks {
		if b.lang == lang && strings.Contains(b.text, with) {
			return b.text
		}
	}
	require.Fail(t, fmt.Sprintf("%s has no block of %s with %q", p.name, lang, with))
	return ""
}
