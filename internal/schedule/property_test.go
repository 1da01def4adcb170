package schedule

import (
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// zones are chosen for what their clocks have done: midnights and dates
// skipped or shown twice, changes by 20 to 45 minutes or by a day, offsets with
// minutes and seconds, daylight saving below standard time, and rules that go
// on beyond the table.
var zones = []string{
	"UTC", "Africa/Cairo", "Africa/Casablanca", "Africa/Monrovia", "Africa/Windhoek",
	"America/Anchorage", "America/Asuncion", "America/Caracas", "America/Chicago", "America/Halifax",
	"America/Havana", "America/Juneau", "America/Montevideo", "America/New_York", "America/Nuuk",
	"America/Santiago", "America/Santo_Domingo", "America/Sao_Paulo", "America/Scoresbysund", "America/St_Johns",
	"Antarctica/Casey", "Antarctica/Troll", "Asia/Amman", "Asia/Beirut", "Asia/Gaza",
	"Asia/Kathmandu", "Asia/Kolkata", "Asia/Manila", "Asia/Pyongyang", "Asia/Tehran",
	"Atlantic/Azores", "Australia/Adelaide", "Australia/Eucla", "Australia/Lord_Howe", "Europe/Amsterdam",
	"Europe/Berlin", "Europe/Dublin", "Europe/Lisbon", "Europe/London", "Europe/Volgograd",
	"Pacific/Apia", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Fiji", "Pacific/Kwajalein", "Pacific/Norfolk",
}

func TestNextAgainstOracle(t *testing.T) {
	for seed, name := range zones {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loc := zone(t, name)
			rng := rand.New(rand.NewPCG(1, uint64(seed)))
			for _, middle := range middles(loc, rng) {
				compare(t, loc, rng, middle)
			}
		})
	}
}

// middles returns instants around which to compare: changes of the offset, and
// ends of months and years, in and beyond the tables of the zones.
func middles(loc *time.Location, rng *rand.Rand) []int64 {
	changes := offsetChanges(loc, 1840, 2045)
	rng.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
	var found []int64
	for _, u := range changes[:min(3, len(changes))] {
		found = append(found, changeWithin(loc, u))
	}
	for _, u := range offsetChanges(loc, 2096, 2097) {
		found = append(found, changeWithin(loc, u))
	}
	for _, year := range []int{1900 + rng.IntN(150), 2040, 2096} {
		found = append(found, time.Date(year, 12, 31, 22, 0, 0, 0, loc).Unix())
	}
	return append(found, time.Date(1850+rng.IntN(200), time.Month(2+rng.IntN(11)), 1, 0, 0, 0, 0, loc).Unix())
}

// compare checks all rules in three days around an instant.
func compare(t *testing.T, loc *time.Location, rng *rand.Rand, middle int64) {
	readings := window(loc, middle-4*day, middle+2*day)
	for _, o := range oracles {
		span, used := int64(2*day), readings
		if o.minutes > 0 {
			span = o.minutes * 60
			used = window(loc, middle-span, middle+span+600)
		}
		due, rule := o.boundaries(loc, used), parse(t, o.rule)
		last := used[len(used)-1].unix

		probes := []int64{middle - 1, middle}
		for range 10 {
			probes = append(probes, middle-span+rng.Int64N(2*span))
			if len(due) > 0 {
				u := due[rng.IntN(len(due))]
				probes = append(probes, u-1, u)
			}
		}
		for _, u := range probes {
			if u < middle-span {
				continue
			}
			at := time.Unix(u, rng.Int64N(1e9)).In(loc)
			next := rule.Next(at)
			i := sort.Search(len(due), func(i int) bool { return due[i] > u })
			if i == len(due) {
				if next.Unix() <= last {
					require.Failf(t, "too early", "%s after %v: %v", o.rule, at, next)
				}
			} else if next.Unix() != due[i] {
				require.Failf(t, "differs", "%s after %v: %v, want %v", o.rule, at, next, time.Unix(due[i], 0).In(loc))
			}
		}
	}
}

func TestNextIsMonotonic(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	for _, name := range zones {
		loc := zone(t, name)
		var times []int64
		for _, middle := range middles(loc, rng) {
			for range 30 {
				times = append(times, middle-2*day+rng.Int64N(4*day))
			}
		}
		slices.Sort(times)
		for _, o := range oracles {
			rule := parse(t, o.rule)
			var before time.Time
			for _, u := range times {
				at := time.Unix(u, 0).In(loc)
				next := rule.Next(at)
				if !next.After(at) || next.Before(before) {
					require.Failf(t, "not monotonic", "%s after %v: %v", o.rule, at, next)
				}
				before = next
			}
		}
	}
}

func FuzzNext(f *testing.F) {
	f.Fuzz(func(t *testing.T, s, name string, sec, nsec int64) {
		rule, err := Parse(s)
		if err != nil {
			return
		}
		loc, err := time.LoadLocation(name)
		if err != nil {
			// A name is seldom a zone's, so let it choose one.
			i := 0
			for _, c := range []byte(name) {
				i = (i*31 + int(c)) % len(zones)
			}
			loc = zone(t, zones[i])
		}
		at := time.Unix(sec, floorMod(nsec, 1e9)).In(loc)
		next := rule.Next(at)
		if next.IsZero() {
			return
		}
		require.True(t, next.After(at), "%s after %v: %v", s, at, next)
		if at.Before(earliest) {
			return
		}
		// Up to next, the answer stays the same; at next, it moves on.
		between := at.Add(next.Sub(at) / 2)
		for _, u := range []time.Time{between, next.Add(-1)} {
			assert.Equal(t, next, rule.Next(u), "%s after %v", s, u)
		}
		after := rule.Next(next)
		require.True(t, after.IsZero() || after.After(next), "%s after %v: %v", s, next, after)
		// The parts are due as they are alone, the first of them now.
		for _, b := range rule.times {
			alone := Rule{times: []boundary{b}}.Next(at)
			require.False(t, !alone.IsZero() && alone.Before(next), "%v after %v: %v", b, at, alone)
		}
		if year := at.Year(); year < 2 || year > 1_000_000 {
			return // the oracle counts from year 1, and Next ends somewhere
		}
		for _, o := range oracles {
			if o.minutes > 0 {
				continue
			}
			due := o.boundaries(loc, window(loc, at.Unix()-3*day, at.Unix()+day))
			i := sort.Search(len(due), func(i int) bool { return due[i] > at.Unix() })
			if got := parse(t, o.rule).Next(at); i < len(due) && got.Unix() != due[i] || i == len(due) && got.Before(at.Add(23*time.Hour)) {
				assert.Failf(t, "differs", "%s after %v: %v", o.rule, at, got)
			}
		}
	})
}
