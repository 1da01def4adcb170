package encode

import (
	"log/slog"
	"math"
	"strconv"
	"time"
)

// jsonBuiltins begins the object with the built-in attributes.
func (s *state) jsonBuiltins(r *slog.Record) {
	b := s.buf
	if r.Time.IsZero() {
		b = append(b, '{')
	} else {
		b = append(b, `{"time":"`...)
		n := len(b)
		var ok bool
		if b, ok = s.enc.today.append(b, r.Time, nanoseconds); !ok {
			b = append(b[:n], wrongYear...)
		}
		b = append(b, '"', ',')
	}
	b = appendJSONLevel(b, r.Level)
	if s.enc.source {
		n := len(b)
		if b = s.enc.appendSource(b, r.PC); len(b) > n {
			b = append(b, ',')
		}
	}
	b = append(b, `"msg":`...)
	s.buf = appendJSONString(b, r.Message)
}

// appendJSONKey appends key with the comma that may be due before it. Nearly
// all keys are covered by two words, which may overlap, and so are copied right
// here: this runs once for every attribute.
func (s *state) appendJSONKey(b []byte, key string) []byte {
	start, n := len(b), len(key)
	if start == s.start || b[start-1] == '{' {
		return append(appendJSONString(b, key), ':')
	}
	b = extend(b, n+len(`,"":`))
	d := b[start:]
	d[0], d[1] = ',', '"'
	var m uint64 // not zero: something must be escaped
	switch {
	case n == 0 || n > 16:
		if copyPlain(d[2:], key) < n {
			m = 1
		}
	case n < 4:
		x, y, z := key[0], key[n/2], key[n-1] // all there are
		d[2], d[2+n/2], d[n+1] = x, y, z
		m = jsonMatch(uint64(x) | uint64(y)<<8 | uint64(z)<<16 | filler&^0xffffff)
	case n < 8:
		w := load4(key, 0) | load4(key, n-4)<<32
		store4(d, 2, w)
		store4(d, n-2, w>>32)
		m = jsonMatch(w)
	default:
		w, v := load8(key, 0), load8(key, n-8)
		store8(d, 2, w)
		store8(d, n-6, v)
		m = jsonMatch(w) | jsonMatch(v)
	}
	if m != 0 {
		return append(escapeJSON(b[:start+2], key), '"', ':')
	}
	d[n+2], d[n+3] = '"', ':'
	return b
}

func appendJSONValue(b []byte, kind slog.Kind, v slog.Value) []byte {
	switch kind {
	case slog.KindString:
		return appendJSONString(b, v.String())
	case slog.KindInt64:
		return appendInt(b, v.Int64())
	case slog.KindUint64:
		return appendUint(b, v.Uint64())
	case slog.KindFloat64:
		return appendJSONFloat(b, v.Float64())
	case slog.KindBool:
		return appendBool(b, v.Bool())
	case slog.KindDuration:
		return appendInt(b, int64(v.Duration()))
	default: // slog.KindTime
		return appendJSONTime(b, v.Time())
	}
}

const wrongYear = "!ERROR:time.Time year outside of range [0,9999]"

// appendJSONTime appends t as RFC 3339 with as many digits of the second as it
// has. That format has four digits for the year: other years are an error.
func appendJSONTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	n := len(b)
	var ok bool
	if b, ok = appendRFC3339(b, t, nanoseconds); !ok {
		b = append(b[:n], wrongYear...)
	}
	return append(b, '"')
}

// appendJSONFloat writes numbers as encoding/json does: as ECMAScript, which
// changes to an exponent below 1e-6 and from 1e21, and pads no exponent.
func appendJSONFloat(b []byte, f float64) []byte {
	if out, ok := appendDecimal(b, f, 1e9); ok {
		return out
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendAny(b, f, JSON, nil) // the package's own words for the error
	}
	if abs := math.Abs(f); abs == 0 || abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	if n := len(b); b[n-2] == '0' && b[n-3] == '-' { // e-07
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

// levelNames and jsonLevels hold what would have to be built anew for levels
// between the named ones.
var levelNames, jsonLevels = func() (names, json [32]string) {
	for i := range names {
		names[i] = (firstLevel + slog.Level(i)).String()
		json[i] = `"level":"` + names[i] + `",`
	}
	return names, json
}()

const firstLevel = slog.LevelDebug - 8

func levelName(l slog.Level) string {
	if i := uint(l - firstLevel); i < uint(len(levelNames)) {
		return levelNames[i]
	}
	return l.String()
}

// appendJSONLevel appends the built-in level and a comma.
func appendJSONLevel(b []byte, l slog.Level) []byte {
	if i := uint(l - firstLevel); i < uint(len(jsonLevels)) {
		return append(b, jsonLevels[i]...)
	}
	return append(append(append(b, `"level":"`...), l.String()...), `",`...)
}
