package logly

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// noticeText is the message that stands where records were dropped.
const noticeText = "logly: records dropped"

// emit logs record number seq of a producer as a line of about size bytes,
// without a time.
func emit(h slog.Handler, level slog.Level, producer, seq, size int) error {
	r := slog.NewRecord(time.Time{}, level, strings.Repeat("x", max(1, size-50)), 0)
	r.AddAttrs(slog.Int("p", producer), slog.Int("s", seq))
	return h.Handle(context.Background(), r)
}

// order returns what lines of JSON hold, in short: "p.s" for each record of
// emit and "[count]" for each notice. A torn or glued line fails the test.
func order(t testing.TB, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	require.True(t, strings.HasSuffix(text, "\n"), "ends inside a line: %q", text[max(0, len(text)-80):])
	var all []string
	for line := range strings.Lines(text) {
		var r struct {
			Level, Msg string
			P, S       *int
			Count      uint64
		}
		require.NoError(t, json.Unmarshal([]byte(line), &r), "%q", line)
		if r.Msg == noticeText {
			require.Equal(t, "WARN", r.Level)
			all = append(all, fmt.Sprintf("[%d]", r.Count))
			continue
		}
		require.Empty(t, strings.Trim(r.Msg, "x"), "torn: %q", line)
		all = append(all, fmt.Sprintf("%d.%d", *r.P, *r.S))
	}
	return strings.Join(all, " ")
}

// seqs returns "p.0 p.1 …" up to n.
func seqs(producer, n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%d.%d", producer, i))
	}
	return strings.Join(all, " ")
}

// once fails the test unless each producer's records in got (see order) stand
// once and in their order, and returns how many each has and what the notices
// add up to.
func once(t testing.TB, got string) (records map[string][]int, told int) {
	t.Helper()
	records = map[string][]int{}
	for item := range strings.FieldsSeq(got) {
		if count, ok := strings.CutPrefix(item, "["); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(count, "]"))
			require.NoError(t, err)
			told += n
			continue
		}
		p, s, _ := strings.Cut(item, ".")
		seq, err := strconv.Atoi(s)
		require.NoError(t, err)
		if seen := records[p]; len(seen) > 0 {
			require.Greater(t, seq, seen[len(seen)-1], "producer %s: doubled or out of order", p)
		}
		records[p] = append(records[p], seq)
	}
	return records, told
}

// quiet is an OnError for tests that expect errors.
var quiet = OnError(func(error) {})

// background starts f, in a bubble of synctest, and returns what tells its
// result once nothing else can go on; nil while it runs.
func background(f func() error) (result func() *error) {
	done := make(chan error, 1)
	go func() { done <- f() }()
	var got *error
	return func() *error {
		synctest.Wait()
		select {
		case err := <-done:
			got = &err
		default:
		}
		return got
	}
}

// later lets the time d of a bubble pass, and all that comes of it.
func later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
