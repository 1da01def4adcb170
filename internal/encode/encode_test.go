package encode

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bare removes the built-in attributes, which leaves a test the others.
func bare(groups []string, a slog.Attr) slog.Attr {
	if groups == nil || a.Key == "gone" {
		return slog.Attr{}
	}
	return a
}

func line(e *Encoder, derive func(*Chain) *Chain, as ...slog.Attr) string {
	c := e.Root()
	if derive != nil {
		c = derive(c)
	}
	r := slog.NewRecord(time.Time{}, 0, "", 0)
	r.AddAttrs(as...)
	return strings.TrimSuffix(string(c.Append(nil, &r, nil, nil)), "\n")
}

var (
	empty    = slog.Group("e", slog.Attr{})
	removed  = slog.Group("r", slog.Int("gone", 1))
	resolved = slog.Any("v", valuer{slog.GroupValue()})
	one      = slog.Int("a", 1)
	two      = slog.Int("b", 2)
)

// Groups that turn out empty must leave no trace, wherever they stand.
func TestEmptyGroups(t *testing.T) {
	tests := []struct {
		name       string
		derive     func(*Chain) *Chain
		as         []slog.Attr
		json, text string
	}{
		{"between", nil, []slog.Attr{one, empty, two}, `{"a":1,"b":2}`, `a=1 b=2`},
		{"removed", nil, []slog.Attr{one, removed, two}, `{"a":1,"b":2}`, `a=1 b=2`},
		{"first", nil, []slog.Attr{empty, one}, `{"a":1}`, `a=1`},
		{"only", nil, []slog.Attr{empty}, `{}`, ``},
		{"nested", nil, []slog.Attr{one, slog.Group("o", empty, removed), slog.Group("o", empty, two)}, `{"a":1,"o":{"b":2}}`, `a=1 o.b=2`},
		{"in a group", func(c *Chain) *Chain { return c.WithGroup("g") }, []slog.Attr{empty, one, removed, two}, `{"g":{"a":1,"b":2}}`, `g.a=1 g.b=2`},
		{"all of a group", func(c *Chain) *Chain { return c.WithGroup("g") }, []slog.Attr{empty, removed}, `{}`, ``},
		{"preformatted", func(c *Chain) *Chain {
			return c.WithAttrs([]slog.Attr{one, empty}).WithGroup("g").WithAttrs([]slog.Attr{removed, two, empty})
		}, []slog.Attr{one}, `{"a":1,"g":{"b":2,"a":1}}`, `a=1 g.b=2 g.a=1`},
		{"only preformatted", func(c *Chain) *Chain { return c.WithGroup("g").WithAttrs([]slog.Attr{empty, removed}) },
			[]slog.Attr{one}, `{"g":{"a":1}}`, `g.a=1`},
		{"resolved counts", func(c *Chain) *Chain { return c.WithGroup("g").WithAttrs([]slog.Attr{resolved}) }, []slog.Attr{one}, `{"g":{"a":1}}`, `g.a=1`},
		{"resolved counts at last", func(c *Chain) *Chain { return c.WithGroup("g") }, []slog.Attr{resolved}, `{"g":{}}`, ``},
		{"no stray space", func(c *Chain) *Chain { return c.WithAttrs([]slog.Attr{slog.Group("g", resolved), one}) }, nil, `{"g":{},"a":1}`, `a=1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.json, line(New(Options{ReplaceAttr: bare}), tt.derive, tt.as...))
			assert.Equal(t, tt.text, line(New(Options{Format: Text, ReplaceAttr: bare}), tt.derive, tt.as...))
			assert.Equal(t, tt.text, line(New(Options{Format: Console, ReplaceAttr: bare}), tt.derive, tt.as...))
		})
	}
}

// ReplaceAttr must see the right groups after a group that turned out empty,
// nil groups in built-in attributes and empty ones, not nil, at the root.
func TestReplaceAttrGroups(t *testing.T) {
	for _, f := range []Format{JSON, Text, Console} {
		var rec recorder
		e := New(Options{Format: f, AddSource: true, ReplaceAttr: rec.wrap(bare)})
		c := e.Root().WithGroup("g").WithAttrs([]slog.Attr{removed, one})
		e.AppendFields(nil, []slog.Attr{slog.Group("x", slog.Int("gone", 1)), slog.Int("f", 1)})
		r := slog.NewRecord(consoleTime, 0, "m", somePC)
		r.AddAttrs(removed, two)
		c.WithGroup("h").Append(nil, &r, nil, []slog.Attr{slog.Int("d", 1)})
		assert.Equal(t, []call{
			{[]string{"g", "r"}, false, "gone"}, {[]string{"g"}, false, "a"},
			{[]string{"x"}, false, "gone"}, {[]string{}, false, "f"},
			{[]string{}, true, "time"}, {[]string{}, true, "level"}, {[]string{}, true, "source"}, {[]string{}, true, "msg"},
			{[]string{}, false, "d"},
			{[]string{"g", "h", "r"}, false, "gone"}, {[]string{"g", "h"}, false, "b"},
		}, rec.calls)
	}
}

func TestYears(t *testing.T) {
	for _, year := range []int{-1, 10000, 123456} {
		at := time.Date(year, 1, 2, 3, 4, 5, 678_900_000, time.UTC)
		r := slog.NewRecord(at, 0, "m", 0)
		r.AddAttrs(slog.Time("t", at))
		const wrong = `"!ERROR:time.Time year outside of range [0,9999]"`
		assert.Equal(t, `{"time":`+wrong+`,"level":"INFO","msg":"m","t":`+wrong+"}\n", string(New(Options{}).Root().Append(nil, &r, nil, nil)))
		text := at.Format("2006-01-02T15:04:05") + ".678Z"
		assert.Equal(t, "time="+text+" level=INFO msg=m t="+text+"\n", string(New(Options{Format: Text}).Root().Append(nil, &r, nil, nil)))
	}
}

func TestChain(t *testing.T) {
	c := New(Options{}).Root()
	assert.Same(t, c, c.WithGroup(""))
	assert.Same(t, c, c.WithAttrs(nil))
	assert.Same(t, c, c.WithAttrs([]slog.Attr{slog.Group("g"), slog.Group("h")}))
	assert.Same(t, c, c.WithAttrs([]slog.Attr{empty}))

	// Siblings must not write into each other's memory.
	base := c.WithGroup("g").WithAttrs([]slog.Attr{one}).WithGroup("h")
	var chains []*Chain
	for i := range 10 {
		chains = append(chains, base.WithGroup("k").WithAttrs([]slog.Attr{slog.Int("i", i)}), base.WithAttrs([]slog.Attr{slog.Int("i", i)}))
	}
	for i, c := range chains {
		n := string(rune('0' + i/2))
		want := `{"level":"INFO","msg":"","g":{"a":1,"h":{"k":{"i":` + n + `,"b":2}}}}`
		if i%2 == 1 {
			want = `{"level":"INFO","msg":"","g":{"a":1,"h":{"i":` + n + `,"b":2}}}`
		}
		assert.Equal(t, want, line(c.Encoder(), func(*Chain) *Chain { return c }, two))
	}
}

// Whatever room the attributes of a Chain leave behind them in memory, its
// children must not share it.
func TestSiblingAttrs(t *testing.T) {
	for n := range 100 {
		base := New(Options{ReplaceAttr: bare}).Root().WithAttrs([]slog.Attr{slog.String("p", strings.Repeat("x", n))})
		left := base.WithAttrs([]slog.Attr{one})
		base.WithAttrs([]slog.Attr{two})
		want := `{"p":"` + strings.Repeat("x", n) + `","a":1}`
		require.Equal(t, want, line(left.Encoder(), func(*Chain) *Chain { return left }))
	}
}

// The names of siblings' groups are only seen by ReplaceAttr. Three groups
// leave room in a slice that grew by append.
func TestSiblingGroups(t *testing.T) {
	var rec recorder
	e := New(Options{ReplaceAttr: rec.wrap(bare)})
	base := e.Root().WithGroup("a").WithGroup("b").WithGroup("c")
	left, right := base.WithGroup("left"), base.WithGroup("right")
	for _, c := range []*Chain{left, right} {
		c.WithAttrs([]slog.Attr{one})
	}
	assert.Equal(t, []call{{[]string{"a", "b", "c", "left"}, false, "a"}, {[]string{"a", "b", "c", "right"}, false, "a"}}, rec.calls)
}

func TestContextFields(t *testing.T) {
	for f, want := range map[Format]string{
		JSON:    `x{"level":"INFO","msg":"m","f":1,"g":{"k":"v w"},"d":2,"a":1,"o":{"b":2}}` + "\n",
		Text:    `xlevel=INFO msg=m f=1 g.k="v w" d=2 a=1 o.b=2` + "\n",
		Console: `xINF m f=1 g.k="v w" d=2 a=1 o.b=2` + "\n",
	} {
		e := New(Options{Format: f})
		prefix := []byte("x")
		fixed := e.AppendFields(prefix, []slog.Attr{slog.Int("f", 1), empty, slog.Group("g", slog.String("k", "v w"))})[1:]
		r := slog.NewRecord(time.Time{}, 0, "m", 0)
		r.AddAttrs(two)
		got := e.Root().WithAttrs([]slog.Attr{one}).WithGroup("o").Append(prefix, &r, fixed, []slog.Attr{empty, slog.Int("d", 2)})
		assert.Equal(t, want, string(got))
		assert.Empty(t, e.AppendFields(nil, []slog.Attr{empty, {}}))
	}
}

type selfGroup struct{}

func (s selfGroup) LogValue() slog.Value { return slog.GroupValue(slog.Any("s", s)) }

// slog would end the program here.
func TestEndlessGroups(t *testing.T) {
	for _, f := range []Format{JSON, Text, Console} {
		e := New(Options{Format: f})
		r := slog.NewRecord(time.Time{}, 0, "m", 0)
		r.AddAttrs(slog.Any("k", selfGroup{}), one)
		got := e.Root().Append(nil, &r, nil, nil)
		requireLine(t, got, f)
		assert.Contains(t, string(got), "!ERROR:groups nested more than 1000 deep")
		assert.True(t, strings.HasSuffix(strings.TrimRight(string(got), "}\n"), map[Format]string{JSON: `"a":1`, Text: ` a=1`, Console: ` a=1`}[f]))
	}
}

func TestReplaceAttrPanics(t *testing.T) {
	boom := errors.New("boom")
	on := true
	e := New(Options{Format: Text, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == "p" && on {
			panic(boom)
		}
		return bare(groups, a)
	}})
	as := []slog.Attr{slog.Group("g", slog.Group("h", slog.Int("p", 1)))}
	for range 10 {
		assert.PanicsWithValue(t, boom, func() { line(e, nil, as...) })
		assert.PanicsWithValue(t, boom, func() { e.Root().WithGroup("w").WithAttrs(as) })
		assert.PanicsWithValue(t, boom, func() { e.AppendFields(nil, as) })
		assert.Equal(t, "a=1 k.b=2", line(e, nil, one, slog.Group("k", two)))
	}
	on = false
	assert.Equal(t, "g.h.p=1", line(e, nil, as...))
}

// logging is a value that logs through the same Encoder while it is encoded.
type logging struct {
	e     *Encoder
	depth int
}

func (l logging) log() string {
	if l.depth == 0 {
		return "end"
	}
	return line(l.e, nil, slog.Group("in", slog.Any("x", logging{l.e, l.depth - 1})), one)
}

func (l logging) MarshalJSON() ([]byte, error) { return json.Marshal(l.log()) }
func (l logging) MarshalText() ([]byte, error) { return []byte(l.log()), nil }

func TestReentrancy(t *testing.T) {
	for _, f := range []Format{JSON, Text, Console} {
		var e *Encoder
		inner := 0
		e = New(Options{Format: f, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == "again" {
				inner++
				line(e, func(c *Chain) *Chain { return c.WithGroup("other") }, slog.Group("g", one), two)
			}
			return bare(groups, a)
		}})
		as := []slog.Attr{slog.Group("k", slog.Int("again", 1), slog.Any("v", logging{e, 3})), two}
		want := line(e, nil, as...)
		requireLine(t, []byte(want+"\n"), f)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 50 {
					assert.Equal(t, want, func() string {
						e := New(Options{Format: f, ReplaceAttr: bare})
						return line(e, nil, slog.Group("k", slog.Int("again", 1), slog.Any("v", logging{e, 3})), two)
					}())
				}
			})
		}
		wg.Wait()
		assert.Equal(t, 1, inner)
	}
}

func TestInvalidUTF8FromMarshalers(t *testing.T) {
	got := line(New(Options{ReplaceAttr: bare}), nil, slog.Any("k", json.RawMessage("\"a\xffb\xe6\x97\"")), two)
	assert.Equal(t, `{"k":"a\ufffdb\ufffd\ufffd","b":2}`, got)
}

func TestSourceCache(t *testing.T) {
	var c sourceCache
	for i := range 10_000 {
		c.put(&sourceEntry{pc: uintptr(i * 16)})
		require.NotNil(t, c.get(uintptr(i*16)))
	}
	require.Nil(t, c.get(1))
}

func TestAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	pcRecord := (&benchCase{attrs: fiveAttrs()}).record()
	mixed := slog.NewRecord(consoleTime, slog.LevelInfo+2, "not plain: é \"x\"\n", somePC)
	mixed.AddAttrs(slog.Any("err", errors.New("a plain error")), slog.Float64("f", 1.0/3), slog.Uint64("u", 1<<60),
		slog.Group("g", slog.String("s", "v w"), slog.Group("h", slog.Bool("b", false))), slog.Any("nil", nil), slog.Any("level", slog.LevelWarn))
	planned := slog.NewRecord(consoleTime, slog.LevelInfo, "m", 0)
	planned.AddAttrs(slog.Any("user", &benchUser{1, "n\"é", []string{"r"}}), slog.Any("tags", []string{"a", "é"}))
	for _, f := range []Format{JSON, Text, Console} {
		e := New(Options{Format: f, AddSource: true, Color: true})
		chain := e.Root().WithAttrs([]slog.Attr{one}).WithGroup("w").WithAttrs([]slog.Attr{two}).WithGroup("x")
		fixed := e.AppendFields(nil, []slog.Attr{one})
		dynamic := []slog.Attr{two}
		buf := make([]byte, 0, 4096)
		records := []slog.Record{pcRecord, mixed}
		if f == JSON { // in text, fmt prints them
			records = append(records, planned)
		}
		for _, r := range records {
			got := testing.AllocsPerRun(200, func() {
				r := r
				buf = chain.Append(buf[:0], &r, fixed, dynamic)
			})
			assert.Zero(t, got, "%s: %s", f.name(), buf)
		}
	}
}
