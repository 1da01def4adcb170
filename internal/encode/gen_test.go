package encode

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/url"
	"runtime"
	"time"
)

// gen makes records. Its choices come from data while that lasts (fuzzing) and
// from rng after that; without rng they are all zero.
type gen struct {
	data []byte
	rng  *rand.Rand
}

func (g *gen) n(k int) int {
	if len(g.data) > 0 {
		b := g.data[0]
		g.data = g.data[1:]
		return int(b) % k
	}
	if g.rng == nil {
		return 0
	}
	return g.rng.IntN(k)
}

func (g *gen) uint64() uint64 {
	if g.data != nil || g.rng == nil {
		var v uint64
		for range 8 {
			v = v<<8 | uint64(g.n(256))
		}
		return v
	}
	return g.rng.Uint64()
}

func (g *gen) of(list []string) string { return list[g.n(len(list))] }

// testCase is one record and the way to its handler.
type testCase struct {
	opts           Options
	ops            []op
	fixed, dynamic []slog.Attr
	rec            slog.Record
}

// op is WithGroup(group), or, without a group, WithAttrs(attrs).
type op struct {
	group string
	attrs []slog.Attr
}

func (g *gen) testCase(f Format) *testCase {
	c := &testCase{opts: Options{Format: f, AddSource: g.n(4) == 0, ReplaceAttr: g.replacer()}}
	for range g.n(4) {
		if g.n(2) == 0 {
			c.ops = append(c.ops, op{group: g.groupName()})
		} else {
			c.ops = append(c.ops, op{attrs: g.attrs(4, 2)})
		}
	}
	if g.n(4) == 0 {
		c.fixed, c.dynamic = g.attrs(3, 1), g.attrs(3, 1)
	}
	var t time.Time
	if g.n(8) != 0 {
		t = g.time()
	}
	c.rec = slog.NewRecord(t, g.level(), g.text(), g.pc())
	c.rec.AddAttrs(g.attrs(8, 3)...)
	return c
}

var somePC = func() uintptr {
	var pcs [1]uintptr
	runtime.Callers(1, pcs[:])
	return pcs[0]
}()

func (g *gen) pc() uintptr { return []uintptr{somePC, somePC, 0, 1}[g.n(4)] }

func (g *gen) level() slog.Level {
	if g.n(3) > 0 {
		return []slog.Level{-4, 0, 4, 8}[g.n(4)]
	}
	if g.n(8) == 0 {
		return []slog.Level{math.MaxInt64, math.MinInt64 + 8, 1 << 40}[g.n(3)]
	}
	return slog.Level(g.n(60) - 30)
}

var pieces = []string{
	"a", "b", "key", "hello", "hello world", "", " ", "=", `"`, `\`, "\n", "\r\n", "\t", "\x00", "\x1b[31m",
	"\x7f", "\b\f\v", "é", "日本語", "\u2028", "\u2029", "\u202e", "\u00a0", "\u0085", "\ufeff", "\ufffd",
	"\xff", "\xe6\x97", "\xed\xa0\x80", "🙂", "\U000e0001", "<&>", "{", "}", "[1,2]", "longer than eight bytes",
	"a.b", "12", "null", "!ERROR:x", "C:\\new", "x=1 y=2", "e\u0301",
}

func (g *gen) text() string {
	if g.n(16) == 0 { // raw bytes, long enough to cross a few words
		b := make([]byte, g.n(24))
		for i := range b {
			b[i] = byte(g.n(256))
		}
		return string(b)
	}
	s := g.of(pieces)
	for g.n(3) == 0 && len(s) < 200 {
		s += g.of(pieces)
	}
	return s
}

// The names that ReplaceAttr variants react to are common on purpose.
var names = []string{"a", "b", "c", "d", "time", "level", "msg", "source", "gone", "~gone", "~kept", "k.k", "password", "", "g"}

func (g *gen) name() string {
	if g.n(6) == 0 {
		return g.text()
	}
	return g.of(names)
}

func (g *gen) groupName() string {
	if s := g.name(); s != "" {
		return s
	}
	return "G"
}

func (g *gen) attrs(limit, depth int) []slog.Attr {
	as := make([]slog.Attr, g.n(limit+1))
	for i := range as {
		as[i] = g.attr(depth)
	}
	return as
}

func (g *gen) attr(depth int) slog.Attr {
	switch g.n(24) {
	case 0:
		return slog.Attr{}
	case 1:
		a := slog.Any("!BADKEY", g.any())
		return a
	}
	return slog.Attr{Key: g.name(), Value: g.value(depth)}
}

func (g *gen) value(depth int) slog.Value {
	switch g.n(20) {
	case 0, 1, 2, 3:
		return slog.StringValue(g.text())
	case 4:
		return slog.Int64Value(int64(g.uint64() >> g.n(64)))
	case 5:
		return slog.Uint64Value(g.uint64() >> g.n(64))
	case 6:
		return slog.Float64Value(g.float())
	case 7:
		return slog.BoolValue(g.n(2) == 0)
	case 8:
		return slog.DurationValue(time.Duration(int64(g.uint64()) >> g.n(64)))
	case 9, 10:
		return slog.TimeValue(g.time())
	case 11, 12, 13:
		if depth == 0 {
			return slog.IntValue(1)
		}
		return slog.GroupValue(g.attrs(3, depth-1)...)
	case 14, 15:
		return g.valuer(depth)
	default:
		return slog.AnyValue(g.any())
	}
}

func (g *gen) float() float64 {
	switch g.n(6) {
	case 0:
		return []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e21, 1e-6, 1e20, 9.99e-7, math.MaxFloat64, math.SmallestNonzeroFloat64, 1e-7, 1e-10}[g.n(13)]
	case 1:
		return float64(g.n(2000)) / 8
	default:
		return math.Float64frombits(g.uint64())
	}
}

var zones = []*time.Location{
	time.UTC, time.Local, time.FixedZone("", 3600), time.FixedZone("", 10*3600), time.FixedZone("x", -5*3600-30*60), time.FixedZone("odd", 3661),
	time.FixedZone("neg", -59), time.FixedZone("-1s", -1), time.FixedZone("far", 100*3600), time.FixedZone("-far", -99*3600-59*60-59),
}

func (g *gen) time() time.Time {
	zone := zones[g.n(len(zones))]
	switch g.n(12) {
	case 0:
		return time.Time{}.In(zone)
	case 1:
		return time.Now()
	case 2:
		return time.Unix(int64(g.uint64()), int64(g.n(1e9))).In(zone)
	case 3: // around the ends of what RFC 3339 can express
		end := []int64{minSecond, maxSecond}[g.n(2)]
		return time.Unix(end+int64(g.n(7)-3)*1800, int64(g.n(1e9))).In(zone)
	case 4:
		return time.Date(g.n(10000), 2, 28+g.n(2), g.n(24), g.n(60), g.n(60), g.n(1000)*1e6, zone)
	default:
		return time.Unix(int64(g.n(1<<31-1)), int64(g.n(1e9))).In(zone)
	}
}

func (g *gen) valuer(depth int) slog.Value {
	switch g.n(10) {
	case 0:
		return slog.AnyValue(cyclic{})
	case 1:
		return slog.AnyValue(panicking{g.text()})
	case 2:
		return slog.AnyValue((*pointerValuer)(nil))
	case 3, 4:
		return slog.AnyValue(valuer{slog.GroupValue()})
	case 5:
		return slog.AnyValue(valuer{slog.Value{}})
	default:
		if depth == 0 {
			return slog.AnyValue(valuer{slog.IntValue(2)})
		}
		return slog.AnyValue(valuer{g.value(depth - 1)})
	}
}

func (g *gen) any() any {
	switch g.n(38) {
	case 36, 37:
		return &planOuter{ID: g.n(256), Name: g.text(), Tags: []string{g.text()}, In: planInner{F: g.float()}, Naïve: g.text()}
	case 0:
		return nil
	case 1:
		return errors.New(g.text())
	case 2:
		return textErr{g.text()}
	case 3:
		return (*nilErr)(nil)
	case 4:
		return &nilErr{g.text()}
	case 5:
		return marshalText{s: g.text()}
	case 6:
		return marshalText{err: errors.New(g.text())}
	case 7:
		return &panicText{g.text()}
	case 8:
		return (*panicText)(nil)
	case 9:
		return marshalJSON{s: g.of([]string{"{\n \"a\" : [ 1 ,\n2 ]\n}", `"<&>"`, "\"\u2028\"", "\"\xff\x7f\"", "[\"\xe6\x97\",\"é\"]", "", "{", `{"a":1}x`, "1e400", `"` + "\n" + `"`})}
	case 10:
		return marshalJSON{err: errors.New(g.text())}
	case 11:
		return &panicJSON{g.text()}
	case 12:
		return (*panicJSON)(nil)
	case 13:
		return bothErr{g.text()}
	case 14:
		return pairs2{g.n(100), g.text(), 1.5}
	case 15:
		return &pairs2{A: 1}
	case 16:
		return stringer{g.text()}
	case 17:
		return []byte(g.text())
	case 18:
		return namedBytes(g.text())
	case 19:
		return []namedByte{1, 'a', '"'}
	case 20:
		return json.RawMessage(g.of([]string{`{"a": 1}`, "null", "bad", "\"\xc3\"", ""}))
	case 21:
		return map[string]any{g.text(): g.text(), "n": g.float()}
	case 22:
		return make(chan int)
	case 23:
		return g.any0
	case 24:
		return []string{g.text(), g.text()}
	case 25:
		return []string(nil)
	case 26:
		return []any{nil, g.text(), 1, map[string]int{"x": 1}}
	case 27:
		return slog.Kind(g.n(12))
	case 28:
		return g.level()
	case 29:
		return []*slog.Source{nil, {}, {Function: "f"}, {File: "a b.go", Line: 3}, {Line: -1}, {Function: "f", File: g.text(), Line: 9}}[g.n(6)]
	case 30:
		t := g.time()
		return &t
	case 31:
		return &url.URL{Scheme: "https", Host: "example.org", RawQuery: "a=" + g.text()}
	case 32:
		return [2]bool{true}
	case 33:
		return complex(1, 2)
	case 34:
		return []slog.Attr{slog.Int("x", 1), slog.String("gone", "")}
	default:
		return fmt.Errorf("wrapped: %w", textErr{g.text()})
	}
}

func (g *gen) any0() {}
