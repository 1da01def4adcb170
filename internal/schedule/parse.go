package schedule

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sizeUnit is a unit of size. The list ascends.
type sizeUnit struct {
	name  string
	bytes int64
}

var sizeUnits = []sizeUnit{
	{"B", 1},
	{"KB", 1e3}, {"KiB", 1 << 10},
	{"MB", 1e6}, {"MiB", 1 << 20},
	{"GB", 1e9}, {"GiB", 1 << 30},
	{"TB", 1e12}, {"TiB", 1 << 40},
}

// interval is a unit of time. The list ascends within each kind.
type interval struct {
	name   string // singular
	adverb string // what one of it is called, if anything
	kind   kind
	every  int64
}

var intervals = []interval{
	{"second", "", elapsed, 1},
	{"minute", "minutely", elapsed, 60},
	{"hour", "hourly", elapsed, 60 * 60},
	{"day", "daily", calendar, day},
	{"week", "weekly", calendar, week},
	{"month", "monthly", months, 1},
	{"year", "yearly", months, 12},
}

var weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// Parse reads a rule; the package comment says what it may be. An error names
// s, the part of it that is wrong, and what is accepted there.
func Parse(s string) (Rule, error) {
	low := lower(s)
	if low == "" || low == "never" {
		return Rule{}, nil
	}
	if strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") || strings.Contains(s, "  ") {
		return Rule{}, fmt.Errorf("%q: words are separated by single spaces, with none before or after", s)
	}
	const or = " or "
	var r Rule
	pos := 0 // of the part in s; lower keeps lengths
	for part := range strings.SplitSeq(low, or) {
		if err := r.add(s[pos : pos+len(part)]); err != nil {
			if len(part) < len(s) {
				err = fmt.Errorf("part %q: %w", s[pos:pos+len(part)], err)
			}
			return Rule{}, fmt.Errorf("%q: %w", s, err)
		}
		pos += len(part) + len(or)
	}
	slices.SortFunc(r.times, boundary.compare)
	r.times = slices.Compact(r.times)
	return r, nil
}

// add reads one part, whose words are separated by single spaces.
func (r *Rule) add(part string) error {
	words := strings.Split(part, " ")
	first, last := lower(words[0]), words[len(words)-1]
	adverb := slices.IndexFunc(intervals, func(u interval) bool { return u.adverb == first })
	weekday := slices.Index(weekdays, first)
	one, at := len(words) == 1, len(words) == 3 && lower(words[1]) == "at"

	switch {
	case one && adverb >= 0:
		u := intervals[adverb]
		r.times = append(r.times, boundary{kind: u.kind, every: u.every})
		return nil
	case one && weekday >= 0:
		r.addCalendar(week, int64(weekday)*day)
		return nil
	case at && weekday >= 0:
		return r.addClock(last, week, int64(weekday)*day)
	case one && isDigit(first) && strings.Contains(first, ":"):
		return r.addClock(last, day, 0)
	case len(words) == 2 && (isDigit(first) || isUnit(last)):
		return r.addQuantity(words[0], last)

	// The rest is refused; some mistakes have a better answer than the list.
	case one && first == "never":
		return errors.New(`"never" stands alone`)
	case one && isDigit(first):
		return errors.New(`a single space separates a number from its unit, as in "10 MB" or "6 hours"`)
	case at && first == "daily":
		return fmt.Errorf("every day at a time is written as the time alone, %q", last)
	}
	return errors.New(`not a size ("10 MB"), minutely, hourly, daily, weekly, monthly, yearly, ` +
		`an interval ("6 hours"), a time of day ("23:30") or a weekday ("monday", "monday at 23:30")`)
}

// addQuantity reads a size or an interval.
func (r *Rule) addQuantity(number, unit string) error {
	if u, ok := findSize(unit); ok {
		n, err := count(number, unit, u.bytes)
		if err != nil {
			return err
		}
		if r.size == 0 || n < r.size {
			r.size = n
		}
		return nil
	}
	if u, ok := findInterval(unit); ok {
		n, err := count(number, unit, u.every)
		if err != nil {
			return err
		}
		r.times = append(r.times, boundary{kind: u.kind, every: n})
		return nil
	}
	var names []string
	for _, u := range sizeUnits {
		names = append(names, u.name)
	}
	for _, u := range intervals {
		names = append(names, u.name+"s")
	}
	return fmt.Errorf("unit %q is not one of %s", unit, strings.Join(names, ", "))
}

// addClock reads HH:MM, a time of the day that begins offset seconds into the
// period.
func (r *Rule) addClock(s string, every, offset int64) error {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") { // Parse takes 9:30 too
		return fmt.Errorf("time %q is not HH:MM from 00:00 to 23:59", s)
	}
	r.addCalendar(every, offset+int64(t.Hour()*3600+t.Minute()*60))
	return nil
}

func (r *Rule) addCalendar(every, phase int64) {
	r.times = append(r.times, boundary{kind: calendar, every: every, phase: phase})
}

// count returns number units of the given scale.
func count(number, unit string, scale int64) (int64, error) {
	n, err := strconv.ParseInt(number, 10, 64)
	if most := math.MaxInt64 / scale; err != nil || !isDigit(number) || n < 1 || n > most {
		return 0, fmt.Errorf("number %q is not a whole number from 1 to %d, the most that unit %q can take", number, most, unit)
	}
	return n * scale, nil
}

func isUnit(s string) bool {
	_, size := findSize(s)
	_, span := findInterval(s)
	return size || span
}

func findSize(s string) (sizeUnit, bool) {
	i := slices.IndexFunc(sizeUnits, func(u sizeUnit) bool { return lower(u.name) == lower(s) })
	if i < 0 {
		return sizeUnit{}, false
	}
	return sizeUnits[i], true
}

func findInterval(s string) (interval, bool) {
	name := strings.TrimSuffix(lower(s), "s")
	i := slices.IndexFunc(intervals, func(u interval) bool { return u.name == name })
	if i < 0 {
		return interval{}, false
	}
	return intervals[i], true
}

// formatSize returns n in the largest unit that divides it.
func formatSize(n int64) string {
	var unit sizeUnit
	for _, u := range sizeUnits {
		if n%u.bytes == 0 {
			unit = u
		}
	}
	return fmt.Sprintf("%d %s", n/unit.bytes, unit.name)
}

// isDigit reports whether s begins with a digit.
func isDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// lower changes ASCII letters only: Unicode would also fold the Kelvin sign
// into a k.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
