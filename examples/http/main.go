// Command http is a small web service to start from. Every line that a request
// causes carries its request_id, method and route, and one more line tells how
// it was answered.
//
//	go run ./examples/http                       # to log/http.log, and to the terminal
//	go run ./examples/http -log "" -format json  # in a container: to standard error only
//	go run ./examples/http -durable              # what is logged survives kill -9
//
//	curl -i -H 'X-Request-Id: r-4711' http://127.0.0.1:8080/orders/17
//	curl 'http://127.0.0.1:8080/slow?for=5s'
//	curl http://127.0.0.1:8080/panic
//
// SIGHUP starts a new log file, or reopens it after logrotate has moved it away.
// SIGTERM and Ctrl-C drain: the requests under way are answered and logged. A
// second one ends the program at once. To send signals, build the program first:
// go run does not hand them on.
//
// It exits with 0 when all was answered and logged, and with 1, and the reason on
// standard error, when not.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/logly-go/logly"
)

type config struct {
	addr   string
	drain  time.Duration
	file   logly.Sink
	stderr logly.Sink
}

func main() {
	c := config{
		file:   logly.Sink{Enqueue: true, Compression: logly.Gzip},
		stderr: logly.Sink{Writer: os.Stderr, Enqueue: true},
	}
	level := new(slog.LevelVar)
	c.file.Level, c.stderr.Level = level, level
	flag.StringVar(&c.addr, "addr", "127.0.0.1:8080", "`address` to listen on; port 0: any")
	flag.DurationVar(&c.drain, "drain", 10*time.Second, "how long requests under way may take after SIGTERM")
	flag.TextVar(level, "level", level, "lowest `level` that is logged: debug, info, warn or error")
	flag.StringVar(&c.file.File, "log", "log/http.log", "log `file`, in JSON; empty: none")
	flag.TextVar(&c.file.Rotation, "rotate", logly.Rotation("100 MB or daily"), "when a new log file is started")
	flag.IntVar(&c.file.MaxBackups, "keep", 7, "how many rotated files are kept; 0: all")
	flag.BoolVar(&c.file.Durable, "durable", false, "keep the queue of the log file in FILE.queue, which survives kill -9")
	flag.TextVar(&c.stderr.Format, "format", logly.Format(""), "`format` on standard error: json, text or console; empty: console on a terminal, else json")
	flag.Parse()
	os.Exit(run(c))
}

// run is main without os.Exit, which would skip the deferred Close.
func run(c config) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the next signal does what it does by default

	h, err := openLog(c)
	if err != nil {
		fmt.Fprintln(os.Stderr, "http:", err)
		return 1
	}
	defer func() {
		if err := h.Close(); err != nil { // too late to log it
			fmt.Fprintln(os.Stderr, "http:", err)
			code = 1
		}
	}()
	if c.file.File != "" {
		rotateOnHangup(h)
	}
	log := slog.New(h)
	slog.SetDefault(log) // for libraries; what they write with package log comes here too

	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		log.Error("not started", "error", err)
		return 1
	}
	if err := serve(ctx, listener, log, c.drain); err != nil {
		log.Error("stopped", "error", err)
		return 1
	}
	log.Info("stopped")
	return 0
}

func openLog(c config) (*logly.Handler, error) {
	if c.file.File == "" {
		return logly.Open(c.stderr)
	}
	// The file has everything, so a terminal or a pipe that stalls need not stall
	// the requests.
	c.stderr.DropBelow = slog.LevelError
	return logly.Open(c.file, c.stderr)
}
