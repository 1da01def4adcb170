package logly

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly/internal/faulty"
)

// bothWays runs f in a bubble with a queue and without.
func bothWays(t *testing.T, f func(t *testing.T, w *faulty.Writer, s Sink)) {
	for _, queue := range []bool{true, false} {
		t.Run(fmt.Sprintf("queue=%t", queue), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := faulty.New()
				s := enqueued(w)
				if !queue {
					s = Sink{Writer: w, Format: JSON}
				}
				f(t, w, s)
			})
		})
	}
}

func TestCompleteOfAFailingWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := faulty.New()
		w.Always(faulty.Fail(errDisk))
		h := NewHandler(enqueued(w), quiet)
		fill(t, h)
		blocked := background(func() error { return emit(h, slog.LevelInfo, 0, 4, 1000) })
		for range 3 {
			start := time.Now()
			err := h.Complete()
			require.ErrorIs(t, err, errDisk)
			require.ErrorContains(t, err, "4 records still queued")
			require.Less(t, time.Since(start), 2*time.Second)
			later(time.Minute)
		}
		require.Zero(t, w.Syncs())
		w.Heal()
		require.NoError(t, h.Complete())
		require.NoError(t, *blocked())
		require.NoError(t, h.Close())
		require.Equal(t, seqs(0, 5), order(t, w.Text()))
	})
}

// A Complete that comes while a Write is failing is answered by the next one.
func TestCompleteTriesOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := faulty.NewGate()
		w := faulty.New(gate.StuckThenFail(errDisk))
		h := NewHandler(enqueued(w), quiet)
		fill(t, h)
		result := background(h.Complete)
		require.Nil(t, result())
		gate.Open()
		require.NoError(t, *result())
		require.Equal(t, seqs(0, 4), order(t, w.Text()))
		require.NoError(t, h.Close())
	})
}

func TestCompleteWaitsForWhatWasLoggedBeforeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := faulty.NewGate()
		w := faulty.New(faulty.Slow(time.Second), gate.Stuck)
		h := NewHandler(enqueued(w))
		require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 1000))
		synctest.Wait()
		result := background(h.WithGroup("g").(*Handler).Complete)
		require.Nil(t, result())
		require.NoError(t, emit(h, slog.LevelInfo, 0, 1, 1000))
		later(2 * time.Second)
		require.NotNil(t, result(), "it waited for the second record")
		require.NoError(t, *result())
		require.Equal(t, 1, w.Syncs())
		gate.Open()
		require.NoError(t, h.Close())
	})
}

func TestOneSyncServesManyCallers(t *testing.T) {
	bothWays(t, func(t *testing.T, w *faulty.Writer, s Sink) {
		h := NewHandler(s)
		open := make(chan struct{})
		w.OnSync(func() error { <-open; return nil })
		require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 100))
		results := []func() *error{background(h.Complete)}
		require.Nil(t, results[0]())
		for range 100 {
			results = append(results, background(h.Complete))
		}
		synctest.Wait()
		require.Equal(t, 1, w.Syncs())
		close(open)
		for _, r := range results {
			require.NoError(t, *r())
		}
		require.Equal(t, 2, w.Syncs())
		require.NoError(t, h.Close())
		require.Equal(t, 3, w.Syncs())
		require.False(t, w.Overlapped())
	})
}

func TestAFailedSyncIsItsCallersOnly(t *testing.T) {
	bothWays(t, func(t *testing.T, w *faulty.Writer, s Sink) {
		var reported []error
		h := NewHandler(s, OnError(func(err error) { reported = append(reported, err) }))
		open := make(chan struct{})
		w.OnSync(func() error { <-open; return errDisk })
		require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 100))
		first := background(h.Complete)
		require.Nil(t, first())
		second := background(h.Complete)
		require.Nil(t, second())
		w.OnSync(nil)
		close(open)
		require.ErrorIs(t, *first(), errDisk)
		require.NoError(t, *second())
		require.Empty(t, reported)
		require.EqualValues(t, 1, h.Stats()[0].Errors)

		// When nobody waits for it any more, OnError gets it.
		slow := func() error { time.Sleep(time.Second); return errDisk }
		w.OnSync(slow)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, h.CompleteContext(ctx), context.DeadlineExceeded)
		later(2 * time.Second)
		require.Len(t, reported, 1)
		require.ErrorIs(t, reported[0], errDisk)
		w.OnSync(nil)
		require.NoError(t, h.Close())
	})
}

func TestWhatCannotBeSyncedIsNoError(t *testing.T) {
	bothWays(t, func(t *testing.T, w *faulty.Writer, s Sink) {
		h := NewHandler(s)
		for err, ignored := range map[error]bool{
			syscall.EINVAL: true, syscall.ENOTSUP: true, syscall.ENOTTY: true, syscall.ENOSYS: true,
			fmt.Errorf("sync: %w", syscall.EINVAL): true,
			syscall.EIO:                            false, syscall.ENOSPC: false, errDisk: false,
		} {
			w.OnSync(func() error { return err })
			if ignored {
				require.NoError(t, h.Complete())
			} else {
				require.ErrorIs(t, h.Complete(), err)
			}
		}
		w.OnSync(func() error { panic("no") })
		require.ErrorContains(t, h.Complete(), "panic: no")
		w.OnSync(nil)
		require.NoError(t, h.Complete())
		require.NoError(t, h.Close())
	})
}

func TestCompleteContextWithAStuckWrite(t *testing.T) {
	bothWays(t, func(t *testing.T, w *faulty.Writer, s Sink) {
		gate := faulty.NewGate()
		w.Next(gate.Stuck)
		h := NewHandler(s)
		logging := background(func() error { return emit(h, slog.LevelInfo, 0, 0, 100) })
		synctest.Wait()
		start := time.Now()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errDisk)
		defer cancel()
		err := h.CompleteContext(ctx)
		require.ErrorIs(t, err, errDisk)
		require.Equal(t, time.Minute, time.Since(start), "it gives up at its deadline and no sooner")
		if s.Enqueue {
			require.ErrorContains(t, err, "1 record still queued")
		}
		start = time.Now()
		require.ErrorContains(t, h.Complete(), "no byte moved")
		require.Equal(t, 5*time.Second, time.Since(start))
		gate.Open()
		require.NoError(t, *logging())
		require.NoError(t, h.Complete())
		require.NoError(t, h.Close())
		require.Equal(t, seqs(0, 1), order(t, w.Text()))
	})
}

func TestCompleteIsPatientWhileBytesMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := faulty.New()
		w.Always(func(p []byte) (int, int, error) {
			time.Sleep(4 * time.Second)
			return min(100, len(p)), min(100, len(p)), nil
		})
		h := NewHandler(enqueued(w), quiet)
		fill(t, h)
		start := time.Now()
		require.NoError(t, h.Complete())
		require.Greater(t, time.Since(start), 2*time.Minute)
		w.Heal()
		require.NoError(t, h.Close())
		require.Equal(t, seqs(0, 4), order(t, w.Text()))
	})
}

func TestFlushComesBeforeSync(t *testing.T) {
	bothWays(t, func(t *testing.T, w *faulty.Writer, s Sink) {
		var fail error
		calls := 0
		s.Flush = func(ctx context.Context) error {
			calls++
			w.Event("flush")
			if errors.Is(fail, errDisk) {
				panic(fail)
			}
			return fail
		}
		h := NewHandler(s)
		require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 100))
		require.NoError(t, h.Complete())
		require.Equal(t, "write flush sync", w.Events())
		fail = errors.New("a flush that fails")
		require.ErrorIs(t, h.Complete(), fail)
		fail = errDisk
		require.ErrorContains(t, h.Complete(), "panic: disk on fire")
		require.Equal(t, 1, w.Syncs(), "nothing to make lasting")
		fail = nil
		require.NoError(t, h.Close())
		require.Equal(t, 4, calls)
	})
}

func TestFlushIsCancelledWhenNobodyWaits(t *testing.T) {
	bothWays(t, func(t *testing.T, w *faulty.Writer, s Sink) {
		block := true
		s.Flush = func(ctx context.Context) error {
			if block {
				<-ctx.Done()
			}
			return ctx.Err()
		}
		h := NewHandler(s, quiet)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, h.CompleteContext(ctx), context.DeadlineExceeded)
		start := time.Now()
		require.ErrorContains(t, h.Complete(), "no byte moved")
		require.Equal(t, 5*time.Second, time.Since(start))
		block = false
		require.NoError(t, h.Complete())
		require.NoError(t, h.Close())
	})
}

func TestCloseRefusesAndIsIdempotent(t *testing.T) {
	bothWays(t, func(t *testing.T, w *faulty.Writer, s Sink) {
		h := NewHandler(s)
		require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 100))
		var results []func() *error
		for range 20 {
			results = append(results, background(h.Close))
		}
		for _, r := range results {
			require.NoError(t, *r())
		}
		for range 3 {
			require.ErrorIs(t, emit(h.WithGroup("g"), slog.LevelInfo, 0, 1, 100), ErrClosed)
		}
		require.NoError(t, h.Close())
		require.NoError(t, h.Complete())
		require.Equal(t, Stats{Name: "writer", Records: 1, Bytes: uint64(len(w.Text())), Dropped: 3}, h.Stats()[0])
		require.Equal(t, seqs(0, 1), order(t, w.Text()))
	})
}

func TestCloseOfAFailingWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := faulty.New(faulty.Short(1500, nil))
		w.Always(faulty.Fail(errDisk))
		h := NewHandler(enqueued(w), quiet)
		fill(t, h) // one line and a half go out
		blocked := []func() *error{}
		for i := range 10 {
			blocked = append(blocked, background(func() error { return emit(h, slog.LevelInfo, 1, i, 1000) }))
			synctest.Wait()
		}
		accepted := h.Stats()[0].Records
		require.EqualValues(t, 5, accepted)
		start := time.Now()
		require.ErrorIs(t, h.Close(), errDisk)
		require.Less(t, time.Since(start), 5*time.Second)
		for i, r := range blocked {
			if i == 0 {
				require.NoError(t, *r())
			} else {
				require.ErrorIs(t, *r(), ErrClosed)
			}
		}
		stats := h.Stats()[0]
		require.EqualValues(t, 5, stats.Records)
		require.EqualValues(t, 4+9, stats.Dropped)
		require.Zero(t, stats.Queued)
	})
}

// Close tries for about a second and tells the cause, also where the destination
// has failed for long and is tried but once a second.
func TestCloseContextTriesUntilItsContextEnds(t *testing.T) {
	for name, heals := range map[string]bool{"a writer that heals": true, "one that does not": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := faulty.New()
				w.Always(faulty.Fail(errDisk))
				h := NewHandler(enqueued(w), quiet)
				fill(t, h)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if heals {
					time.AfterFunc(30*time.Second, w.Heal)
				}
				start := time.Now()
				err := h.CloseContext(ctx)
				if heals {
					require.NoError(t, err)
					require.Zero(t, h.Stats()[0].Dropped)
					require.Less(t, time.Since(start), 31*time.Second)
					return
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, errDisk)
				require.ErrorContains(t, err, "still queued: context deadline exceeded; write: ")
				require.GreaterOrEqual(t, time.Since(start), time.Minute)
			})
		})
	}
}

func TestCloseOfAWriterThatHasFailedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := faulty.New()
		w.Always(faulty.Fail(errDisk))
		h := NewHandler(enqueued(w), quiet)
		fill(t, h)
		later(time.Minute)
		start := time.Now()
		require.ErrorIs(t, h.Close(), errDisk)
		require.Less(t, time.Since(start), 2*time.Second)
		require.Greater(t, time.Since(start), 500*time.Millisecond)
	})
}

func TestCloseServesWhoWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := faulty.New()
		w.Always(faulty.Slow(time.Second))
		h := NewHandler(enqueued(w))
		fill(t, h)
		blocked := []func() *error{}
		for i := range 10 {
			blocked = append(blocked, background(func() error { return emit(h, slog.LevelInfo, 1, i, 1000) }))
			synctest.Wait()
		}
		require.NoError(t, h.Close())
		for _, r := range blocked {
			require.NoError(t, *r())
		}
		require.Equal(t, seqs(0, 4)+" "+seqs(1, 10), order(t, w.Text()))
	})
}

func TestCloseWithAStuckWrite(t *testing.T) {
	for _, withContext := range []bool{false, true} {
		t.Run(fmt.Sprint(withContext), func(t *testing.T) {
			bothWays(t, func(t *testing.T, w *faulty.Writer, s Sink) {
				gate := faulty.NewGate()
				w.Next(gate.Stuck)
				h := NewHandler(s, quiet)
				logging := background(func() error { return emit(h, slog.LevelInfo, 0, 0, 1000) })
				later(time.Second)
				require.Equal(t, 1, gate.Entered())
				var blocked []func() *error
				for i := range 5 {
					blocked = append(blocked, background(func() error { return emit(h, slog.LevelInfo, 0, 1+i, 1000) }))
					synctest.Wait()
				}
				completing := background(h.Complete)
				start := time.Now()
				if withContext {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					require.ErrorIs(t, h.CloseContext(ctx), context.DeadlineExceeded)
					require.LessOrEqual(t, time.Since(start), 1200*time.Millisecond)
				} else {
					require.ErrorContains(t, h.Close(), "no byte moved")
					require.LessOrEqual(t, time.Since(start), 5200*time.Millisecond)
				}
				require.NoError(t, h.Close())
				require.ErrorIs(t, emit(h, slog.LevelInfo, 0, 9, 100), ErrClosed)
				later(time.Minute)
				require.Error(t, *completing())
				dropped := h.Stats()[0].Dropped
				gate.Open()
				require.NoError(t, *logging())
				require.Equal(t, seqs(0, 1), order(t, w.Text()), "only what the Write had when it got stuck")
				require.False(t, gate.Changed())
				stats := h.Stats()[0]
				if s.Enqueue {
					require.EqualValues(t, 4, stats.Records)
					require.EqualValues(t, 7, dropped, "all but those that are still in the Write")
					require.NoError(t, *blocked[0]())
				} else {
					require.EqualValues(t, 1, stats.Records)
				}
				require.EqualValues(t, 6, stats.Dropped, "what arrived after all is not dropped")
				for _, r := range blocked[3:] {
					require.ErrorIs(t, *r(), ErrClosed)
				}
			})
		})
	}
}

// A line larger than the queue lies in the buffer of Handle, which must not use
// it again while a Write that outlived Close still reads it.
func TestCloseWithAStuckWriteOfALargeRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := faulty.NewGate()
		w := faulty.New(gate.Stuck)
		s := enqueued(w)
		s.Writer = w
		other := faulty.New()
		h := NewHandler(s, quiet)
		h2 := NewHandler(Sink{Writer: other, Format: JSON})
		logging := background(func() error { return emit(h, slog.LevelInfo, 0, 0, 20_000) })
		require.Nil(t, logging())
		require.Error(t, h.Close())
		require.ErrorIs(t, *logging(), ErrClosed)
		for i := range 100 {
			require.NoError(t, emit(h2, slog.LevelInfo, 7, i, 20_000))
		}
		gate.Open()
		synctest.Wait()
		require.False(t, gate.Changed())
		require.EqualValues(t, 1, h.Stats()[0].Dropped)
		require.NoError(t, h2.Close())
	})
}

func TestClosesOwnErrorIsNotLost(t *testing.T) {
	bothWays(t, func(t *testing.T, w *faulty.Writer, s Sink) {
		var reported []error
		h := NewHandler(s, OnError(func(err error) { reported = append(reported, err) }))
		k := h.core.sinks[0]
		synctest.Wait() // its goroutine sleeps
		if s.Enqueue {
			k.queue.out = badClose{k.queue.out}
		} else {
			k.direct.out.destination = badClose2{k.direct.out.destination}
		}
		gate := faulty.NewGate()
		w.Next(gate.Stuck)
		logging := background(func() error { return emit(h, slog.LevelInfo, 0, 0, 100) })
		synctest.Wait()
		require.ErrorContains(t, h.Close(), "no byte moved")
		require.Empty(t, reported)
		gate.Open()
		require.NoError(t, *logging())
		require.Len(t, reported, 1)
		require.ErrorIs(t, reported[0], errDisk)
		require.EqualValues(t, 1, h.Stats()[0].Errors)
	})
}

type badClose struct{ output }

func (badClose) close() error { return &Error{Sink: "writer", Op: "close", Count: 1, Err: errDisk} }

type badClose2 struct{ destination }

func (badClose2) close() error { return badClose{}.close() }
