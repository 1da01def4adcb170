package logly

import (
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly/internal/faulty"
)

func TestDirectWritesEachRecordWithOneWrite(t *testing.T) {
	w := faulty.New()
	h := NewHandler(Sink{Writer: w, Format: JSON})
	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() {
			for i := range 500 {
				if err := emit(h, slog.LevelInfo, p, i, 100); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, h.Close())
	got, _ := once(t, order(t, w.Text()))
	require.Len(t, got, 8)
	require.Len(t, w.Writes(), 4000)
	for _, line := range w.Writes() {
		require.Equal(t, 1, strings.Count(line, "\n"))
	}
	require.False(t, w.Overlapped())
	require.Equal(t, Stats{Name: "writer", Records: 4000, Bytes: uint64(len(w.Text()))}, h.Stats()[0])
}

// Of three records the second meets the faults; each further one tells what
// became of it.
func TestDirectWithAFailingWriter(t *testing.T) {
	tests := map[string]struct {
		faults  []faulty.Fault
		results string // of five records: "." accepted, "x" refused
		want    string
	}{
		"refused":                     {[]faulty.Fault{faulty.Fail(errDisk)}, ".x...", "0.0 [1] 0.2 0.3 0.4"},
		"refused twice":               {[]faulty.Fault{faulty.Fail(errDisk), faulty.Fail(errDisk)}, ".xx..", "0.0 [2] 0.3 0.4"},
		"begun":                       {[]faulty.Fault{faulty.Short(7, errDisk)}, ".....", "0.0 0.1 0.2 0.3 0.4"},
		"begun without error":         {[]faulty.Fault{faulty.Short(7, nil)}, ".....", "0.0 0.1 0.2 0.3 0.4"},
		"begun, its rest is refused":  {[]faulty.Fault{faulty.Short(7, errDisk), faulty.Fail(errDisk)}, "..x..", "0.0 0.1 [1] 0.3 0.4"},
		"begun, its rest is begun":    {[]faulty.Fault{faulty.Short(7, errDisk), faulty.Short(7, errDisk)}, "..x..", "0.0 0.1 [1] 0.3 0.4"},
		"the notice is begun":         {[]faulty.Fault{faulty.Fail(errDisk), faulty.Short(7, errDisk)}, ".xx..", "0.0 [1] [1] 0.3 0.4"},
		"the notice is all":           {[]faulty.Fault{faulty.Fail(errDisk), shortLine(0)}, ".xx..", "0.0 [1] [1] 0.3 0.4"},
		"the line after it is begun":  {[]faulty.Fault{faulty.Fail(errDisk), shortLine(7)}, ".x...", "0.0 [1] 0.2 0.3 0.4"},
		"an error, but all was taken": {[]faulty.Fault{faulty.Late(errDisk)}, ".....", "0.0 0.1 0.2 0.3 0.4"},
		"a panic":                     {[]faulty.Fault{faulty.Panic("no")}, ".x...", "0.0 [1] 0.2 0.3 0.4"},
		"more than all":               {[]faulty.Fault{faulty.Lie(false)}, ".x...", "0.0 [1] 0.2 0.3 0.4"},
		"less than nothing":           {[]faulty.Fault{faulty.Lie(true)}, ".x...", "0.0 [1] 0.2 0.3 0.4"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := faulty.New()
				var reported uint64
				h := NewHandler(Sink{Writer: w, Format: JSON}, OnError(func(err error) { reported += asError(err).Count }))
				var results string
				for i := range 5 {
					if i == 1 {
						w.Next(test.faults...)
					}
					if err := emit(h, slog.LevelInfo, 0, i, 100); err != nil {
						var e *Error
						require.ErrorAs(t, err, &e)
						results += "x"
					} else {
						results += "."
					}
				}
				require.Equal(t, test.results, results)
				require.NoError(t, h.Complete())
				require.Equal(t, test.want, order(t, w.Text()))
				require.NoError(t, h.Close())
				later(time.Minute)
				refused := strings.Count(results, "x")
				require.Equal(t, Stats{
					Name: "writer", Records: uint64(5 - refused), Dropped: uint64(refused),
					Errors: uint64(len(test.faults)), Bytes: uint64(len(w.Text())),
				}, h.Stats()[0])
				require.EqualValues(t, len(test.faults), reported)
			})
		})
	}
}

// shortLine takes the first line and n bytes of the second.
func shortLine(n int) faulty.Fault {
	return func(p []byte) (int, int, error) {
		n := strings.IndexByte(string(p), '\n') + 1 + n
		return n, n, errDisk
	}
}

func TestDirectCompleteWritesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := faulty.New(faulty.Short(10, nil))
		w.Always(faulty.Fail(errDisk))
		h := NewHandler(Sink{Writer: w, Format: JSON}, quiet)
		require.NoError(t, emit(h, slog.LevelInfo, 0, 0, 100))
		err := h.Complete()
		require.ErrorIs(t, err, errDisk)
		require.ErrorContains(t, err, "1 record still queued")
		require.Zero(t, w.Syncs())
		require.EqualValues(t, 2, h.Stats()[0].Errors)
		w.Heal()
		require.NoError(t, h.Complete())
		require.Equal(t, seqs(0, 1), order(t, w.Text()))
		require.NoError(t, h.Close())
	})
}

func TestDirectCloseWithARest(t *testing.T) {
	tests := map[string]struct {
		faults           []faulty.Fault
		records, dropped uint64
	}{
		"of a record": {[]faulty.Fault{faulty.Short(10, nil)}, 2, 1},
		"of a notice": {[]faulty.Fault{faulty.Fail(errDisk), faulty.Short(10, nil)}, 0, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := faulty.New(test.faults...)
			h := NewHandler(Sink{Writer: w, Format: JSON}, quiet)
			for i := range len(test.faults) {
				_ = emit(h, slog.LevelInfo, 0, i, 100)
			}
			w.Always(faulty.Fail(errDisk))
			err := h.Close()
			require.ErrorIs(t, err, errDisk)
			stats := h.Stats()[0]
			require.EqualValues(t, len(test.faults), stats.Records+stats.Dropped-b2u(name == "of a record"))
			require.Equal(t, test.dropped, stats.Dropped)
		})
	}
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func TestNothingRunsOnceCloseHasReturned(t *testing.T) {
	for _, queue := range []bool{true, false} {
		for range 200 {
			h := NewHandler(Sink{Writer: faulty.New(), Format: JSON, Enqueue: queue})
			if err := emit(h, slog.LevelInfo, 0, 0, 100); err != nil {
				t.Fatal(err)
			}
			require.NoError(t, h.Complete())
			require.NoError(t, h.Close())
			if d := h.core.sinks[0].direct; d != nil {
				d.mu.Lock()
				require.Nil(t, d.serving, "still answering")
				d.mu.Unlock()
			}
		}
	}
}

// quitter is a Writer that ends the goroutine that writes, as a test's does when
// it fails.
type quitter struct {
	*faulty.Writer
	quit bool
}

func (q *quitter) Write(p []byte) (int, error) {
	if q.quit {
		runtime.Goexit()
	}
	return q.Writer.Write(p)
}

func TestDirectWithAWriterThatEndsItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &quitter{faulty.New(), true}
		h := NewHandler(Sink{Writer: w, Format: JSON})
		go func() { _ = emit(h, slog.LevelInfo, 0, 0, 100) }()
		synctest.Wait()
		w.quit = false
		require.NoError(t, emit(h, slog.LevelInfo, 0, 1, 100))
		require.NoError(t, h.Close())
		require.Equal(t, "0.1", order(t, w.Text()))
		require.Equal(t, Stats{Name: "writer", Records: 1, Bytes: uint64(len(w.Text()))}, h.Stats()[0])
	})
}

// Complete has patience as long as others who are before it get on.
func TestDirectCompleteBehindSlowCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := faulty.New()
		w.Always(faulty.Slow(time.Second))
		h := NewHandler(Sink{Writer: w, Format: JSON})
		for p := range 20 {
			go func() {
				if err := emit(h, slog.LevelInfo, p, 0, 100); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		require.NoError(t, h.Complete())
		require.Len(t, w.Writes(), 20, "those who came before")
		require.NoError(t, h.Close())
	})
}

// Others who log in a loop keep nobody from completing and closing.
func TestDirectAmongOthersWhoNeverStop(t *testing.T) {
	h := NewHandler(Sink{Writer: faulty.New(), Format: JSON})
	var logged atomic.Int64
	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() {
			for i := 0; emit(h, slog.LevelInfo, p, i, 100) == nil; i++ {
				logged.Add(1)
			}
		})
	}
	for range 20 {
		before := logged.Load()
		require.NoError(t, h.Complete())
		for logged.Load() == before {
			runtime.Gosched()
		}
	}
	require.NoError(t, h.Close())
	wg.Wait()
	require.EqualValues(t, logged.Load(), h.Stats()[0].Records)
}
