package encode

import (
	"math/bits"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"
	"unsafe"
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
		return shortIndex(m, n)
	}
	return n
}

// shortIndex returns the index of the first match in n bytes, four to seven,
// that were looked at as the first four and the last four.
func shortIndex(m uint64, n int) int {
	i := bits.TrailingZeros64(m) / 8
	if i >= 4 {
		i += n - 8
	}
	return i
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

// store8 and store4 are single stores once compiled.
//
//gosec:disable G115 -- byte by byte
func store8(d []byte, i int, w uint64) {
	_ = d[i+7]
	d[i], d[i+1], d[i+2], d[i+3] = byte(w), byte(w>>8), byte(w>>16), byte(w>>24)
	d[i+4], d[i+5], d[i+6], d[i+7] = byte(w>>32), byte(w>>40), byte(w>>48), byte(w>>56)
}

//gosec:disable G115 -- byte by byte
func store4(d []byte, i int, w uint64) {
	_ = d[i+3]
	d[i], d[i+1], d[i+2], d[i+3] = byte(w), byte(w>>8), byte(w>>16), byte(w>>24)
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
	i := find(s, c)
	if i == len(s) && i > 0 || i < len(s) && s[i] >= utf8.RuneSelf && c.isWord(s[i:]) {
		return append(b, s...)
	}
	return append(appendEscaped(append(b, '"'), s), '"')
}

// finish does the same to b[n:], which stands there raw.
func (c *class) finish(b []byte, n int) []byte {
	p := b[n:]
	i := find(p, c)
	if i == len(p) && i > 0 || i < len(p) && p[i] >= utf8.RuneSelf && c.isWord(view(p[i:])) {
		return b
	}
	return quoteTail(b, n)
}

// isWord reports whether s, which need not be ASCII, can stand without quotes.
func (c *class) isWord(s string) bool {
	for len(s) > 0 {
		if s[0] < utf8.RuneSelf {
			if c.match(uint64(s[0])|filler&^0xff) != 0 {
				return false
			}
			s = s[1:]
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return false
		}
		s = s[size:]
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

// appendJSONString appends s between quotes.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	n := len(b)
	b = extend(b, len(s)+1)
	if i := copyPlain(b[n:], s); i < len(s) {
		return append(escapeJSON(b[:n+i], s[i:]), '"')
	}
	b[len(b)-1] = '"'
	return b
}

// copyPlain copies s to the beginning of d up to the first byte that is in
// jsonClass, and returns its index, or len(s). Words are copied as they are
// looked at, which for the short strings of log lines costs less than to look
// first and copy then. What it leaves in d behind the index is of no use.
func copyPlain(d []byte, s string) int {
	n := len(s)
	d = d[:n]
	switch {
	case n >= 8:
		for i := 0; i < n-8; i += 8 {
			w := load8(s, i)
			store8(d, i, w)
			if m := jsonMatch(w); m != 0 {
				return i + bits.TrailingZeros64(m)/8
			}
		}
		// The last word overlaps the one before, which held nothing.
		w := load8(s, n-8)
		store8(d, n-8, w)
		if m := jsonMatch(w); m != 0 {
			return n - 8 + bits.TrailingZeros64(m)/8
		}
	case n >= 4:
		w := load4(s, 0) | load4(s, n-4)<<32
		store4(d, 0, w)
		store4(d, n-4, w>>32)
		if m := jsonMatch(w); m != 0 {
			return shortIndex(m, n)
		}
	default:
		for i := range n {
			c := s[i]
			if c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\' {
				return i
			}
			d[i] = c
		}
	}
	return n
}

// jsonMatch is jsonClass.match with constants.
func jsonMatch(w uint64) uint64 {
	return (w | (w - 0x20*eachByte) | ((w ^ '"'*eachByte) - eachByte) | ((w ^ '\\'*eachByte) - eachByte)) & highBits
}

// escapeJSON appends s as the inside of a JSON string, in the way of
// encoding/json without HTML escaping, save that backspace and form feed are
// written in hexadecimal, as slog does.
func escapeJSON(b []byte, s string) []byte {
	for {
		n := len(b)
		b = slices.Grow(b, len(s)+len(`\ufffd`))
		i := copyPlain(b[n:n+len(s)], s)
		b = b[:n+i]
		if i == len(s) {
			return b
		}
		size := 1
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && size == 1:
				b = append(b, `\ufffd`...)
			case r == '\u2028' || r == '\u2029':
				b = append(b, '\\', 'u', '2', '0', '2', hexes[r&0xf])
			default:
				b = append(b, s[i:i+size]...)
			}
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexes[c>>4], hexes[c&0xf])
		}
		s = s[i+size:]
	}
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
	b = append(appendEscaped(append(b, '"'), view(b[n:end])), '"')
	return b[:n+copy(b[n:], b[end:])]
}

// view returns p as a string, to be read while p stays as it is: what is
// appended behind p, or moves p elsewhere, does not change it.
func view(p []byte) string { return unsafe.String(unsafe.SliceData(p), len(p)) } //gosec:disable G103 -- as the comment says

// appendEscaped appends s as the inside of a Go string literal.
func appendEscaped(b []byte, s string) []byte {
	for {
		i := find(s, &quoteClass)
		b = append(b, s[:i]...)
		if i == len(s) {
			return b
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, '\\', 'x', hexes[s[i]>>4], hexes[s[i]&0xf])
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case strconv.IsPrint(r):
			b = append(b, s[i:i+size]...)
		case r >= '\a' && r <= '\r':
			b = append(b, '\\', "abtnvfr"[r-'\a'])
		case r < utf8.RuneSelf:
			b = append(b, '\\', 'x', hexes[r>>4], hexes[r&0xf])
		case r <= 0xffff:
			b = appendHex(append(b, `\u`...), r, 4)
		default:
			b = appendHex(append(b, `\U`...), r, 8)
		}
		s = s[i+size:]
	}
}

func appendHex(b []byte, r rune, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		b = append(b, hexes[r>>(4*i)&0xf])
	}
	return b
}
