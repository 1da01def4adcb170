// Package schedule reads rotation rules such as "100 MB or daily" and computes
// when their time parts fall due in a given time zone.
//
// A rule is one or more parts joined by " or ", and whichever is due first
// counts. Case does not matter; words are separated by single spaces.
//
//	500 B, 100 KB, 100 KiB, … TiB        a size; KB is 1000 bytes, KiB is 1024
//	minutely, hourly                     the same as 1 minute, 1 hour
//	daily, weekly, monthly, yearly       the same as 1 day, 1 week, …
//	10 seconds, 5 minutes, 6 hours       aligned with the wall clock
//	2 days, 2 weeks, 3 months, 1 year    at the start of a date
//	23:30                                every day at that time
//	monday, friday at 18:00              every week
//
// "never" and the empty string stand alone and mean no rotation.
//
// Seconds, minutes and hours are due whenever the wall clock, counted from
// 1970-01-01 00:00, shows a multiple of them: "hourly" is due in both of the
// hours that the end of daylight saving shows twice. All the other parts are
// due when the wall clock reaches a date and time for the first time: if it
// comes twice, the second does not count, and if it is skipped, the first
// instant after the gap stands for it. Days and weeks are counted from Monday
// 0001-01-01, months and years from January of year 1.
package schedule

import (
	"strings"
	"time"
)

// Rule is a parsed rotation rule. The zero Rule never rotates. A Rule does not
// change and may be used by several goroutines at once.
//
// Parts that mean the same, such as "60 minutes" and "hourly", give equal
// Rules, and of several sizes only the smallest is kept.
type Rule struct {
	size  int64      // bytes; 0: no size part
	times []boundary // sorted, without duplicates
}

// MaxSize returns the smallest size of the rule in bytes, or 0 if it has none.
func (r Rule) MaxSize() int64 { return r.size }

// Timed reports whether the rule has a time part.
func (r Rule) Timed() bool { return len(r.times) > 0 }

// Times are handled within about a thousand million years of 1970. That keeps
// all sums clear of overflow, and years within an int of 32 bits.
const (
	maxYears = 1_000_000_000
	maxUnix  = maxYears * 31_556_952 // seconds in a mean Gregorian year
)

var (
	earliest = time.Unix(-maxUnix, 0)
	latest   = time.Unix(maxUnix, 0)
)

// Next returns the first time boundary strictly after t, in t's location and
// without a monotonic reading. It returns the zero Time if the rule has no time
// part or the boundary lies more than about a thousand million years ahead.
func (r Rule) Next(t time.Time) time.Time {
	if len(r.times) == 0 || t.After(latest) {
		return time.Time{}
	}
	loc := t.Location()
	if t.Before(earliest) {
		t = earliest // keeps Next monotonic where it no longer computes
	}
	// Boundaries are whole seconds, so one is after t exactly if it is after
	// t's second.
	now := t.Unix()
	first := int64(never)
	for _, b := range r.times {
		first = min(first, b.next(loc, now))
	}
	if first == never {
		return time.Time{}
	}
	return time.Unix(first, 0).In(loc)
}

// String returns the rule in its canonical form, which Parse reads back as an
// equal Rule. It is "never" for the zero Rule.
func (r Rule) String() string {
	var parts []string
	if r.size > 0 {
		parts = append(parts, formatSize(r.size))
	}
	for _, b := range r.times {
		parts = append(parts, b.String())
	}
	if len(parts) == 0 {
		return "never"
	}
	return strings.Join(parts, " or ")
}
