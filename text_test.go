package logly

import (
	"encoding"
	"encoding/json"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// configured is what a program might read from a file.
type configured struct {
	Rotation    Rotation    `json:"rotation"`
	Compression Compression `json:"compression"`
	Format      Format      `json:"format"`
}

func (c configured) sink() Sink {
	return Sink{File: "app.log", Rotation: c.Rotation, Compression: c.Compression, Format: c.Format}
}

func TestWordsAreReadFromJSON(t *testing.T) {
	for _, text := range []string{
		`{"rotation":"","compression":"","format":""}`,
		`{"rotation":"never","compression":"gzip","format":"json"}`,
		`{"rotation":"100 MB or Friday at 18:00","compression":"","format":"console"}`,
	} {
		var c configured
		require.NoError(t, json.Unmarshal([]byte(text), &c))
		assert.NoError(t, c.sink().validate())
		back, err := json.Marshal(c)
		require.NoError(t, err)
		assert.Equal(t, text, string(back))
	}
}

// What UnmarshalText refuses, Open refuses in the same words, and the other way
// round.
func TestWordsAreRefusedInTheWordsOfOpen(t *testing.T) {
	for _, c := range []struct{ field, text, want string }{
		{"Rotation", "dayly", `"dayly": not a size ("10 MB"), minutely,`},
		{"Rotation", "10 MB or dayly", `"10 MB or dayly": part "dayly": not a size`},
		{"Rotation", " daily", `" daily": words are separated by single spaces`},
		{"Rotation", "daily\x00", `"daily\x00": not a size`},
		{"Compression", "zip", `"zip": must be "gzip" or empty`},
		{"Compression", "Gzip", `"Gzip": must be "gzip" or empty`},
		{"Compression", " ", `" ": must be "gzip" or empty`},
		{"Format", "xml", `"xml": must be "json", "text", "console" or empty`},
		{"Format", "JSON", `"JSON": must be "json", "text", "console" or empty`},
	} {
		s := Sink{File: "app.log", Rotation: Daily, Compression: Gzip, Format: Text}
		before := s
		err := map[string]encoding.TextUnmarshaler{
			"Rotation": &s.Rotation, "Compression": &s.Compression, "Format": &s.Format,
		}[c.field].UnmarshalText([]byte(c.text))
		require.Error(t, err, c.text)
		assert.True(t, strings.HasPrefix(err.Error(), "logly: "+c.field+": "+c.want), "%s", err)
		assert.Equal(t, before, s, "a value is left as it was")

		switch c.field {
		case "Rotation":
			s.Rotation = Rotation(c.text)
		case "Compression":
			s.Compression = Compression(c.text)
		case "Format":
			s.Format = Format(c.text)
		}
		_, fromOpen := Open(s)
		assert.EqualError(t, fromOpen, strings.Replace(err.Error(), "logly: ", "logly: sink 1: ", 1))
	}
}

func TestWordsAreFlags(t *testing.T) {
	var c configured
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.TextVar(&c.Rotation, "rotation", Daily, "")
	flags.TextVar(&c.Compression, "compression", Compression(""), "")
	flags.TextVar(&c.Format, "format", JSON, "")
	assert.Equal(t, "daily", flags.Lookup("rotation").DefValue)
	require.NoError(t, flags.Parse([]string{"-rotation", "10 MB", "-compression=gzip"}))
	assert.Equal(t, configured{"10 MB", Gzip, JSON}, c)
	assert.EqualError(t, flags.Parse([]string{"-format=xml"}),
		`invalid value "xml" for flag -format: logly: Format: "xml": must be "json", "text", "console" or empty`)
	assert.Equal(t, JSON, c.Format)
}

// Whatever the text, UnmarshalText accepts it exactly if a Sink does, and what
// it accepts comes back unchanged through JSON.
func FuzzUnmarshalText(f *testing.F) {
	for _, seed := range []string{"", "never", "daily", "100 MB or monday at 06:00", "dayly", "gzip", "Gzip", "json", "text", "console", "xml", " daily", "1 \u212aB", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		readsAsASinkDoes(t, text, new(Rotation), Sink{File: "f", Rotation: Rotation(text)})
		readsAsASinkDoes(t, text, new(Compression), Sink{File: "f", Compression: Compression(text)})
		readsAsASinkDoes(t, text, new(Format), Sink{File: "f", Format: Format(text)})
	})
}

func readsAsASinkDoes[T ~string, P interface {
	*T
	encoding.TextUnmarshaler
}](t *testing.T, text string, to P, s Sink) {
	err := to.UnmarshalText([]byte(text))
	valid := s.validate()
	if valid != nil {
		require.EqualError(t, err, "logly: "+valid.Error())
		require.Zero(t, *to)
		return
	}
	require.NoError(t, err)
	require.Equal(t, text, string(*to))
	line, err := json.Marshal(to)
	require.NoError(t, err)
	back := P(new(T))
	require.NoError(t, json.Unmarshal(line, back))
	require.Equal(t, *to, *back)
}
