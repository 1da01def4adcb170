package encode

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// class is a set of bytes that cannot be copied without a closer look: those
// below a limit, two single ones, and those from 0x80, or from DEL, up. The
// fields hold one byte eight times, so that eight bytes are looked at in one
// go.
type class struct {
	below, one, two uint64
	top             uint64 // added: 0 for 0x80 and up, 1 for DEL and up
}

const (
	eachByte = 0x0101010101010101
	highBits = 0x80 * eachByte
	filler   = '0' * eachByte // in no class
	hexes    = "0123456789abcdef"
)

var (
	// What must be escaped in a JSON string.
	jsonClass = class{below: 0x20 * eachByte, one: '"' * eachByte, two: '\\' * eachByte}
	// What makes quotes necessary in text. That DEL does not is slog's rule.
	textClass = class{below: 0x21 * eachByte, one: '"' * eachByte, two: '=' * eachByte}
	// What makes quotes necessary at a terminal.
	consoleClass = class{below: 0x21 * eachByte, one: '"' * eachByte, two: '=' * eachByte, top: eachByte}
	// What must be escaped between quotes.
	quoteClass = class{below: 0x20 * eachByte, one: '"' * eachByte, two: '\\' * eachByte, top: eachByte}
	// What a message at a terminal must not hold.
	messageClass = class{below: 0x20 * eachByte, one: 0x7f * eachByte, two: 0x7f * eachByte, top: eachByte}
)

// find returns the index of the first byte of s that is in c, or len(s). It
// reads what is to be copied, not the copy: loading words that were stored a
// moment ago in smaller pieces would stall.
func find[S string | []byte](s S, c *class) int {
	n := len(s)
	if n < 8 {
		return findShort(s, c)
	}
	for i := 0; i < n-8; i += 8 {
		if m := c.match(load8(s, i)); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	// The last word overlaps the one before, which held nothing.
	if m := c.match(load8(s, n-8)); m != 0 {
		return n - 8 + bits.TrailingZeros64(m)/8
	}
	return n
}

func findShort[S string | []byte](s S, c *class) int {
	n := len(s)
	if n < 4 {
		for i := range n {
			if c.match(uint64(s[i])|filler&^0xff) != 0 {
				return i
			}
		}
		return n
	}
	if m := c.match(load4(s, 0) | load4(s, n-4)<<32); m != 0 {
		i := bits.TrailingZeros64(m) / 8
		if i >= 4 {
			i += n - 8
		}
		return i
	}
	return n
}

// load8 and load4 are single loads once compiled.
func load8[S string | []byte](s S, i int) uint64 {
	_ = s[i+7]
	return uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
		uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
}

func load4[S string | []byte](s S, i int) uint64 {
	_ = s[i+3]
	return uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24
}

// match sets the high bit of every byte of w that is in c. A borrow or carry
// may set it wrongly, but only above one that is set rightly: the lowest is
// always right.
func (c *class) match(w uint64) uint64 {
	return (w | (w + c.top) | (w - c.below) | ((w ^ c.one) - eachByte) | ((w ^ c.two) - eachByte)) & highBits
}

// appendWord appends s as a word of a text line: quoted if it is empty or
// anything in it asks for that.
func (c *class) appendWord(b []byte, s string) []byte {
	n := len(b)
	i := find(s, c)
	b = append(b, s...)
	if i == len(s) && i > 0 || i < len(s) && s[i] >= utf8.RuneSelf && c.isWord(b[n+i:]) {
		return b
	}
	return quoteTail(b, n)
}

// finish does the same to b[n:], which stands there raw.
func (c *class) finish(b []byte, n int) []byte {
	p := b[n:]
	i := find(p, c)
	if i == len(p) && i > 0 || i < len(p) && p[i] >= utf8.RuneSelf && c.isWord(p[i:]) {
		return b
	}
	return quoteTail(b, n)
}

// isWord reports whether p, which need not be ASCII, can stand without quotes.
func (c *class) isWord(p []byte) bool {
	for len(p) > 0 {
		if p[0] < utf8.RuneSelf {
			if c.match(uint64(p[0])|filler&^0xff) != 0 {
				return false
			}
			p = p[1:]
			continue
		}
		r, size := utf8.DecodeRune(p)
		if r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return false
		}
		p = p[size:]
	}
	return true
}

// isPrintable reports whether all of s can be shown at a terminal as it is.
func isPrintable(s string) bool {
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			return false
		}
		s = s[size:]
	}
	return true
}

func appendJSONString(b []byte, s string) []byte {
	return append(appendJSONInside(append(b, '"'), s), '"')
}

// appendJSONInside appends s as the inside of a JSON string. Words are copied
// as they are looked at, which for the short strings of log lines costs less
// than to look first and copy then.
func appendJSONInside(b []byte, s string) []byte {
	start, n := len(b), len(s)
	b = slices.Grow(b, n)[:start+n]
	d := b[start:]
	switch {
	case n >= 8:
		for i := 0; i < n-8; i += 8 {
			w := load8(s, i)
			if jsonMatch(w) != 0 {
				return escapeJSON(b[:start+i], s[i:])
			}
			binary.LittleEndian.PutUint64(d[i:], w)
		}
		// The last word overlaps the one before, which held nothing.
		w := load8(s, n-8)
		if jsonMatch(w) != 0 {
			return escapeJSON(b[:start], s)
		}
		binary.LittleEndian.PutUint64(d[n-8:], w)
	case n >= 4:
		w, v := load4(s, 0), load4(s, n-4)
		if jsonMatch(w|v<<32) != 0 {
			return escapeJSON(b[:start], s)
		}
		binary.LittleEndian.PutUint32(d, uint32(w))
		binary.LittleEndian.PutUint32(d[n-4:], uint32(v))
	default:
		for i := range n {
			c := s[i]
			if c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\' {
				return escapeJSON(b[:start], s)
			}
			d[i] = c
		}
	}
	return b
}

// jsonMatch is jsonClass.match with constants.
func jsonMatch(w uint64) uint64 {
	return (w | (w - 0x20*eachByte) | ((w ^ '"'*eachByte) - eachByte) | ((w ^ '\\'*eachByte) - eachByte)) & highBits
}

// escapeJSON appends s as the inside of a JSON string, in the way of
// encoding/json without HTML escaping, save that backspace and form feed are
// written in hexadecimal, as slog does.
func escapeJSON(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c, size := s[i], 1
		switch {
		case c >= utf8.RuneSelf:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && size == 1:
				b = append(append(b, s[start:i]...), `\ufffd`...)
				start = i + size
			case r == '\u2028' || r == '\u2029':
				b = append(append(b, s[start:i]...), `\u202`...)
				b = append(b, hexes[r&0xf])
				start = i + size
			}
		case c < 0x20 || c == '"' || c == '\\':
			b = append(append(b, s[start:i]...), '\\')
			switch c {
			case '"', '\\':
				b = append(b, c)
			case '\n':
				b = append(b, 'n')
			case '\r':
				b = append(b, 'r')
			case '\t':
				b = append(b, 't')
			default:
				b = append(b, 'u', '0', '0', hexes[c>>4], hexes[c&0xf])
			}
			start = i + size
		}
		i += size
	}
	return append(b, s[start:]...)
}

// quoteTail puts b[n:] between quotes, as strconv.Quote would.
func quoteTail(b []byte, n int) []byte {
	end := len(b)
	if find(b[n:], &quoteClass) == end-n {
		b = append(b, `""`...)
		copy(b[n+1:], b[n:end])
		b[n] = '"'
		return b
	}
	// The quoted form grows behind the raw one and then takes its place.
	b = append(b, '"')
	b = appendEscaped(b, b[n:end])
	b = append(b, '"')
	return b[:n+copy(b[n:], b[end:])]
}

// appendEscaped appends p as the inside of a Go string literal.
func appendEscaped(b, p []byte) []byte {
	for len(p) > 0 {
		r, size := utf8.DecodeRune(p)
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, '\\', 'x', hexes[p[0]>>4], hexes[p[0]&0xf])
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case strconv.IsPrint(r):
			b = append(b, p[:size]...)
		case r >= '\a' && r <= '\r':
			b = append(b, '\\', "abtnvfr"[r-'\a'])
		case r < utf8.RuneSelf:
			b = append(b, '\\', 'x', hexes[r>>4], hexes[r&0xf])
		case r <= 0xffff:
			b = appendHex(append(b, `\u`...), r, 4)
		default:
			b = appendHex(append(b, `\U`...), r, 8)
		}
		p = p[size:]
	}
	return b
}

func appendHex(b []byte, r rune, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		b = append(b, hexes[r>>(4*i)&0xf])
	}
	return b
}
