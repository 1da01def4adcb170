package logly

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The first example of the README, pasted into a new module that is set up as
// the README says, runs and logs.
func TestReadmesFirstExampleRunsAsPasted(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a module")
	}
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	example := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(text)
	require.NotNil(t, example)
	setUp := regexp.MustCompile(`(?m)^go mod edit .*$`).FindString(string(text))
	require.NotEmpty(t, setUp)
	checkout, err := filepath.Abs(".")
	require.NoError(t, err)

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), example[1], 0o600))
	run := func(args ...string) string {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%v: %s", args, out)
		return string(out)
	}
	run("go", "mod", "init", "example.com/readme")
	run(strings.Fields(strings.ReplaceAll(setUp, "/path/to/checkout", checkout))...)
	run("go", "mod", "tidy")
	stderr := run("go", "run", ".")
	assert.Contains(t, stderr, `"msg":"order paid","request_id":"r-4711","amount":12.5}`)
	assert.Contains(t, readFile(t, filepath.Join(dir, "log", "app.log")), `"msg":"order paid","request_id":"r-4711","amount":12.5}`)
}

// Every test that docs/RELIABILITY.md names exists.
func TestReliabilityTableNamesTestsThatExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("docs", "RELIABILITY.md"))
	require.NoError(t, err)
	var sources strings.Builder
	for _, pattern := range []string{"*_test.go", "internal/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, f := range files {
			source, err := os.ReadFile(f)
			require.NoError(t, err)
			sources.Write(source)
		}
	}
	names := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(names), 50)
	for _, name := range names {
		assert.Contains(t, sources.String(), "\nfunc "+name[1]+"(", "docs/RELIABILITY.md")
	}
}
