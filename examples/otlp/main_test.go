package main

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readLines(t *testing.T, file string) []string {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestTheProgram(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	s := &standIn{script: []answer{status(503)}}
	server := httptest.NewServer(s)
	defer server.Close()
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "otlp.log")
	require.NoError(t, run(&out, server.URL, file, 1005, time.Minute))
	require.Regexp(t, `^1005 records logged, 1005 acknowledged, 0 lost, in `, out.String())
	require.Len(t, s.took, 1005)
	lines := readLines(t, file)
	require.Len(t, lines, 1005)
	for n, r := range s.took {
		require.Equal(t, n, intAttr(r, "n"))
		require.Len(t, r.SpanId, 8)
	}
}

func TestTheProgramWithoutACollector(t *testing.T) {
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "otlp.log")
	require.ErrorContains(t, run(&out, "http://"+freeAddress(t), file, 700, 100*time.Millisecond), "records")
	require.Regexp(t, `^700 records logged, 0 acknowledged, 700 lost, in `, out.String())
	require.Len(t, readLines(t, file), 700)
}

func TestABadEndpoint(t *testing.T) {
	for _, bad := range []string{"", "127.0.0.1:4318", "ftp://x", "http://", ":"} {
		require.ErrorContains(t, run(nil, bad, "unused", 1, 0), "endpoint: ", bad)
	}
}

// freeAddress returns an address on loopback where nobody listens.
func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// A server that dies before it has acknowledged what it took, and comes back, on
// real sockets: that batch comes twice, because nobody can know, and nothing else.
func TestAServerThatDies(t *testing.T) {
	address := freeAddress(t)
	var server *http.Server
	s := &standIn{}
	serve := func() {
		l, err := net.Listen("tcp", address)
		if !assert.NoError(t, err) {
			return
		}
		server = &http.Server{Handler: s}
		go func(server *http.Server) { _ = server.Serve(l) }(server)
	}
	s.script = []answer{ok, ok, func(_ http.ResponseWriter, in *incoming) {
		in.take()
		_ = server.Close() // its connections, too
		time.AfterFunc(300*time.Millisecond, serve)
	}}
	serve()
	r := rigTo(t, address, testTimeout)
	l := newLoad(8, 1_000)
	l.run(t, r.h)
	r.complete(t)
	require.NoError(t, r.h.Close())
	require.NoError(t, r.p.Shutdown(t.Context()))
	require.NoError(t, server.Close())
	got := s.count()
	got.check(t, l, batchSize)
	require.NotZero(t, got.doubled)
	require.Contains(t, r.reported(), "connection refused")
}
