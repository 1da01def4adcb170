package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly"
)

// logged returns what f logs.
func logged(t *testing.T, f func(log *slog.Logger)) []line {
	t.Helper()
	var text bytes.Buffer
	h := logly.NewHandler(logly.Sink{Writer: &text})
	f(slog.New(h))
	require.NoError(t, h.Close())
	return parse(t, text.Bytes())
}

// answered returns how mux, observed, answers r, and what is logged meanwhile.
func answered(t *testing.T, routes func(*slog.Logger) *http.ServeMux, r *http.Request) (*httptest.ResponseRecorder, []line) {
	t.Helper()
	w := httptest.NewRecorder()
	return w, logged(t, func(log *slog.Logger) { observe(log, routes(log)).ServeHTTP(w, r) })
}

func TestEveryLineHasTheRequestsFields(t *testing.T) {
	for _, c := range []struct {
		target, route string
		status        int
		level         string
		msgs          []string
	}{
		{"/orders/17", "GET /orders/{id}", 200, "INFO", []string{"order asked for", "order found", "request"}},
		{"/slow?for=1ms", "GET /slow", 200, "INFO", []string{"slow work begun", "slow work done", "request"}},
		{"/slow?for=1h", "GET /slow", 400, "WARN", []string{"request"}},
		{"/slow?for=soon", "GET /slow", 400, "WARN", []string{"request"}},
		{"/panic", "GET /panic", 500, "ERROR", []string{"about to panic", "panic", "request"}},
		{"/orders", "", 404, "WARN", []string{"request"}},
	} {
		t.Run(c.target, func(t *testing.T) {
			r := httptest.NewRequest("GET", c.target, nil)
			r.Header.Set(requestIDHeader, "r-4711")
			w, lines := answered(t, routes, r)
			assert.Equal(t, c.status, w.Code)
			assert.Equal(t, "r-4711", w.Header().Get(requestIDHeader))
			require.Equal(t, c.msgs, messages(lines))
			for _, l := range lines {
				assert.Equal(t, "r-4711", l.RequestID)
				assert.Equal(t, "GET", l.Method)
				assert.Equal(t, &c.route, l.Route)
			}
			access := lines[len(lines)-1]
			assert.Equal(t, c.level, access.Level)
			assert.Equal(t, c.status, access.Status)
			assert.Equal(t, int64(w.Body.Len()), access.Bytes)
			assert.Equal(t, r.URL.Path, access.Path)
			assert.Positive(t, access.Duration)
		})
	}
}

func TestRequestID(t *testing.T) {
	for _, id := range []string{"r-4711", "a", "0af7651916cd43dd8448eb211c80319c", "v1.2_3", strings.Repeat("x", 64)} {
		w, lines := answered(t, routes, withID(id))
		assert.Equal(t, id, w.Header().Get(requestIDHeader))
		assert.Equal(t, id, lines[0].RequestID)
	}
	for _, id := range []string{
		"", " ", "a b", "a\n", "a\r\nSet-Cookie: x", "\n{\"level\":\"ERROR\"}", "a\x00", "\x1b[31m", "ä", "\xff",
		`"`, "{}", strings.Repeat("x", 65), strings.Repeat("x", 1<<20),
	} {
		w, lines := answered(t, routes, withID(id))
		made := w.Header().Get(requestIDHeader)
		assert.Regexp(t, saneID, made)
		for _, l := range lines {
			assert.Equal(t, made, l.RequestID, "%.20q", id)
		}
	}
	first, _ := answered(t, routes, withID(""))
	second, _ := answered(t, routes, withID(""))
	assert.NotEqual(t, first.Header(), second.Header())
}

func withID(id string) *http.Request {
	r := httptest.NewRequest("GET", "/orders/17", nil)
	r.Header[requestIDHeader] = []string{id}
	return r
}

func TestAPanicIsLoggedWithItsStack(t *testing.T) {
	w, lines := answered(t, routes, httptest.NewRequest("GET", "/panic", nil))
	assert.Equal(t, 500, w.Code)
	assert.NotContains(t, w.Body.String(), "mistake", "the cause is not for the client")
	assert.Equal(t, "a mistake in a handler", lines[1].Cause)
	assert.Contains(t, lines[1].Stack, "(*shop).panic", "the stack of where it happened")
}

// only is routes with one handler for all.
func only(f http.HandlerFunc) func(*slog.Logger) *http.ServeMux {
	return func(*slog.Logger) *http.ServeMux {
		mux := http.NewServeMux()
		mux.Handle("/", f)
		return mux
	}
}

func TestHalfAnAnswerIsNotTakenForAWholeOne(t *testing.T) {
	for _, c := range []struct {
		cause any
		msgs  []string
	}{
		{"a mistake", []string{"panic", "request"}},
		{http.ErrAbortHandler, []string{"request"}},
	} {
		var status int
		var read error
		lines := logged(t, func(log *slog.Logger) {
			s := httptest.NewServer(observe(log, only(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, "half")
				assert.NoError(t, http.NewResponseController(w).Flush())
				panic(c.cause)
			})(log)))
			defer s.Close()
			answer, err := http.Get(s.URL)
			require.NoError(t, err)
			defer answer.Body.Close()
			status = answer.StatusCode
			_, read = io.ReadAll(answer.Body)
		})
		assert.Equal(t, 200, status)
		assert.ErrorIs(t, read, io.ErrUnexpectedEOF)
		require.Equal(t, c.msgs, messages(lines))
		access := lines[len(lines)-1]
		assert.Equal(t, 200, access.Status)
		assert.Equal(t, int64(4), access.Bytes)
	}
}

func TestAnAbortWithoutAnAnswer(t *testing.T) {
	lines := logged(t, func(log *slog.Logger) {
		abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
			observe(log, only(abort)(log)).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		})
	})
	require.Equal(t, []string{"request"}, messages(lines))
	assert.Equal(t, 0, lines[0].Status)
	assert.Equal(t, "ERROR", lines[0].Level)
}

func TestStatus(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    int
	}{
		"nothing":      {func(http.ResponseWriter, *http.Request) {}, 200},
		"only a body":  {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") }, 200},
		"a status":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 204},
		"early hints":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(202) }, 202},
		"first counts": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); w.WriteHeader(200) }, 404},
	} {
		t.Run(name, func(t *testing.T) {
			_, lines := answered(t, only(c.handler), httptest.NewRequest("GET", "/", nil))
			require.Equal(t, []string{"request"}, messages(lines))
			assert.Equal(t, c.want, lines[0].Status)
		})
	}
}

func TestAClientThatGoesAway(t *testing.T) {
	lines := logged(t, func(log *slog.Logger) {
		ctx, leave := context.WithCancel(t.Context())
		s := httptest.NewServer(observe(log, only(func(_ http.ResponseWriter, r *http.Request) {
			leave()
			<-r.Context().Done()
			log.InfoContext(r.Context(), "given up")
		})(log)))
		defer s.Close() // waits for the handler
		r, err := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
		require.NoError(t, err)
		_, err = http.DefaultClient.Do(r) //nolint:bodyclose // there is none
		require.ErrorIs(t, err, context.Canceled)
	})
	require.Equal(t, []string{"given up", "request"}, messages(lines))
	assert.Equal(t, statusClientGone, lines[1].Status)
	assert.Equal(t, "WARN", lines[1].Level)
	assert.Equal(t, lines[0].RequestID, lines[1].RequestID)
}
