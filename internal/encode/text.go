package encode

import (
	"log/slog"
	"strconv"
	"time"
)

// textBuiltins begins the line with the built-in attributes.
func (s *state) textBuiltins(r *slog.Record) {
	b := s.buf
	if !r.Time.IsZero() {
		b = append(b, "time="...)
		var ok bool
		if b, ok = s.enc.today.append(b, r.Time, milliseconds); !ok {
			b = appendMillis(b, r.Time)
		}
		b = append(b, ' ')
	}
	b = append(b, "level="...)
	b = append(b, levelName(r.Level)...)
	b = append(b, ' ')
	if s.enc.source {
		n := len(b)
		if b = s.enc.appendSource(b, r.PC); len(b) > n {
			b = append(b, ' ')
		}
	}
	b = append(b, "msg="...)
	s.buf = textClass.appendWord(b, r.Message)
}

// appendTextKey appends key after the names of the groups around it. An empty
// key is quoted with them.
func (s *state) appendTextKey(b []byte, key string, c *class) []byte {
	if s.base == "" && len(s.sub) == 0 {
		return append(c.appendWord(b, key), '=')
	}
	n := len(b)
	b = append(append(b, s.base...), s.sub...)
	if key == "" {
		b = quoteTail(b, n)
	} else {
		b = c.finish(append(b, key...), n)
	}
	return append(b, '=')
}

// appendTextValue appends v as in the text format; c says what makes quotes
// necessary.
func appendTextValue(b []byte, kind slog.Kind, v slog.Value, c *class) []byte {
	switch kind {
	case slog.KindString:
		return c.appendWord(b, v.String())
	case slog.KindInt64:
		return appendInt(b, v.Int64())
	case slog.KindUint64:
		return appendUint(b, v.Uint64())
	case slog.KindFloat64:
		if out, ok := appendDecimal(b, v.Float64(), 1e6); ok { // above, %g has an exponent
			return out
		}
		return strconv.AppendFloat(b, v.Float64(), 'g', -1, 64)
	case slog.KindBool:
		return appendBool(b, v.Bool())
	case slog.KindDuration:
		return append(b, v.Duration().String()...)
	default: // slog.KindTime
		return appendMillis(b, v.Time())
	}
}

// appendMillis appends t as RFC 3339 with milliseconds, and with as many
// digits as it takes where the year has more than four.
func appendMillis(b []byte, t time.Time) []byte {
	n := len(b)
	b, ok := appendRFC3339(b, t, milliseconds)
	if !ok {
		b = t.AppendFormat(b[:n], "2006-01-02T15:04:05.000Z07:00")
	}
	return b
}
