package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly"
)

// The tests of this file send to a real Collector and count in its output. They
// end it with SIGKILL, always: what it has acknowledged is to be in its file.

const longTimeout = 10 * time.Second // for one attempt

func TestCollectorGetsEveryRecordOnce(t *testing.T) {
	c := newCollector(t)
	c.start()
	file := filepath.Join(t.TempDir(), "app.log")
	r := rigTo(t, c.address, longTimeout, logly.Sink{File: file, Enqueue: true})
	l := newLoad(8, 12_500)
	start := time.Now()
	l.run(t, r.h)
	logged := time.Since(start)
	r.complete(t)
	took := time.Since(start)
	c.kill()
	t.Logf("%d records logged in %v, delivered in %v: %.0f a second", l.total(), logged, took, float64(l.total())/took.Seconds())
	c.count().check(t, l, 0)
	countLines(t, file).check(t, l, 0)
}

// countLines counts what is in a file sink's file.
func countLines(t *testing.T, file string) *tally {
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	got := newTally()
	for dec := json.NewDecoder(f); ; {
		var line struct {
			G, N    int
			TraceID string `json:"trace_id"`
			SpanID  string `json:"span_id"`
		}
		err := dec.Decode(&line)
		if err == io.EOF {
			return got
		}
		require.NoError(t, err)
		got.add(line.G, line.N, line.TraceID, line.SpanID)
	}
}

// Only what was in flight at a kill may come twice: it was written, and the
// acknowledgement died with the Collector.
func TestCollectorKilledAndRestarted(t *testing.T) {
	const kills = 4
	c := newCollector(t)
	c.start()
	r := rigTo(t, c.address, longTimeout)
	l := newLoad(8, 6_000)
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		l.run(t, r.h)
	}()
	for i := range kills {
		part := int64((i + 1) * l.total() / (kills + 1))
		require.Eventually(t, func() bool { return r.p.delivered.Load() >= part }, time.Minute, time.Millisecond)
		c.kill()
		time.Sleep(200 * time.Millisecond)
		c.start()
	}
	<-logged
	r.complete(t)
	c.kill()
	got := c.count()
	got.check(t, l, kills*batchSize)
	require.Contains(t, r.reported(), "connect")
	t.Logf("killed %d times: %d of %d records came, %d of them twice", kills, len(got.seen), l.total(), got.doubled)
}

func TestCollectorDownAtTheStart(t *testing.T) {
	c := newCollector(t)
	r := rigTo(t, c.address, longTimeout)
	started := make(chan struct{})
	time.AfterFunc(2*time.Second, func() {
		c.start()
		close(started)
	})
	l := newLoad(8, 1_000)
	l.run(t, r.h)
	r.complete(t)
	<-started
	c.kill()
	c.count().check(t, l, 0)
	require.Contains(t, r.reported(), "connection refused")
}

// Complete tells how many are not delivered, and nil means that all are.
func TestCollectorDownWhileCompleting(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	r := rigTo(t, c.address, longTimeout)
	l := newLoad(4, 500)
	l.run(t, r.h)
	start := time.Now()
	err := r.h.Complete()
	require.Less(t, time.Since(start), 20*time.Second)
	require.ErrorContains(t, err, fmt.Sprintf("%d records still queued", l.total()-batchSize))
	require.EqualValues(t, batchSize, r.p.pending.Load())
	require.Contains(t, r.reported(), "connection refused")

	c.start()
	r.complete(t)
	require.Len(t, c.count().seen, l.total(), "before the kill")
	c.kill()
	c.count().check(t, l, 0)
}

// Close gives up: what the Collector did not get is counted, to the record.
func TestCollectorDownWhileClosing(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.start()
	r := rigTo(t, c.address, longTimeout)
	l := newLoad(4, 500)
	l.run(t, r.h)
	r.complete(t)
	c.kill()

	const more = 3_000
	for range more {
		slog.New(r.h).Info("nobody gets this")
	}
	start := time.Now()
	require.Error(t, r.h.Close())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.ErrorContains(t, r.p.Shutdown(ctx), "records are not delivered: ")
	require.Less(t, time.Since(start), 30*time.Second)
	require.EqualValues(t, l.total(), r.p.delivered.Load())
	require.Eventually(t, func() bool { // the worker may be on its way out
		stats := r.h.Stats()[0]
		return stats.Records == uint64(l.total()+more) && stats.Dropped+uint64(r.p.lost.Load()) == more
	}, 10*time.Second, time.Millisecond)
	c.count().check(t, l, 0)
}

// A load balancer, or a Collector short of memory, that delays, refuses and
// swallows requests and answers.
func TestCollectorSlowAndRefusing(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.start()
	target, err := url.Parse("http://" + c.address)
	require.NoError(t, err)
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	const swallowed = 2
	var requests atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch requests.Add(1) {
		case 2, 3:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 5:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		case 7, 8, 9:
			time.Sleep(300 * time.Millisecond)
			forward.ServeHTTP(w, req)
		case 10: // the request gets nowhere
			_, _ = io.Copy(io.Discard, req.Body)
			<-req.Context().Done()
		case 12, 14: // the answer does
			forward.ServeHTTP(httptest.NewRecorder(), req.WithContext(context.WithoutCancel(req.Context())))
			<-req.Context().Done()
		default:
			forward.ServeHTTP(w, req)
		}
	}))
	defer proxy.Close()

	r := rigTo(t, strings.TrimPrefix(proxy.URL, "http://"), time.Second)
	l := newLoad(8, 1_500)
	l.run(t, r.h)
	r.complete(t)
	require.Greater(t, requests.Load(), int64(14))
	require.NoError(t, r.h.Close())
	require.NoError(t, r.p.Shutdown(t.Context()))
	c.kill()
	got := c.count()
	got.check(t, l, swallowed*batchSize)
	require.NotZero(t, got.doubled)
	for _, told := range []string{"answer 503", "answer 429", "Client.Timeout"} {
		require.Contains(t, r.reported(), told)
	}
}

// The Collector takes 20 MiB at most: a batch that is larger goes in pieces, and
// a record that is larger is lost alone.
func TestCollectorGetsLargeRecords(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.start()
	r := rigTo(t, c.address, longTimeout)
	log := slog.New(r.h)
	l := newLoad(1, 1)
	l.run(t, r.h)
	large := strings.Repeat("x", 256<<10)
	for n := range 150 {
		log.Info(large, "g", 1, "n", n)
	}
	log.Info(strings.Repeat("x", 21<<20), "g", 2, "n", 0)
	log.Info("after it", "g", 2, "n", 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.ErrorContains(t, r.h.CompleteContext(ctx), "1 records are lost: ")
	require.EqualValues(t, 1, r.p.lost.Load())
	require.EqualValues(t, 152, r.p.delivered.Load())
	require.Eventually(t, func() bool { return strings.Contains(r.reported(), "1 records are lost: ") }, 10*time.Second, time.Millisecond)
	t.Log(r.reported())
	c.kill()
	got := c.count()
	require.Zero(t, got.doubled)
	require.Len(t, got.seen, 152)
	require.Contains(t, got.seen, [2]int{2, 1})
	require.NotContains(t, got.seen, [2]int{2, 0})
}
