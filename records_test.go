package logly

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly/internal/faulty"
)

// inner is a slog.Handler that writes JSON to a faulty.Writer, and returns its
// errors or panics on them.
func inner(w *faulty.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) }

// whereFrom is a LogValuer that tells on which side of the queue it was asked.
type whereFrom struct{ behind *atomic.Bool }

func (w whereFrom) LogValue() slog.Value {
	if w.behind.Load() {
		return slog.StringValue("behind the queue")
	}
	return slog.StringValue("caller")
}

type key struct{}

// seen keeps what it is given.
type seen struct {
	slog.Handler
	mu      sync.Mutex
	ctx     []context.Context
	records []slog.Record
}

func (s *seen) Handle(ctx context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ctx, s.records = append(s.ctx, ctx), append(s.records, r)
	return s.Handler.Handle(ctx, r)
}

func TestWhatReachesAHandlerBehindAQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := faulty.NewGate()
		w := faulty.New(gate.Stuck)
		s := &seen{Handler: inner(w)}
		h := NewHandler(Sink{Handler: s, Enqueue: true})
		log := slog.New(h)
		log.Info("holds the worker up")
		later(time.Second)

		var behind atomic.Bool
		group := []slog.Attr{slog.Any("v", whereFrom{&behind})}
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		log.InfoContext(ctx, "x", "v", whereFrom{&behind}, "g", slog.GroupValue(group...))
		behind.Store(true)
		group[0] = slog.String("v", "changed later")
		cancel()
		gate.Open()
		require.NoError(t, h.Close())
		require.Contains(t, w.Text(), `"msg":"x","v":"caller","g":{"v":"caller"}}`)
		require.NoError(t, s.ctx[1].Err())
		require.Equal(t, "value", s.ctx[1].Value(key{}))
		require.NotZero(t, s.records[1].PC)
	})
}

// With and without a queue, an inner handler's failure loses one record, is
// counted and reported once, and told at the gap.
func TestAFailingHandler(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault faulty.Fault
		queue bool
	}{
		{"error", faulty.Fail(errDisk), true},
		{"panic", faulty.Panic(errDisk), true},
		{"error, no queue", faulty.Fail(errDisk), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := faulty.New()
				var reported []*Error
				h := NewHandler(Sink{Handler: inner(w), Enqueue: test.queue}, OnError(func(err error) {
					reported = append(reported, asError(err))
				}))
				for i := range 5 {
					if i == 1 {
						later(time.Second)
						w.Next(test.fault, test.fault, test.fault) // a record; the notice and the next
					}
					err := emit(h, slog.LevelInfo, 0, i, 100)
					if !test.queue && (i == 1 || i == 2) {
						require.ErrorIs(t, err, errDisk)
					} else {
						require.NoError(t, err)
					}
				}
				require.NoError(t, h.Complete())
				require.NoError(t, h.Close())
				require.Equal(t, "0.0 [2] 0.3 0.4", order(t, w.Text()))
				stats := h.Stats()[0]
				require.EqualValues(t, 2, stats.Dropped)
				require.EqualValues(t, 2, stats.Errors)
				if test.queue {
					require.EqualValues(t, 5, stats.Records)
				} else {
					require.EqualValues(t, 3, stats.Records)
				}
				later(time.Minute)
				var n uint64
				for _, e := range reported {
					n += e.Count
					require.ErrorContains(t, e, errDisk.Error())
				}
				require.EqualValues(t, 2, n)
			})
		})
	}
}

func TestAPanicOfAHandlerWithoutAQueueIsTheCallers(t *testing.T) {
	w := faulty.New()
	h := NewHandler(Sink{Handler: inner(w)}, quiet)
	require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 100))
	w.Next(faulty.Panic("no"), faulty.Panic("no"), faulty.Panic("no"))
	require.Panics(t, func() { _ = emit(h, slog.LevelInfo, 0, 1, 100) })
	require.Panics(t, func() { _ = emit(h, slog.LevelInfo, 0, 2, 100) })
	require.NoError(t, emit(h, slog.LevelInfo, 0, 3, 100))
	require.NoError(t, h.Close())
	require.Equal(t, "0.0 [2] 0.3", order(t, w.Text()))
	stats := h.Stats()[0]
	require.EqualValues(t, 2, stats.Records)
	require.EqualValues(t, 2, stats.Dropped)
	require.EqualValues(t, 2, stats.Errors)
}

func TestDropBelowBeforeAHandler(t *testing.T) {
	for _, size := range []int{1, 4 * 1300} { // each record is larger than the queue; four fit
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := faulty.NewGate()
				w := faulty.New(gate.Stuck)
				h := NewHandler(Sink{Handler: inner(w), Enqueue: true, QueueSize: size, DropBelow: slog.LevelError})
				want := "0.0"
				if size > 1 {
					fill(t, h)
					want = seqs(0, 4)
				} else {
					go func() { _ = emit(h, slog.LevelInfo, 0, 0, 1000) }()
				}
				synctest.Wait()
				drop := func(n int) {
					for range n {
						require.NoError(t, emit(h, slog.LevelInfo, 0, 8, 1000))
					}
				}
				drop(3)
				first := background(func() error { return emit(h, slog.LevelError, 1, 0, 1000) })
				require.Nil(t, first())
				drop(2)
				second := background(func() error { return emit(h, slog.LevelError, 1, 1, 1000) })
				require.Nil(t, second())
				gate.Open()
				require.NoError(t, h.Complete())
				require.NoError(t, *first())
				require.NoError(t, *second())
				require.NoError(t, h.Close())
				require.Equal(t, want+" [3] 1.0 [2] 1.1", order(t, w.Text()))
				require.EqualValues(t, 5, h.Stats()[0].Dropped)
			})
		})
	}
}

// A record that is lost although it never lay in the queue is counted, too.
func TestALostRecordLargerThanTheQueueIsCounted(t *testing.T) {
	w := faulty.New(faulty.Fail(errDisk))
	h := NewHandler(Sink{Handler: inner(w), Enqueue: true, QueueSize: 1}, quiet)
	require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 100))
	require.NoError(t, emit(h, slog.LevelInfo, 0, 1, 100))
	require.NoError(t, h.Close())
	require.Equal(t, "[1] 0.1", order(t, w.Text()))
	require.EqualValues(t, 2, h.Stats()[0].Records)
	require.EqualValues(t, 1, h.Stats()[0].Dropped)
}

func TestContextFieldsUnderGroupsBehindAHandler(t *testing.T) {
	for _, queue := range []bool{false, true} {
		t.Run(fmt.Sprint(queue), func(t *testing.T) {
			var got bytes.Buffer
			h := NewHandler(Sink{Handler: slog.NewTextHandler(&got, &slog.HandlerOptions{ReplaceAttr: withoutTime}), Enqueue: queue})
			log := slog.New(h).With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").With("c", 3)
			ctx := Contextualize(context.Background(), "id", 7)
			log.InfoContext(ctx, "x", "d", 4)
			log.Info("y", "d", 5)
			log.InfoContext(ctx, "z")
			require.NoError(t, h.Close())
			require.Equal(t, "level=INFO msg=x a=1 id=7 g.b=2 g.h.c=3 g.h.d=4\n"+
				"level=INFO msg=y a=1 g.b=2 g.h.c=3 g.h.d=5\n"+
				"level=INFO msg=z a=1 id=7 g.b=2 g.h.c=3\n", got.String())
		})
	}
}

func TestFlushOfAHandlerRunsInTheCallersOneAtATime(t *testing.T) {
	for _, queue := range []bool{false, true} {
		t.Run(fmt.Sprint(queue), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := faulty.New()
				var running, calls atomic.Int64
				var fail atomic.Pointer[error]
				h := NewHandler(Sink{Handler: inner(w), Enqueue: queue, Flush: func(ctx context.Context) error {
					calls.Add(1)
					if running.Add(1) > 1 {
						t.Error("two at a time")
					}
					defer running.Add(-1)
					if ctx.Value(key{}) == "panic" {
						panic("no")
					}
					if p := fail.Load(); p != nil {
						return *p
					}
					select {
					case <-time.After(time.Second):
					case <-ctx.Done():
					}
					return ctx.Err()
				}})
				require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 100))
				var results []func() *error
				for range 10 {
					results = append(results, background(h.Complete))
				}
				later(time.Minute)
				for _, r := range results {
					require.NoError(t, *r())
				}
				require.EqualValues(t, 10, calls.Load())
				ctx := context.WithValue(t.Context(), key{}, "panic")
				require.ErrorContains(t, h.CompleteContext(ctx), "panic: no")
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				require.ErrorIs(t, h.CompleteContext(ctx), context.DeadlineExceeded)
				fail.Store(&errDisk)
				require.ErrorIs(t, h.Complete(), errDisk)
				fail.Store(nil)
				require.NoError(t, h.Close())
			})
		})
	}
}
