package encode

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var consoleTime = time.Date(2024, 5, 17, 15, 4, 5, 6_999_999, time.FixedZone("", 7200))

func consoleLine(o Options, l slog.Level, msg string, as ...slog.Attr) string {
	o.Format = Console
	r := slog.NewRecord(consoleTime, l, msg, 0)
	r.AddAttrs(as...)
	return string(New(o).Root().Append(nil, &r, nil, nil))
}

func TestConsole(t *testing.T) {
	tests := []struct {
		msg  string
		as   []slog.Attr
		want string
	}{
		{"server started", []slog.Attr{slog.Int("port", 8080)}, `server started port=8080`},
		{"", []slog.Attr{slog.Int("port", 8080)}, `port=8080`},
		{"a = b", []slog.Attr{slog.String("q", "a b"), slog.String("e", ""), slog.String("p", `C:\new`)}, `a = b q="a b" e="" p=C:\new`},
		{"g", []slog.Attr{slog.Group("req", slog.String("path", "/"), slog.Group("tls", slog.Bool("on", true)))}, `g req.path=/ req.tls.on=true`},
		{"kinds", []slog.Attr{slog.Duration("d", 1500*time.Millisecond), slog.Float64("f", 1.5), slog.Time("t", consoleTime), slog.Any("n", nil)},
			`kinds d=1.5s f=1.5 t=2024-05-17T15:04:05.006+02:00 n=<nil>`},
		{"err", []slog.Attr{slog.Any("err", errors.New("no such file"))}, `err err="no such file"`},
		{"two\nlines", nil, `"two\nlines"`},
		{"\x1b[31mred\x1b[0m\r\t", nil, `"\x1b[31mred\x1b[0m\r\t"`},
		{"c1 \u009b31m del \x7f bidi \u202e\u2066 sep \u2028 bad \xff", nil, `"c1 \u009b31m del \x7f bidi \u202e\u2066 sep \u2028 bad \xff"`},
		{`"quoted" by itself`, nil, `"\"quoted\" by itself"`},
		{"état 日本語", []slog.Attr{slog.String("ключ", "é")}, `état 日本語 ключ=é`},
		{"m", []slog.Attr{slog.String("k\n15:04:05.000 ERR forged", "v"), slog.String("\x1b[2J", "\u202e"), slog.String("d", "\x7f")},
			`m "k\n15:04:05.000 ERR forged"=v "\x1b[2J"="\u202e" d="\x7f"`},
		{"m", []slog.Attr{slog.Any("b", []byte("raw\n")), slog.Any("t", marshalText{s: "\x1b]0;title\a"}), slog.Any("p", &panicText{"\x1b"})},
			`m b="raw\n" t="\x1b]0;title\a" p="!PANIC: \x1b"`},
		{"m", []slog.Attr{slog.Any("src", &slog.Source{File: "/a/b.go", Line: 7})}, `m src=/a/b.go:7`},
	}
	for _, tt := range tests {
		assert.Equal(t, "15:04:05.006 INF "+tt.want+"\n", consoleLine(Options{}, slog.LevelInfo, tt.msg, tt.as...))
	}
}

func TestConsoleLevels(t *testing.T) {
	for l, want := range map[slog.Level]string{-8: "DBG-4", -4: "DBG", -1: "DBG+3", 0: "INF", 1: "INF+1", 4: "WRN", 7: "WRN+3", 8: "ERR", 12: "ERR+4"} {
		assert.Equal(t, "15:04:05.006 "+want+" m\n", consoleLine(Options{}, l, "m"))
	}
}

func TestConsoleColor(t *testing.T) {
	const (
		before = "\x1b[2m15:04:05.006\x1b[0m "
		info   = before + "\x1b[32mINF\x1b[0m "
		err    = before + "\x1b[1;91mERR\x1b[0m "
	)
	for _, tt := range []struct {
		l    slog.Level
		msg  string
		as   []slog.Attr
		want string
	}{
		{slog.LevelInfo, "started", []slog.Attr{slog.Int("port", 80)}, info + "started \x1b[2mport=\x1b[0m80"},
		{slog.LevelDebug, "m", nil, before + "\x1b[36mDBG\x1b[0m m"},
		{slog.LevelWarn, "m", nil, before + "\x1b[33mWRN\x1b[0m \x1b[1mm\x1b[0m"},
		{slog.LevelError, "m", []slog.Attr{slog.Group("g", slog.Any("err", errors.New("a b")))},
			err + "\x1b[1mm\x1b[0m \x1b[2mg.err=\x1b[0m\x1b[91m\"a b\"\x1b[0m"},
		// Escapes are dimmed, what is around them goes on as it was.
		{slog.LevelInfo, "one\ntwo", nil, info + "\"one\x1b[2m\\n\x1b[0mtwo\""},
		{slog.LevelError, "\x1b[0m", []slog.Attr{slog.Any("err", errors.New("a\n\tb"))},
			err + "\x1b[1m\"\x1b[2m\\x1b\x1b[0m\x1b[1m[0m\"\x1b[0m \x1b[2merr=\x1b[0m\x1b[91m\"a\x1b[2m\\n\\t\x1b[0m\x1b[91mb\"\x1b[0m"},
		{slog.LevelInfo, "m", []slog.Attr{slog.String("k", "a\u202eb\U000e0001c\xffd\"e\\\n")},
			info + "m \x1b[2mk=\x1b[0m\"a\x1b[2m\\u202e\x1b[0mb\x1b[2m\\U000e0001\x1b[0mc\x1b[2m\\xff\x1b[0md\x1b[2m\\\"\x1b[0me\x1b[2m\\\\\\n\x1b[0m\""},
		{slog.LevelInfo, `C:\new`, []slog.Attr{slog.String("k\n", `C:\new`)}, info + `C:\new ` + "\x1b[2m\"k\\n\"=\x1b[0m" + `C:\new`},
	} {
		assert.Equal(t, tt.want+"\n", consoleLine(Options{Color: true}, tt.l, tt.msg, tt.as...))
		same := func(_ []string, a slog.Attr) slog.Attr { return a }
		assert.Equal(t, tt.want+"\n", consoleLine(Options{Color: true, ReplaceAttr: same}, tt.l, tt.msg, tt.as...))
	}
	assert.NotContains(t, string(New(Options{Format: Text, Color: true}).AppendFields(nil, []slog.Attr{slog.Int("a", 1)})), "\x1b")
}

func TestConsoleSource(t *testing.T) {
	r := slog.NewRecord(consoleTime, 0, "m", somePC)
	got := string(New(Options{Format: Console, AddSource: true}).Root().Append(nil, &r, nil, nil))
	assert.Regexp(t, `^15:04:05\.006 INF gen_test\.go:\d+ m\n$`, got)
	again := New(Options{Format: Console, AddSource: true, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }})
	assert.Equal(t, got, string(again.Root().Append(nil, &r, nil, nil)))
	r.PC = 0
	assert.Equal(t, "15:04:05.006 INF m\n", string(New(Options{Format: Console, AddSource: true}).Root().Append(nil, &r, nil, nil)))
}

func TestConsoleReplaceAttr(t *testing.T) {
	replace := func(with map[string]slog.Attr) Options {
		return Options{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if b, ok := with[a.Key]; ok && len(groups) == 0 {
				return b
			}
			return a
		}}
	}
	a := slog.Int("a", 1)
	for _, tt := range []struct {
		with map[string]slog.Attr
		want string
	}{
		{map[string]slog.Attr{"time": {}, "level": {}, "msg": {}}, "a=1\n"},
		{map[string]slog.Attr{"time": slog.Int("ts", 7), "level": slog.String("severity", "NOTICE"), "msg": slog.String("message", "hi")}, "7 NOTICE hi a=1\n"},
		{map[string]slog.Attr{"msg": slog.Group("m", slog.String("x", "y z"), slog.Int("n", 2))}, "15:04:05.006 INF m.x=\"y z\" m.n=2 a=1\n"},
		{map[string]slog.Attr{"level": slog.Any("level", slog.LevelError), "a": {}}, "15:04:05.006 ERR m\n"},
		{map[string]slog.Attr{"time": slog.String("time", "now\x1b"), "a": slog.Any("a", errors.New("x"))}, "\"now\\x1b\" INF m a=x\n"},
	} {
		assert.Equal(t, tt.want, consoleLine(replace(tt.with), 0, "m", a))
	}
}

var colors = regexp.MustCompile("\x1b\\[[0-9;]*m")

// checkConsole holds a console line, plain and coloured, against what must be
// true of all of them, and its calls of ReplaceAttr against those of text.
func checkConsole(t testing.TB, c *testCase) {
	line, calls := c.logly()
	requireLine(t, line, Console)
	for _, r := range string(line[:len(line)-1]) {
		if !unicode.IsPrint(r) {
			require.Fail(t, "not printable", "%q in %q", r, line)
		}
	}
	_, m := c.normalized()
	if !equalCalls(m.calls, calls) {
		require.Equal(t, m.calls, calls)
	}
	c.opts.Color = true
	colored, _ := c.logly()
	stripped := colors.ReplaceAll(colored, nil)
	if maskFrames(line) != maskFrames(stripped) {
		require.Equal(t, maskFrames(line), maskFrames(stripped))
	}
}

func TestConsoleRandom(t *testing.T) {
	for i := range uint64(differentialCases / 10) {
		g := &gen{rng: rand.New(rand.NewPCG(11, i))}
		checkConsole(t, g.testCase(Console))
		if t.Failed() {
			t.Fatalf("case %d", i)
		}
	}
}

// Keys and values of the console are those of text, escapes aside.
func TestConsoleAttrsAsText(t *testing.T) {
	for i := range uint64(2000) {
		g := &gen{rng: rand.New(rand.NewPCG(12, i))}
		as := g.attrs(6, 2)
		text := New(Options{Format: Text}).AppendFields(nil, as)
		console := New(Options{Format: Console}).AppendFields(nil, as)
		if !bytes.Contains(text, []byte{0x7f}) {
			require.Equal(t, maskFrames(text), maskFrames(console))
		}
	}
}
