package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	beVictim()
	os.Exit(m.Run())
}

func TestEveryScenarioCounts(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(&out, t.TempDir(), 0), "%s", &out)
	assert.Equal(t, len(scenarios), strings.Count(out.String(), "  ok")+skipped(&out), "%s", &out)
}

func TestALostLineIsNoticed(t *testing.T) {
	var out bytes.Buffer
	require.Error(t, run(&out, t.TempDir(), 1), "%s", &out)
	assert.Equal(t, len(scenarios), strings.Count(out.String(), "  WRONG")+skipped(&out), "%s", &out)
}

// skipped returns how many scenarios this system cannot run.
func skipped(out *bytes.Buffer) int { return strings.Count(out.String(), "skipped: ") }
