package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// overrides are the variables that replace what the file says.
var overrides = []struct{ variable, key string }{
	{"LOG_LEVEL", "level"},
	{"LOG_FORMAT", "format"},
	{"LOG_FILE", "file"},
}

func (c *Config) override(getenv func(string) string) error {
	var wrong []error
	for _, o := range overrides {
		text := getenv(o.variable)
		if text == "" {
			continue
		}
		if err := c.setAll(o.key, text); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", o.variable, err))
		}
	}
	return errors.Join(wrong...)
}

func (c *Config) setAll(key, text string) error {
	f, _ := findField(key)
	count := 0
	for i := range c.Sinks {
		s := &c.Sinks[i]
		if key == "file" && s.File == "" {
			continue
		}
		if err := f.set(s, text); err != nil {
			return err
		}
		count++
	}
	if key == "file" && count != 1 {
		return fmt.Errorf("%q: needs one sink with a file; %s has %d", text, c.File, count)
	}
	return nil
}

// reference is ${NAME} or ${NAME:-DEFAULT}; anything else that begins so has no
// name.
var reference = regexp.MustCompile(`\$\{(?:(\w+)(?::-([^{}]*))?\})?`)

// expand replaces the references in a value, once: what a variable holds is
// never looked into, and the file's structure is settled before. A variable that
// is empty counts as not set, for half a path is worse than none.
func expand(text string, getenv func(string) string) (string, error) {
	var wrong error
	expanded := reference.ReplaceAllStringFunc(text, func(match string) string {
		parts := reference.FindStringSubmatch(match)
		name, fallback := parts[1], parts[2]
		if name == "" {
			wrong = fmt.Errorf("%q: must be ${NAME} or ${NAME:-DEFAULT}", text)
			return ""
		}
		if value := getenv(name); value != "" {
			return value
		}
		if !strings.Contains(match, ":-") {
			wrong = fmt.Errorf("%q: %s is not set", text, name)
		}
		return fallback
	})
	return expanded, wrong
}
