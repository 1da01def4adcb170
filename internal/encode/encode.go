// Package encode turns a [slog.Record] into one finished line: JSON, logfmt
// text, or a line for people at a terminal.
//
// JSON and Text are byte for byte what slog's own handlers write, except where
// those are wrong: a group that turns out to be empty leaves no trace, a time
// that RFC 3339 cannot express is one value, bytes that are not UTF-8 never
// reach a JSON line, and groups that nest without end are cut.
package encode

import (
	"log/slog"
	"slices"
)

// Format is the shape of a line.
type Format uint8

// The formats.
const (
	JSON    Format = iota // as slog.JSONHandler
	Text                  // as slog.TextHandler
	Console               // short, for reading at a terminal
)

// Options select an encoding. The zero value is plain JSON.
type Options struct {
	Format      Format
	AddSource   bool                                         // add the file and line of the log call; default false
	ReplaceAttr func(groups []string, a slog.Attr) slog.Attr // as in slog.HandlerOptions; default nil
	Color       bool                                         // Console only: ANSI colours; default false
}

// Encoder is one encoding. It is immutable and safe for concurrent use.
type Encoder struct {
	format  Format
	source  bool
	color   bool
	replace func(groups []string, a slog.Attr) slog.Attr
	sources *sourceCache // nil where ReplaceAttr may change what it would hold
	today   dayCache
	root    Chain
}

// New returns the Encoder for o.
func New(o Options) *Encoder {
	e := &Encoder{
		format:  o.Format,
		source:  o.AddSource,
		color:   o.Color && o.Format == Console,
		replace: o.ReplaceAttr,
	}
	if o.AddSource && o.ReplaceAttr == nil {
		e.sources = new(sourceCache)
	}
	e.root.enc = e
	return e
}

// Root returns the Chain with no attributes and no groups.
func (e *Encoder) Root() *Chain { return &e.root }

// AppendFields appends attrs encoded as attributes at the root of a record,
// without a separator before or after. It may append nothing. The result
// serves Append of any Chain of this Encoder.
func (e *Encoder) AppendFields(buf []byte, attrs []slog.Attr) []byte {
	s := state{enc: e, buf: buf, start: len(buf)}
	s.enter(nil, "")
	s.attrs(attrs)
	s.release()
	return s.buf
}

// Chain is what a derived handler adds to every record: attributes, encoded
// once, and groups, still open. It is immutable; siblings share no memory that
// either would write to.
type Chain struct {
	enc    *Encoder
	pre    []byte   // encoded attributes, with the groups opened for them; clipped
	open   []byte   // JSON: the opening of groups[nOpen:]
	nOpen  int      // how many of groups are open in pre
	groups []string // all groups, outermost first
	prefix string   // Text and Console: what groups put before a key
}

// Encoder returns the Encoder that c belongs to.
func (c *Chain) Encoder() *Encoder { return c.enc }

// WithAttrs returns a Chain that adds attrs inside the groups open in c. The
// receiver is returned if attrs leave nothing in the line.
func (c *Chain) WithAttrs(attrs []slog.Attr) *Chain {
	if !slices.ContainsFunc(attrs, func(a slog.Attr) bool { return !isEmptyGroup(a.Value) }) {
		return c
	}
	s := state{enc: c.enc, buf: c.pre}
	s.enter(c.groups, c.prefix)
	s.chunk(c.open)
	appended := s.attrs(attrs)
	s.release()
	if !appended {
		return c
	}
	d := *c
	d.pre = slices.Clip(s.buf)
	d.open = nil
	d.nOpen = len(c.groups)
	return &d
}

// WithGroup returns a Chain whose further attributes stand in the group name.
// An empty name returns the receiver.
func (c *Chain) WithGroup(name string) *Chain {
	if name == "" {
		return c
	}
	d := *c
	d.groups = append(slices.Clip(c.groups), name)
	if c.enc.format == JSON {
		d.open = slices.Clip(c.open)
		if len(d.open) > 0 && d.open[len(d.open)-1] != '{' {
			d.open = append(d.open, ',')
		}
		d.open = append(appendJSONString(d.open, name), ':', '{')
	} else {
		d.prefix = c.prefix + name + "."
	}
	return &d
}

// Append appends r as one line. fixed, made by AppendFields, and dynamic stand
// at the root of the record right after the message, whatever groups are open.
// The appended bytes hold exactly one '\n', the last.
func (c *Chain) Append(buf []byte, r *slog.Record, fixed []byte, dynamic []slog.Attr) []byte {
	e := c.enc
	var s state // no literal, which would be made elsewhere and copied
	s.enc, s.buf, s.start = e, buf, len(buf)
	switch {
	case e.format == Console:
		s.consoleBuiltins(r)
	case e.replace != nil:
		s.replacedBuiltins(r)
	case e.format == JSON:
		s.jsonBuiltins(r)
	default:
		s.textBuiltins(r)
	}
	s.chunk(fixed)
	if len(dynamic) > 0 {
		s.enter(nil, "")
		s.attrs(dynamic)
	}
	s.chunk(c.pre)
	s.enter(c.groups, c.prefix)
	mark := len(s.buf)
	s.chunk(c.open)
	nOpen := len(c.groups)
	if !s.recordAttrs(r) {
		s.buf = s.buf[:mark]
		nOpen = c.nOpen
	}
	s.release()
	b := s.buf
	if e.format == JSON {
		for range nOpen {
			b = append(b, '}')
		}
		b = append(b, '}')
	}
	return append(b, '\n')
}
