package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryScenarioCounts(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(&out, t.TempDir(), 0), "%s", &out)
	assert.Equal(t, len(scenarios), strings.Count(out.String(), " ok\n"), "%s", &out)
}

func TestALostLineIsNoticed(t *testing.T) {
	var out bytes.Buffer
	require.Error(t, run(&out, t.TempDir(), 1), "%s", &out)
	assert.Equal(t, len(scenarios), strings.Count(out.String(), "WRONG"), "%s", &out)
}
