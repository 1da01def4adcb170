package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// expressions returns those of alerts.yml.
func expressions(t *testing.T) (all []string) {
	text, err := os.ReadFile("alerts.yml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			all = append(all, rule.Expr)
		}
	}
	return all
}

// There is an alert for every metric, and none for what is no metric.
func TestAlertsAskForTheMetrics(t *testing.T) {
	asked := map[string]bool{}
	for _, expr := range expressions(t) {
		for _, name := range regexp.MustCompile(`\blogly_\w+`).FindAllString(expr, -1) {
			asked[name] = true
		}
	}
	have := map[string]bool{}
	for _, m := range metrics {
		name := regexp.MustCompile(`fqName: "(\w+)"`).FindStringSubmatch(m.desc.String())
		require.NotNil(t, name, m.desc)
		have[name[1]] = true
	}
	assert.Equal(t, have, asked)
}

// docs/OPERATING.md has the same expressions, in its own order, and the names of
// the metrics.
func TestAlertsAreThoseInTheDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/OPERATING.md")
	require.NoError(t, err)
	var inDocs []string
	for _, block := range regexp.MustCompile("(?s)```promql\n(.*?)\n```").FindAllSubmatch(text, -1) {
		inDocs = append(inDocs, string(block[1]))
	}
	assert.ElementsMatch(t, expressions(t), inDocs)
	for _, m := range metrics {
		name := regexp.MustCompile(`fqName: "(\w+)"`).FindStringSubmatch(m.desc.String())[1]
		assert.Contains(t, string(text), "| `"+name+"` |")
	}
}

// Prometheus' own tool runs the tests of the rules, where it is installed (on
// Debian by the package prometheus).
func TestAlertsFireWhenTheyShould(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", "alerts_test.yml").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, 1, strings.Count(string(out), "SUCCESS"), "%s", out)
}
