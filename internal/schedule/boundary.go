package schedule

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

const (
	day  = 24 * 60 * 60
	week = 7 * day

	// yearOne is Monday 0001-01-01 00:00, from which calendar periods count.
	yearOne = -719162 * day

	// never is later than every boundary.
	never = math.MaxInt64
)

// kind says what a boundary's period is counted in.
type kind uint8

const (
	elapsed  kind = iota // seconds, due each time the wall clock shows a multiple
	calendar             // seconds of whole days, due once per wall-clock time
	months               // months, due once per date
)

// boundary is one time part of a rule.
type boundary struct {
	kind  kind
	every int64 // the period, positive
	phase int64 // calendar: seconds into the period, below every; else 0
}

func (b boundary) compare(c boundary) int {
	return cmp.Or(cmp.Compare(b.kind, c.kind), cmp.Compare(b.every, c.every), cmp.Compare(b.phase, c.phase))
}

// next returns the first boundary after now, both in Unix seconds.
func (b boundary) next(loc *time.Location, now int64) int64 {
	if b.kind == elapsed {
		return nextMultiple(loc, now, b.every)
	}
	// A wall-clock time is still to come exactly if the clock has never shown
	// it or anything later, whatever it shows at the moment.
	wall := latestWall(loc, now)
	if b.kind == months {
		wall = b.monthAfter(wall)
	} else {
		wall = b.wallAfter(wall)
	}
	if wall > maxUnix {
		return never
	}
	return reach(loc, now, wall)
}

// wallAfter returns the calendar boundary's first wall-clock time after wall.
func (b boundary) wallAfter(wall int64) int64 {
	since := wall - yearOne - b.phase
	return wall + (b.every - floorMod(since, b.every))
}

// monthAfter returns the first wall-clock time after wall at which one of the
// boundary's months begins.
func (b boundary) monthAfter(wall int64) int64 {
	date := time.Unix(wall, 0).UTC()
	month := (int64(date.Year())-1)*12 + int64(date.Month()-time.January)
	month += b.every - floorMod(month, b.every)
	if month > 12*maxYears {
		return never
	}
	year, rest := floorDiv(month, 12), floorMod(month, 12)
	return time.Date(int(year)+1, time.January+time.Month(rest), 1, 0, 0, 0, 0, time.UTC).Unix()
}

// String returns the boundary as the largest unit that expresses it.
func (b boundary) String() string {
	if b.phase != 0 {
		hour, minute := b.phase%day/3600, b.phase%3600/60
		clock := fmt.Sprintf("%02d:%02d", hour, minute)
		switch {
		case b.every == day:
			return clock
		case b.phase%day == 0:
			return weekdays[b.phase/day]
		default:
			return weekdays[b.phase/day] + " at " + clock
		}
	}
	var unit interval
	for _, u := range intervals {
		if u.kind == b.kind && b.every%u.every == 0 {
			unit = u
		}
	}
	n := b.every / unit.every
	switch {
	case n == 1 && unit.adverb != "":
		return unit.adverb
	case n == 1:
		return "1 " + unit.name
	default:
		return fmt.Sprintf("%d %ss", n, unit.name)
	}
}

// floorDiv is a/b rounded down, for b > 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// floorMod is what floorDiv leaves: at least 0, below b.
func floorMod(a, b int64) int64 {
	m := a % b
	if m < 0 {
		m += b
	}
	return m
}
