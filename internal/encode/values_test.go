package encode

import (
	"encoding/json"
	"hash/fnv"
	"log/slog"
	"strings"
	"time"
)

type valuer struct{ v slog.Value }

func (v valuer) LogValue() slog.Value { return v.v }

type cyclic struct{}

func (c cyclic) LogValue() slog.Value { return slog.AnyValue(c) }

type panicking struct{ with any }

func (p panicking) LogValue() slog.Value { panic(p.with) }

type pointerValuer struct{ s string }

func (p *pointerValuer) LogValue() slog.Value { return slog.StringValue(p.s) }

type (
	namedBytes  []byte
	namedByte   byte
	textErr     struct{ s string }
	nilErr      struct{ s string }
	marshalText struct {
		s   string
		err error
	}
	panicText   struct{ with any }
	marshalJSON struct {
		s   string
		err error
	}
	panicJSON struct{ with any }
	bothErr   struct{ s string }
	pairs2    struct {
		A int    `json:"a"`
		B string `json:"b,omitempty"`
		c float64
	}
	stringer struct{ s string }
)

func (e textErr) Error() string                    { return e.s }
func (e *nilErr) Error() string                    { return e.s }
func (m marshalText) MarshalText() ([]byte, error) { return []byte(m.s), m.err }
func (p *panicText) MarshalText() ([]byte, error)  { panic(p.with) }
func (m marshalJSON) MarshalJSON() ([]byte, error) { return []byte(m.s), m.err }
func (p *panicJSON) MarshalJSON() ([]byte, error)  { panic(p.with) }
func (e bothErr) Error() string                    { return "E" + e.s }
func (e bothErr) MarshalJSON() ([]byte, error)     { return json.Marshal(e.s) }
func (s stringer) String() string                  { return s.s }

// replacer returns one of several pure ReplaceAttr functions, or nil.
func (g *gen) replacer() func([]string, slog.Attr) slog.Attr {
	switch g.n(8) {
	case 0:
		return func(_ []string, a slog.Attr) slog.Attr { return a }
	case 1:
		return func(groups []string, a slog.Attr) slog.Attr {
			if strings.HasSuffix(a.Key, "gone") || a.Key == "a" || len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	case 2:
		return func(groups []string, a slog.Attr) slog.Attr {
			a.Key = strings.Join(groups, "/") + strings.ToUpper(a.Key)
			return a
		}
	case 3, 4:
		salt := byte(g.n(256))
		return func(groups []string, a slog.Attr) slog.Attr { return meddle(salt, groups, a) }
	}
	return nil
}

// meddle does one of many things with a, decided by its name and groups. It
// leaves alone what begins with '~', which is how it names what it makes.
func meddle(salt byte, groups []string, a slog.Attr) slog.Attr {
	if a.Key == "~gone" {
		return slog.Attr{}
	}
	if strings.HasPrefix(a.Key, "~") || len(groups) > 4 || a.Key == "function" || a.Key == "file" || a.Key == "line" {
		return a
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte{salt})
	_, _ = h.Write([]byte(a.Key))
	for _, g := range groups {
		_, _ = h.Write([]byte(g))
	}
	switch h.Sum32() >> 8 % 16 {
	case 0:
		return slog.Attr{}
	case 1:
		a.Key = "~renamed key"
	case 2:
		a.Key = ""
	case 3:
		a.Value = slog.IntValue(42)
	case 4:
		a.Value = slog.AnyValue(valuer{slog.StringValue("late")})
	case 5:
		a.Value = slog.GroupValue(slog.Int("~kept", 1), slog.Int("~gone", 2))
	case 6:
		a.Value = slog.GroupValue(slog.Int("~gone", 1))
	case 7:
		a.Value = slog.AnyValue(valuer{slog.GroupValue()})
	case 8:
		a = slog.Attr{Value: slog.GroupValue(slog.Int("~x", 1), slog.Group("~g", slog.Int("~gone", 1)), slog.Int("~y", 2))}
	case 9:
		a.Value = slog.AnyValue(&slog.Source{File: "f.go", Line: 3})
	case 10:
		a.Value = slog.TimeValue(time.Unix(1e12, 5e6).UTC())
	case 11:
		a.Value = slog.AnyValue(panicking{"late"})
	}
	return a
}
