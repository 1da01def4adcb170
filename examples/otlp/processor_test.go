package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly"
)

const testTimeout = 3 * time.Second // for one attempt

// rig is the example's handler in front of a stand-in, in a bubble of synctest,
// where time costs nothing.
type rig struct {
	*standIn
	h *logly.Handler
	p *processor

	mu   sync.Mutex
	told []error
}

// bubble runs test with a rig, and closes that after it.
func bubble(t *testing.T, queueSize int, test func(t *testing.T, r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{standIn: &standIn{}}
		exporter, err := newExporter("http://collector:4318", r, testTimeout)
		require.NoError(t, err)
		r.p = newProcessor(exporter, r.onError)
		sink := collectorSink(r.p)
		sink.QueueSize = queueSize
		r.h = logly.NewHandler(sink, logly.FromContext(traceIDs), logly.OnError(r.onError))
		defer func() {
			_ = r.h.Close()
			_ = r.p.Shutdown(context.Background())
		}()
		test(t, r)
	})
}

func (r *rig) onError(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, err)
}

// errors returns what OnError was told, a line each.
func (r *rig) errors() string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return errorText(r.told)
}

func errorText(errs []error) string {
	var b strings.Builder
	for _, err := range errs {
		fmt.Fprintln(&b, err)
	}
	return b.String()
}

func TestABurstArrivesOnce(t *testing.T) {
	bubble(t, 64<<20, func(t *testing.T, r *rig) {
		l := newLoad(8, 2500)
		l.run(t, r.h)
		require.NoError(t, r.h.Complete())
		r.count().check(t, l, 0)
		require.Empty(t, r.errors())
		require.GreaterOrEqual(t, len(r.attempts()), l.total()/batchSize)
	})
}

func TestAFewRecordsGoWithoutComplete(t *testing.T) {
	bubble(t, 64<<20, func(t *testing.T, r *rig) {
		l := newLoad(1, 3)
		l.run(t, r.h)
		time.Sleep(time.Second)
		r.count().check(t, l, 0)
		require.Len(t, r.attempts(), 1)
	})
}

// Whatever passes loses nothing, doubles only what the Collector took without
// saying so, and is told.
func TestTroubleThatPasses(t *testing.T) {
	for _, test := range []struct {
		name    string
		script  []answer
		down    time.Duration
		doubled int
		told    string
	}{
		{name: "slow", script: []answer{slow(2 * time.Second), slow(2 * time.Second)}},
		{name: "503", script: []answer{status(503), status(503), status(503)}, told: "answer 503 Service Unavailable: not now"},
		{name: "502 and 504", script: []answer{ok, status(502), status(504)}, told: "answer 504 Gateway Timeout: not now"},
		{name: "429", script: []answer{status(429, "Retry-After", "7")}, told: "answer 429 Too Many Requests: not now"},
		{name: "hangs", script: []answer{ok, hang(false)}, told: "context deadline exceeded"},
		{name: "takes and hangs", script: []answer{ok, hang(true)}, doubled: batchSize, told: "context deadline exceeded"},
		{name: "down at the start", down: time.Minute, told: "connection refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, 64<<20, func(t *testing.T, r *rig) {
				r.script = test.script
				r.setDown(test.down > 0)
				time.AfterFunc(test.down, func() { r.setDown(false) })
				l := newLoad(4, 1000)
				l.run(t, r.h)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				require.NoError(t, r.h.CompleteContext(ctx))
				got := r.count()
				got.check(t, l, test.doubled)
				require.Equal(t, test.doubled, got.doubled)
				if test.told == "" {
					require.Empty(t, r.errors())
				} else {
					require.Contains(t, r.errors(), test.told)
				}
				stats := r.h.Stats()[0]
				require.EqualValues(t, l.total(), stats.Records)
				require.Zero(t, stats.Dropped+stats.Queued)
				require.Zero(t, r.p.lost.Load()+r.p.pending.Load())
			})
		})
	}
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	bubble(t, 64<<20, func(t *testing.T, r *rig) {
		r.script = []answer{status(429, "Retry-After", "7")}
		newLoad(1, 2000).run(t, r.h)
		time.Sleep(time.Minute)
		require.NoError(t, r.h.Complete())
		at := r.attempts()
		require.Equal(t, 7*time.Second, at[1].Sub(at[0]))
	})
}

func TestPausesGrow(t *testing.T) {
	bubble(t, 64<<20, func(t *testing.T, r *rig) {
		r.always = status(503)
		newLoad(1, 1).run(t, r.h)
		time.Sleep(time.Hour)
		attempts := len(r.attempts())
		require.Greater(t, attempts, int(time.Hour/longestPause))
		require.Less(t, attempts, 2*int(time.Hour/longestPause)+10)
		r.mu.Lock()
		defer r.mu.Unlock()
		require.Len(t, r.told, attempts)
	})
}

// While the Collector is down, Complete gives up in time and tells how many wait;
// together with the batch it is all of them.
func TestCompleteWhileDown(t *testing.T) {
	bubble(t, 64<<20, func(t *testing.T, r *rig) {
		r.setDown(true)
		l := newLoad(2, 1000)
		l.run(t, r.h)
		start := time.Now()
		err := r.h.Complete()
		require.LessOrEqual(t, time.Since(start), 10*time.Second)
		require.ErrorContains(t, err, fmt.Sprintf("%d records still queued", l.total()-batchSize))
		require.EqualValues(t, batchSize, r.p.pending.Load())
		require.EqualValues(t, l.total()-batchSize, r.h.Stats()[0].Queued)
		require.Contains(t, r.errors(), "connection refused")

		r.setDown(false)
		require.NoError(t, r.h.Complete())
		r.count().check(t, l, 0)
	})
}

// The same when all that waits is in the batch.
func TestCompleteWithABatchWhileDown(t *testing.T) {
	bubble(t, 64<<20, func(t *testing.T, r *rig) {
		r.setDown(true)
		l := newLoad(1, 300)
		l.run(t, r.h)
		start := time.Now()
		require.ErrorContains(t, r.h.Complete(), "300 records are not delivered: ")
		require.ErrorContains(t, r.h.Complete(), "connection refused")
		require.LessOrEqual(t, time.Since(start), 20*time.Second)
		r.setDown(false)
		require.NoError(t, r.h.Complete())
		r.count().check(t, l, 0)
	})
}

func TestCompleteWhileHanging(t *testing.T) {
	bubble(t, 64<<20, func(t *testing.T, r *rig) {
		r.always = hang(false)
		l := newLoad(1, 300)
		l.run(t, r.h)
		require.ErrorContains(t, r.h.Complete(), "300 records are not delivered: ")
		require.Contains(t, r.errors(), "context deadline exceeded")
	})
}

// Close while the Collector is down: each record is counted once, as dropped by
// logly or as lost by the processor.
func TestCloseWhileDown(t *testing.T) {
	for _, records := range []int{1, 300, batchSize, batchSize + 1, 5000} {
		t.Run(fmt.Sprint(records), func(t *testing.T) {
			bubble(t, 64<<20, func(t *testing.T, r *rig) {
				r.setDown(true)
				newLoad(1, records).run(t, r.h)
				start := time.Now()
				require.Error(t, r.h.Close())
				require.ErrorContains(t, r.p.Shutdown(t.Context()), fmt.Sprintf("%d records are not delivered: ", min(records, batchSize)))
				require.LessOrEqual(t, time.Since(start), 20*time.Second)
				synctest.Wait()
				stats := r.h.Stats()[0]
				require.EqualValues(t, records, stats.Records)
				require.EqualValues(t, records, stats.Dropped+uint64(r.p.lost.Load()))
				require.LessOrEqual(t, r.p.lost.Load(), int64(batchSize+1))
				require.Contains(t, r.errors(), "not delivered at shutdown")
			})
		})
	}
}

// CloseContext gives a Collector that comes back the time to take everything.
func TestCloseWaitsForTheCollector(t *testing.T) {
	bubble(t, 64<<20, func(t *testing.T, r *rig) {
		r.setDown(true)
		time.AfterFunc(20*time.Second, func() { r.setDown(false) })
		l := newLoad(2, 1000)
		l.run(t, r.h)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, r.h.CloseContext(ctx))
		require.NoError(t, r.p.Shutdown(ctx))
		r.count().check(t, l, 0)
	})
}

// A full queue makes callers wait, and loses nothing.
func TestAFullQueueWhileDown(t *testing.T) {
	bubble(t, 100<<10, func(t *testing.T, r *rig) {
		r.setDown(true)
		time.AfterFunc(time.Minute, func() { r.setDown(false) })
		l := newLoad(4, 2000)
		start := time.Now()
		l.run(t, r.h)
		require.GreaterOrEqual(t, time.Since(start), time.Minute)
		require.NoError(t, r.h.Complete())
		r.count().check(t, l, 0)
	})
}

// A function of OnError that logs to the same handler waits as every caller
// does, and holds nothing up.
func TestOnErrorLogsToTheSameHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &standIn{down: true}
		exporter, err := newExporter("http://collector:4318", s, testTimeout)
		require.NoError(t, err)
		var h *logly.Handler
		onError := func(err error) { slog.New(h).Error("logging", "g", -1, "n", 0, "error", err.Error()) }
		p := newProcessor(exporter, onError)
		sink := collectorSink(p)
		sink.QueueSize = 10 << 10
		h = logly.NewHandler(sink, logly.OnError(onError))
		time.AfterFunc(time.Minute, func() { s.setDown(false) })
		l := newLoad(4, 500)
		l.run(t, h)
		time.Sleep(time.Minute)
		require.NoError(t, h.Close())
		require.NoError(t, p.Shutdown(t.Context()))
		got := s.count()
		require.Contains(t, got.seen, [2]int{-1, 0})
		delete(got.seen, [2]int{-1, 0})
		got.doubled = 0 // all reports have one number
		got.wrong = nil
		got.check(t, l, 0)
	})
}

// What the Collector will never take is lost, counted and told, once, and does
// not take others with it.
func TestRefusedForGood(t *testing.T) {
	for _, test := range []struct {
		name   string
		always answer
		lost   int
		told   string
	}{
		{"one record is invalid", unless("bad", 400), 1, "1 records are lost: "},
		{"one record is too large", unless("bad", 413), 1, "answer 413 Request Entity Too Large: not now"},
		{"no permission", status(401), 300, "300 records are lost: "},
		{"a wrong address", status(404), 300, "answer 404 Not Found: not now"},
		{"some are rejected", rejecting(17), 17, "answer 200 OK, 17 records rejected: too old"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, 64<<20, func(t *testing.T, r *rig) {
				r.script = []answer{status(503)} // so that there is one batch
				r.always = test.always
				for n := range 300 {
					msg := "good"
					if n == 123 {
						msg = "bad"
					}
					slog.New(r.h).Info(msg, "n", n)
				}
				err := r.h.Complete()
				require.ErrorContains(t, err, fmt.Sprintf("%d records are lost: ", test.lost))
				require.Contains(t, r.errors(), test.told)
				require.EqualValues(t, test.lost, r.p.lost.Load())
				require.Zero(t, r.p.pending.Load())
				if test.lost == 1 {
					require.Len(t, r.took, 299)
				}
				r.always = nil
				require.NoError(t, r.h.Complete(), "the loss was told")
			})
		})
	}
}

// A string that is not UTF-8 would make the whole request impossible to encode.
func TestInvalidUTF8Arrives(t *testing.T) {
	bubble(t, 64<<20, func(t *testing.T, r *rig) {
		bad := "a\xffb"
		newLoad(1, 1).run(t, r.h)
		slog.New(r.h).Info(bad, bad, bad, slog.Group("g", bad, []string{bad}), "m", map[string]any{bad: []any{bad}}, "e", errors.New(bad))
		require.NoError(t, r.h.Complete())
		require.Len(t, r.took, 2)
		rec := r.took[1]
		const good = "a\uFFFDb"
		require.Equal(t, good, rec.Body.GetStringValue())
		require.Equal(t, good, attr(rec, good).GetStringValue())
		require.Equal(t, good, attr(rec, "exception.message").GetStringValue())
		inner := attr(rec, "g").GetKvlistValue().Values[0]
		require.Equal(t, good, inner.Key)
		require.Equal(t, good, inner.Value.GetArrayValue().Values[0].GetStringValue())
		m := attr(rec, "m").GetKvlistValue().Values[0]
		require.Equal(t, good, m.Key)
		require.Equal(t, good, m.Value.GetArrayValue().Values[0].GetStringValue())
		require.Empty(t, r.errors())
	})
}

// The ids stand in their own fields only, unless the record has others of that
// name, and no attribute is cut off.
func TestAttributes(t *testing.T) {
	bubble(t, 64<<20, func(t *testing.T, r *rig) {
		l := newLoad(1, 1)
		l.run(t, r.h)
		var many []any
		for i := range 200 {
			many = append(many, fmt.Sprintf("k%d", i), i)
		}
		slog.New(r.h).Info("many", append(many, traceKey, "of another")...)
		require.NoError(t, r.h.Complete())
		first, second := r.took[0], r.took[1]
		require.Len(t, first.TraceId, 16)
		require.Nil(t, attr(first, traceKey))
		require.Nil(t, attr(first, spanKey))
		require.Equal(t, "of another", attr(second, traceKey).GetStringValue())
		require.Len(t, second.Attributes, 201)
	})
}

// The file sink has the same ids, in the line.
func TestIDsInTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "app.log")
	h := logly.NewHandler(logly.Sink{File: file}, logly.FromContext(traceIDs))
	l := newLoad(1, 101)
	l.run(t, h)
	require.NoError(t, h.Close())
	lines := readLines(t, file)
	traceID, spanID := l.ids(0, 0)
	require.Contains(t, lines[0], fmt.Sprintf(`"msg":"order paid","trace_id":%q,"span_id":%q,"g":0`, traceID, spanID))
	require.Contains(t, lines[100], `"msg":"order paid","g":0`)
}

// Closing in the wrong order loses what comes after, but not in silence.
func TestShutdownRefuses(t *testing.T) {
	bubble(t, 64<<20, func(t *testing.T, r *rig) {
		require.NoError(t, r.p.Shutdown(t.Context()))
		slog.New(r.h).Info("late")
		require.ErrorIs(t, r.h.Complete(), errShutdown)
		require.EqualValues(t, 1, r.p.lost.Load())
		require.NoError(t, r.p.Shutdown(t.Context()), "again")
	})
}
