package encode

import (
	"bytes"
	"log/slog"
	"time"
)

// The colours, as SGR sequences. They are the only escape characters that a
// console line can hold.
const (
	reset  = "\x1b[0m"
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[91m" // bright: the other red is hard to read on many dark backgrounds
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	alarm  = "\x1b[1;91m"
	plain  = ""
)

// consoleBuiltins begins the line with the time of day, the level, the source
// and the message. They stand without keys: their places tell what they are.
func (s *state) consoleBuiltins(r *slog.Record) {
	if s.enc.replace != nil {
		s.replacedSlots(r)
		return
	}
	if !r.Time.IsZero() {
		s.clock(r.Time)
	}
	s.level(r.Level)
	if s.enc.source {
		mark := len(s.buf)
		s.separate()
		before := len(s.buf)
		if s.buf = s.enc.appendSource(s.buf, r.PC); len(s.buf) == before {
			s.buf = s.buf[:mark]
		}
	}
	s.words(r.Message, messageColor(r.Level))
}

// replacedSlots is consoleBuiltins after ReplaceAttr.
func (s *state) replacedSlots(r *slog.Record) {
	if !r.Time.IsZero() {
		s.slot(slog.Time(slog.TimeKey, r.Time), dim)
	}
	s.slot(slog.Any(slog.LevelKey, r.Level), levelColor(r.Level))
	if s.enc.source {
		s.slot(slog.Any(slog.SourceKey, recordSource(r)), dim)
	}
	s.slot(slog.String(slog.MessageKey, r.Message), messageColor(r.Level))
}

// slot puts what ReplaceAttr makes of a built-in attribute in its place. A new
// key changes nothing, a group appears as ordinary attributes.
func (s *state) slot(a slog.Attr, color string) {
	a = s.replaced(a)
	kind := a.Value.Kind()
	switch kind {
	case slog.KindGroup:
		s.group(a.Key, a.Value.Group())
		return
	case slog.KindTime:
		s.clock(a.Value.Time())
		return
	case slog.KindString:
		s.words(a.Value.String(), color)
		return
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case slog.Level:
			s.level(v)
			return
		case *slog.Source:
			s.shortSource(v)
			return
		case nil:
			if a.Key == "" {
				return
			}
		}
	}
	s.separate()
	if kind == slog.KindAny {
		s.paintedAny(a.Value.Any(), color)
		return
	}
	s.paint(color)
	s.value(kind, a.Value)
	s.unpaint(color)
}

func (s *state) clock(t time.Time) {
	s.separate()
	s.paint(dim)
	s.buf = appendClock(s.buf, t)
	s.unpaint(dim)
}

func (s *state) level(l slog.Level) {
	s.separate()
	color := levelColor(l)
	s.paint(color)
	s.buf = appendLabel(s.buf, l)
	s.unpaint(color)
}

func (s *state) shortSource(src *slog.Source) {
	if isEmptySource(src) {
		return
	}
	s.separate()
	s.paint(dim)
	n := len(s.buf)
	b := append(append(s.buf, baseName(src.File)...), ':')
	s.buf = consoleClass.finish(appendInt(b, int64(src.Line)), n)
	s.unpaint(dim)
}

// words appends text as it reads, between quotes only if a part of it cannot
// be shown, or if it would look quoted.
func (s *state) words(text, color string) {
	if text == "" {
		return
	}
	s.separate()
	s.paint(color)
	n := len(s.buf)
	b := append(s.buf, text...)
	if i := find(text, &messageClass); text[0] == '"' || i < len(text) && !isPrintable(text[i:]) {
		b = quoteTail(b, n)
	}
	s.buf = b
	s.shade(n, color)
	s.unpaint(color)
}

func (s *state) consoleKey(key string) {
	s.separate()
	s.paint(dim)
	s.buf = s.appendTextKey(s.buf, key, &consoleClass)
	s.unpaint(dim)
}

// consoleValue appends a value that is neither KindAny, a group nor a LogValuer.
func (s *state) consoleValue(kind slog.Kind, v slog.Value) {
	n := len(s.buf)
	s.buf = appendTextValue(s.buf, kind, v, &consoleClass)
	s.shade(n, plain)
}

// consoleAny appends a value of KindAny; errors stand out.
func (s *state) consoleAny(v any) {
	color := plain
	if _, ok := v.(error); ok {
		color = red
	}
	s.paintedAny(v, color)
}

func (s *state) paintedAny(v any, color string) {
	s.paint(color)
	n := len(s.buf)
	s.buf = appendAny(s.buf, v, Text, &consoleClass)
	s.shade(n, color)
	s.unpaint(color)
}

// shade dims the escapes in buf[n:] if that is quoted: what they part, such as
// the lines of a stack trace, is then seen as parts. color is that of the text.
func (s *state) shade(n int, color string) {
	if !s.enc.color || s.buf[n] != '"' {
		return
	}
	i := bytes.IndexByte(s.buf[n:], '\\')
	if i < 0 {
		return
	}
	// The shaded form grows behind the plain one and then takes its place.
	b, end := s.buf, len(s.buf)
	rest := b[n:end]
	for i >= 0 {
		b = append(append(b, rest[:i]...), dim...)
		rest = rest[i:]
		for rest[0] == '\\' { // the last byte is a quote
			size := escapeSize(rest[1])
			b = append(b, rest[:size]...)
			rest = rest[size:]
		}
		b = append(append(b, reset...), color...)
		i = bytes.IndexByte(rest, '\\')
	}
	b = append(b, rest...)
	s.buf = b[:n+copy(b[n:], b[end:])]
}

// escapeSize returns the length of an escape sequence of appendEscaped from the
// byte after its backslash.
func escapeSize(c byte) int {
	switch c {
	case 'x':
		return len(`\x00`)
	case 'u':
		return len(`\u0000`)
	case 'U':
		return len(`\U00000000`)
	default:
		return len(`\n`)
	}
}

func (s *state) paint(color string) {
	if s.enc.color {
		s.buf = append(s.buf, color...)
	}
}

func (s *state) unpaint(color string) {
	if s.enc.color && color != plain {
		s.buf = append(s.buf, reset...)
	}
}

func levelColor(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return cyan
	case l < slog.LevelWarn:
		return green
	case l < slog.LevelError:
		return yellow
	default:
		return alarm
	}
}

// messageColor marks what needs somebody's attention by its weight, too: not
// everybody sees yellow on white, or red.
func messageColor(l slog.Level) string {
	if l < slog.LevelWarn {
		return plain
	}
	return bold
}

// appendLabel appends a level in three letters, and its distance from the
// named level below it: INF, WRN+2, DBG-4.
func appendLabel(b []byte, l slog.Level) []byte {
	var base slog.Level
	switch {
	case l < slog.LevelInfo:
		b, base = append(b, "DBG"...), slog.LevelDebug
	case l < slog.LevelWarn:
		b, base = append(b, "INF"...), slog.LevelInfo
	case l < slog.LevelError:
		b, base = append(b, "WRN"...), slog.LevelWarn
	default:
		b, base = append(b, "ERR"...), slog.LevelError
	}
	if l > base {
		b = append(b, '+')
	}
	if l != base {
		b = appendInt(b, int64(l-base))
	}
	return b
}
