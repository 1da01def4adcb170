package schedule

import "time"

// The oracle finds boundaries by looking at the clock of a zone, as a person
// would: it reads dates and times one after the other, and knows no segments.

// oracle is a rule in terms of the wall clock. The index is that of the period
// that a reading lies in, and rises with it.
type oracle struct {
	rule    string
	period  int64                 // of an elapsed rule, in seconds; else 0
	index   func(time.Time) int64 // of a calendar rule
	minutes int64                 // how far from a window's middle to look; 0: all of it
}

var oracles = []oracle{
	{rule: "1 second", period: 1, minutes: 1},
	{rule: "7 seconds", period: 7, minutes: 6},
	{rule: "97 seconds", period: 97, minutes: 60},
	{rule: "minutely", period: 60, minutes: 40},
	{rule: "20 minutes", period: 1200, minutes: 600},
	{rule: "hourly", period: 3600},
	{rule: "5 hours", period: 5 * 3600},
	{rule: "24 hours", period: 24 * 3600},
	{rule: "36 hours", period: 36 * 3600},
	{rule: "daily", index: dateIndex},
	{rule: "3 days", index: func(w time.Time) int64 { return daysFromYearOne(w) / 3 }},
	{rule: "weekly", index: weekIndex},
	{rule: "2 weeks", index: func(w time.Time) int64 { return daysFromYearOne(w) / 14 }},
	{rule: "monthly", index: monthIndex},
	{rule: "5 months", index: func(w time.Time) int64 { return monthIndex(w) / 5 }},
	{rule: "yearly", index: func(w time.Time) int64 { return int64(w.Year()) }},
	{rule: "00:30", index: func(w time.Time) int64 { return dateIndex(w.Add(-30 * time.Minute)) }},
	{rule: "02:30", index: func(w time.Time) int64 { return dateIndex(w.Add(-150 * time.Minute)) }},
	{rule: "23:59", index: func(w time.Time) int64 { return dateIndex(w.Add(-1439 * time.Minute)) }},
	{rule: "sunday", index: func(w time.Time) int64 { return weekIndex(w.AddDate(0, 0, -6)) }},
	{rule: "saturday at 01:15", index: func(w time.Time) int64 { return weekIndex(w.AddDate(0, 0, -5).Add(-75 * time.Minute)) }},
}

func dateIndex(w time.Time) int64 {
	year, month, day := w.Date()
	return int64(year)*10000 + int64(month)*100 + int64(day)
}

func weekIndex(w time.Time) int64 {
	year, week := w.ISOWeek()
	return int64(year)*100 + int64(week)
}

func monthIndex(w time.Time) int64 { return int64(w.Year()-1)*12 + int64(w.Month()) - 1 }

// daysFromYearOne goes through the years, which have to be 1 or later.
func daysFromYearOne(w time.Time) int64 {
	y := int64(w.Year() - 1)
	return y*365 + y/4 - y/100 + y/400 + int64(w.YearDay()-1)
}

// reading is what a clock shows at an instant.
type reading struct {
	unix   int64
	wall   time.Time // in UTC, whatever the zone
	offset int
}

func read(loc *time.Location, unix int64) reading {
	t := time.Unix(unix, 0).In(loc)
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	_, offset := t.Zone()
	return reading{unix, time.Date(year, month, day, hour, minute, second, 0, time.UTC), offset}
}

// at returns the index of the period that r lies in.
func (o oracle) at(r reading) int64 {
	if o.period > 0 {
		seconds := r.wall.Unix()
		index := seconds / o.period
		if seconds%o.period < 0 {
			index--
		}
		return index
	}
	return o.index(r.wall)
}

// boundaries returns the instants from the first reading to the last at which
// the rule is due. Calendar rules need readings from two days before.
func (o oracle) boundaries(loc *time.Location, readings []reading) []int64 {
	var found []int64
	latest := o.at(readings[0])
	// visit goes down to the seconds at which the index or the offset changes.
	// Where neither does, the clock ran on within one period.
	var visit func(a, b reading, indexA, indexB int64)
	visit = func(a, b reading, indexA, indexB int64) {
		if a.offset == b.offset && indexA == indexB {
			return
		}
		if b.unix-a.unix > 1 {
			middle := read(loc, (a.unix+b.unix)/2)
			index := o.at(middle)
			visit(a, middle, indexA, index)
			visit(middle, b, index, indexB)
			return
		}
		if o.period > 0 && b.wall.Unix()%o.period == 0 || o.period == 0 && indexB > latest {
			found = append(found, b.unix)
		}
		latest = max(latest, indexB)
	}
	for i := range readings[1:] {
		a, b := readings[i], readings[i+1]
		visit(a, b, o.at(a), o.at(b))
	}
	return found
}

// window reads the clock every ten minutes of a span, within which no zone
// changes its offset twice.
func window(loc *time.Location, from, to int64) []reading {
	var readings []reading
	for u := from; u <= to; u += 600 {
		readings = append(readings, read(loc, u))
	}
	return readings
}

// offsetChanges returns days of the given years in which the offset of loc
// changes, as their first second in UTC.
func offsetChanges(loc *time.Location, fromYear, toYear int) []int64 {
	var days []int64
	first := time.Date(fromYear, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	last := time.Date(toYear, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	_, before := time.Unix(first, 0).In(loc).Zone()
	for u := first; u < last; u += day {
		_, after := time.Unix(u+day, 0).In(loc).Zone()
		if after != before {
			days = append(days, u)
		}
		before = after
	}
	return days
}

// changeWithin returns the first second of the day at whose end the offset is
// another than at its beginning.
func changeWithin(loc *time.Location, u int64) int64 {
	start := read(loc, u).offset
	lo, hi := u, u+day
	for hi-lo > 1 {
		if m := (lo + hi) / 2; read(loc, m).offset == start {
			lo = m
		} else {
			hi = m
		}
	}
	return hi
}
