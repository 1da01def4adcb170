package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain makes the test binary the program itself for the tests that start it.
func TestMain(m *testing.M) {
	if os.Getenv("BE_CONFIG") == "1" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program is the program as a process of its own, with no variables but these.
func program(t *testing.T, variables []string, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd = exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append([]string{"BE_CONFIG=1"}, variables...)
	for _, needed := range []string{"SYSTEMROOT", "GOCOVERDIR"} {
		if value := os.Getenv(needed); value != "" {
			cmd.Env = append(cmd.Env, needed+"="+value)
		}
	}
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// records returns the records in a log of JSON lines.
func records(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	var all []map[string]any
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var r map[string]any
		require.NoError(t, json.Unmarshal(lines.Bytes(), &r), "%s", lines.Bytes())
		all = append(all, r)
	}
	return all
}

func messages(t *testing.T, text []byte) []string {
	t.Helper()
	var all []string
	for _, r := range records(t, text) {
		all = append(all, r["msg"].(string))
	}
	return all
}

func TestTheProgramLogsAsTheFilesSay(t *testing.T) {
	for _, file := range []string{"logging.yaml", "logging.json"} {
		dir := t.TempDir()
		cmd, stdout, stderr := program(t, []string{"LOG_DIR=" + dir}, "-config", file)
		require.NoError(t, cmd.Run(), "%s", stderr)
		assert.Empty(t, stdout.String())
		text, err := os.ReadFile(filepath.Join(dir, "app.log"))
		require.NoError(t, err)
		assert.Equal(t, []string{"started", "order paid", "slow answer", "disk is full"}, messages(t, text))
		paid := records(t, text)[1]
		assert.Equal(t, "[redacted]", paid["password"])
		assert.Equal(t, 12.5, paid["amount"])
		assert.Contains(t, paid["source"], "line")
		assert.NotContains(t, string(text), "hunter2")
		assert.Equal(t, []string{"slow answer", "disk is full"}, messages(t, stderr.Bytes()), "the second sink, not a terminal here")
	}
}

func TestTheProgramObeysTheEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "elsewhere.log")
	cmd, _, stderr := program(t, []string{"LOG_FILE=" + path, "LOG_LEVEL=error", "LOG_FORMAT=text"})
	require.NoError(t, cmd.Run(), "%s", stderr)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(text), "\n"))
	assert.Contains(t, string(text), ` level=ERROR source=`)
	assert.Contains(t, string(text), ` msg="disk is full" path=/data`)
	assert.Contains(t, stderr.String(), ` level=ERROR msg="disk is full" path=/data`)
	assert.Equal(t, 1, strings.Count(stderr.String(), "\n"))
}

func TestCheckPrintsTheSinksAndOpensNothing(t *testing.T) {
	dir := t.TempDir()
	cmd, stdout, stderr := program(t, []string{"LOG_DIR=" + dir, "LOG_LEVEL=WARN"}, "-check")
	require.NoError(t, cmd.Run(), "%s", stderr)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)

	want, err := Load("logging.yaml", environment("LOG_DIR", dir, "LOG_LEVEL", "WARN"))
	require.NoError(t, err)
	got, err := Parse("printed", stdout.Bytes(), environment())
	require.NoError(t, err)
	assert.Equal(t, sinksOf(want), sinksOf(got), "%s", stdout)
}

func TestTheProgramEndsWith1(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "logging.yaml")
	require.NoError(t, os.WriteFile(path, []byte("sinks:\n  - file: app.log\n    compression: zip\n    max_backups: x\n"), 0o600))
	broken := path + ":3:18: compression: \"zip\": must be \"gzip\" or empty\n" +
		path + ":4:18: max_backups: \"x\": must be a whole number, 0 or more\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dir.yaml"), []byte("sinks: [{file: '"+dir+"'}]"), 0o600))
	for _, c := range []struct {
		want string
		args []string
	}{
		{broken, []string{"-config", path}},
		{broken, []string{"-config", path, "-check"}},
		{"read configuration: open ", []string{"-check", "-config", filepath.Join(dir, "none.yaml")}},
		{filepath.Join(dir, "dir.yaml") + ":1:9: logly: open ", []string{"-config", filepath.Join(dir, "dir.yaml")}},
	} {
		cmd, stdout, stderr := program(t, nil, c.args...)
		var exit *exec.ExitError
		require.ErrorAs(t, cmd.Run(), &exit)
		assert.Equal(t, 1, exit.ExitCode())
		assert.Empty(t, stdout.String())
		assert.True(t, strings.HasPrefix(stderr.String(), c.want), "%s", stderr)
	}
}
