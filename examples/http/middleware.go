package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/logly-go/logly"
)

const requestIDHeader = "X-Request-Id"

// observe gives every request of mux a context with its request_id, method and
// route, logs how it was answered, and answers for a handler that panics.
func observe(log *slog.Logger, mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := requestID(r)
		_, route := mux.Handler(r) // "" if there is none
		ctx := logly.Contextualize(r.Context(), "request_id", id, "method", r.Method, "route", route)
		w.Header().Set(requestIDHeader, id)
		a := &answer{ResponseWriter: w}
		defer func() {
			cause := recover()
			if cause != nil && cause != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so, too
				log.ErrorContext(ctx, "panic", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
				if a.status == 0 {
					http.Error(a, "internal server error", http.StatusInternalServerError)
					cause = nil
				}
			}
			if cause == nil {
				a.end(ctx)
			}
			log.LogAttrs(ctx, levelOf(a.status), "request",
				slog.Int("status", a.status), // 0: ended without an answer
				slog.Int64("bytes", a.bytes),
				slog.Duration("duration", time.Since(start)),
				slog.String("path", r.URL.Path), // without the query, which may hold secrets
				slog.String("remote", r.RemoteAddr),
			)
			if cause != nil { // the client must not take half an answer for a whole one
				panic(http.ErrAbortHandler)
			}
		}()
		mux.ServeHTTP(a, r.WithContext(ctx))
	})
}

func levelOf(status int) slog.Level {
	switch {
	case status == 0 || status >= 500:
		return slog.LevelError
	case status >= 400:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// requestID returns the id that a proxy or the client has given the request if
// it is one, else a new one. It says what the client says: it is no proof.
func requestID(r *http.Request) string {
	if id := r.Header.Get(requestIDHeader); saneID.MatchString(id) {
		return id
	}
	return rand.Text()
}

var saneID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// statusClientGone is logged for a request whose client has not waited for the
// answer. nginx uses it too.
const statusClientGone = 499

// answer remembers what was answered.
type answer struct {
	http.ResponseWriter
	status int // 0: nothing yet
	bytes  int64
}

func (a *answer) WriteHeader(status int) {
	// Of several the first counts, those that announce another aside.
	if a.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// Unwrap lets an http.ResponseController flush and set deadlines.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// end settles the status where the handler has returned without an answer: it
// had nothing to say, or has given up because its context had ended.
func (a *answer) end(ctx context.Context) {
	switch {
	case a.status != 0:
	case ctx.Err() == nil:
		a.status = http.StatusOK // net/http sends it
	case errors.Is(context.Cause(ctx), errCutShort):
		http.Error(a, errCutShort.Error(), http.StatusServiceUnavailable)
	default:
		a.WriteHeader(statusClientGone)
	}
}
