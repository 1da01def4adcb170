package logly

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/slogtest"

	"github.com/stretchr/testify/require"
)

// Every format and every way through a sink passes the conformance suite of
// package slog, also on handlers derived by calls that change nothing and by
// calls whose attributes stand aside.
func TestSlogtest(t *testing.T) {
	parsers := map[Format]func(*testing.T, []byte) map[string]any{JSON: parseJSON, Text: parseText, Console: parseConsole}
	inner := func(buf *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(buf, nil) }
	for _, c := range []struct {
		name   string
		format Format
		sink   func(*bytes.Buffer) Sink
	}{
		{"JSON", JSON, func(b *bytes.Buffer) Sink { return Sink{Writer: b} }},
		{"JSON enqueued", JSON, func(b *bytes.Buffer) Sink { return Sink{Writer: b, Enqueue: true} }},
		{"Text", Text, func(b *bytes.Buffer) Sink { return Sink{Writer: b, Format: Text} }},
		{"Text enqueued", Text, func(b *bytes.Buffer) Sink { return Sink{Writer: b, Format: Text, Enqueue: true} }},
		{"Console", Console, func(b *bytes.Buffer) Sink { return Sink{Writer: b, Format: Console} }},
		{"Handler", JSON, func(b *bytes.Buffer) Sink { return Sink{Handler: inner(b)} }},
		{"Handler enqueued", JSON, func(b *bytes.Buffer) Sink { return Sink{Handler: inner(b), Enqueue: true} }},
	} {
		for _, derive := range []struct {
			name string
			from func(slog.Handler) slog.Handler
		}{
			{"", func(h slog.Handler) slog.Handler { return h }},
			{" derived", func(h slog.Handler) slog.Handler {
				h = h.WithGroup("").WithAttrs(nil)
				_ = h.WithGroup("sibling").WithAttrs([]slog.Attr{slog.Int("x", 1)}) // must leave no trace
				return h.WithAttrs([]slog.Attr{slog.String("more", "here")})
			}},
		} {
			t.Run(c.name+derive.name, func(t *testing.T) {
				var buf bytes.Buffer
				var h *Handler
				slogtest.Run(t, func(t *testing.T) slog.Handler {
					buf.Reset()
					h = NewHandler(c.sink(&buf))
					t.Cleanup(func() { require.NoError(t, h.Close()) })
					return derive.from(h)
				}, func(t *testing.T) map[string]any {
					require.NoError(t, h.Complete())
					return parsers[c.format](t, buf.Bytes())
				})
			})
		}
	}
}

func parseJSON(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal(line, &m), "%s", line)
	return m
}

func parseText(t *testing.T, line []byte) map[string]any {
	t.Helper()
	m, err := nest(strings.TrimSuffix(string(line), "\n"))
	require.NoError(t, err, "%s", line)
	return m
}

// parseConsole reads "TIME LEVEL MESSAGE key=value…"; a line without a time
// starts with the level.
func parseConsole(t *testing.T, line []byte) map[string]any {
	t.Helper()
	words := strings.Fields(strings.TrimSuffix(string(line), "\n"))
	built := map[string]any{}
	if strings.Contains(words[0], ":") {
		built[slog.TimeKey] = words[0]
		words = words[1:]
	}
	built[slog.LevelKey], built[slog.MessageKey] = words[0], words[1]
	m, err := nest(strings.Join(words[2:], " "))
	require.NoError(t, err, "%s", line)
	for k, v := range built {
		m[k] = v
	}
	return m
}

// nest makes maps of key.key=value pairs, of which the values may be quoted.
func nest(s string) (map[string]any, error) {
	top := map[string]any{}
	for s != "" {
		key, rest, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("no = in %q", s)
		}
		value, after, _ := strings.Cut(rest, " ")
		if strings.HasPrefix(rest, `"`) {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, err
			}
			after = strings.TrimPrefix(rest[len(quoted):], " ")
			if value, err = strconv.Unquote(quoted); err != nil {
				return nil, err
			}
		}
		m := top
		groups := strings.Split(key, ".")
		for _, g := range groups[:len(groups)-1] {
			if m[g] == nil {
				m[g] = map[string]any{}
			}
			m = m[g].(map[string]any)
		}
		m[groups[len(groups)-1]] = value
		s = after
	}
	return top, nil
}
