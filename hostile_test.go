package logly

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a record holds cannot forge a line, end one early or drive a terminal, in
// any place of it and any format.
func TestHostileRecordsStayInTheirLine(t *testing.T) {
	hostile := map[string]string{
		"newline":            "\n{\"level\":\"ERROR\",\"msg\":\"forged\"}\n",
		"carriage return":    "\rlevel=ERROR msg=forged",
		"escape sequence":    "\x1b[2J\x1b]0;title\x07\x1b[31m",
		"C1 controls":        "\u009b2J\u0085\u0090",
		"raw C1 bytes":       "\x9b2J\x85",
		"DEL and backspaces": "\x7f\b\b\b",
		"bidi overrides":     "\u202e\u2066\u2069\u200f",
		"line separators":    "\u2028\u2029",
		"invalid UTF-8":      "\xff\xfe\xc0\xaf",
		"quotes":             `"} {"msg":"forged`,
		"logfmt":             "x level=ERROR msg=forged",
		"a long one":         strings.Repeat("ab\n\x1b", 1<<16),
	}
	for name, s := range hostile {
		t.Run(name, func(t *testing.T) {
			for _, format := range []Format{JSON, Text, Console} {
				var buf bytes.Buffer
				h := open(t, Sink{Writer: &buf, Format: format, Enqueue: true})
				ctx := Contextualize(t.Context(), "ctx"+s, s)
				l := slog.New(h).With(s, s, slog.Group(s, s, s)).WithGroup(s)
				l.InfoContext(ctx, s, s, s, "err", fmt.Errorf("%s", s), "any", []string{s}, "bytes", []byte(s), slog.Group(s, s, s))
				require.NoError(t, h.Complete())
				oneSafeLine(t, format, buf.Bytes())
			}
		})
	}
}

func oneSafeLine(t *testing.T, format Format, line []byte) {
	t.Helper()
	require.Equal(t, 1, bytes.Count(line, []byte("\n")), "%s", format)
	require.Equal(t, byte('\n'), line[len(line)-1])
	require.True(t, utf8.Valid(line), "%s", format)
	bad := bytes.IndexFunc(line[:len(line)-1], func(r rune) bool {
		return r < ' ' || format == Console && !unicode.IsPrint(r)
	})
	require.Equal(t, -1, bad, "%s: place of a character that must not be there", format)
	if format == JSON {
		parseJSON(t, line)
	}
}

// Size is no way out either: many keys, deep groups, long keys.
func TestLargeRecords(t *testing.T) {
	keys := make([]any, 0, 20_000)
	for i := range 10_000 {
		keys = append(keys, fmt.Sprintf("key-%d", i), i)
	}
	deep := slog.Int("leaf", 1)
	for i := range 999 {
		deep = slog.Group(fmt.Sprintf("g%d", i), deep)
	}
	for name, args := range map[string][]any{
		"10,000 keys":     keys,
		"1,000 groups":    {deep},
		"a huge key":      {strings.Repeat("k", 1<<20), 1},
		"16 MB in a line": {"blob", strings.Repeat("b", 16<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/app.log"
			var buf bytes.Buffer
			h := open(t,
				Sink{File: path, Enqueue: true, Rotation: "1 MB", QueueSize: 1 << 16},
				Sink{Writer: &buf, Format: Text})
			l := slog.New(h)
			l.Info("record", "producer", 0, "seq", 0)
			l.With("producer", 0, "seq", 1).Info("record", args...)
			l.Info("record", "producer", 0, "seq", 2)
			require.NoError(t, h.Complete())
			assert.Equal(t, 3, inOrder(t, readLines(t, path)))
			assert.Equal(t, 3, bytes.Count(buf.Bytes(), []byte("\n")))
			// The queue keeps no memory of it.
			assert.LessOrEqual(t, h.core.sinks[0].queue.store.Size(), 1<<16)
		})
	}
}

// A Writer that has been closed under the handler is a failing one.
func TestClosedFileAsWriter(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/closed")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	for _, enqueue := range []bool{false, true} {
		var got reports
		h := NewHandler(Sink{Writer: f, Enqueue: enqueue}, got.option())
		err := info(h, "m")
		if enqueue {
			require.NoError(t, err)
			err = h.Close()
		} else {
			defer h.Close()
		}
		require.ErrorIs(t, err, os.ErrClosed)
		assert.EqualValues(t, 1, h.Stats()[0].Dropped)
	}
}
