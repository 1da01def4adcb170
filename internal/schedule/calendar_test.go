package schedule

import (
	"math"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNext(t *testing.T) {
	// Each chain begins with a time and goes on with what Next gives for the
	// one before. All are RFC 3339, so that the offset shows which of two equal
	// clock times is meant.
	for _, tt := range []struct {
		name, zone, rule string
		chain            []string
	}{
		{"seconds", "UTC", "15 seconds", []string{"2026-03-01T10:00:14.999999999Z", "2026-03-01T10:00:15Z", "2026-03-01T10:00:30Z"}},
		{"minutely", "UTC", "minutely", []string{"2026-12-31T23:59:00Z", "2027-01-01T00:00:00Z", "2027-01-01T00:01:00Z"}},
		{"hourly", "UTC", "hourly", []string{"2026-03-01T10:20:30.5Z", "2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z"}},
		{"36 hours count from 1970", "UTC", "36 hours", []string{"1969-12-30T12:00:00Z", "1970-01-01T00:00:00Z", "1970-01-02T12:00:00Z", "1970-01-04T00:00:00Z"}},
		{"daily over a month end", "UTC", "daily", []string{"2026-02-27T12:00:00Z", "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"}},
		{"daily over a leap day", "UTC", "daily", []string{"2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"}},
		{"weekly", "UTC", "weekly", []string{"2026-02-25T12:00:00Z", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"}},
		{"weekly over a year end", "UTC", "weekly", []string{"2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"}},
		{"monthly", "UTC", "monthly", []string{"2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"}},
		{"monthly over a year end", "UTC", "monthly", []string{"2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"}},
		{"yearly", "UTC", "yearly", []string{"2028-02-29T00:00:00Z", "2029-01-01T00:00:00Z", "2030-01-01T00:00:00Z"}},
		{"days count from year 1", "UTC", "3 days", []string{"0001-01-01T00:00:00Z", "0001-01-04T00:00:00Z", "0001-01-07T00:00:00Z"}},
		{"days today", "UTC", "2 days", []string{"2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-04T00:00:00Z"}},
		{"weeks count from year 1", "UTC", "2 weeks", []string{"0001-01-01T00:00:00Z", "0001-01-15T00:00:00Z", "0001-01-29T00:00:00Z"}},
		{"months count from year 1", "UTC", "5 months", []string{"0001-01-01T00:00:00Z", "0001-06-01T00:00:00Z", "0001-11-01T00:00:00Z", "0002-04-01T00:00:00Z"}},
		{"quarters", "UTC", "3 months", []string{"2026-02-14T00:00:00Z", "2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"}},
		{"years count from year 1", "UTC", "10 years", []string{"2026-02-14T00:00:00Z", "2031-01-01T00:00:00Z", "2041-01-01T00:00:00Z"}},
		{"before year 1", "UTC", "yearly", []string{"-0002-06-01T00:00:00Z", "-0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z"}},
		{"time of day", "UTC", "23:30", []string{"2026-02-28T23:29:59Z", "2026-02-28T23:30:00Z", "2026-03-01T23:30:00Z"}},
		{"weekday", "UTC", "sunday", []string{"2026-02-22T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z"}},
		{"weekday at a time", "UTC", "friday at 18:15", []string{"2026-02-27T18:00:00Z", "2026-02-27T18:15:00Z", "2026-03-06T18:15:00Z"}},
		{"first of several", "UTC", "06:00 or 18:00 or monday or 1 MB", []string{"2026-03-01T12:00:00Z", "2026-03-01T18:00:00Z", "2026-03-02T00:00:00Z", "2026-03-02T06:00:00Z"}},

		{"daily, clocks ahead", "America/New_York", "daily", []string{"2026-03-07T12:00:00-05:00", "2026-03-08T00:00:00-05:00", "2026-03-09T00:00:00-04:00"}},
		{"daily, clocks back", "America/New_York", "daily", []string{"2026-10-31T12:00:00-04:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"}},
		{"hourly, clocks ahead", "America/New_York", "hourly", []string{"2026-03-08T01:00:00-05:00", "2026-03-08T03:00:00-04:00", "2026-03-08T04:00:00-04:00"}},
		{"hourly, clocks back", "America/New_York", "hourly", []string{"2026-11-01T00:30:00-04:00", "2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00"}},
		{"2 hours, clocks ahead", "America/New_York", "2 hours", []string{"2026-03-08T00:00:00-05:00", "2026-03-08T04:00:00-04:00"}},
		{"2 hours, clocks back", "America/New_York", "2 hours", []string{"2026-11-01T00:00:00-04:00", "2026-11-01T02:00:00-05:00"}},
		{"long period, clocks back", "America/New_York", "498193 hours", []string{"2026-11-01T00:59:59-04:00", "2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00"}},
		{"skipped time", "America/New_York", "02:30", []string{"2026-03-07T02:30:00-05:00", "2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"}},
		{"repeated time", "America/New_York", "01:30", []string{"2026-10-31T01:30:00-04:00", "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
		{"within the repeat", "America/New_York", "01:30", []string{"2026-11-01T01:15:00-05:00", "2026-11-02T01:30:00-05:00"}},
		{"skipped weekday time", "America/New_York", "sunday at 02:00", []string{"2026-03-02T00:00:00-05:00", "2026-03-08T03:00:00-04:00", "2026-03-15T02:00:00-04:00"}},

		{"midnight missing", "America/Sao_Paulo", "daily", []string{"2018-11-03T12:00:00-03:00", "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"}},
		{"midnight missing, weekday", "America/Sao_Paulo", "sunday", []string{"2018-11-01T00:00:00-03:00", "2018-11-04T01:00:00-02:00", "2018-11-11T00:00:00-02:00"}},
		{"midnight missing, 24 hours", "America/Sao_Paulo", "24 hours", []string{"2018-11-03T00:00:00-03:00", "2018-11-05T00:00:00-02:00"}},
		{"back before midnight is shown", "America/Sao_Paulo", "daily", []string{"2019-02-16T23:30:00-02:00", "2019-02-17T00:00:00-03:00", "2019-02-18T00:00:00-03:00"}},
		{"midnight twice", "America/Havana", "daily", []string{"2026-10-31T12:00:00-04:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"}},
		{"midnight twice, monthly", "America/Havana", "monthly", []string{"2026-10-31T12:00:00-04:00", "2026-11-01T00:00:00-04:00", "2026-12-01T00:00:00-05:00"}},
		{"midnight skipped", "America/Havana", "daily", []string{"2026-03-07T12:00:00-05:00", "2026-03-08T01:00:00-04:00", "2026-03-09T00:00:00-04:00"}},
		{"midnight shown, then back over it", "America/St_Johns", "daily", []string{"2010-11-06T12:00:00-02:30", "2010-11-07T00:00:00-02:30", "2010-11-08T00:00:00-03:30"}},
		{"midnight missing, Beirut", "Asia/Beirut", "daily", []string{"2022-03-26T12:00:00+02:00", "2022-03-27T01:00:00+03:00", "2022-03-28T00:00:00+03:00"}},
		{"midnight missing, Asuncion", "America/Asuncion", "daily", []string{"2023-09-30T12:00:00-04:00", "2023-10-01T01:00:00-03:00", "2023-10-02T00:00:00-03:00"}},
		{"midnight missing, monthly", "America/Asuncion", "monthly", []string{"2023-09-30T12:00:00-04:00", "2023-10-01T01:00:00-03:00", "2023-11-01T00:00:00-03:00"}},

		{"half an hour ahead", "Australia/Lord_Howe", "hourly", []string{"2026-10-04T01:00:00+10:30", "2026-10-04T03:00:00+11:00"}},
		{"half an hour back", "Australia/Lord_Howe", "hourly", []string{"2026-04-05T01:00:00+11:00", "2026-04-05T02:00:00+10:30", "2026-04-05T03:00:00+10:30"}},
		{"half hours ahead", "Australia/Lord_Howe", "30 minutes", []string{"2026-10-04T01:30:00+10:30", "2026-10-04T02:30:00+11:00"}},
		{"half hours back", "Australia/Lord_Howe", "30 minutes", []string{"2026-04-05T01:30:00+11:00", "2026-04-05T01:30:00+10:30", "2026-04-05T02:00:00+10:30"}},
		{"offset of 5:45", "Asia/Kathmandu", "hourly", []string{"2026-03-01T10:20:00+05:45", "2026-03-01T11:00:00+05:45"}},
		{"offset of 5:45, daily", "Asia/Kathmandu", "daily", []string{"2026-03-01T10:20:00+05:45", "2026-03-02T00:00:00+05:45"}},
		{"15 minutes ahead", "Asia/Kathmandu", "daily", []string{"1985-12-31T20:00:00+05:30", "1986-01-01T00:15:00+05:45", "1986-01-02T00:00:00+05:45"}},

		{"date missing", "Pacific/Apia", "daily", []string{"2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"}},
		{"date missing, time of day", "Pacific/Apia", "12:00", []string{"2011-12-29T12:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T12:00:00+14:00"}},
		{"date missing, weekday", "Pacific/Apia", "friday at 09:00", []string{"2011-12-23T09:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-06T09:00:00+14:00"}},
		{"date missing, hourly", "Pacific/Apia", "hourly", []string{"2011-12-29T23:00:00-10:00", "2011-12-31T00:00:00+14:00"}},
		{"date missing, Kwajalein", "Pacific/Kwajalein", "daily", []string{"1993-08-20T12:00:00-12:00", "1993-08-22T00:00:00+12:00", "1993-08-23T00:00:00+12:00"}},
		{"date twice", "America/Juneau", "daily", []string{"1867-10-18T12:00:00+15:02:19", "1867-10-19T00:00:00+15:02:19", "1867-10-20T00:00:00-08:57:41"}},
		{"date twice, 12 hours", "America/Juneau", "12 hours", []string{"1867-10-19T00:00:00+15:02:19", "1867-10-19T12:00:00+15:02:19", "1867-10-19T00:00:00-08:57:41"}},

		{"offset with seconds", "Africa/Monrovia", "hourly", []string{"1900-01-01T05:30:00-00:43:08", "1900-01-01T06:00:00-00:43:08"}},
		{"beyond the table, leap year's last day", "America/New_York", "00:01", []string{"2096-12-30T23:00:00-05:00", "2096-12-31T00:01:00-05:00", "2097-01-01T00:01:00-05:00"}},
		{"beyond the table, a year of hours", "America/New_York", "8760 hours", []string{"2096-12-31T22:00:00-05:00", "2097-11-30T00:00:00-05:00"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rule, loc := parse(t, tt.rule), zone(t, tt.zone)
			at := stamp(t, loc, tt.chain[0])
			for _, want := range tt.chain[1:] {
				next := rule.Next(at)
				require.Equal(t, stamp(t, loc, want), next, "after %v", at)
				at = next
			}
		})
	}
}

func TestNextKeepsLocationAndDropsMonotonic(t *testing.T) {
	now := time.Now()
	for _, loc := range []*time.Location{time.UTC, time.Local, zone(t, "Asia/Kathmandu"), time.FixedZone("odd", 12345)} {
		next := parse(t, "hourly or daily").Next(now.In(loc))
		assert.Same(t, loc, next.Location())
		assert.Equal(t, next.Round(0), next)
	}
	assert.Equal(t, time.UTC, parse(t, "daily").Next(time.Time{}).Location())
}

func TestNextWithoutTime(t *testing.T) {
	for _, s := range []string{"never", "10 MB"} {
		assert.Zero(t, parse(t, s).Next(time.Now()), s)
	}
	assert.Zero(t, Rule{}.Next(time.Now()))
}

func TestNextAtTheEdges(t *testing.T) {
	rules := []string{
		"1 second", "hourly", "36 hours", "1000000 hours", "9223372036854775807 seconds", "2562047788015215 hours",
		"daily", "106751991167300 days", "15250284452471 weeks", "9223372036854775807 months", "768614336404564650 years",
		"monthly", "yearly", "23:59", "sunday at 23:59",
	}
	unix := []int64{math.MinInt64, math.MinInt64 + 1, -1 << 62, -maxUnix - 1, -maxUnix, -1 << 40, -62135596801, -1, 0,
		1 << 32, 1 << 40, maxUnix - 1, maxUnix, maxUnix + 1, 1 << 62, math.MaxInt64 - 62135596801, math.MaxInt64}
	zones := []*time.Location{time.UTC, zone(t, "America/New_York"), zone(t, "Australia/Lord_Howe"), time.FixedZone("far", 1<<30)}
	for _, s := range rules {
		rule := parse(t, s)
		for _, loc := range zones {
			for _, sec := range unix {
				at := time.Unix(sec, 999_999_999).In(loc)
				if next := rule.Next(at); !next.IsZero() {
					assert.True(t, next.After(at), "%s after %d in %v: %d", s, sec, loc, next.Unix())
				}
			}
			assert.False(t, parse(t, "daily").Next(time.Unix(math.MinInt64, 0).In(loc)).IsZero())
			assert.True(t, rule.Next(latest.Add(time.Hour).In(loc)).IsZero())
		}
	}
	now := stamp(t, time.UTC, "2026-03-01T10:00:00Z")
	for _, s := range []string{"9223372036854775807 seconds", "9223372036854775807 months", "15250284452471 weeks"} {
		assert.Zero(t, parse(t, s).Next(now), s)
	}
	// Years that only a long period reaches, in a zone with two transitions in
	// each of the years between.
	assert.Equal(t, 10_000_001, parse(t, "10000000 years").Next(now.In(zone(t, "America/New_York"))).Year())
	assert.Equal(t, 116_049, parse(t, "1000000000 hours").Next(now.In(zone(t, "America/New_York"))).Year())
}

func TestNextDoesNotAllocate(t *testing.T) {
	rule := parse(t, "hourly or daily or monthly or 23:30 or monday at 09:00")
	at := stamp(t, zone(t, "America/New_York"), "2026-03-08T01:00:00-05:00")
	assert.Zero(t, testing.AllocsPerRun(100, func() { rule.Next(at) }))
}

func BenchmarkNext(b *testing.B) {
	at := stamp(b, zone(b, "America/New_York"), "2026-06-08T01:00:00-04:00")
	for _, s := range []string{"1 second", "hourly", "daily", "monthly", "1000000 hours"} {
		b.Run(s, func(b *testing.B) {
			rule := parse(b, s)
			for b.Loop() {
				rule.Next(at)
			}
		})
	}
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	require.NoError(t, err)
	return loc
}

// stamp reads RFC 3339 with the two things that time.Parse cannot: a year
// before 0 and an offset with seconds. The offset has to be that of loc.
func stamp(t testing.TB, loc *time.Location, s string) time.Time {
	t.Helper()
	full, sign := s, 1
	if s[0] == '-' {
		s, sign = s[1:], -1
	}
	layout := time.RFC3339Nano
	if len(s) > 20 && s[len(s)-3] == ':' && s[len(s)-6] == ':' {
		layout = "2006-01-02T15:04:05Z07:00:00"
	}
	at, err := time.Parse(layout, s)
	require.NoError(t, err)
	if sign < 0 {
		at = time.Date(-at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), at.Location())
	}
	_, want := at.Zone()
	at = at.In(loc)
	_, got := at.Zone()
	require.Equal(t, want, got, "offset of %s in %v", full, loc)
	return at
}
