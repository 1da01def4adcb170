package main

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
	"github.com/dustin/go-humanize"

	"github.com/logly-go/logly"
)

// field is a key of a sink.
type field struct {
	key  string
	set  func(s *Sink, text string) error // an error names text and what is accepted
	text func(s *Sink) string             // "" if it has its default
}

// fields are the keys of a sink in the order in which they are printed. Besides
// these there is redact, whose value is a list.
var fields = []field{
	of("file", func(s *Sink) *string { return &s.File }, parsePath, echo),
	of("writer", func(s *Sink) *io.Writer { return &s.Writer }, parseWriter, formatWriter),
	of("level", func(s *Sink) *slog.Leveler { return &s.Level }, parseVariableLevel, formatLevel),
	words("format", func(s *Sink) *logly.Format { return &s.Format }),
	of("add_source", func(s *Sink) *bool { return &s.AddSource }, parseBool, strconv.FormatBool),
	of("enqueue", func(s *Sink) *bool { return &s.Enqueue }, parseBool, strconv.FormatBool),
	of("queue_size", func(s *Sink) *int { return &s.QueueSize }, parseBytes[int], strconv.Itoa),
	of("drop_below", func(s *Sink) *slog.Leveler { return &s.DropBelow }, parseLevel, formatLevel),
	of("durable", func(s *Sink) *bool { return &s.Durable }, parseBool, strconv.FormatBool),
	words("rotation", func(s *Sink) *logly.Rotation { return &s.Rotation }),
	of("max_backups", func(s *Sink) *int { return &s.MaxBackups }, parseCount, strconv.Itoa),
	of("max_age", func(s *Sink) *time.Duration { return &s.MaxAge }, parseAge, time.Duration.String),
	of("max_total_size", func(s *Sink) *int64 { return &s.MaxTotalSize }, parseBytes[int64], formatInt64),
	words("compression", func(s *Sink) *logly.Compression { return &s.Compression }),
	of("delay_compression", func(s *Sink) *bool { return &s.DelayCompression }, parseBool, strconv.FormatBool),
	of("local_time", func(s *Sink) *bool { return &s.LocalTime }, parseBool, strconv.FormatBool),
	of("file_mode", func(s *Sink) *fs.FileMode { return &s.FileMode }, parseMode, formatMode),
}

const redactKey = "redact"

// of describes the key whose value is parsed into the field that at points to.
func of[T comparable](key string, at func(*Sink) *T, parse func(string) (T, error), format func(T) string) field {
	return field{
		key: key,
		set: func(s *Sink, text string) error {
			value, err := parse(text)
			if err == nil {
				*at(s) = value
			}
			return err
		},
		text: func(s *Sink) string {
			if value, zero := *at(s), *new(T); value != zero {
				return format(value)
			}
			return ""
		},
	}
}

// words describes a key whose value logly parses itself.
func words[T ~string, P interface {
	*T
	encoding.TextUnmarshaler
}](key string, at func(*Sink) P) field {
	return field{
		key: key,
		set: func(s *Sink, text string) error {
			err := at(s).UnmarshalText([]byte(text))
			if cause := errors.Unwrap(err); cause != nil {
				return cause // without the name of the field, which the key says
			}
			return err
		},
		text: func(s *Sink) string { return string(*at(s)) },
	}
}

func findField(key string) (field, bool) {
	i := slices.IndexFunc(fields, func(f field) bool { return f.key == key })
	if i < 0 {
		return field{}, false
	}
	return fields[i], true
}

// likeliest returns the keys that key may be a slip of: the nearest ones, or
// all if none is near.
func likeliest(key string) []string {
	keys := []string{redactKey}
	for _, f := range fields {
		keys = append(keys, f.key)
	}
	slices.Sort(keys)
	far := func(k string) int { return levenshtein.ComputeDistance(strings.ToLower(key), k) }
	least := far(slices.MinFunc(keys, func(a, b string) int { return far(a) - far(b) }))
	if 2*least > len(key) {
		return keys
	}
	return slices.DeleteFunc(keys, func(k string) bool { return far(k) > least })
}

// mustBe is the error of a value that is not what is accepted.
func mustBe(text, want string) error { return fmt.Errorf("%q: must be %s", text, want) }

func echo(s string) string { return s }

func parsePath(text string) (string, error) {
	if text == "" {
		return "", mustBe(text, "a path")
	}
	return text, nil
}

func parseWriter(text string) (io.Writer, error) {
	switch text {
	case "stdout":
		return os.Stdout, nil
	case "stderr":
		return os.Stderr, nil
	}
	return nil, mustBe(text, `"stdout" or "stderr"`)
}

func formatWriter(w io.Writer) string {
	if w == os.Stderr {
		return "stderr"
	}
	return "stdout"
}

func parseLevel(text string) (slog.Leveler, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(text)); err != nil {
		return nil, mustBe(text, `"DEBUG", "INFO", "WARN" or "ERROR", with an offset if need be, as in "INFO+2"`)
	}
	return l, nil
}

// parseVariableLevel makes a level that can be changed while the program runs.
func parseVariableLevel(text string) (slog.Leveler, error) {
	l, err := parseLevel(text)
	if err != nil {
		return nil, err
	}
	v := new(slog.LevelVar)
	v.Set(l.Level())
	return v, nil
}

func formatLevel(l slog.Leveler) string { return l.Level().String() }

func parseBool(text string) (bool, error) {
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, mustBe(text, "true or false")
}

func parseCount(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, mustBe(text, "a whole number, 0 or more")
	}
	return int(n), nil
}

// parseBytes reads a number of bytes or, as in a rotation, a size with a unit.
// Commas, which humanize skips, are refused: "1,5 MB" would be 15.
func parseBytes[T int | int64](text string) (T, error) {
	n, err := humanize.ParseBytes(text)
	if err != nil || strings.Contains(text, ",") || T(n) < 0 || uint64(T(n)) != n {
		return 0, mustBe(text, `a number of bytes or a size such as "64 KiB" or "10 MB"`)
	}
	return T(n), nil
}

func formatInt64(n int64) string { return strconv.FormatInt(n, 10) }

// parseAge reads a duration as Go writes it, or a number of days of 24 hours.
func parseAge(text string) (time.Duration, error) {
	const day, most = 24 * time.Hour, uint64(math.MaxInt64 / (24 * time.Hour))
	if number, unit, ok := strings.Cut(text, " "); ok && (unit == "day" || unit == "days") {
		if n, err := strconv.ParseUint(number, 10, 64); err == nil && n <= most {
			return time.Duration(n) * day, nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return d, nil
	}
	return 0, mustBe(text, `a number of days such as "30 days" or a duration such as "720h"`)
}

// parseMode wants the leading 0 that says octal: without it, 640 may be meant
// either way.
func parseMode(text string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || !strings.HasPrefix(text, "0") || n > uint64(fs.ModePerm) {
		return 0, mustBe(text, `permission bits in octal with a leading 0, such as "0640"`)
	}
	return fs.FileMode(n), nil
}

func formatMode(m fs.FileMode) string { return fmt.Sprintf("%#04o", uint32(m)) }
