package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

func routes(log *slog.Logger) *http.ServeMux {
	s := &shop{log: log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", s.order)
	mux.HandleFunc("GET /slow", s.slow)
	mux.HandleFunc("GET /panic", s.panic)
	return mux
}

// shop is the service itself. Its handlers log with the request's context, and
// so need not know its fields.
type shop struct {
	log *slog.Logger
}

func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	id := r.PathValue("id")
	s.log.InfoContext(ctx, "order asked for", "order_id", id)
	status := s.status(ctx, id)
	s.log.InfoContext(ctx, "order found", "order_id", id, "order_status", status)
	fmt.Fprintf(w, "order %q is %s\n", id, status) //gosec:disable G705 -- net/http finds that it is plain text
}

// status stands for the layers below: they get the context too.
func (s *shop) status(ctx context.Context, id string) string {
	s.log.DebugContext(ctx, "stock looked up", "order_id", id)
	return "paid"
}

const longest = time.Minute

// slow takes its time, as a large report or a slow database does.
func (s *shop) slow(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	d, err := time.ParseDuration(cmp.Or(r.FormValue("for"), "2s"))
	if err != nil || d < 0 || d > longest {
		http.Error(w, fmt.Sprintf("for: %q: must be a duration up to %s, such as 2s", r.FormValue("for"), longest), http.StatusBadRequest)
		return
	}
	s.log.InfoContext(ctx, "slow work begun", "for", d)
	select {
	case <-time.After(d):
		s.log.InfoContext(ctx, "slow work done")
		fmt.Fprintln(w, "done")
	case <-ctx.Done(): // nobody waits for it any more
		s.log.WarnContext(ctx, "slow work given up", "cause", context.Cause(ctx))
	}
}

func (s *shop) panic(_ http.ResponseWriter, r *http.Request) {
	s.log.InfoContext(r.Context(), "about to panic")
	panic(errors.New("a mistake in a handler"))
}
