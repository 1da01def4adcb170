package encode

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// slogValue is what slog's handler of format f writes for one string.
func slogValue(f Format, s string) string {
	var out bytes.Buffer
	h := slogHandler(&out, Options{Format: f, ReplaceAttr: bare})
	r := slog.NewRecord(time.Time{}, 0, "", 0)
	r.AddAttrs(slog.String("k", s))
	_ = h.Handle(context.Background(), r)
	line := strings.TrimSuffix(out.String(), "\n")
	if f == JSON {
		return strings.TrimSuffix(strings.TrimPrefix(line, `{"k":`), "}")
	}
	return strings.TrimPrefix(line, "k=")
}

func requireEscapes(t *testing.T, s string) {
	if got, want := string(appendJSONString(nil, s)), slogValue(JSON, s); got != want {
		require.Equal(t, want, got, "JSON of %q", s)
	}
	if got, want := string(textClass.appendWord(nil, s)), slogValue(Text, s); got != want {
		require.Equal(t, want, got, "text of %q", s)
	}
	if got, want := string(textClass.finish([]byte("x"+s), 1)), "x"+slogValue(Text, s); got != want {
		require.Equal(t, want, got, "text of %q, in place", s)
	}
	if got, want := string(quoteTail([]byte("x"+s), 1)), "x"+strconv.Quote(s); got != want {
		require.Equal(t, want, got, "quotes")
	}
}

func TestEscapeShort(t *testing.T) {
	requireEscapes(t, "")
	for i := range 256 {
		requireEscapes(t, string([]byte{byte(i)}))
		for j := range 256 {
			requireEscapes(t, string([]byte{byte(i), byte(j)}))
		}
	}
}

// Every byte at every place of strings around the size of a word.
func TestEscapePlaces(t *testing.T) {
	for _, n := range []int{3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 25} {
		for at := range n {
			for c := range 256 {
				s := []byte("abcdefghijklmnopqrstuvwxyz"[:n])
				s[at] = byte(c)
				requireEscapes(t, string(s))
			}
			for _, r := range []rune{'\u2028', '\u2029', '\u0085', '\u00a0', 'é', '\ufffd', '\ufeff', '\U0010ffff', '🙂'} {
				requireEscapes(t, "abcdefghijklmnopqrstuvwxyz"[:at]+string(r)+"abcdefghijklmnopqrstuvwxyz"[at:n])
			}
		}
	}
}

func TestEscapeRandom(t *testing.T) {
	for i := range uint64(20_000) {
		g := &gen{rng: rand.New(rand.NewPCG(3, i))}
		requireEscapes(t, g.text()+g.text())
	}
}

func TestEscapeRunes(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		s := string(r)
		if got, want := string(quoteTail([]byte(s), 0)), strconv.Quote(s); got != want {
			require.Equal(t, want, got)
		}
	}
}

func TestFind(t *testing.T) {
	for _, c := range []*class{&jsonClass, &textClass, &consoleClass, &quoteClass, &messageClass} {
		for n := range 40 {
			s := strings.Repeat("a", n)
			require.Equal(t, n, find(s, c))
			for at := range n {
				b := []byte(s)
				b[at] = 0
				require.Equal(t, at, find(b, c))
				for later := at + 1; later < n; later++ {
					b[later] = 0xff
				}
				require.Equal(t, at, find(b, c))
			}
		}
		for v := range 256 {
			want := v < 0x20 || v >= 0x80 || c.below == 0x21*eachByte && v == ' ' || c.top != 0 && v == 0x7f || byte(c.one) == byte(v) || byte(c.two) == byte(v)
			require.Equal(t, want, find([]byte{'a', byte(v), 'a', 'a', 'a', 'a', 'a', 'a'}, c) == 1)
			require.Equal(t, want, find([]byte{byte(v)}, c) == 0)
		}
	}
}

func TestNumbers(t *testing.T) {
	check := func(n uint64) {
		require.Equal(t, strconv.FormatUint(n, 10), string(appendUint(nil, n)))
		require.Equal(t, strconv.FormatInt(int64(n), 10), string(appendInt(nil, int64(n))))
		require.Equal(t, strconv.FormatInt(-int64(n), 10), string(appendInt(nil, -int64(n))))
	}
	for p := uint64(1); p < math.MaxUint64/10; p *= 10 {
		check(p - 1)
		check(p)
		check(p + 1)
		check(p * 10)
	}
	for _, n := range []uint64{math.MaxUint64, math.MaxInt64, 1 << 63, 1<<63 + 1} {
		check(n)
	}
	for n := range uint64(10_000) { // eight digits are made from halves of four
		check(n * 10_000)
		check(n*10_000 + 9999)
		check(99_990_000 + n)
	}
	rng := rand.New(rand.NewPCG(4, 5))
	for range 20_000 {
		check(rng.Uint64() >> rng.IntN(64))
	}
}

func TestFloats(t *testing.T) {
	check := func(f float64) {
		if got, want := string(appendTextValue(nil, slog.KindFloat64, slog.Float64Value(f), &textClass)), strconv.FormatFloat(f, 'g', -1, 64); got != want {
			require.Equal(t, want, got)
		}
		want, ok := plainMarshal(f)
		if ok && string(want) != string(appendJSONFloat(nil, f)) {
			require.Equal(t, string(want), string(appendJSONFloat(nil, f)))
		}
	}
	for e := -330; e < 310; e++ {
		for _, m := range []string{"1", "-1", "9.999999999999999", "1.5", "-2.25"} {
			f, _ := strconv.ParseFloat(m+"e"+strconv.Itoa(e), 64)
			check(f)
			check(math.Nextafter(f, 0))
			check(math.Nextafter(f, math.Inf(1)))
		}
	}
	rng := rand.New(rand.NewPCG(6, 7))
	for range 50_000 {
		check(math.Float64frombits(rng.Uint64()))
	}
	for range 100_000 { // decimal numbers of few digits, and their neighbours
		f := float64(rng.Int64N(1<<rng.IntN(62)+1)) / math.Pow10(rng.IntN(12))
		for _, f := range []float64{f, -f, math.Nextafter(f, 0), math.Nextafter(f, math.Inf(1))} {
			check(f)
		}
	}
	for _, f := range []float64{0, math.Copysign(0, -1), 1e-4, 0.0001234, 0.00012345678, 999999, 999999.5, 999999.9999999, 1e6, 999999999.999999, 1e9} {
		check(f)
		check(-f)
		check(math.Nextafter(f, 0))
		check(math.Nextafter(f, math.Inf(1)))
	}
	require.Equal(t, `"!ERROR:json: unsupported value: NaN"`, string(appendJSONFloat(nil, math.NaN())))
}

func TestTimes(t *testing.T) {
	check := func(at time.Time) {
		got, ok := appendRFC3339(nil, at, nanoseconds)
		if year := at.Year(); year < 0 || year > 9999 {
			require.False(t, ok, "%v", at)
			return
		}
		if want := at.Format(time.RFC3339Nano); !ok || want != string(got) {
			require.Equal(t, want, string(got))
		}
		got, _ = appendRFC3339(nil, at, milliseconds)
		if want := at.Format("2006-01-02T15:04:05.000Z07:00"); want != string(got) {
			require.Equal(t, want, string(got))
		}
		if want := at.Format("15:04:05.000"); want != string(appendClock(nil, at)) {
			require.Equal(t, want, string(appendClock(nil, at)))
		}
	}
	for day := range 400*366 + 1 { // all dates of a whole cycle of the calendar
		check(time.Unix(minSecond+int64(day)*86400, 0).UTC())
		check(time.Unix(maxSecond-int64(day)*86400, 999_999_999).UTC())
	}
	for year := range 10_000 { // the ends of years and of Februaries
		for _, at := range []time.Time{time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(year, 3, 1, 0, 0, 0, 0, time.UTC)} {
			check(at)
			check(at.Add(-1))
		}
	}
	for hours := -24; hours <= 24; hours++ { // offsets, also with seconds
		for _, seconds := range []int{-3599, -60, -59, -1, 0, 1, 59, 60, 1800, 3599} {
			check(time.Unix(1_700_000_000, 120).In(time.FixedZone("", hours*3600+seconds)))
			check(time.Unix(-1, 1e9-1).In(time.FixedZone("", hours*3600+seconds)))
		}
	}
	for ns := 1; ns < 1e9; ns *= 10 { // trailing zeros
		for digit := 1; digit < 1000 && ns*digit < 1e9; digit++ {
			check(time.Unix(0, int64(ns*digit)).UTC())
			check(time.Unix(-5, int64(1e9-ns*digit)).UTC())
		}
	}
	for sec := range int64(86400) {
		check(time.Unix(sec, 0).UTC())
	}
	for i := range uint64(50_000) {
		g := &gen{rng: rand.New(rand.NewPCG(8, i))}
		check(g.time())
		check(time.Unix(minSecond+int64(g.uint64()%(maxSecond-minSecond)), int64(g.n(1e9))).In(zones[g.n(len(zones))]))
	}
}
