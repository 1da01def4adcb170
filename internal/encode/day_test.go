package encode

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const millisLayout = "2006-01-02T15:04:05.000Z07:00"

// requireDay holds what c appends against package time.
func requireDay(t *testing.T, c *dayCache, at time.Time) {
	for digits, layout := range map[int]string{nanoseconds: time.RFC3339Nano, milliseconds: millisLayout} {
		got, ok := c.append(nil, at, digits)
		if year := at.Year(); year < 0 || year > 9999 {
			require.False(t, ok, "%v", at)
			require.Empty(t, got)
		} else if want := at.Format(layout); !ok || want != string(got) {
			require.Equal(t, want, string(got))
		}
	}
}

// Zones with odd transitions: half an hour, at midnight, over a whole day, and
// offsets with seconds.
var oddZones = []string{"America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Monrovia", "Europe/Amsterdam", "Asia/Kathmandu"}

// Around every change of a zone's offset, and around the midnights beside it.
func TestDayTransitions(t *testing.T) {
	for _, name := range oddZones {
		loc, err := time.LoadLocation(name)
		require.NoError(t, err)
		var c dayCache
		for at := time.Date(1880, 1, 1, 0, 0, 0, 0, loc); at.Year() < 2040; {
			_, change := at.ZoneBounds()
			if change.IsZero() {
				break
			}
			for _, center := range []time.Time{change, time.Date(change.Year(), change.Month(), change.Day(), 0, 0, 0, 0, loc), change.Add(24 * time.Hour)} {
				for _, off := range []time.Duration{-86400, -7200, -3601, -1800, -1, 0, 1, 1799, 1800, 3599, 3600, 7200, 86399, 86400} {
					requireDay(t, &c, center.Add(off*time.Second).Add(123_456_700))
				}
			}
			at = change
		}
	}
}

func TestDayOrder(t *testing.T) {
	places := []*time.Location{time.UTC, time.Local, time.FixedZone("", 86400), time.FixedZone("", -86400), time.FixedZone("", 86399), time.FixedZone("", -59), time.FixedZone("", 3661)}
	for _, name := range oddZones {
		loc, err := time.LoadLocation(name)
		require.NoError(t, err)
		places = append(places, loc)
	}
	rng := rand.New(rand.NewPCG(9, 10))
	for range 300 {
		var c dayCache
		base := minSecond + rng.Int64N(maxSecond-minSecond)
		if rng.IntN(2) == 0 {
			base = rng.Int64N(1 << 32)
		}
		some := places[rng.IntN(len(places)):]
		for range 300 {
			at := time.Unix(base+rng.Int64N(5*86400), rng.Int64N(1e9)/[]int64{1, 1e3, 1e6, 1e9}[rng.IntN(4)])
			requireDay(t, &c, at.In(some[rng.IntN(len(some))]))
		}
	}
	for _, end := range []int64{minSecond, maxSecond} {
		var c dayCache
		for off := int64(-200_000); off < 200_000; off += 997 {
			requireDay(t, &c, time.Unix(end+off, 5).In(places[rng.IntN(len(places))]))
		}
	}
}

// A day that has been left is not remembered again: alternating times must not
// fight over the cache.
func TestDayForward(t *testing.T) {
	var c dayCache
	early, late := time.Unix(1_000_000, 0).UTC(), time.Unix(2_000_000, 0).UTC()
	requireDay(t, &c, early)
	requireDay(t, &c, late)
	today := c.Load()
	requireDay(t, &c, early)
	requireDay(t, &c, late.In(time.FixedZone("", 60)))
	requireDay(t, &c, time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC))
	assert.Same(t, today, c.Load())
	requireDay(t, &c, late.Add(24*time.Hour))
	assert.NotSame(t, today, c.Load())
}

func TestDayConcurrent(t *testing.T) {
	var c dayCache
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 2000 {
				at := time.Unix(int64(n*3600+i*40_000), 0).UTC()
				got, _ := c.append(nil, at, nanoseconds)
				assert.Equal(t, at.Format(time.RFC3339Nano), string(got))
			}
		})
	}
	wg.Wait()
}
