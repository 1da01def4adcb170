package schedule

import "time"

// In this file a wall time is what the clock of a zone shows, in seconds as if
// it were UTC: Unix seconds plus the zone's offset. It runs along with time,
// and jumps ahead or back where the offset changes.

// drift is more than the offset of any one zone varies. The record is the 24
// hours by which places moved across the date line.
const drift = 2 * day

// forever is the end of a zone's last segment.
const forever = never

// segment returns the offset of loc at u and an instant after u up to which
// that offset holds. The offset may stay the same beyond.
func segment(loc *time.Location, u int64) (offset, end int64) {
	t := time.Unix(u, 0).In(loc)
	_, off := t.Zone()
	_, bound := t.ZoneBounds()
	switch {
	case bound.IsZero():
		end = forever
	case bound.Unix() > u:
		end = bound.Unix()
	default:
		// Beyond a zone's table of transitions, ZoneBounds takes every year to
		// have 365 days: on the last day of a leap year (in UTC) the end it
		// gives has passed. The offset holds for the rest of that day.
		end = u - floorMod(u, day) + day
	}
	return int64(off), end
}

// nextMultiple returns the first instant after now whose wall time is a
// multiple of period.
func nextMultiple(loc *time.Location, now, period int64) int64 {
	for from := now + 1; ; {
		offset, end := segment(loc, from)
		wall := from + offset
		if m := floorMod(wall, period); m > 0 {
			if period-m > maxUnix-wall {
				return never
			}
			wall += period - m
		}
		if wall > maxUnix {
			return never
		}
		u := wall - offset
		if u < end {
			return u
		}
		// A later segment may show the multiple sooner, by less than drift; and
		// one that sets the clock back may show the multiple before it again,
		// but not when drift has passed since from. Between the two, nothing.
		if end-from >= drift {
			end = max(end, u-drift)
		}
		from = end
	}
}

// latestWall returns the latest wall time shown up to now: that of now, unless
// the clock was set back and has yet to catch up.
func latestWall(loc *time.Location, now int64) int64 {
	latest := int64(-never)
	for u := now - drift; ; {
		offset, end := segment(loc, u)
		if end > now {
			return max(latest, now+offset)
		}
		latest = max(latest, end-1+offset)
		u = end
	}
}

// reach returns the first instant at which the clock shows wall or later, for a
// wall time later than all that were shown up to now.
func reach(loc *time.Location, now, wall int64) int64 {
	offset, end := segment(loc, now+1)
	u := max(now+1, wall-offset-drift)
	if u >= end {
		offset, end = segment(loc, u)
	}
	for {
		if at := max(u, wall-offset); at < end {
			return at
		}
		u = end
		offset, end = segment(loc, u)
	}
}
