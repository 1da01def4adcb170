//gosec:disable G115 -- parts of a date and of a time of day, all within their bounds

package encode

import (
	"encoding/binary"
	"math/bits"
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
// nothing, for a year that has not four digits.
func appendRFC3339(b []byte, t time.Time, digits int) ([]byte, bool) {
	offset := 0
	if t.Location() != time.UTC {
		_, offset = t.Zone()
	}
	since := uint64(t.Unix() + int64(offset) - minSecond) // 0000-01-01
	if since > maxSecond-minSecond {
		return b, false
	}
	days := uint32(since / 86400)
	year, month, day := civil(days)

	n := len(b)
	b = append(b, "0000-00-00T00:00:00.000000000"...)
	p := (*[29]byte)(b[n:])
	put2(p, 0, year/100)
	put2(p, 2, year%100)
	put2(p, 5, month)
	put2(p, 8, day)
	b = b[:n+putTime(p, uint32(since)-days*86400, uint32(t.Nanosecond()), digits)]
	if offset == 0 {
		return append(b, 'Z'), true
	}
	return appendOffset(b, offset), true
}

// putTime fills in the time of day and returns where it ends.
func putTime(p *[29]byte, sec, ns uint32, digits int) int {
	minutes := sec / 60
	put2(p, 11, sec/3600)
	put2(p, 14, minutes%60)
	put2(p, 17, sec-60*minutes)
	if digits == milliseconds {
		ms := ns / 1e6
		p[20] = '0' + byte(ms/100)
		put2(p, 21, ms%100)
		return 23
	}
	if ns == 0 {
		return 19
	}
	first := ns / 1e8
	rest := eightDigits(ns - first*1e8)
	p[20] = '0' + byte(first)
	binary.LittleEndian.PutUint64(p[21:], rest|'0'*eachByte)
	return 29 - bits.LeadingZeros64(rest)/8 // the last digits are the high bytes
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

// civil returns the date of a day counted from 0000-01-01, up to year 9999.
// The arithmetic is that of B. Joffe, "A Very Fast 64-Bit Date Algorithm"
// (2025). Years begin in March, so that the leap day comes last. Days and
// years are counted back from a distant date, which saves corrections. And a
// division is a multiplication by a fraction of 2^64: the high half is the
// quotient, the low half says how far into the year the day is.
func civil(days uint32) (year, month, day uint32) {
	const eras = 1000 // of 400 years each, up to that date
	back := uint64(146097*eras + 59 - days)
	century, _ := bits.Mul64(back, 4<<64/146097)
	julian := back + century - century/4 // had every fourth year been a leap year
	years, left := bits.Mul64(julian, 4<<64/1461+1)
	year = 400*eras - 1 - uint32(years)

	ofYear, _ := bits.Mul64(left, 782432) // 365.25 days, in the unit of monthDay
	monthDay := year%4*512 + 977792 - uint32(ofYear)
	if ofYear < 126464 { // January or February
		monthDay -= 12 << 16
		year++
	}
	d, _ := bits.Mul64(uint64(monthDay%(1<<16)), 1<<64/2140)
	return year, monthDay >> 16, uint32(d) + 1
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
