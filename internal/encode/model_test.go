package encode

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// call is one call of ReplaceAttr.
type call struct {
	groups []string
	isNil  bool
	key    string
}

// recorder wraps a ReplaceAttr so that its calls are noted.
type recorder struct{ calls []call }

func (c *recorder) wrap(rep func([]string, slog.Attr) slog.Attr) func([]string, slog.Attr) slog.Attr {
	if rep == nil {
		return nil
	}
	return func(groups []string, a slog.Attr) slog.Attr {
		c.calls = append(c.calls, call{append([]string{}, groups...), groups == nil, a.Key})
		return rep(groups, a)
	}
}

// logly runs the case on an Encoder.
func (c *testCase) logly() (line []byte, calls []call) {
	var rec recorder
	o := c.opts
	o.ReplaceAttr = rec.wrap(o.ReplaceAttr)
	e := New(o)
	chain := e.Root()
	for _, op := range c.ops {
		if op.group != "" {
			chain = chain.WithGroup(op.group)
		} else {
			chain = chain.WithAttrs(op.attrs)
		}
	}
	fixed := e.AppendFields(nil, c.fixed)
	r := c.rec
	return chain.Append(nil, &r, fixed, c.dynamic), rec.calls
}

// slog runs the case on slog's own handler. Context fields are what a handler
// was given before everything else.
func (c *testCase) slog() (line []byte, calls []call) {
	var rec recorder
	var out bytes.Buffer
	o := c.opts
	o.ReplaceAttr = rec.wrap(o.ReplaceAttr)
	h := slogHandler(&out, o).WithAttrs(c.fixed).WithAttrs(c.dynamic)
	for _, op := range c.ops {
		if op.group != "" {
			h = h.WithGroup(op.group)
		} else {
			h = h.WithAttrs(op.attrs)
		}
	}
	_ = h.Handle(context.Background(), c.rec)
	return out.Bytes(), rec.calls
}

// model computes what a case comes down to once everything is resolved,
// replaced, and free of what slog gets wrong.
type model struct {
	opts   Options
	calls  []call
	groups []string // nil in built-in attributes
	wrong  bool     // slog writes this case wrongly
}

// normalized returns a case that means the same as c and that slog writes
// rightly. Its ReplaceAttr only puts the built-in attributes in place.
func (c *testCase) normalized() (*testCase, *model) {
	m := &model{opts: c.opts, groups: []string{}}
	d := &testCase{opts: c.opts}
	for _, op := range c.ops {
		if op.group != "" {
			m.groups = append(m.groups, op.group)
		} else {
			all := op.attrs
			if op.attrs = nil; slices.ContainsFunc(all, func(a slog.Attr) bool { return !isEmptyGroup(a.Value) }) {
				op.attrs = m.attrs(all)
			}
		}
		d.ops = append(d.ops, op)
	}
	all := m.groups
	m.groups = []string{}
	d.fixed = m.attrs(c.fixed)

	m.groups = nil
	builtins := map[string]slog.Attr{}
	order := []slog.Attr{slog.Time(slog.TimeKey, c.rec.Time), slog.Any(slog.LevelKey, c.rec.Level),
		slog.Any(slog.SourceKey, recordSource(&c.rec)), slog.String(slog.MessageKey, c.rec.Message)}
	for i, a := range order {
		if i == 0 && c.rec.Time.IsZero() || i == 2 && !c.opts.AddSource {
			continue
		}
		if as := m.attrs([]slog.Attr{a}); len(as) > 0 {
			builtins[a.Key] = as[0]
		} else {
			builtins[a.Key] = slog.Attr{}
		}
	}
	d.opts.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if b, ok := builtins[a.Key]; ok && groups == nil {
			delete(builtins, a.Key)
			return b
		}
		return a
	}

	m.groups = []string{}
	d.dynamic = m.attrs(c.dynamic)
	m.groups = all
	d.rec = slog.NewRecord(c.rec.Time, c.rec.Level, c.rec.Message, c.rec.PC)
	var as []slog.Attr
	c.rec.Attrs(func(a slog.Attr) bool { as = append(as, a); return true })
	d.rec.AddAttrs(m.attrs(as)...)
	return d, m
}

// attrs returns the attributes that are left of as.
func (m *model) attrs(as []slog.Attr) []slog.Attr {
	var out []slog.Attr
	for _, a := range as {
		if a, ok := m.attr(a); ok {
			out = append(out, a)
		}
	}
	return out
}

func (m *model) attr(a slog.Attr) (slog.Attr, bool) {
	a.Value = a.Value.Resolve()
	if m.opts.ReplaceAttr != nil && a.Value.Kind() != slog.KindGroup {
		m.calls = append(m.calls, call{append([]string{}, m.groups...), m.groups == nil, a.Key})
		a = m.opts.ReplaceAttr(m.groups, a)
		a.Value = a.Value.Resolve()
	}
	if a.Equal(slog.Attr{}) {
		return a, false
	}
	if a.Value.Kind() == slog.KindAny {
		if src, ok := a.Value.Any().(*slog.Source); ok {
			if src == nil || *src == (slog.Source{}) {
				return a, false
			}
			if m.opts.Format != JSON {
				return a, true
			}
			a.Value = slog.GroupValue(sourceAttrs(src)...)
		}
	}
	if a.Value.Kind() != slog.KindGroup {
		a.Value = m.leaf(a.Value)
		return a, true
	}
	if len(a.Value.Group()) == 0 {
		if m.opts.Format != JSON {
			return a, false // counts as appended in slog too, but cannot be seen
		}
		a.Value = slog.AnyValue(valuer{a.Value}) // so that it stays
		return a, true
	}
	groups := m.groups
	if a.Key != "" && groups != nil {
		m.groups = append(slices.Clip(groups), a.Key)
	}
	as := m.attrs(a.Value.Group())
	m.groups = groups
	if len(as) == 0 { // slog fails to restore its state, or puts a stray space
		m.wrong = m.wrong || a.Key != ""
		return a, false
	}
	a.Value = slog.GroupValue(as...)
	return a, true
}

// leaf replaces the values that slog writes wrongly by what they should be.
func (m *model) leaf(v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindTime:
		t := v.Time()
		if t.Year() >= 0 && t.Year() <= 9999 {
			return v
		}
		m.wrong = true
		if m.opts.Format == JSON {
			return slog.StringValue("!ERROR:time.Time year outside of range [0,9999]")
		}
		return slog.StringValue(t.Format("2006-01-02T15:04:05.000Z07:00"))
	case slog.KindAny:
		if _, ok := v.Any().(json.Marshaler); !ok || m.opts.Format != JSON {
			return v
		}
		if raw, ok := plainMarshal(v.Any()); ok && !utf8.Valid(raw) {
			m.wrong = true
			var b strings.Builder
			for _, r := range string(raw) { // invalid bytes come as U+FFFD, which no case holds otherwise in JSON text
				if r == utf8.RuneError {
					b.WriteString(`\ufffd`)
				} else {
					b.WriteRune(r)
				}
			}
			return slog.AnyValue(json.RawMessage(b.String()))
		}
	}
	return v
}

func plainMarshal(v any) (raw []byte, ok bool) {
	defer func() { _ = recover() }()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err == nil
}

// The frames below a panicking LogValue differ between slog and this package.
var frames = regexp.MustCompile(`(called from .*?:\d+\)|\(rest of stack elided\)|\(no stack\))(\\n)?`)

func maskFrames(line []byte) string {
	if !bytes.Contains(line, []byte("LogValue panicked")) {
		return string(line)
	}
	return frames.ReplaceAllString(string(line), "")
}
