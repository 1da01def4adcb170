// Command metrics is a web server whose log is watched: /metrics is for
// Prometheus, /debug/vars the same by expvar. Alerts for what it tells stand in
// alerts.yml beside it, and what they mean in docs/OPERATING.md.
//
//	go run . -log log/app.log -addr 127.0.0.1:8080
//	curl '127.0.0.1:8080/?name=Ada' 127.0.0.1:8080/metrics 127.0.0.1:8080/debug/vars
//
// It ends on Ctrl-C or SIGTERM, after the log is drained.
package main

import (
	"context"
	"errors"
	"expvar"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/logly-go/logly"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen; port 0: any that is free")
	path := flag.String("log", "log/app.log", "log file")
	rotation := flag.String("rotation", "100 MiB or daily", "when a new log file is started")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *path, logly.Rotation(*rotation)); err != nil {
		fmt.Fprintln(os.Stderr, "metrics:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. It tells on standard output where it listens and,
// at the end, what the log has done.
func run(ctx context.Context, addr, path string, rotation logly.Rotation) error {
	h, err := logly.Open(
		logly.Sink{File: path, Enqueue: true, Rotation: rotation, MaxBackups: 7},
		logly.Sink{Writer: os.Stderr, Level: slog.LevelWarn},
	)
	if err != nil {
		return err
	}
	log := slog.New(h)

	expvar.Publish("logly", expvar.Func(func() any { return h.Stats() }))
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		NewCollector(h),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), // the alert on Recovered asks how old the process is
	)

	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(h, slog.LevelError),
	}))
	mux.Handle("GET /debug/vars", expvar.Handler())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		name := r.FormValue("name")
		log.InfoContext(r.Context(), "greeted", "name", name)
		fmt.Fprintf(w, "Hello, %q!\n", name) //gosec:disable G705 -- net/http finds that it is plain text
	})
	err = serve(ctx, addr, mux, slog.NewLogLogger(h, slog.LevelError))

	err = errors.Join(err, h.Close()) // after the last request: nothing is refused
	for _, s := range h.Stats() {
		fmt.Printf("%s: %d records, %d bytes, %d dropped, %d errors\n", s.Name, s.Records, s.Bytes, s.Dropped, s.Errors)
	}
	return err
}
