package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/logly-go/logly"
)

// Config is the sinks that a file describes.
type Config struct {
	File  string
	Sinks []Sink
}

// Sink is a logly.Sink as it was read. Its Level is a *slog.LevelVar.
type Sink struct {
	logly.Sink
	Redact []string // what ReplaceAttr will hide
	At     Position
}

// Load reads the file at path; see [Parse].
func Load(path string, getenv func(string) string) (*Config, error) {
	text, err := os.ReadFile(path) //gosec:disable G304 -- what the user has asked for
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, text, getenv)
}

// Parse reads a configuration in YAML or JSON, and then the environment, which
// overrides it: LOG_LEVEL and LOG_FORMAT are for every sink, LOG_FILE is the path
// of the one sink that has a file. Empty ones count as not set.
//
// The error holds all mistakes, each with its place: in the file, or as the name
// of the variable. The configuration that is returned is one that logly takes.
func Parse(file string, text []byte, getenv func(string) string) (*Config, error) {
	root, err := parseDocument(file, text)
	if err != nil {
		return nil, err
	}
	r := reader{file: file, getenv: getenv}
	c := &Config{File: file, Sinks: r.sinks(root)}
	if err := errors.Join(r.wrong...); err != nil {
		return nil, err
	}
	if err := c.override(getenv); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}

// check tells what contradicts itself, as only logly knows. Open looks at all of
// its options before it opens anything, so one that is never valid, put last,
// keeps it from opening anything: refused for that one alone, the others are
// right.
func (c *Config) check() error {
	never := logly.Sink{QueueSize: -1}
	_, err := logly.Open(append(c.options(), never)...)
	if number(err) == len(c.Sinks)+1 {
		return nil
	}
	return c.placed(err)
}

// Open opens the handler. An error tells the sink's place in the file.
func (c *Config) Open(more ...logly.Option) (*logly.Handler, error) {
	h, err := logly.Open(append(c.options(), more...)...)
	if err != nil {
		return nil, c.placed(err)
	}
	return h, nil
}

func (c *Config) options() []logly.Option {
	var all []logly.Option
	for _, s := range c.Sinks {
		if len(s.Redact) > 0 {
			s.ReplaceAttr = redact(s.Redact)
		}
		all = append(all, s.Sink)
	}
	return all
}

// placed puts the place of the sink that err is about before it.
func (c *Config) placed(err error) error {
	i := number(err) - 1
	var failed *logly.Error
	if errors.As(err, &failed) {
		i = slices.IndexFunc(c.Sinks, func(s Sink) bool { return s.File == failed.Sink })
	}
	if i < 0 || i >= len(c.Sinks) {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	return fmt.Errorf("%v: %w", c.Sinks[i].At, err)
}

// number returns which sink logly refuses, counted from 1; 0: none.
func number(err error) (n int) {
	if err != nil {
		_, _ = fmt.Sscanf(err.Error(), "logly: sink %d:", &n) // of another error, n stays 0
	}
	return n
}

// SetLevels gives the sinks of a running handler the levels that the file has by
// now. Nothing else can be changed while it runs.
func (c *Config) SetLevels(now *Config) error {
	if len(now.Sinks) != len(c.Sinks) {
		return fmt.Errorf("%s: has %d sinks by now, not %d; to change more than levels, restart", now.File, len(now.Sinks), len(c.Sinks))
	}
	for i, s := range c.Sinks {
		s.Level.(*slog.LevelVar).Set(now.Sinks[i].Level.Level())
	}
	return nil
}
