package encode

import (
	"fmt"
	"log/slog"
	"sync"
)

// MaxDepth bounds the groups inside one attribute. A LogValuer that returns a
// group holding itself would otherwise end the program by stack overflow. TooDeep
// is written where it is reached.
const (
	MaxDepth = 1000
	TooDeep  = "!ERROR:groups nested more than 1000 deep"
)

// state is one line in the making.
//
// Whether a separator is due follows from buf alone: cutting buf back takes
// the separator back too, so nothing else has to be restored.
type state struct {
	enc     *Encoder
	buf     []byte
	start   int      // where in buf the line begins
	base    string   // Text and Console: key prefix of the Chain's groups
	sub     []byte   // the same of the groups opened since
	groups  []string // open groups, for ReplaceAttr; nil in built-in attributes
	tracked bool     // whether groups follows the groups that are opened
	depth   int
	scratch *scratch // where sub and groups are borrowed from
}

// scratch is memory for group names. A line takes it only when it needs some,
// and keeps it to itself until it is done: user code that is called meanwhile
// may log through the same Encoder.
type scratch struct {
	sub    []byte
	groups []string
}

var scratchPool = sync.Pool{New: func() any {
	return &scratch{sub: make([]byte, 0, 128), groups: make([]string, 0, 10)}
}}

func (s *state) borrow() {
	if s.scratch == nil {
		s.scratch = scratchPool.Get().(*scratch)
		s.sub = s.scratch.sub
		s.groups = s.scratch.groups
	}
}

// release gives the scratch back. It is not deferred: after a panic the
// scratch is left to the garbage collector.
func (s *state) release() {
	if s.scratch == nil {
		return
	}
	s.scratch.sub = s.sub[:0]
	if s.tracked {
		s.scratch.groups = s.groups[:0]
	}
	scratchPool.Put(s.scratch)
	s.scratch, s.sub, s.groups = nil, nil, nil
}

// enter goes from the built-in attributes to those inside groups.
func (s *state) enter(groups []string, prefix string) {
	s.base = prefix
	if s.enc.replace != nil {
		s.track(groups)
	}
}

func (s *state) track(groups []string) {
	s.borrow()
	if !s.tracked {
		s.groups = s.scratch.groups
		s.tracked = true
	}
	s.groups = append(s.groups[:0], groups...)
}

// replacedBuiltins appends the built-in attributes of JSON and Text as
// ordinary attributes that ReplaceAttr sees, with nil groups.
func (s *state) replacedBuiltins(r *slog.Record) {
	if s.enc.format == JSON {
		s.buf = append(s.buf, '{')
	}
	if !r.Time.IsZero() {
		s.attr(slog.Time(slog.TimeKey, r.Time))
	}
	s.attr(slog.Any(slog.LevelKey, r.Level))
	if s.enc.source {
		s.attr(slog.Any(slog.SourceKey, recordSource(r)))
	}
	s.attr(slog.String(slog.MessageKey, r.Message))
}

// recordAttrs appends the attributes of r itself and reports whether anything
// was appended.
func (s *state) recordAttrs(r *slog.Record) bool {
	appended := false
	if s.enc.format != JSON || s.enc.replace != nil {
		r.Attrs(func(a slog.Attr) bool {
			if s.attr(a) {
				appended = true
			}
			return true
		})
		return appended
	}
	// The same, with the way that most attributes go laid out: calls are a good
	// part of what they cost.
	r.Attrs(func(a slog.Attr) bool {
		kind := a.Value.Kind()
		switch kind {
		case slog.KindAny, slog.KindGroup, slog.KindLogValuer:
			if s.attr(a) {
				appended = true
			}
			return true
		}
		b := s.appendJSONKey(s.buf, a.Key)
		switch kind {
		case slog.KindString:
			b = appendJSONString(b, a.Value.String())
		case slog.KindInt64:
			b = appendInt(b, a.Value.Int64())
		case slog.KindDuration:
			b = appendInt(b, int64(a.Value.Duration()))
		case slog.KindTime:
			b = appendJSONTime(b, a.Value.Time())
		case slog.KindBool:
			b = appendBool(b, a.Value.Bool())
		default:
			b = appendJSONValue(b, kind, a.Value)
		}
		s.buf = b
		appended = true
		return true
	})
	return appended
}

// attrs appends a list and reports whether anything was appended.
func (s *state) attrs(as []slog.Attr) bool {
	appended := false
	for i := range as {
		if s.attr(as[i]) {
			appended = true
		}
	}
	return appended
}

// attr appends one attribute and reports whether it counts as appended. A
// group that a LogValuer or ReplaceAttr made empty from the start does count,
// as in slog.
func (s *state) attr(a slog.Attr) bool {
	kind := a.Value.Kind()
	if kind == slog.KindLogValuer {
		a.Value = a.Value.Resolve()
		kind = a.Value.Kind()
	}
	if s.enc.replace != nil && kind != slog.KindGroup {
		a = s.replaced(a)
		kind = a.Value.Kind()
	}
	switch kind {
	case slog.KindGroup:
		return s.group(a.Key, a.Value.Group())
	case slog.KindAny:
		return s.anyAttr(a.Key, a.Value.Any())
	}
	if s.enc.format == JSON {
		s.buf = appendJSONValue(s.appendJSONKey(s.buf, a.Key), kind, a.Value)
		return true
	}
	s.key(a.Key)
	s.value(kind, a.Value)
	return true
}

// replaced returns what ReplaceAttr makes of a, which is resolved and no group.
func (s *state) replaced(a slog.Attr) slog.Attr {
	var groups []string
	if s.tracked {
		groups = s.groups
	}
	a = s.enc.replace(groups, a)
	if a.Value.Kind() == slog.KindLogValuer {
		a.Value = a.Value.Resolve()
	}
	return a
}

// anyAttr appends an attribute of KindAny.
func (s *state) anyAttr(key string, v any) bool {
	if key == "" && v == nil {
		return false
	}
	if src, ok := v.(*slog.Source); ok {
		if isEmptySource(src) {
			return false
		}
		if s.enc.format == JSON {
			return s.group(key, sourceAttrs(src))
		}
		s.key(key)
		s.value(slog.KindString, slog.StringValue(fmt.Sprintf("%s:%d", src.File, src.Line)))
		return true
	}
	s.key(key)
	s.anyValue(v)
	return true
}

// group appends a group; one without a key is inlined.
func (s *state) group(key string, as []slog.Attr) bool {
	if len(as) == 0 {
		return true
	}
	if s.depth == MaxDepth {
		s.key(key)
		s.str(TooDeep)
		return true
	}
	s.depth++
	mark, sub, groups := len(s.buf), len(s.sub), len(s.groups)
	if key != "" {
		s.openGroup(key)
	}
	appended := s.attrs(as)
	if !appended {
		s.buf = s.buf[:mark]
	} else if key != "" && s.enc.format == JSON {
		s.buf = append(s.buf, '}')
	}
	s.sub = s.sub[:sub]
	if s.tracked {
		s.groups = s.groups[:groups]
	}
	s.depth--
	return appended
}

func (s *state) openGroup(name string) {
	if s.enc.format == JSON {
		s.key(name)
		s.buf = append(s.buf, '{')
	} else {
		s.borrow()
		s.sub = append(append(s.sub, name...), '.')
	}
	if s.tracked {
		s.groups = append(s.groups, name)
	}
}

// chunk appends something encoded before, with its separator.
func (s *state) chunk(p []byte) {
	if len(p) > 0 {
		s.separate()
		s.buf = append(s.buf, p...)
	}
}

// separate appends what stands between two attributes, if one is before. No
// encoded value ends with the brace that opens an object.
func (s *state) separate() {
	if len(s.buf) == s.start {
		return
	}
	if s.enc.format != JSON {
		s.buf = append(s.buf, ' ')
	} else if s.buf[len(s.buf)-1] != '{' {
		s.buf = append(s.buf, ',')
	}
}

// key appends the separator, the key and what stands before its value.
func (s *state) key(key string) {
	switch s.enc.format {
	case JSON:
		s.buf = s.appendJSONKey(s.buf, key)
	case Text:
		s.separate()
		s.buf = s.appendTextKey(s.buf, key, &textClass)
	default:
		s.consoleKey(key)
	}
}

// value appends a value that is neither KindAny, a group nor a LogValuer.
func (s *state) value(kind slog.Kind, v slog.Value) {
	switch s.enc.format {
	case JSON:
		s.buf = appendJSONValue(s.buf, kind, v)
	case Text:
		s.buf = appendTextValue(s.buf, kind, v, &textClass)
	default:
		s.consoleValue(kind, v)
	}
}

// str appends a string value.
func (s *state) str(v string) { s.value(slog.KindString, slog.StringValue(v)) }

func isEmptyGroup(v slog.Value) bool {
	return v.Kind() == slog.KindGroup && len(v.Group()) == 0
}
