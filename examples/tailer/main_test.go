package main

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly"
)

// rsyslogd returns the agent's path. Where there is none the test is skipped, or
// fails if the environment says LOGLY_RSYSLOG=require.
func rsyslogd(t *testing.T) string {
	t.Helper()
	path, err := findAgent()
	if err == nil {
		return path
	}
	if os.Getenv("LOGLY_RSYSLOG") == "require" {
		t.Fatal(err)
	}
	t.Skip("NOT TESTED with a real agent:", err)
	return ""
}

// tailed makes one run with ten rotations; in the middle of it, which takes two
// seconds if it is not a burst, the agent may be down for several of them.
func tailed(t *testing.T, s setting) counted {
	t.Helper()
	s.rotation = "1 MB"
	c, err := s.measure(t.Context(), rsyslogd(t), t.TempDir(), 40_000)
	require.NoError(t, err)
	t.Logf("%+v", c)
	return c
}

func TestBackupsAreShippedOnce(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]setting{
		"burst":      {},
		"agent down": {rate: rate, down: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.pattern, s.compression, s.delay = backups, logly.Gzip, true
			c := tailed(t, s)
			assert.Zero(t, c.lost)
			assert.Zero(t, c.doubled)
			assert.Zero(t, c.torn)
		})
	}
}

// rsyslogd may ship a file twice that is rotated while it looks at the directory.
func TestNothingIsLostOfLogAndBackups(t *testing.T) {
	t.Parallel()
	c := tailed(t, setting{pattern: both, compression: logly.Gzip, delay: true, rate: rate})
	assert.Zero(t, c.lost)
}

// The runs above could fail: these do.
func TestOtherSettingsLose(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]setting{
		"the log alone": {pattern: live},
		"one backup":    {pattern: backups, keep: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.rate, s.down = rate, time.Second
			assert.Positive(t, tailed(t, s).lost)
		})
	}
}

func TestDocsShowTheConfigurationThatIsTested(t *testing.T) {
	text, err := os.ReadFile("../../docs/TAILERS.md")
	require.NoError(t, err)
	assert.Contains(t, string(text), "```\n"+agentConf+"```\n")
}

func TestASettingIsARow(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range settings {
		assert.False(t, seen[s.String()], s)
		seen[s.String()] = true
	}
}
