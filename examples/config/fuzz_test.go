package main

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever the file, Parse does not panic, every mistake begins with a place that
// is in the file, and what is accepted is said again by Print.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"logging.yaml", "logging.json"} {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(text, file == "logging.json")
	}
	for _, text := range []string{
		"", "sinks:", "sinks: [{}]", twoSinks, "sinks:\n- &a {file: a}\n- *a\n", "sinks: &s [*s]", "a: b: c", "%YAML 1.1\n---\nsinks: []",
		"sinks: [{file: \"${A:-b}\", redact: [a, ~, !x y]}]", "\ufeffsinks: [{}]", "sinks: [{file: |\n a\n b\n}]", "? [a]\n: b", "{", "\xff", "a\x00",
		"sinks: [{file: a, durable: true}]", "sinks: [{level: DEBUG+7, max_age: 3 days, queue_size: 1.5 MB, file_mode: 0600}]",
	} {
		f.Add([]byte(text), false)
		f.Add([]byte(text), true)
	}
	place := regexp.MustCompile(`^logging\.(yaml|json):([1-9][0-9]*):([1-9][0-9]*): \S`)
	f.Fuzz(func(t *testing.T, text []byte, isJSON bool) {
		file := "logging.yaml"
		if isJSON {
			file = "logging.json"
		}
		config, err := Parse(file, text, environment())
		if err != nil {
			require.Nil(t, config)
			for _, one := range separate(err) {
				require.Regexp(t, place, one.Error())
				require.NotContains(t, one.Error(), "\n")
			}
			return
		}
		printed, err := config.Print()
		require.NoError(t, err)
		if strings.Contains(string(printed), "${") {
			return // "$${A:-}{B}" comes to "${B}", which is not the file's own any more
		}
		again, err := Parse("printed.yaml", printed, environment())
		require.NoError(t, err, "%s", printed)
		require.Equal(t, sinksOf(config), sinksOf(again), "%s", printed)
	})
}

// separate returns the errors that errors.Join has joined.
func separate(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	return []error{err}
}
