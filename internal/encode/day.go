package encode

import (
	"sync/atomic"
	"time"
)

// dayCache remembers what the times of one day have in common. It is for the
// times of records, which hardly ever go back, and only moves on to a later
// day: times that come in no order cost what they would without it.
type dayCache struct{ atomic.Pointer[day] }

type day struct {
	loc         *time.Location
	from, until int64    // the Unix seconds that the rest is good for
	midnight    int64    // in Unix seconds, even if it lies before from
	date        [11]byte // 2006-01-02T
	zone        string   // Z or an offset
}

// append does what appendRFC3339 does.
func (c *dayCache) append(b []byte, t time.Time, digits int) ([]byte, bool) {
	d, unix := c.Load(), t.Unix()
	if d == nil || d.loc != t.Location() || unix < d.from || unix >= d.until {
		if d == nil || unix >= d.until {
			if next := newDay(t); next != nil {
				c.Store(next)
			}
		}
		return appendRFC3339(b, t, digits)
	}
	n := len(b)
	b = append(append(b, d.date[:]...), "00:00:00.000000000"...)
	end := putTime((*[29]byte)(b[n:]), uint32(unix-d.midnight), uint32(t.Nanosecond()), digits) //gosec:disable G115 -- seconds of a day
	return append(b[:n+end], d.zone...), true
}

// newDay returns the day of t, cut where the offset of its zone changes, or
// nil if RFC 3339 cannot express it.
func newDay(t time.Time) *day {
	text, ok := appendRFC3339(nil, t, milliseconds)
	if !ok {
		return nil
	}
	_, offset := t.Zone()
	midnight := t.Unix() - (t.Unix()+int64(offset)-minSecond)%86400
	d := &day{loc: t.Location(), from: midnight, until: midnight + 86400, midnight: midnight}
	d.zone = string(text[copy(d.date[:], text)+len("15:04:05.000"):])
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		d.from = max(d.from, start.Unix())
	}
	if !end.IsZero() {
		d.until = min(d.until, end.Unix())
	}
	return d
}
