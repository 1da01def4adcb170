package logly

import (
	"encoding"
	"fmt"

	"github.com/logly-go/logly/internal/schedule"
)

// Rotation, Compression and Format are read where a program is configured: by
// encoding/json, by packages for YAML, TOML and the environment, and by
// flag.TextVar. A mistake is told there, in the words of NewHandler, and what
// is accepted is what a Sink accepts.
var (
	_ encoding.TextUnmarshaler = (*Rotation)(nil)
	_ encoding.TextUnmarshaler = (*Compression)(nil)
	_ encoding.TextUnmarshaler = (*Format)(nil)
	_ encoding.TextMarshaler   = Rotation("") // which flag.TextVar needs as well
	_ encoding.TextMarshaler   = Compression("")
	_ encoding.TextMarshaler   = Format("")
)

// UnmarshalText sets r to text, or returns an error that says what is accepted
// and leaves r as it was. It makes encoding/json, flag.TextVar and the like
// refuse what [NewHandler] would panic about.
func (r *Rotation) UnmarshalText(text []byte) error { return unmarshal(r, "Rotation", text) }

// MarshalText returns r as it is written; it never fails.
func (r Rotation) MarshalText() ([]byte, error) { return []byte(r), nil }

// UnmarshalText sets c to text, or returns an error that says what is accepted
// and leaves c as it was. It makes encoding/json, flag.TextVar and the like
// refuse what [NewHandler] would panic about.
func (c *Compression) UnmarshalText(text []byte) error { return unmarshal(c, "Compression", text) }

// MarshalText returns c as it is written; it never fails.
func (c Compression) MarshalText() ([]byte, error) { return []byte(c), nil }

// UnmarshalText sets f to text, or returns an error that says what is accepted
// and leaves f as it was. It makes encoding/json, flag.TextVar and the like
// refuse what [NewHandler] would panic about.
func (f *Format) UnmarshalText(text []byte) error { return unmarshal(f, "Format", text) }

// MarshalText returns f as it is written; it never fails.
func (f Format) MarshalText() ([]byte, error) { return []byte(f), nil }

// words is a field of Sink that is a word or a few.
type words interface {
	~string
	check() error // names the value and what is accepted
}

func unmarshal[T words](to *T, field string, text []byte) error {
	value := T(text)
	if err := value.check(); err != nil {
		return fmt.Errorf("logly: %s: %w", field, err)
	}
	*to = value
	return nil
}

func (r Rotation) check() error {
	_, err := schedule.Parse(string(r))
	return err
}

func (c Compression) check() error {
	switch c {
	case "", Gzip:
		return nil
	}
	return fmt.Errorf(`%q: must be "gzip" or empty`, c)
}

func (f Format) check() error {
	switch f {
	case "", JSON, Text, Console:
		return nil
	}
	return fmt.Errorf(`%q: must be "json", "text", "console" or empty`, f)
}
