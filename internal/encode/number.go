package encode

import (
	"math"
	"math/bits"
	"slices"
)

// pairs holds the numbers 00 to 99 as two digits each, the first in the low
// byte. The length is a power of two, which spares the bounds checks.
var pairs = func() (t [128]uint16) {
	for i := range uint16(100) {
		t[i] = '0' + i/10 | ('0'+i%10)<<8
	}
	return t
}()

func appendInt(b []byte, n int64) []byte {
	if n < 0 {
		b = append(b, '-')
		n = -n // of the least integer: itself, which is right as a uint64
	}
	return appendUint(b, uint64(n)) //gosec:disable G115 -- not negative, or the least integer
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}

// appendUint appends n in decimal.
//
//gosec:disable G115 -- digits, and pairs of digits
func appendUint(b []byte, n uint64) []byte {
	switch {
	case n < 10:
		return append(b, '0'+byte(n))
	case n < 100:
		two := pairs[n]
		return append(b, byte(two), byte(two>>8))
	case n < 1000:
		two := pairs[n%100]
		return append(b, '0'+byte(n/100), byte(two), byte(two>>8))
	case n < 1e8:
		digits := eightDigits(uint32(n))
		zeros := bits.TrailingZeros64(digits) / 8 // the first digits are the low bytes
		end := len(b)
		b = extend(b, 8)
		store8(b, end, (digits|'0'*eachByte)>>(8*zeros&63))
		return b[:end+8-zeros]
	default:
		b = appendUint(b, n/1e8)
		end := len(b)
		b = extend(b, 8)
		store8(b, end, eightDigits(uint32(n%1e8))|'0'*eachByte)
		return b
	}
}

// eightDigits returns the digits of n, below 10^8, as numbers of a byte each,
// the first in the lowest byte. Halves are split at once: into two numbers
// below 10^4, into four below 100, into eight digits.
func eightDigits(n uint32) uint64 {
	x := uint64(n/1e4) | uint64(n%1e4)<<32
	hundreds := x * 10486 >> 20 & 0x7f_0000007f
	x = hundreds | (x-100*hundreds)<<16
	tens := x * 103 >> 10 & 0xf_000f_000f_000f
	return tens | (x-10*tens)<<8
}

// appendDecimal appends f if it is a decimal number with at most six digits
// after the point, from 0.0001 to below limit, and reports whether it is. Of
// the decimal numbers with no more than 15 digits in all only one has this
// float64, so it is the shortest: what strconv would find the long way.
func appendDecimal(b []byte, f, limit float64) ([]byte, bool) {
	abs := math.Abs(f)
	if !(abs >= 1e-4 && abs < limit) {
		return b, false
	}
	millionths := uint64(abs*1e6 + 0.5)
	if float64(millionths)/1e6 != abs { // both are exact, so the quotient is rounded once
		return b, false
	}
	if f < 0 {
		b = append(b, '-')
	}
	b = appendUint(b, millionths/1e6)
	if fraction := uint32(millionths % 1e6); fraction > 0 {
		digits := eightDigits(fraction * 100)
		end := len(b)
		b = extend(b, 9)
		b[end] = '.'
		store8(b, end+1, digits|'0'*eachByte)
		b = b[:end+9-bits.LeadingZeros64(digits)/8] // the last digits are the high bytes
	}
	return b, true
}

// extend returns b with n bytes more, whatever they hold.
func extend(b []byte, n int) []byte {
	if end := len(b) + n; end <= cap(b) {
		return b[:end]
	}
	return grown(b, n)
}

//go:noinline
func grown(b []byte, n int) []byte { return slices.Grow(b, n)[:len(b)+n] }
