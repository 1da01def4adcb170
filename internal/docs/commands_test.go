package docs

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// run is how a command that is written somewhere is known to work.
type run struct {
	command string   // where it ends with "…", all that begin so
	ci      string   // the part of .ci/run that runs it, or as much of it as CI has time for
	short   []string // or what to replace in it, by turns with what by, for the test to run it
}

var (
	asItIs    = []string{}
	targetOf  = []string{"-fuzz ", "-list "} // to build it with coverage takes minutes
	fewKills  = []string{"2000", "1"}
	shortSoak = []string{"10m", "100ms"}
)

// commands is all of them but those of the README's set-up, which
// TestReadmesFirstExampleRunsAsPasted reads there and runs.
var commands = []run{
	{command: ".ci/run", ci: "echo 'all checks passed'"},
	{command: ".ci/lint", ci: "go run \"$staticcheck\" ./..."}, // as much of it as CI has time for
	{command: "go build ./...", ci: "go build . ./internal/..."},
	{command: "go test ./...", ci: `README: $readme_test" $readme_test`},
	{command: "go test .", ci: `README: $readme_test" $readme_test`},
	{command: "go test -race ./...", ci: "go test -race ./..."},
	{command: "go run ./examples/concurrency", ci: "go run ./examples/concurrency || return"},
	{command: "go run ./cmd/drive", ci: "go run ./cmd/drive -part saturated"},
	{command: "go run ./cmd/drive -part …", ci: "go run ./cmd/drive -part saturated"}, // single runs that docs/PERFORMANCE.md lists
	{command: "cd bench && go run ./cmd/drive", ci: "go run ./cmd/drive -part saturated"},
	{command: `cd bench && go run ./cmd/drive -part encode -rounds 1 -docs ""`, ci: "go run ./cmd/drive -part saturated"},

	{command: "go test ./examples/tailer", ci: "go test -count=1 -v ./examples/tailer"},
	{command: "go run ./examples/tailer -rounds 3", ci: "go test -count=1 -v ./examples/tailer"},

	{command: "find /var/spool/rsyslog -name 'imfile-state:*' -mtime +30 -delete", short: []string{"/var/spool/rsyslog", "docs"}},
	{command: "go doc -all .", short: asItIs},
	{command: "go test -run NAME .", short: []string{"NAME", "TestErrorText"}},
	{command: "go test -run Soak -soak 10m .", short: shortSoak},
	{command: "go test -run Soak -soak 10m -soak.seed 4711 .", short: shortSoak},
	{command: "go test -run DurableKill -kills 2000 .", short: fewKills},
	{command: "go test -run DurableKill -kills 2000 -kills.seed 4711 .", short: fewKills},
	{command: "go test ./internal/encode -run Differential -encode.seed 4711", short: asItIs},
	{command: "go test -run '^$' -fuzz '^FuzzJSON$' -fuzztime 10m ./internal/encode", short: targetOf},
	{command: "go test -run '^$' -fuzz '^FuzzText$' -fuzztime 10m ./internal/encode", short: targetOf},
	{command: "go test -run '^$' -fuzz '^FuzzConsole$' -fuzztime 10m ./internal/encode", short: targetOf},
	{command: "go test -run '^$' -fuzz '^FuzzParse$' -fuzztime 10m ./internal/schedule", short: targetOf},
	{command: "go test -run '^$' -fuzz '^FuzzNext$' -fuzztime 10m ./internal/schedule", short: targetOf},
	{command: "go test -run '^$' -fuzz '^FuzzStampOf$' -fuzztime 10m .", short: targetOf},
	{command: "TMPDIR=/dev/shm go test -run '^$' -fuzz '^FuzzOpen$' -fuzztime 10m -fuzzminimizetime 5x ./internal/ring", short: targetOf},
}

// Every command in the README, in CONTRIBUTING.md and in docs is in the table
// above, and so is run by CI or, in a form that takes seconds, here.
func TestEveryDocumentedCommandIsRun(t *testing.T) {
	script, err := os.ReadFile(".ci/run")
	require.NoError(t, err)
	written := documentedCommands(t)
	require.Greater(t, len(written), 10)
	for _, r := range commands {
		all := len(written)
		maps.DeleteFunc(written, func(command, _ string) bool { return r.is(command) })
		assert.Less(t, len(written), all, "no document has %q any more", r.command)
		if r.short == nil {
			assert.Contains(t, string(script), r.ci, ".ci/run, for %s", r.command)
		}
	}
	for command, where := range written {
		assert.Fail(t, "a command that nothing is known to run", "%s: %s\nenter it in the table of commands in internal/docs", where, command)
	}
	for _, r := range commands {
		if r.short != nil {
			t.Run(r.command, func(t *testing.T) { r.inShort(t) })
		}
	}
}

func (r run) is(command string) bool {
	prefix, many := strings.CutSuffix(r.command, "…")
	return command == r.command || many && strings.HasPrefix(command, prefix)
}

func (r run) inShort(t *testing.T) {
	switch {
	case testing.Short():
		t.Skip("builds tests anew")
	case underRace():
		t.Skip("is run without the race detector")
	case runtime.GOOS != "linux" && strings.Contains(r.command, "/dev/shm"):
		t.Skip("/dev/shm is Linux's")
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, sh, "-c", strings.NewReplacer(r.short...).Replace(r.command)).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.NotContains(t, string(out), "no tests to run")
	if strings.Contains(r.command, "-fuzz ") {
		assert.Regexp(t, "(?m)^Fuzz", string(out), "no such target")
	}
}

func underRace() bool {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// documentedCommands returns the commands in blocks of sh and in code spans, and
// where they stand. A block that does not say what it is counts if it begins
// with a go command.
func documentedCommands(t *testing.T) map[string]string {
	t.Helper()
	span := regexp.MustCompile("`(go (?:build|doc|mod|run|test|tool|vet) [^`]+)`")
	written := map[string]string{}
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			isShell := b.lang == "sh" || b.lang == "" && strings.HasPrefix(b.text, "go ")
			if !isShell || p.name == "README.md" && strings.Contains(b.text, "go mod edit") {
				continue
			}
			for _, command := range commandsOf(b.text) {
				written[command] = fmt.Sprintf("%s:%d", p.name, b.line)
			}
		}
		for i, line := range p.prose {
			for _, m := range span.FindAllStringSubmatch(line, -1) {
				written[m[1]] = fmt.Sprintf("%s:%d", p.name, i+1)
			}
		}
	}
	return written
}
