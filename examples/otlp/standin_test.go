package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	collogpb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logpb "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"
)

// standIn takes OTLP/HTTP requests as a Collector does, and answers them by a
// script. It is a server, and a RoundTripper that needs no network.
type standIn struct {
	mu       sync.Mutex
	down     bool
	script   []answer // for the next requests; then all is well
	always   answer   // for those after the script, if it is set
	took     []*logpb.LogRecord
	requests []time.Time
}

// answer answers a request; the records are kept by taking them.
type answer func(w http.ResponseWriter, in *incoming)

// incoming is a request with records.
type incoming struct {
	*http.Request
	records []*logpb.LogRecord
	by      *standIn
}

func (in *incoming) take() {
	in.by.mu.Lock()
	defer in.by.mu.Unlock()
	in.by.took = append(in.by.took, in.records...)
}

func ok(_ http.ResponseWriter, in *incoming) { in.take() }

// status answers with an error, and headers given as key and value.
func status(code int, header ...string) answer {
	return func(w http.ResponseWriter, _ *incoming) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		http.Error(w, "not now", code)
	}
}

// slow answers well, after d.
func slow(d time.Duration) answer {
	return func(w http.ResponseWriter, in *incoming) {
		time.Sleep(d)
		in.take()
	}
}

// hang never answers; it keeps the records if taken is set.
func hang(taken bool) answer {
	return func(w http.ResponseWriter, in *incoming) {
		if taken {
			in.take()
		}
		<-in.Context().Done()
	}
}

// rejecting takes all but n records.
func rejecting(n int) answer {
	return func(w http.ResponseWriter, in *incoming) {
		in.take()
		body, _ := proto.Marshal(&collogpb.ExportLogsServiceResponse{
			PartialSuccess: &collogpb.ExportLogsPartialSuccess{RejectedLogRecords: int64(n), ErrorMessage: "too old"},
		})
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(body)
	}
}

// unless answers with status code when a record has the body, else well.
func unless(body string, code int) answer {
	return func(w http.ResponseWriter, in *incoming) {
		for _, r := range in.records {
			if r.GetBody().GetStringValue() == body {
				status(code)(w, in)
				return
			}
		}
		in.take()
	}
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var body io.Reader = req.Body
	if req.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(body)
	}
	raw, err := io.ReadAll(body)
	var in collogpb.ExportLogsServiceRequest
	if err != nil || req.URL.Path != "/v1/logs" || proto.Unmarshal(raw, &in) != nil {
		http.Error(w, "not understood", http.StatusBadRequest)
		return
	}
	var records []*logpb.LogRecord
	for _, r := range in.ResourceLogs {
		for _, s := range r.ScopeLogs {
			records = append(records, s.LogRecords...)
		}
	}
	s.mu.Lock()
	s.requests = append(s.requests, time.Now())
	a := answer(ok)
	if len(s.script) > 0 {
		a, s.script = s.script[0], s.script[1:]
	} else if s.always != nil {
		a = s.always
	}
	s.mu.Unlock()
	a(w, &incoming{Request: req, records: records, by: s})
}

func (s *standIn) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	in := req.Clone(req.Context())
	in.Body = io.NopCloser(bytes.NewReader(raw))
	out := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		s.ServeHTTP(out, in)
		close(done)
	}()
	select {
	case <-done:
		return out.Result(), nil
	case <-req.Context().Done():
		return nil, context.Cause(req.Context())
	}
}

func (s *standIn) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// attempts returns when requests came.
func (s *standIn) attempts() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// count returns what arrived, counted.
func (s *standIn) count() *tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := newTally()
	for _, r := range s.took {
		t.add(intAttr(r, "g"), intAttr(r, "n"), hex.EncodeToString(r.TraceId), hex.EncodeToString(r.SpanId))
	}
	return t
}

func attr(r *logpb.LogRecord, key string) *commonpb.AnyValue {
	for _, a := range r.Attributes {
		if a.Key == key {
			return a.Value
		}
	}
	return nil
}

func intAttr(r *logpb.LogRecord, key string) int { return int(attr(r, key).GetIntValue()) }

// load logs records that a tally can judge: of several goroutines, numbered,
// every other hundred in a span of its own.
type load struct {
	goroutines, each int
	spans            [][]trace.SpanContext // of goroutine g, hundred n/100
}

func newLoad(goroutines, each int) *load {
	l := &load{goroutines: goroutines, each: each, spans: make([][]trace.SpanContext, goroutines)}
	tracer := sdktrace.NewTracerProvider().Tracer("test")
	for g := range l.spans {
		for n := 0; n < each; n += 100 {
			var at trace.SpanContext
			if n%200 == 0 {
				_, span := tracer.Start(context.Background(), "hundred")
				at = span.SpanContext()
				span.End()
			}
			l.spans[g] = append(l.spans[g], at)
		}
	}
	return l
}

func (l *load) total() int { return l.goroutines * l.each }

// ids returns the ids that record n of goroutine g must have.
func (l *load) ids(g, n int) (traceID, spanID string) {
	if at := l.spans[g][n/100]; at.IsValid() {
		return at.TraceID().String(), at.SpanID().String()
	}
	return "", ""
}

// run logs all of it.
func (l *load) run(t *testing.T, h slog.Handler) {
	var wg sync.WaitGroup
	for g := range l.goroutines {
		wg.Go(func() {
			for n := range l.each {
				ctx := trace.ContextWithSpanContext(context.Background(), l.spans[g][n/100])
				r := slog.NewRecord(time.Now(), slog.LevelInfo, "order paid", 0)
				r.Add("g", g, "n", n, "amount", 12.5, "customer", "c-"+strconv.Itoa(n))
				if !assert.NoError(t, h.Handle(ctx, r)) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// tally is what arrived.
type tally struct {
	records, doubled int
	seen             map[[2]int][2]string // ids
	last             map[int]int          // the highest number of each goroutine
	wrong            []string             // out of order, or doubled with other ids
}

func newTally() *tally {
	return &tally{seen: map[[2]int][2]string{}, last: map[int]int{}}
}

func (t *tally) add(g, n int, traceID, spanID string) {
	t.records++
	key, ids := [2]int{g, n}, [2]string{traceID, spanID}
	if before, again := t.seen[key]; again {
		t.doubled++
		if before != ids {
			t.wrong = append(t.wrong, fmt.Sprintf("%d.%d came twice with different ids", g, n))
		}
		return
	}
	t.seen[key] = ids
	if last, ok := t.last[g]; ok && n < last {
		t.wrong = append(t.wrong, fmt.Sprintf("%d.%d came after %d.%d", g, n, g, last))
	}
	t.last[g] = n
}

// check fails the test unless all of l arrived, in order and with its ids, and
// no more than so many records twice.
func (t *tally) check(tb testing.TB, l *load, doubled int) {
	tb.Helper()
	require.Empty(tb, t.wrong)
	missing, badIDs := 0, 0
	for g := range l.goroutines {
		for n := range l.each {
			got, ok := t.seen[[2]int{g, n}]
			traceID, spanID := l.ids(g, n)
			if !ok {
				missing++
			} else if got != [2]string{traceID, spanID} {
				badIDs++
			}
		}
	}
	require.Zero(tb, missing, "records are missing")
	require.Zero(tb, badIDs, "records have wrong ids")
	require.Len(tb, t.seen, l.total(), "records that nobody logged")
	require.LessOrEqual(tb, t.doubled, doubled, "records came twice")
}
