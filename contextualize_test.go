package logly

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// logOnce returns the line that log writes, without its time, in a format.
func logOnce(t *testing.T, format Format, log func(*slog.Logger)) string {
	t.Helper()
	var buf bytes.Buffer
	h := open(t, Sink{Writer: &buf, Format: format, ReplaceAttr: withoutTime})
	log(slog.New(h))
	return buf.String()
}

type userValue struct{ name string }

func (u userValue) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", u.name), slog.Any("inner", innerValue{}))
}

type innerValue struct{}

func (innerValue) LogValue() slog.Value { return slog.StringValue("resolved") }

func TestContextualize(t *testing.T) {
	type with []any
	for _, c := range []struct {
		name string
		args []with // one Contextualize each, outer first
		want string // between the message and the record's own attribute
	}{
		{"one", []with{{"a", 1}}, `"a":1,`},
		{"in the order given", []with{{"b", 1, "a", 2}}, `"b":1,"a":2,`},
		{"outer first", []with{{"a", 1}, {"b", 2}}, `"a":1,"b":2,`},
		{"replaced in place", []with{{"a", 1, "b", 2}, {"c", 3, "a", 4}}, `"a":4,"b":2,"c":3,`},
		{"replaced within one call", []with{{"a", 1, "b", 2, "a", 3}}, `"a":3,"b":2,`},
		{"attrs and pairs", []with{{slog.Int("a", 1), "b", true}}, `"a":1,"b":true,`},
		{"a group", []with{{slog.Group("g", "x", 1)}}, `"g":{"x":1},`},
		{"a group is replaced whole", []with{{slog.Group("g", "x", 1)}, {slog.Group("g", "y", 2)}}, `"g":{"y":2},`},
		{"a group without a key is inlined", []with{{"x", 0}, {slog.Group("", "x", 1, "y", 2)}}, `"x":1,"y":2,`},
		{"what is empty leaves nothing", []with{{slog.Attr{}, slog.Group("g"), slog.Group("h", slog.Attr{})}}, ``},
		{"a key without a value", []with{{"a"}}, `"!BADKEY":"a",`},
		{"a LogValuer", []with{{"u", userValue{"bob"}}}, `"u":{"name":"bob","inner":"resolved"},`},
		{"the key of the record stands too", []with{{"k", 1}}, `"k":1,`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := context.Background()
			for _, args := range c.args {
				ctx = Contextualize(ctx, args...)
			}
			got := logOnce(t, JSON, func(l *slog.Logger) { l.InfoContext(ctx, "m", "k", "v") })
			assert.Equal(t, `{"level":"INFO","msg":"m",`+c.want+`"k":"v"}`+"\n", got)
		})
	}
}

func TestContextFieldsStandAtTheRoot(t *testing.T) {
	ctx := Contextualize(context.Background(), "id", 7)
	for _, c := range []struct {
		format Format
		want   string
	}{
		{JSON, `{"level":"INFO","msg":"m","id":7,"a":1,"g":{"b":2,"h":{"c":3}}}` + "\n"},
		{Text, "level=INFO msg=m id=7 a=1 g.b=2 g.h.c=3\n"},
	} {
		got := logOnce(t, c.format, func(l *slog.Logger) {
			l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").InfoContext(ctx, "m", "c", 3)
		})
		assert.Equal(t, c.want, got)
	}
	console := logOnce(t, Console, func(l *slog.Logger) { l.WithGroup("g").InfoContext(ctx, "m", "c", 3) })
	assert.Regexp(t, `m +id=7 g\.c=3\n$`, console)
}

func TestContextFieldsReachAnInnerHandlersRoot(t *testing.T) {
	for _, enqueue := range []bool{false, true} {
		var buf bytes.Buffer
		inner := slog.NewJSONHandler(&buf, &slog.HandlerOptions{ReplaceAttr: withoutTime})
		h := open(t, Sink{Handler: inner, Enqueue: enqueue})
		ctx := Contextualize(context.Background(), "id", 7)
		log := slog.New(h).With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").With("c", 3)
		log.InfoContext(ctx, "m", "d", 4)
		log.Info("m", "d", 4)
		log.WithGroup("empty").InfoContext(ctx, "m")
		slog.New(h).With("a", 1).InfoContext(ctx, "m", "d", 4)
		require.NoError(t, h.Complete())
		assert.Equal(t, `{"level":"INFO","msg":"m","a":1,"id":7,"g":{"b":2,"h":{"c":3,"d":4}}}
{"level":"INFO","msg":"m","a":1,"g":{"b":2,"h":{"c":3,"d":4}}}
{"level":"INFO","msg":"m","a":1,"id":7,"g":{"b":2,"h":{"c":3}}}
{"level":"INFO","msg":"m","a":1,"id":7,"d":4}
`, buf.String())
	}
}

func TestContextualizeWithNothingReturnsTheContext(t *testing.T) {
	ctx := Contextualize(context.Background(), "a", 1)
	assert.Equal(t, ctx, Contextualize(ctx))
	assert.Equal(t, ctx, Contextualize(ctx, slog.Group("g")))
}

func TestANilContextIsAccepted(t *testing.T) {
	var none context.Context
	got := logOnce(t, JSON, func(l *slog.Logger) {
		l.InfoContext(Contextualize(none, "a", 1), "m")
		require.NoError(t, l.Handler().Handle(none, slog.Record{Message: "n"}))
	})
	assert.Equal(t, `{"level":"INFO","msg":"m","a":1}`+"\n"+`{"level":"INFO","msg":"n"}`+"\n", got)
}

func TestSiblingContextsDoNotShareMemory(t *testing.T) {
	parent := Contextualize(context.Background(), "a", 1, "b", 2, "c", 3)
	left, right := Contextualize(parent, "side", "left"), Contextualize(parent, "side", "right")
	lost := Contextualize(parent, "a", "changed")
	got := logOnce(t, Text, func(l *slog.Logger) {
		for _, ctx := range []context.Context{left, right, lost, parent} {
			l.InfoContext(ctx, "m")
		}
	})
	assert.Equal(t, `level=INFO msg=m a=1 b=2 c=3 side=left
level=INFO msg=m a=1 b=2 c=3 side=right
level=INFO msg=m a=changed b=2 c=3
level=INFO msg=m a=1 b=2 c=3
`, got)
}

// LogValuers are resolved once, at the call, and ReplaceAttr sees each field
// once for each context and encoding, without groups, however many records and
// goroutines there are.
func TestContextFieldsAreEncodedOnce(t *testing.T) {
	var resolved, replaced atomic.Int64
	ctx := Contextualize(context.Background(), "v", countedValue{&resolved})
	require.EqualValues(t, 1, resolved.Load())
	var buf bytes.Buffer
	h := open(t, Sink{Writer: &buf, Enqueue: true, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == "v" {
			replaced.Add(1)
			assert.Empty(t, groups)
			assert.NotNil(t, groups, "nil is for the built-in attributes")
		}
		return a
	}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				slog.New(h).WithGroup("g").InfoContext(ctx, "m", "k", 1)
			}
		})
	}
	wg.Wait()
	require.NoError(t, h.Complete())
	assert.Equal(t, 800, bytes.Count(buf.Bytes(), []byte(`"v":1`)))
	assert.EqualValues(t, 1, resolved.Load())
	assert.EqualValues(t, 1, replaced.Load())
}

// A panic of ReplaceAttr is the caller's, every time: the fields are not taken
// for encoded.
func TestPanicInReplaceAttrDoesNotLoseTheFields(t *testing.T) {
	var buf bytes.Buffer
	ctx := Contextualize(context.Background(), "v", 1)
	broken := true
	h := open(t, Sink{Writer: &buf, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == "v" && broken {
			panic("no")
		}
		return withoutTime(groups, a)
	}})
	assert.Panics(t, func() { slog.New(h).InfoContext(ctx, "m") })
	assert.Panics(t, func() { slog.New(h).InfoContext(ctx, "m") })
	broken = false
	slog.New(h).InfoContext(ctx, "m")
	assert.Equal(t, `{"level":"INFO","msg":"m","v":1}`+"\n", buf.String())
}

// A context may outlive many handlers: what it remembers of them is bounded.
func TestAContextOutlivesManyHandlers(t *testing.T) {
	ctx := Contextualize(context.Background(), "v", 1)
	for range 3 * maxEncoded {
		var buf bytes.Buffer
		h := NewHandler(Sink{Writer: &buf})
		slog.New(h).InfoContext(ctx, "m")
		require.NoError(t, h.Close())
		require.Contains(t, buf.String(), `"v":1`)
	}
	assert.Len(t, *fieldsOf(ctx).encoded.Load(), maxEncoded)
}

func TestFromContext(t *testing.T) {
	type key struct{}
	var buf, inner bytes.Buffer
	calls := 0
	h := open(t,
		Sink{Writer: &buf, ReplaceAttr: withoutTime},
		Sink{Handler: slog.NewJSONHandler(&inner, &slog.HandlerOptions{ReplaceAttr: withoutTime})},
		FromContext(func(ctx context.Context) []slog.Attr {
			calls++
			if trace, ok := ctx.Value(key{}).(string); ok {
				return []slog.Attr{slog.String("trace", trace)}
			}
			return nil
		}),
		FromContext(func(context.Context) []slog.Attr { return []slog.Attr{slog.Bool("second", true)} }),
	)
	ctx := Contextualize(context.WithValue(context.Background(), key{}, "t1"), "id", 7)
	slog.New(h).WithGroup("g").InfoContext(ctx, "m", "k", "v")
	assert.Equal(t, 1, calls, "once a record, whatever the sinks")
	var none context.Context
	require.NoError(t, h.Handle(none, slog.Record{Message: "n"}))
	want := `{"level":"INFO","msg":"m","id":7,"trace":"t1","second":true,"g":{"k":"v"}}
{"level":"INFO","msg":"n","second":true}
`
	assert.Equal(t, want, buf.String())
	assert.Equal(t, want, inner.String())
}
