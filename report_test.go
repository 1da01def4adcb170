package logly

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly/internal/faulty"
)

func TestErrorText(t *testing.T) {
	tests := map[string]*Error{
		"logly: write app.log: disk on fire":           {Sink: "app.log", Op: "write", Count: 1, Err: errDisk},
		"logly: write app.log: disk on fire (3 times)": {Sink: "app.log", Op: "write", Count: 3, Err: errDisk},
		"logly: write app.log: <nil>":                  {Sink: "app.log", Op: "write", Count: 1, Err: (*fs.PathError)(nil)},
	}
	for want, err := range tests {
		require.Equal(t, want, err.Error())
		require.Equal(t, err.Err, errors.Unwrap(err))
	}
}

// asError returns what OnError was called with: an *Error itself.
func asError(err error) *Error {
	return err.(*Error) //nolint:errorlint // one that is wrapped would be a bug
}

func TestOnErrorIsCalledOnceASecondWithCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type call struct {
			at    time.Duration
			sink  string
			count uint64
		}
		var calls []call
		var running atomic.Int64
		start := time.Now()
		bad := faulty.New()
		bad.Always(faulty.Fail(errDisk))
		h := NewHandler(Sink{Writer: bad, Format: JSON}, Sink{Handler: inner(bad)}, OnError(func(err error) {
			require.EqualValues(t, 1, running.Add(1), "one at a time")
			defer running.Add(-1)
			e := asError(err)
			require.ErrorIs(t, e, errDisk)
			calls = append(calls, call{time.Since(start).Round(time.Millisecond), e.Sink, e.Count})
			time.Sleep(10 * time.Millisecond)
		}))
		for range 250 {
			require.ErrorIs(t, emit(h, slog.LevelInfo, 0, 0, 100), errDisk)
			synctest.Wait()
			later(10 * time.Millisecond)
		}
		later(time.Minute)
		var total = map[string]uint64{}
		last := map[string]time.Duration{}
		for i, c := range calls {
			if at, ok := last[c.sink]; ok {
				require.GreaterOrEqual(t, c.at-at, time.Second, "call %d", i)
			}
			last[c.sink] = c.at
			total[c.sink] += c.count
		}
		require.Equal(t, map[string]uint64{"writer": 250, "handler": 250}, total)
		require.Len(t, calls, 8)
		require.NoError(t, h.Close())
	})
}

// A slow OnError serves the sinks in turn, however much the first has to say.
func TestEverySinkIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := faulty.New()
		bad.Always(faulty.Fail(errDisk))
		got := map[string]int{}
		h := NewHandler(Sink{Writer: bad, Format: JSON}, Sink{Handler: inner(bad)}, OnError(func(err error) {
			got[asError(err).Sink]++
			time.Sleep(2 * time.Second)
		}))
		for range 200 {
			require.Error(t, emit(h, slog.LevelInfo, 0, 0, 100))
			later(100 * time.Millisecond)
		}
		synctest.Wait()
		require.InDelta(t, got["writer"], got["handler"], 1)
		require.NoError(t, h.Close())
		later(time.Minute)
	})
}

func TestOnErrorMayLogAndClose(t *testing.T) {
	bothWays(t, func(t *testing.T, w *faulty.Writer, s Sink) {
		var h *Handler
		calls := 0
		closed := make(chan error, 1)
		w.Next(faulty.Fail(errDisk))
		h = NewHandler(s, OnError(func(err error) {
			calls++
			if emit(h, slog.LevelInfo, 1, 0, 100) == nil {
				closed <- h.Close()
			}
		}))
		err := emit(h, slog.LevelInfo, 0, 0, 100)
		require.Equal(t, s.Enqueue, err == nil)
		require.NoError(t, <-closed)
		require.Equal(t, 1, calls)
		require.Contains(t, order(t, w.Text()), "1.0")
	})
}

func TestCloseDoesNotWaitForOnError(t *testing.T) {
	bothWays(t, func(t *testing.T, w *faulty.Writer, s Sink) {
		w.Next(faulty.Fail(errDisk))
		release := make(chan struct{})
		var calls atomic.Int64
		h := NewHandler(s, OnError(func(error) { calls.Add(1); <-release }))
		_ = emit(h, slog.LevelInfo, 0, 0, 100)
		later(5 * time.Millisecond)
		start := time.Now()
		require.NoError(t, h.Close())
		require.Less(t, time.Since(start), time.Second)
		require.EqualValues(t, 1, calls.Load())
		close(release)
		synctest.Wait()
	})
}

func TestCloseReportsWhatWaitsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := faulty.New()
		var got []string
		h := NewHandler(Sink{Writer: w, Format: JSON}, OnError(func(err error) { got = append(got, err.Error()) }))
		for i := range 100 {
			w.Next(faulty.Fail(fmt.Errorf("error %d", i%70)))
			require.Error(t, emit(h, slog.LevelInfo, 0, 0, 100))
			synctest.Wait()
		}
		require.Len(t, got, 1)
		require.NoError(t, h.Close())
		synctest.Wait()
		require.Len(t, got, 1+maxPending)
	})
}
