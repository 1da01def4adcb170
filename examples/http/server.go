package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// errCutShort is the cause in the context of a request that takes longer than
// the drain after SIGTERM allows.
var errCutShort = errors.New("the server is stopping")

// lastMoments is what requests have to end themselves when they are cut short.
const lastMoments = 2 * time.Second

// serve answers requests until ctx ends, then stops accepting and drains. It
// returns nil if every request could end by itself within the time of drain.
func serve(ctx context.Context, l net.Listener, log *slog.Logger, drain time.Duration) error {
	requests, cutShort := context.WithCancelCause(context.Background())
	defer cutShort(nil)
	s := &http.Server{
		Handler:           observe(log, routes(log)),
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          slog.NewLogLogger(log.With("from", "net/http").Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    16 << 10, // bounds what one request can put into a line
	}
	log.Info("listening", "addr", l.Addr().String())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return errors.Join(err, shutdown(s, drain))
	case <-ctx.Done():
	}
	log.Info("draining", "cause", context.Cause(ctx))
	if shutdown(s, drain) == nil {
		return nil
	}
	// Let the rest end themselves, so that they too are answered and logged.
	cutShort(errCutShort)
	if err := shutdown(s, lastMoments); err != nil {
		return errors.Join(fmt.Errorf("drain: connections still open: %w", err), s.Close())
	}
	return fmt.Errorf("drain: the rest was cut short after %s", drain)
}

func shutdown(s *http.Server, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return s.Shutdown(ctx)
}
