package schedule

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseAccepts(t *testing.T) {
	for _, tt := range []struct {
		in, canonical string
		size          int64
	}{
		{"", "never", 0},
		{"never", "never", 0},
		{"NEVER", "never", 0},

		{"500 B", "500 B", 500},
		{"100 KB", "100 KB", 100_000},
		{"100 KiB", "100 KiB", 102_400},
		{"10 mb", "10 MB", 10_000_000},
		{"10 MIB", "10 MiB", 10 << 20},
		{"1 GB", "1 GB", 1e9},
		{"1 gIb", "1 GiB", 1 << 30},
		{"2 TB", "2 TB", 2e12},
		{"2 TiB", "2 TiB", 2 << 40},
		{"1000 KB", "1 MB", 1e6},
		{"1024 KiB", "1 MiB", 1 << 20},
		{"1000 KiB", "1000 KiB", 1_024_000},
		{"007 B", "7 B", 7},
		{"9223372036854775807 B", "9223372036854775807 B", math.MaxInt64},
		{"8388607 TiB", "8388607 TiB", 8388607 << 40},
		{"3 MB or 2 MiB or 4 KB", "4 KB", 4000},

		{"minutely", "minutely", 0},
		{"Hourly", "hourly", 0},
		{"daily", "daily", 0},
		{"weekly", "weekly", 0},
		{"monthly", "monthly", 0},
		{"YEARLY", "yearly", 0},

		{"1 second", "1 second", 0},
		{"1 seconds", "1 second", 0},
		{"90 seconds", "90 seconds", 0},
		{"120 seconds", "2 minutes", 0},
		{"1 minute", "minutely", 0},
		{"60 minutes", "hourly", 0},
		{"24 hours", "24 hours", 0},
		{"36 Hours", "36 hours", 0},
		{"1 day", "daily", 0},
		{"2 day", "2 days", 0},
		{"7 days", "weekly", 0},
		{"14 days", "2 weeks", 0},
		{"1 month", "monthly", 0},
		{"3 months", "3 months", 0},
		{"12 months", "yearly", 0},
		{"10 years", "10 years", 0},
		{"9223372036854775807 seconds", "9223372036854775807 seconds", 0},
		{"9223372036854775807 months", "9223372036854775807 months", 0},
		{"768614336404564650 years", "768614336404564650 years", 0},

		{"23:30", "23:30", 0},
		{"00:01", "00:01", 0},
		{"00:00", "daily", 0},
		{"monday", "weekly", 0},
		{"Monday at 00:00", "weekly", 0},
		{"monday at 09:05", "monday at 09:05", 0},
		{"tuesday", "tuesday", 0},
		{"WEDNESDAY AT 23:59", "wednesday at 23:59", 0},
		{"thursday", "thursday", 0},
		{"friday", "friday", 0},
		{"saturday", "saturday", 0},
		{"sunday at 00:00", "sunday", 0},

		{"daily or 100 MB", "100 MB or daily", 100_000_000},
		{"100 MB OR daily Or 12:00", "100 MB or daily or 12:00", 100_000_000},
		{"12:00 or 06:00 or 12:00 or 18:00", "06:00 or 12:00 or 18:00", 0},
		{"yearly or monthly or daily or hourly", "hourly or daily or monthly or yearly", 0},
	} {
		t.Run(tt.in, func(t *testing.T) {
			r, err := Parse(tt.in)
			require.NoError(t, err)
			assert.Equal(t, tt.canonical, r.String())
			assert.Equal(t, tt.size, r.MaxSize())
			again, err := Parse(r.String())
			require.NoError(t, err)
			assert.Equal(t, r, again)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const (
		units   = "is not one of B, KB, KiB, MB, MiB, GB, GiB, TB, TiB, seconds, minutes, hours, days, weeks, months, years"
		spaces  = ": words are separated by single spaces, with none before or after"
		spaced  = `: a single space separates a number from its unit, as in "10 MB" or "6 hours"`
		clock   = "is not HH:MM from 00:00 to 23:59"
		generic = `: not a size ("10 MB"), minutely, hourly, daily, weekly, monthly, yearly, an interval ("6 hours"), ` +
			`a time of day ("23:30") or a weekday ("monday", "monday at 23:30")`
	)
	for in, want := range map[string]string{
		"10 parsecs":               `"10 parsecs": unit "parsecs" ` + units,
		"10 MB or 10 Parsecs":      `"10 MB or 10 Parsecs": part "10 Parsecs": unit "Parsecs" ` + units,
		"10 PARSECS or 5 hours":    `"10 PARSECS or 5 hours": part "10 PARSECS": unit "PARSECS" ` + units,
		"10 \u212aB":               "unit \"\u212aB\" " + units, // Kelvin sign
		"10 MB\n":                  `"10 MB\n": unit "MB\n" ` + units,
		"0 MB":                     `"0 MB": number "0" is not a whole number from 1 to 9223372036854, the most that unit "MB" can take`,
		"0 hours":                  `"0 hours": number "0" is not a whole number from 1 to 2562047788015215, the most that unit "hours" can take`,
		"-1 MB":                    `"-1 MB": number "-1" is not a whole number from 1 to`,
		"+1 MB":                    `"+1 MB": number "+1" is not a whole number from 1 to`,
		"1.5 GB":                   `"1.5 GB": number "1.5" is not a whole number from 1 to`,
		"1_000 B":                  `"1_000 B": number "1_000" is not a whole number from 1 to`,
		"ten MB":                   `"ten MB": number "ten" is not a whole number from 1 to`,
		"\u0663 MB":                "number \"\u0663\" is not a whole number from 1 to",
		"9223372036854775808 B":    `number "9223372036854775808" is not a whole number from 1 to 9223372036854775807, the most that unit "B" can take`,
		"8388608 TiB":              `number "8388608" is not a whole number from 1 to 8388607, the most that unit "TiB" can take`,
		"15250284452472 weeks":     `number "15250284452472" is not a whole number from 1 to 15250284452471`,
		"768614336404564651 years": `number "768614336404564651" is not a whole number from 1 to 768614336404564650`,

		" daily":              `" daily"` + spaces,
		"daily ":              `"daily "` + spaces,
		"10  MB":              `"10  MB"` + spaces,
		"daily  or hourly":    `"daily  or hourly"` + spaces,
		" ":                   `" "` + spaces,
		"10MB":                `"10MB"` + spaced,
		"6h or daily":         `"6h or daily": part "6h"` + spaced,
		"10":                  `"10"` + spaced,
		"24:00":               `"24:00": time "24:00" ` + clock,
		"12:60":               `"12:60": time "12:60" ` + clock,
		"9:30":                `"9:30": time "9:30" ` + clock,
		"09:30:00":            `"09:30:00": time "09:30:00" ` + clock,
		"monday at 7":         `"monday at 7": time "7" ` + clock,
		"monday at noon":      `"monday at noon": time "noon" ` + clock,
		"daily at 23:30":      `"daily at 23:30": every day at a time is written as the time alone, "23:30"`,
		"never or daily":      `"never or daily": part "never": "never" stands alone`,
		"10 MB or NEVER":      `"10 MB or NEVER": part "NEVER": "never" stands alone`,
		"fortnightly":         `"fortnightly"` + generic,
		"or":                  `"or"` + generic,
		"daily or":            `"daily or"` + generic,
		"or daily":            `"or daily"` + generic,
		"daily or or hourly":  `"daily or or hourly": part "or hourly"` + generic,
		"hours":               `"hours"` + generic,
		"monday 09:30":        `"monday 09:30"` + generic,
		"at 09:30":            `"at 09:30"` + generic,
		"monday at":           `"monday at"` + generic,
		"mon at 09:30":        `"mon at 09:30"` + generic,
		"every 5 minutes":     `"every 5 minutes"` + generic,
		"10 MB and 5 minutes": `"10 MB and 5 minutes"` + generic,
		"daily,hourly":        `"daily,hourly"` + generic,
		"\tdaily":             `"\tdaily"` + generic,
		"\xff":                `"\xff"` + generic,
	} {
		t.Run(in, func(t *testing.T) {
			r, err := Parse(in)
			assert.ErrorContains(t, err, want)
			assert.Equal(t, Rule{}, r)
		})
	}
}

func TestTimed(t *testing.T) {
	for in, want := range map[string]bool{"": false, "never": false, "1 MB": false, "daily": true, "1 MB or 12:00": true} {
		assert.Equal(t, want, parse(t, in).Timed(), in)
	}
	assert.False(t, Rule{}.Timed())
}

func parse(t testing.TB, s string) Rule {
	t.Helper()
	r, err := Parse(s)
	require.NoError(t, err)
	return r
}

func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		r, err := Parse(s)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			assert.Equal(t, Rule{}, r)
			return
		}
		canonical := r.String()
		again, err := Parse(canonical)
		require.NoError(t, err)
		assert.Equal(t, r, again)
		assert.Equal(t, canonical, again.String())
	})
}
