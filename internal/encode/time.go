package encode

import (
	"encoding/binary"
	"time"
)

// Digits of the second.
const (
	milliseconds = 3
	nanoseconds  = 9 // without trailing zeros
)

// The seconds of the years 0 to 9999 on the Unix scale.
const (
	minSecond = -62167219200
	maxSecond = 253402300799
)

// appendRFC3339 appends t in its zone. It reports false, having appended
// nothing of use, for a year that has not four digits.
func appendRFC3339(b []byte, t time.Time, digits int) ([]byte, bool) {
	offset := 0
	if t.Location() != time.UTC {
		_, offset = t.Zone()
	}
	local := t.Unix() + int64(offset)
	if local < minSecond || local > maxSecond {
		return b, false
	}
	since := uint64(local - minSecond) // 0000-01-01
	year, month, day := civil(uint32(since / 86400))
	sec := uint32(since % 86400)

	n := len(b)
	b = append(b, "0000-00-00T00:00:00.000000000"...)
	p := (*[29]byte)(b[n:])
	put2(p, 0, year/100)
	put2(p, 2, year%100)
	put2(p, 5, month)
	put2(p, 8, day)
	put2(p, 11, sec/3600)
	put2(p, 14, sec/60%60)
	put2(p, 17, sec%60)
	b = b[:n+putFraction(p, uint32(t.Nanosecond()), digits)]

	if offset == 0 {
		return append(b, 'Z'), true
	}
	return appendOffset(b, offset), true
}

// putFraction fills in the fraction of a second and returns how much of p is
// in use.
func putFraction(p *[29]byte, ns uint32, digits int) int {
	if digits == milliseconds {
		ms := ns / 1e6
		p[20] = '0' + byte(ms/100)
		put2(p, 21, ms%100)
		return 23
	}
	if ns == 0 {
		return 19
	}
	p[20] = '0' + byte(ns/1e8)
	put2(p, 21, ns/1e6%100)
	put2(p, 23, ns/1e4%100)
	put2(p, 25, ns/100%100)
	put2(p, 27, ns%100)
	end := 29
	for p[end-1] == '0' {
		end--
	}
	return end
}

// appendOffset appends a zone offset, cut to minutes as package time does.
func appendOffset(b []byte, offset int) []byte {
	sign := byte('+')
	minutes := offset / 60
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	b = append(b, sign)
	if minutes < 600 {
		b = append(b, '0')
	}
	b = appendUint(b, uint64(minutes/60))
	return binary.LittleEndian.AppendUint16(append(b, ':'), pairs[minutes%60])
}

// civil returns the date of a day counted from 0000-01-01. The arithmetic is
// that of C. Neri and L. Schneider, "Euclidean affine functions and their
// application to calendar algorithms" (2022): years begin in March, so that
// the leap day comes last, and divisions become multiplications.
func civil(days uint32) (year, month, day uint32) {
	days += 146097 - 60 // from 1 March of the year -400
	n := 4*days + 3
	century := n / 146097
	p := uint64(n%146097|3) * 2939745
	ofYear := uint32(p) / 2939745 / 4
	year = 100*century + uint32(p>>32) - 400
	m := 2141*ofYear + 197913
	month, day = m>>16, m&0xffff/2141+1
	if ofYear >= 306 {
		year, month = year+1, month-12
	}
	return year, month, day
}

func put2(p *[29]byte, at int, n uint32) {
	binary.LittleEndian.PutUint16(p[at:], pairs[n%128])
}

// appendClock appends the time of day, with milliseconds.
func appendClock(b []byte, t time.Time) []byte {
	hour, minute, sec := t.Clock()
	n := len(b)
	b = append(b, "0000-00-00T00:00:00.000000000"...)
	p := (*[29]byte)(b[n:])
	put2(p, 0, uint32(hour))
	p[2] = ':'
	put2(p, 3, uint32(minute))
	p[5] = ':'
	put2(p, 6, uint32(sec))
	p[8] = '.'
	ms := uint32(t.Nanosecond()) / 1e6
	p[9] = '0' + byte(ms/100)
	put2(p, 10, ms%100)
	return b[:n+len("15:04:05.000")]
}
