package main

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly"
)

const twoSinks = "sinks:\n- {file: app.log, level: WARN}\n- {writer: stderr, format: text}\n"

func TestEnvironmentOverridesTheFile(t *testing.T) {
	c, err := Parse("f.yaml", []byte(twoSinks), environment("LOG_LEVEL", "debug", "LOG_FORMAT", "console", "LOG_FILE", "/tmp/x.log"))
	require.NoError(t, err)
	require.Len(t, c.Sinks, 2)
	for _, s := range c.Sinks {
		assert.Equal(t, level(slog.LevelDebug), s.Level)
		assert.Equal(t, logly.Console, s.Format)
	}
	assert.Equal(t, "/tmp/x.log", c.Sinks[0].File)
	assert.Empty(t, c.Sinks[1].File)
}

func TestEmptyEnvironmentChangesNothing(t *testing.T) {
	want, err := Parse("f.yaml", []byte(twoSinks), environment())
	require.NoError(t, err)
	got, err := Parse("f.yaml", []byte(twoSinks), environment("LOG_LEVEL", "", "LOG_FORMAT", "", "LOG_FILE", ""))
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.Equal(t, level(slog.LevelWarn), got.Sinks[0].Level)
}

func TestEnvironmentThatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name, file, want string
		environment      []string
	}{
		{"level", twoSinks, `LOG_LEVEL: "loud": must be "DEBUG", "INFO", "WARN" or "ERROR", with an offset if need be, as in "INFO+2"`, []string{"LOG_LEVEL", "loud"}},
		{"two of them", twoSinks, `LOG_LEVEL: "1": must be "DEBUG", "INFO", "WARN" or "ERROR", with an offset if need be, as in "INFO+2"` + "\n" +
			`LOG_FORMAT: "xml": must be "json", "text", "console" or empty`, []string{"LOG_FORMAT", "xml", "LOG_LEVEL", "1"}},
		{"no file to replace", "sinks: [{}]", `LOG_FILE: "a": needs one sink with a file; f.yaml has 0`, []string{"LOG_FILE", "a"}},
		{"two files to replace", "sinks: [{file: a}, {file: b}]", `LOG_FILE: "c": needs one sink with a file; f.yaml has 2`, []string{"LOG_FILE", "c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(c.file), environment(c.environment...))
			assert.EqualError(t, err, c.want)
		})
	}
}

func TestReferences(t *testing.T) {
	getenv := environment("DIR", "/var/log", "N", "7", "SLY", "${DIR}", "YAML", "a, level: DEBUG}]\n#", "EMPTY", "")
	for _, c := range []struct{ text, want string }{
		{"plain $DIR $ {DIR} $$", "plain $DIR $ {DIR} $$"},
		{"${DIR}/app.log", "/var/log/app.log"},
		{"${DIR}${N}${N}", "/var/log77"},
		{"${DIR:-log}", "/var/log"},
		{"${NONE:-log}/a", "log/a"},
		{"${EMPTY:-log}", "log"},
		{"${NONE:-}", ""},
		{"${SLY}", "${DIR}"},
		{"${NONE:-$}", "$"},
	} {
		got, err := expand(c.text, getenv)
		require.NoError(t, err, c.text)
		assert.Equal(t, c.want, got)
	}
	for _, bad := range []string{"${NONE}", "${EMPTY}", "${", "${}", "${A-B}", "${DIR", "${NONE:-${DIR}}", "${DIR} ${"} {
		_, err := expand(bad, getenv)
		assert.Error(t, err, bad)
	}

	c, err := Parse("f.yaml", []byte("sinks: [{file: \"${YAML}\", max_backups: \"${N}\", redact: [\"${SLY}\"]}]"), getenv)
	require.NoError(t, err)
	require.Len(t, c.Sinks, 1, "a variable cannot add to the structure")
	assert.Equal(t, "a, level: DEBUG}]\n#", c.Sinks[0].File)
	assert.Equal(t, 7, c.Sinks[0].MaxBackups)
	assert.Equal(t, []string{"${DIR}"}, c.Sinks[0].Redact)
	assert.Equal(t, level(slog.LevelInfo), c.Sinks[0].Level)
}
