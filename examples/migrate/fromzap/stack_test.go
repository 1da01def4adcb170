package fromzap

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// The stack of a call is the one that zap takes a line or two above it.
func TestStacktrace(t *testing.T) {
	tests := map[string]func(log func()){
		"here":                  func(log func()) { log() },
		"in a goroutine":        func(log func()) { done := make(chan struct{}); go func() { log(); close(done) }(); <-done },
		"under a hundred calls": func(log func()) { below(100, log) },
		"in a deferred call":    func(log func()) { defer log() },
		"in a panic": func(log func()) {
			defer func() { _ = recover() }()
			defer log()
			panic("on purpose")
		},
	}
	for name, call := range tests {
		t.Run(name, func(t *testing.T) {
			var zapped, slogged bytes.Buffer
			before := zapTo(&zapped, zap.AddStacktrace(zap.ErrorLevel))
			after := slog.New(WithStacktrace(slogTo(t, &slogged).Handler(), slog.LevelError))
			grouped := after.WithGroup("g").With("a", 1)
			call(func() {
				before.Error("m")
				after.Error("m")
				grouped.Error("m")
			})
			want := stackOf(t, lastLine(&zapped))
			lines := strings.SplitAfter(strings.TrimSuffix(slogged.String(), "\n"), "\n")
			require.Len(t, lines, 2)
			require.Contains(t, want, "fromzap.TestStacktrace")
			assert.Equal(t, want, up(t, stackOf(t, lines[0]), 1))
			assert.Equal(t, want, up(t, stackOf(t, lines[1]), 2))
		})
	}
}

func below(calls int, f func()) {
	if calls == 0 {
		f()
		return
	}
	below(calls-1, f)
}

func TestNoStacktraceBelowTheLevel(t *testing.T) {
	var b bytes.Buffer
	slog.New(WithStacktrace(slogTo(t, &b).Handler(), slog.LevelError)).Warn("m", "a", 1)
	assert.Equal(t, `"a":1`, fields(t, lastLine(&b)))
}

func stackOf(t *testing.T, line string) string {
	var record struct{ Stacktrace string }
	require.NoError(t, json.Unmarshal([]byte(line), &record))
	return record.Stacktrace
}

var firstLine = regexp.MustCompile(`^([^\n]*\n[^\n]*/stack_test\.go:)(\d+)`)

// up returns a stack as it were if its first frame stood so many lines further up.
func up(t *testing.T, stack string, lines int) string {
	at := firstLine.FindStringSubmatch(stack)
	require.NotNil(t, at, stack)
	n, err := strconv.Atoi(at[2])
	require.NoError(t, err)
	return at[1] + strconv.Itoa(n-lines) + strings.TrimPrefix(stack, at[0])
}
