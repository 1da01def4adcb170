package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A request that takes longer than the drain allows is told so, and logged.
func TestCutShort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var served error
	lines := logged(t, func(log *slog.Logger) {
		ctx, stop := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		begun := slog.New(onMessage{log.Handler(), "slow work begun", func() { stop(fmt.Errorf("asked to")) }})
		go func() { ended <- serve(ctx, listener, begun, 10*time.Millisecond) }()
		answer, err := http.Get("http://" + listener.Addr().String() + "/slow?for=1m")
		require.NoError(t, err)
		defer answer.Body.Close()
		assert.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
		served = <-ended
	})
	require.EqualError(t, served, "drain: the rest was cut short after 10ms")
	require.Equal(t, []string{"listening", "slow work begun", "draining", "slow work given up", "request"}, messages(lines))
	assert.Equal(t, "asked to", lines[2].Cause)
	assert.Equal(t, errCutShort.Error(), lines[3].Cause)
	assert.Equal(t, http.StatusServiceUnavailable, lines[4].Status)
}

// onMessage is a handler that calls f after a record of the message.
type onMessage struct {
	slog.Handler
	msg string
	f   func()
}

func (h onMessage) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Message == h.msg {
		h.f()
	}
	return err
}

// net/http's own complaints come into the log too.
func TestErrorLog(t *testing.T) {
	l := &brokenListener{errs: []error{&net.DNSError{Err: "a moment's trouble", IsTemporary: true}, net.ErrClosed}}
	lines := logged(t, func(log *slog.Logger) {
		require.ErrorIs(t, serve(t.Context(), l, log, time.Second), net.ErrClosed)
	})
	require.Len(t, lines, 2)
	assert.Equal(t, "listening", lines[0].Msg)
	assert.Contains(t, lines[1].Msg, "a moment's trouble; retrying")
	assert.Equal(t, "WARN", lines[1].Level)
}

// brokenListener accepts nothing, for the reasons given.
type brokenListener struct{ errs []error }

func (l *brokenListener) Accept() (net.Conn, error) {
	err := l.errs[0]
	l.errs = l.errs[1:]
	return nil, err
}
func (l *brokenListener) Close() error   { return nil }
func (l *brokenListener) Addr() net.Addr { return &net.TCPAddr{} }
