package encode

import (
	"encoding/binary"
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
		return appendUint(append(b, '-'), -uint64(n))
	}
	return appendUint(b, uint64(n))
}

// appendUint appends n in decimal, two digits at a time from the back, right
// where they belong.
func appendUint(b []byte, n uint64) []byte {
	if n < 10 {
		return append(b, '0'+byte(n))
	}
	start, i := len(b), decimals(n)
	b = slices.Grow(b, i)[:start+i]
	p := b[start:]
	for n >= 100 {
		i -= 2
		binary.LittleEndian.PutUint16(p[i:], pairs[n%100])
		n /= 100
	}
	if n < 10 {
		p[0] = '0' + byte(n)
	} else {
		binary.LittleEndian.PutUint16(p, pairs[n%128])
	}
	return b
}

// decimals returns how many digits n has.
func decimals(n uint64) int {
	digits := 1
	for {
		switch {
		case n < 10:
			return digits
		case n < 100:
			return digits + 1
		case n < 1000:
			return digits + 2
		case n < 10000:
			return digits + 3
		}
		n /= 10000
		digits += 4
	}
}
