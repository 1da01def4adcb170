package encode

import (
	"log/slog"
	"time"
)

// The colours, as SGR sequences. They are the only escape characters that a
// console line can hold.
const (
	reset  = "\x1b[0m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	alarm  = "\x1b[1;31m"
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
	s.words(r.Message, plain)
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
	s.slot(slog.String(slog.MessageKey, r.Message), plain)
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
	s.paint(color)
	if kind == slog.KindAny {
		s.buf = appendAny(s.buf, a.Value.Any(), Text, &consoleClass)
	} else {
		s.value(kind, a.Value)
	}
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
	s.unpaint(color)
}

func (s *state) consoleKey(key string) {
	s.separate()
	s.paint(dim)
	s.buf = s.appendTextKey(s.buf, key, &consoleClass)
	s.unpaint(dim)
}

// consoleAny appends a value of KindAny; errors stand out.
func (s *state) consoleAny(v any) {
	color := plain
	if _, ok := v.(error); ok {
		color = red
	}
	s.paint(color)
	s.buf = appendAny(s.buf, v, Text, &consoleClass)
	s.unpaint(color)
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
