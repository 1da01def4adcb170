//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The level of a running program is changed in its file, a broken file changes
// nothing, and SIGTERM ends it with its log complete.
func TestLevelIsReadAgainOnSIGHUP(t *testing.T) {
	dir := t.TempDir()
	path, log := filepath.Join(dir, "logging.yaml"), filepath.Join(dir, "app.log")
	configure := func(level string) {
		t.Helper()
		text := "sinks: [{file: '" + log + "', enqueue: true, level: " + level + "}]"
		require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(path+".new", path))
	}
	configure("INFO")
	cmd, _, stderr := program(t, nil, "-config", path, "-every", "5ms")
	require.NoError(t, cmd.Start())
	logged := func() []string {
		text, err := os.ReadFile(log)
		if err != nil {
			return nil
		}
		return messages(t, text[:bytes.LastIndexByte(text, '\n')+1])
	}
	eventually := func(msg string) {
		t.Helper()
		require.Eventually(t, func() bool { return slices.Contains(logged(), msg) }, 30*time.Second, 5*time.Millisecond, "%s", stderr)
	}
	eventually("waiting")
	assert.NotContains(t, logged(), "tick")

	configure("DEBUG")
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	eventually("tick")

	configure("loud")
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	eventually("levels not changed")

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), "%s", stderr)
	all := logged()
	assert.Equal(t, "stopped", all[len(all)-1])
	assert.Empty(t, stderr.String())
}
