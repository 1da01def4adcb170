package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly"
)

// environment returns a getenv.
func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func level(l slog.Level) *slog.LevelVar {
	v := new(slog.LevelVar)
	v.Set(l)
	return v
}

// sinksOf returns the sinks without their places, which differ between formats.
func sinksOf(c *Config) []Sink {
	var all []Sink
	for _, s := range c.Sinks {
		s.At = Position{}
		all = append(all, s)
	}
	return all
}

func TestYAMLAndJSONGiveEqualSinks(t *testing.T) {
	for _, c := range []struct {
		name, yaml, json string
		want             []Sink
	}{
		{
			"the zero sink", "sinks:\n  - {}\n", `{"sinks": [{}]}`,
			[]Sink{{Sink: logly.Sink{Level: level(slog.LevelInfo)}}},
		},
		{
			"a file", "sinks:\n- file: app.log\n", `{"sinks": [{"file": "app.log"}]}`,
			[]Sink{{Sink: logly.Sink{Level: level(slog.LevelInfo), File: "app.log"}}},
		},
		{
			"two writers", "sinks:\n- writer: stdout\n  format: text\n- writer: stderr\n  level: warn+2\n  format: console\n",
			`{"sinks": [{"writer": "stdout", "format": "text"}, {"writer": "stderr", "level": "warn+2", "format": "console"}]}`,
			[]Sink{
				{Sink: logly.Sink{Level: level(slog.LevelInfo), Writer: os.Stdout, Format: logly.Text}},
				{Sink: logly.Sink{Level: level(slog.LevelWarn + 2), Writer: os.Stderr, Format: logly.Console}},
			},
		},
		{
			"every key",
			`sinks:
  - file: "app.log"
    level: DEBUG-4
    format: json
    add_source: true
    enqueue: true
    queue_size: 64 KiB
    drop_below: WARN
    durable: true
    rotation: 23:30
    max_backups: 7
    max_age: 30 days
    max_total_size: 10 MB
    compression: gzip
    delay_compression: true
    local_time: true
    file_mode: 0640
    redact:
      - password
      - 42
`,
			`{"sinks": [{
				"file": "app.log",
				"level": "DEBUG-4",
				"format": "json",
				"add_source": true,
				"enqueue": true,
				"queue_size": 65536,
				"drop_below": "WARN",
				"durable": true,
				"rotation": "23:30",
				"max_backups": 7,
				"max_age": "720h",
				"max_total_size": 10000000,
				"compression": "gzip",
				"delay_compression": true,
				"local_time": true,
				"file_mode": "0640",
				"redact": ["password", 42]
			}]}`,
			[]Sink{{
				Sink: logly.Sink{
					File: "app.log", Level: level(slog.LevelDebug - 4), Format: logly.JSON, AddSource: true,
					Enqueue: true, QueueSize: 64 << 10, DropBelow: slog.LevelWarn, Durable: true,
					Rotation: "23:30", MaxBackups: 7, MaxAge: 30 * 24 * time.Hour, MaxTotalSize: 10e6,
					Compression: logly.Gzip, DelayCompression: true, LocalTime: true, FileMode: 0o640,
				},
				Redact: []string{"password", "42"},
			}},
		},
		{
			"defaults that are written out",
			"sinks: [{file: a, format: '', rotation: never, compression: '', enqueue: false, queue_size: 0, max_age: 0s, max_backups: 0, redact: []}]",
			`{"sinks": [{"file": "a", "format": "", "rotation": "never", "compression": "", "enqueue": false, "queue_size": 0, "max_age": "0s", "max_backups": 0, "redact": []}]}`,
			[]Sink{{Sink: logly.Sink{Level: level(slog.LevelInfo), File: "a", Rotation: "never"}}},
		},
		{
			"quotes, escapes and aliases", "sinks:\n- file: &f \"\\u00e9.log\"\n  max_backups: \"3\"\n- file: ./x/../new\n  max_backups: &n 3\n- file: z\n  max_backups: *n\n",
			"\n{\"sinks\": [\n\t{\"file\": \"\\u00e9.log\", \"max_backups\": 3},\n\t{\"file\": \".\\/x/../new\", \"max_backups\": \"3\"},\n\t{\"file\": \"z\", \"max_backups\": 3}\n]}",
			[]Sink{
				{Sink: logly.Sink{Level: level(slog.LevelInfo), File: "é.log", MaxBackups: 3}},
				{Sink: logly.Sink{Level: level(slog.LevelInfo), File: "./x/../new", MaxBackups: 3}},
				{Sink: logly.Sink{Level: level(slog.LevelInfo), File: "z", MaxBackups: 3}},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for file, text := range map[string]string{"logging.yaml": c.yaml, "logging.json": c.json} {
				got, err := Parse(file, []byte(text), environment())
				require.NoError(t, err)
				assert.Equal(t, c.want, sinksOf(got), file)

				printed, err := got.Print()
				require.NoError(t, err)
				again, err := Parse("printed.yaml", printed, environment())
				require.NoError(t, err, "%s", printed)
				assert.Equal(t, c.want, sinksOf(again), "%s", printed)
			}
		})
	}
}

func TestShippedFilesSayTheSame(t *testing.T) {
	t.Setenv("LOG_DIR", "")
	fromYAML, err := Load("logging.yaml", os.Getenv)
	require.NoError(t, err)
	fromJSON, err := Load("logging.json", os.Getenv)
	require.NoError(t, err)
	assert.Equal(t, sinksOf(fromYAML), sinksOf(fromJSON))
	assert.Equal(t, []Sink{
		{
			Sink: logly.Sink{
				File: "log/app.log", Level: level(slog.LevelDebug), Format: logly.JSON, AddSource: true,
				Enqueue: true, QueueSize: 4 << 20, Rotation: "100 MB or daily", MaxBackups: 14,
				MaxAge: 720 * time.Hour, MaxTotalSize: 1 << 30, Compression: logly.Gzip,
				DelayCompression: true, FileMode: 0o640,
			},
			Redact: []string{"password", "authorization"},
		},
		{
			Sink:   logly.Sink{Writer: os.Stderr, Level: level(slog.LevelWarn)},
			Redact: []string{"password", "authorization"},
		},
	}, sinksOf(fromYAML))

	text, err := os.ReadFile("logging.yaml")
	require.NoError(t, err)
	for _, f := range fields {
		assert.Regexp(t, `(?m)^ +(- |# )?`+f.key+`: `, string(text), "the example shows every key")
	}
}

func TestPrintedSinks(t *testing.T) {
	c, err := Parse("etc/logging.yaml", []byte(`sinks:
  - {writer: stderr, format: text}

  - file: "null"
    max_age: 2 days
    file_mode: "0600"
    queue_size: 1 MB
    enqueue: true
    redact: [a, "b: c"]
`), environment("LOG_LEVEL", "debug"))
	require.NoError(t, err)
	printed, err := c.Print()
	require.NoError(t, err)
	assert.Equal(t, `sinks:
# sink 1 of logging.yaml:2
- writer: stderr
  level: DEBUG
  format: text
# sink 2 of logging.yaml:4
- file: "null"
  level: DEBUG
  enqueue: true
  queue_size: 1000000
  max_age: 48h0m0s
  file_mode: 0600
  redact: [a, 'b: c']
`, string(printed))
}

func TestParseOpensNothing(t *testing.T) {
	dir := t.TempDir()
	_, err := Parse("f.yaml", []byte("sinks: [{file: "+filepath.Join(dir, "sub", "app.log")+", enqueue: true}]"), environment())
	require.NoError(t, err)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestOpenThatFailsTellsTheSink(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "plain"), nil, 0o600))
	bad := filepath.Join(dir, "plain", "app.log")
	c, err := Parse("f.yaml", []byte("sinks:\n  - writer: stderr\n  - file: "+bad+"\n"), environment())
	require.NoError(t, err)
	_, err = c.Open()
	require.Error(t, err)
	assert.Regexp(t, `^f\.yaml:3:5: logly: open `, err.Error())
	var failed *logly.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, bad, failed.Sink)
}

func TestLevelsAreSetWhileItRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	parse := func(text string) *Config {
		c, err := Parse("f.yaml", []byte(text), environment())
		require.NoError(t, err)
		return c
	}
	running := parse("sinks: [{file: " + path + ", level: ERROR}]")
	h, err := running.Open()
	require.NoError(t, err)
	defer h.Close()
	ctx := context.Background()
	assert.False(t, h.Enabled(ctx, slog.LevelDebug))
	require.NoError(t, running.SetLevels(parse("sinks: [{file: elsewhere, level: DEBUG}]")))
	assert.True(t, h.Enabled(ctx, slog.LevelDebug))
	require.NoError(t, running.SetLevels(parse("sinks: [{}]")))
	assert.False(t, h.Enabled(ctx, slog.LevelDebug))
	assert.True(t, h.Enabled(ctx, slog.LevelInfo))
	assert.EqualError(t, running.SetLevels(parse("sinks: [{level: DEBUG}, {}]")),
		"f.yaml: has 2 sinks by now, not 1; to change more than levels, restart")
	assert.False(t, h.Enabled(ctx, slog.LevelDebug), "nothing is changed by halves")
}

func TestRedactedKeysAreHiddenAtAnyDepth(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	c, err := Parse("f.yaml", []byte("sinks: [{file: "+path+", format: text, redact: [time, secret]}]"), environment())
	require.NoError(t, err)
	h, err := c.Open()
	require.NoError(t, err)
	slog.New(h).With("secret", 1).WithGroup("g").Info("secret",
		"secret", "x", "open", "y", slog.Group("secret", "a", 1, slog.Group("b", "c", 2)))
	require.NoError(t, h.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "time=[redacted] level=INFO msg=secret secret=[redacted] g.secret=[redacted] g.open=y g.secret.a=[redacted] g.secret.b.c=[redacted]\n", string(text))
}
