package logly

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly/internal/faulty"
)

var errDisk = errors.New("disk on fire")

// enqueued returns the options of a queue of one page, which holds four records
// of 1000 bytes, before w.
func enqueued(w *faulty.Writer) Sink {
	return Sink{Writer: w, Format: JSON, Enqueue: true, QueueSize: 4096}
}

// fill logs records 0 to 3 of producer 0, and so fills a queue of one page whose
// writer hangs or fails.
func fill(t *testing.T, h *Handler) {
	t.Helper()
	for i := range 4 {
		require.NoError(t, emit(h, slog.LevelInfo, 0, i, 1000))
	}
	synctest.Wait()
}

func TestNobodyOvertakesWhoWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := faulty.NewGate()
		w := faulty.New(gate.Stuck)
		h := NewHandler(enqueued(w), quiet)
		fill(t, h)
		var results []func() *error
		want := seqs(0, 4)
		for i := range 50 {
			size := 1000
			if i%3 == 1 {
				size = 60 // it would fit, but came later
			}
			results = append(results, background(func() error { return emit(h, slog.LevelInfo, 1, i, size) }))
			require.Nil(t, results[i](), "waiter %d", i)
			want += fmt.Sprintf(" 1.%d", i)
		}
		require.EqualValues(t, 4, h.Stats()[0].Queued)
		gate.Open()
		require.NoError(t, h.Close())
		for _, r := range results {
			require.NoError(t, *r())
		}
		require.Equal(t, want, order(t, w.Text()))
		require.False(t, gate.Changed())
	})
}

func TestQueueSizeIsRoundedUpToPages(t *testing.T) {
	for size, accepted := range map[int]int{1: 4, 4096: 4, 4097: 8, 8192: 8} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := faulty.NewGate()
				w := faulty.New(gate.Stuck)
				s := enqueued(w)
				s.QueueSize = size
				h := NewHandler(s)
				var n atomic.Int64
				go func() {
					for i := range 9 {
						_ = emit(h, slog.LevelInfo, 0, i, 1000)
						n.Add(1)
					}
				}()
				synctest.Wait()
				require.EqualValues(t, accepted, n.Load())
				gate.Open()
				synctest.Wait()
				require.NoError(t, h.Close())
				require.Equal(t, seqs(0, 9), order(t, w.Text()))
			})
		})
	}
}

func TestARecordLargerThanTheQueue(t *testing.T) {
	const large = 20_000
	tests := []struct {
		name   string
		faults []faulty.Fault // after the first Write, which hangs
		drops  int            // before the large one
		level  slog.Level     // of the large one
		fill   bool
		want   string
	}{
		{name: "alone", level: slog.LevelError, want: "1.0 0.9"},
		{name: "alone, droppable", level: slog.LevelInfo, want: "1.0 0.9"},
		{name: "behind others", fill: true, level: slog.LevelError, want: seqs(0, 4) + " 1.0 0.9"},
		{name: "behind others, droppable", fill: true, level: slog.LevelInfo, want: seqs(0, 4) + " [1] 0.9"},
		{name: "drops pending", fill: true, drops: 3, level: slog.LevelError, want: seqs(0, 4) + " [3] 1.0 0.9"},
		{name: "torn", fill: true, drops: 3, level: slog.LevelError, want: seqs(0, 4) + " [3] 1.0 0.9",
			faults: []faulty.Fault{faulty.Short(20, nil), faulty.Fail(errDisk), faulty.Short(200, errDisk), faulty.Short(5000, nil), faulty.Panic("no")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := faulty.NewGate()
				w := faulty.New(gate.Stuck)
				w.Next(test.faults...)
				s := enqueued(w)
				s.DropBelow = slog.LevelError
				h := NewHandler(s, quiet)
				later(time.Second) // the worker sleeps
				if test.fill {
					fill(t, h)
				}
				for range test.drops {
					require.NoError(t, emit(h, slog.LevelInfo, 0, 8, 1000))
				}
				result := background(func() error { return emit(h, test.level, 1, 0, large) })
				synctest.Wait()
				require.Equal(t, 1, gate.Entered())
				gate.Open()
				later(10 * time.Second)
				require.NotNil(t, result())
				require.NoError(t, *result())
				require.NoError(t, emit(h, slog.LevelInfo, 0, 9, 100))
				require.NoError(t, h.Complete())
				require.Equal(t, test.want, order(t, w.Text()))
				stats := h.Stats()[0]
				require.EqualValues(t, len(strings.Fields(test.want)), int(stats.Records)+strings.Count(test.want, "["))
				require.EqualValues(t, strings.Count(test.want, "[1]")+test.drops, stats.Dropped)
				require.NoError(t, h.Close())
				require.False(t, gate.Changed())
			})
		})
	}
}

func TestTheNoticeStandsAtTheGap(t *testing.T) {
	for _, format := range []Format{JSON, Text, Console} {
		t.Run(string(format), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := faulty.NewGate()
				w := faulty.New(gate.Stuck)
				s := enqueued(w)
				s.DropBelow, s.Format, s.Level = slog.LevelError, format, slog.LevelInfo
				h := NewHandler(s)
				fill(t, h)
				drop := func(n int) {
					for range n {
						require.NoError(t, emit(h, slog.LevelInfo, 0, 8, 1000))
					}
				}
				drop(3)
				first := background(func() error { return emit(h, slog.LevelError, 1, 0, 1000) })
				synctest.Wait()
				second := background(func() error { return emit(h, slog.LevelError, 1, 1, 1000) })
				synctest.Wait()
				drop(2)
				third := background(func() error { return emit(h, slog.LevelError, 1, 2, 1000) })
				synctest.Wait()
				drop(1)
				require.Nil(t, first())
				require.EqualValues(t, 6, h.Stats()[0].Dropped)
				gate.Open()
				require.NoError(t, h.Complete())
				for _, result := range []func() *error{first, second, third} {
					require.NoError(t, *result())
				}
				require.NoError(t, emit(h, slog.LevelInfo, 0, 4, 1000))
				require.NoError(t, h.Close())
				require.EqualValues(t, 8, h.Stats()[0].Records)
				require.Zero(t, h.Stats()[0].Queued, "a notice is no record")
				if format == JSON {
					require.Equal(t, seqs(0, 4)+" [3] 1.0 1.1 [2] 1.2 [1] 0.4", order(t, w.Text()))
				}
				lines := strings.Split(strings.TrimSuffix(w.Text(), "\n"), "\n")
				require.Len(t, lines, 11)
				for i, count := range map[int]int{4: 3, 7: 2, 9: 1} {
					require.Contains(t, lines[i], noticeText)
					require.Regexp(t, "WARN|WRN", lines[i])
					require.Regexp(t, fmt.Sprintf(`count"?[=:]%d\b`, count), lines[i])
				}
			})
		})
	}
}

func TestReplaceAttrAndTheNotice(t *testing.T) {
	tests := map[string]struct {
		replace func([]string, slog.Attr) slog.Attr
		want    string
	}{
		"applies": {func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == "count" {
				a.Key = "lost"
			}
			return a
		}, `"lost":2}`},
		"panics": {func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == "count" {
				panic("no")
			}
			return a
		}, `"count":2}`},
		"larger than the queue": {func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == "count" {
				a.Value = slog.StringValue(strings.Repeat("y", 9000))
			}
			return a
		}, "yyy"},
		"larger than the queue together with the record": {func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == "count" {
				a.Value = slog.StringValue(strings.Repeat("y", 3500))
			}
			return a
		}, "yyy"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := faulty.NewGate()
				w := faulty.New(gate.Stuck)
				s := enqueued(w)
				s.DropBelow, s.ReplaceAttr = slog.LevelError, test.replace
				h := NewHandler(s)
				fill(t, h)
				for range 2 {
					require.NoError(t, emit(h, slog.LevelInfo, 0, 8, 1000))
				}
				gate.Open()
				synctest.Wait()
				require.NoError(t, emit(h, slog.LevelInfo, 1, 0, 1000))
				require.NoError(t, h.Close())
				lines := strings.Split(w.Text(), "\n")
				require.Len(t, lines, 7)
				require.Contains(t, lines[4], test.want)
				lines = append(lines[:4], lines[5:]...)
				require.Equal(t, seqs(0, 4)+" 1.0", order(t, strings.Join(lines, "\n")))
				require.EqualValues(t, 5, h.Stats()[0].Records)
			})
		})
	}
}

func TestASleepingWorkerIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := faulty.New()
		h := NewHandler(enqueued(w))
		for i := range 3 {
			later(time.Hour)
			require.NoError(t, emit(h, slog.LevelInfo, 0, i, 100))
			later(10 * time.Millisecond)
			require.Equal(t, seqs(0, i+1), order(t, w.Text()))
		}
		require.NoError(t, h.Close())
	})
}

// The lock is released while a notice is encoded. What others do meanwhile must
// neither be overtaken nor told twice.
func TestOthersComeWhileANoticeIsEncoded(t *testing.T) {
	tests := map[string]struct {
		meanwhile func(h *Handler)
		want      string // of the first four records and 9.0, which tells the notice
	}{
		"nobody":        {func(*Handler) {}, "[1] 9.0"},
		"a drop":        {func(h *Handler) { _ = emit(h, slog.LevelInfo, 0, 8, 2000) }, "[1] 9.0 [1] 3.0"},
		"another tells": {func(h *Handler) { _ = emit(h, slog.LevelInfo, 1, 0, 100) }, "[1] 1.0 9.0"},
		"one waits": {func(h *Handler) {
			go func() { _ = emit(h, slog.LevelError, 1, 0, 2000) }()
		}, "[1] 1.0 9.0"},
		"one waits, and a drop": {func(h *Handler) {
			go func() { _ = emit(h, slog.LevelError, 1, 0, 2000) }()
			synctest.Wait()
			_ = emit(h, slog.LevelInfo, 0, 8, 2000)
		}, "[1] 1.0 [1] 9.0"},
		"no room is left": {func(h *Handler) { _ = emit(h, slog.LevelInfo, 1, 0, 900) }, "[1] 1.0 9.0"},
		"it is closed": {func(h *Handler) {
			go func() { _ = h.Close() }()
		}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate, encode := faulty.NewGate(), make(chan struct{})
				w := faulty.New(gate.Stuck)
				s := enqueued(w)
				s.DropBelow = slog.LevelError
				var first atomic.Bool
				s.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr {
					if a.Key == "count" && first.CompareAndSwap(false, true) {
						<-encode
					}
					return a
				}
				h := NewHandler(s)
				for i := range 3 {
					require.NoError(t, emit(h, slog.LevelInfo, 0, i, 1000))
				}
				require.NoError(t, emit(h, slog.LevelInfo, 0, 8, 2000))
				require.EqualValues(t, 1, h.Stats()[0].Dropped)
				telling := background(func() error { return emit(h, slog.LevelError, 9, 0, 300) })
				require.Nil(t, telling())
				test.meanwhile(h)
				synctest.Wait()
				close(encode)
				synctest.Wait()
				gate.Open()
				require.NotNil(t, telling())
				want := seqs(0, 3) + " " + test.want
				if test.want == "" {
					require.ErrorIs(t, *telling(), ErrClosed)
					want = seqs(0, 3)
				} else {
					require.NoError(t, *telling())
				}
				if strings.HasSuffix(want, "3.0") {
					require.NoError(t, emit(h, slog.LevelInfo, 3, 0, 100))
				}
				require.NoError(t, h.Close())
				require.Equal(t, want, order(t, w.Text()))
			})
		})
	}
}

func TestDropsAddUpUnderLoad(t *testing.T) {
	w := faulty.New()
	s := enqueued(w)
	s.DropBelow = slog.LevelWarn
	h := NewHandler(s)
	const producers, each = 16, 500
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				level := slog.LevelInfo
				if i%20 == 0 {
					level = slog.LevelError
				}
				if err := emit(h, level, p, i, 80+i%7*150); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, h.Complete())
	require.NoError(t, emit(h, slog.LevelError, producers, 0, 100))
	require.NoError(t, h.Close())
	got, told := once(t, order(t, w.Text()))
	total := 0
	for p, seen := range got {
		total += len(seen)
		if p != fmt.Sprint(producers) {
			errs := 0
			for _, s := range seen {
				if s%20 == 0 {
					errs++
				}
			}
			require.Equal(t, each/20, errs, "errors are never dropped")
		}
	}
	stats := h.Stats()[0]
	require.EqualValues(t, total, stats.Records)
	require.EqualValues(t, told, stats.Dropped)
	require.EqualValues(t, producers*each+1, stats.Records+stats.Dropped)
	require.Zero(t, stats.Queued)
	require.EqualValues(t, len(w.Text()), stats.Bytes)
	require.False(t, w.Overlapped())
}

func TestAFailingWriterGetsEveryLineOnce(t *testing.T) {
	tests := map[string][]faulty.Fault{
		"short":               {faulty.Short(3, nil), faulty.Short(1, nil), faulty.Short(200, nil), faulty.Short(0, nil)},
		"short with error":    {faulty.Short(3, errDisk), faulty.Short(99, errDisk), faulty.Short(0, errDisk)},
		"failing":             {faulty.Fail(errDisk), faulty.Fail(errDisk), faulty.Fail(errDisk)},
		"panicking":           {faulty.Panic("no"), faulty.Short(5, nil), faulty.Panic(errDisk)},
		"more than all":       {faulty.Lie(false), faulty.Short(5, nil), faulty.Lie(false)},
		"less than nothing":   {faulty.Lie(true), faulty.Short(5, nil), faulty.Lie(true)},
		"all, but an error":   {faulty.Late(errDisk), faulty.Late(errDisk)},
		"slow":                {faulty.Slow(time.Second), faulty.Slow(time.Minute)},
		"a nil error pointer": {faulty.Fail((*Error)(nil))},
	}
	for name, faults := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := faulty.New(faults...)
				var reported atomic.Uint64
				h := NewHandler(enqueued(w), OnError(func(err error) {
					_ = err.Error()
					reported.Add(asError(err).Count)
				}))
				for i := range 20 {
					require.NoError(t, emit(h, slog.LevelInfo, 0, i, 300))
				}
				later(time.Hour)
				require.NoError(t, h.Close())
				require.Equal(t, seqs(0, 20), order(t, w.Text()))
				later(time.Minute)
				stats := h.Stats()[0]
				require.EqualValues(t, reported.Load(), stats.Errors)
				if name != "slow" {
					require.EqualValues(t, len(faults), stats.Errors)
				}
				stats.Errors = 0
				require.Equal(t, Stats{Name: "writer", Records: 20, Bytes: uint64(len(w.Text()))}, stats)
			})
		})
	}
}

func TestBackoffDoublesUpToASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := faulty.New()
		var tries []time.Duration
		start := time.Now()
		w.Always(func(p []byte) (int, int, error) {
			tries = append(tries, time.Since(start))
			return 0, 0, errDisk
		})
		h := NewHandler(enqueued(w), quiet)
		fill(t, h)
		later(4 * time.Second)
		w.Heal()
		require.NoError(t, h.Complete())
		var pauses []time.Duration
		for i := range len(tries) - 1 {
			pauses = append(pauses, (tries[i+1] - tries[i]).Round(time.Millisecond))
		}
		want := []time.Duration{10, 20, 40, 80, 160, 320, 640, 1000, 1000}
		for i := range want {
			want[i] *= time.Millisecond
		}
		require.Equal(t, want, pauses)
		require.NoError(t, h.Close())
		require.Equal(t, seqs(0, 4), order(t, w.Text()))
	})
}

// What the janitor does beside a failing destination is progress for those who
// wait, and none of the destination's.
func TestOtherProgressDoesNotHideAFailingWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := faulty.New()
		tries := 0
		h := NewHandler(enqueued(w), quiet)
		count := h.core.sinks[0].count
		w.Always(func(p []byte) (int, int, error) {
			tries++
			count.moved.Add(1) // a backup is being compressed
			return 0, 0, errDisk
		})
		fill(t, h)
		later(10 * time.Second)
		require.Less(t, tries, 20)
		require.ErrorIs(t, h.Complete(), errDisk)
		require.ErrorIs(t, h.Close(), errDisk)
	})
}

func TestAStuckSinkDoesNotHoldUpAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := faulty.NewGate()
		bad, good, plain := faulty.New(gate.Stuck), faulty.New(), faulty.New()
		h := NewHandler(enqueued(bad), enqueued(good), Sink{Writer: plain, Format: JSON})
		fill(t, h)
		blocked := background(func() error { return emit(h, slog.LevelInfo, 0, 4, 1000) })
		later(time.Second)
		require.Nil(t, blocked())
		require.Equal(t, seqs(0, 5), order(t, good.Text()))
		require.Equal(t, seqs(0, 5), order(t, plain.Text()))
		gate.Open()
		require.NoError(t, h.Close())
		require.Equal(t, seqs(0, 5), order(t, bad.Text()))
	})
}

// logs is a LogValuer that logs itself.
type logs struct {
	h   slog.Handler
	seq int
}

func (l logs) LogValue() slog.Value {
	return slog.AnyValue(emit(l.h, slog.LevelInfo, 1, l.seq, 100))
}

func TestLoggingFromInsideLogValue(t *testing.T) {
	for _, queue := range []bool{false, true} {
		t.Run(fmt.Sprint(queue), func(t *testing.T) {
			w := faulty.New()
			h := NewHandler(Sink{Writer: w, Format: JSON, Enqueue: queue})
			for i := range 100 {
				slog.New(h).Info("x", "p", 0, "s", i, "count", logs{h, i})
			}
			require.NoError(t, h.Close())
			require.Equal(t, 200, strings.Count(w.Text(), "\n"))
		})
	}
}

func TestTenThousandBlockedGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := faulty.NewGate()
		w := faulty.New(gate.Stuck)
		h := NewHandler(enqueued(w))
		fill(t, h)
		var wg sync.WaitGroup
		for p := range 10_000 {
			wg.Go(func() {
				for i := range 2 {
					if err := emit(h, slog.LevelInfo, p+1, i, 80); err != nil {
						t.Error(err)
					}
				}
			})
		}
		synctest.Wait()
		require.Less(t, h.Stats()[0].Records, uint64(10))
		gate.Open()
		wg.Wait()
		require.NoError(t, h.Close())
		got, _ := once(t, order(t, w.Text()))
		require.Len(t, got, 10_001)
		for p, seen := range got {
			require.Len(t, seen, map[bool]int{true: 4, false: 2}[p == "0"])
		}
		require.EqualValues(t, 20_004, h.Stats()[0].Records)
	})
}

func TestHandleRacingClose(t *testing.T) {
	for name, s := range map[string]Sink{
		"queue":      {Enqueue: true, QueueSize: 4096},
		"drop below": {Enqueue: true, QueueSize: 4096, DropBelow: slog.LevelError},
		"direct":     {},
	} {
		t.Run(name, func(t *testing.T) {
			for range 4 {
				w := faulty.New()
				s.Writer, s.Format = w, JSON
				var flushed string // what had arrived at the last flush, as a bufio.Writer would keep it
				s.Flush = func(context.Context) error { flushed = w.Text(); return nil }
				h := NewHandler(s)
				accepted := make([]int, 8)
				var refused atomic.Uint64
				var started, wg sync.WaitGroup
				for p := range accepted {
					started.Add(1)
					wg.Go(func() {
						for i := 0; ; i++ {
							if i == 10 {
								started.Done()
							}
							if err := emit(h, slog.LevelError, p, i, 200); err != nil {
								if !errors.Is(err, ErrClosed) {
									t.Error(err)
								}
								refused.Add(1)
								return
							}
							accepted[p]++
						}
					})
				}
				started.Wait()
				require.NoError(t, h.Close())
				wg.Wait()
				require.Equal(t, w.Text(), flushed)
				total := 0
				got, _ := once(t, order(t, w.Text()))
				for p, n := range accepted {
					require.Len(t, got[fmt.Sprint(p)], n)
					total += n
				}
				stats := h.Stats()[0]
				require.EqualValues(t, total, stats.Records)
				require.Equal(t, refused.Load(), stats.Dropped)
			}
		})
	}
}
