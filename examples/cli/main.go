// Command cli is a command-line tool to start from. It prints the SHA-256 sums of
// the files in directories, in the form of sha256sum, in the order in which they
// are done.
//
//	go run ./examples/cli .                         # what people want to know is on standard error
//	go run ./examples/cli -q . | sort -k 2 >sums    # only errors are
//	go run ./examples/cli -v -log cli.log . >sums   # every step is, and in JSON in cli.log
//	NO_COLOR=1 go run ./examples/cli -v .           # without colours, which only a terminal gets
//
// The log file has every step, whatever is asked for on standard error. Ctrl-C
// ends the program early, with the log complete; a second one ends it at once.
//
// It exits with 0 when all is done, 1 when something could not be done, 2 when it
// was called wrongly, and 130 when it was interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/logly-go/logly"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout)) }

// run is main without os.Exit, which would skip the deferred Close.
func run(args []string, stdout io.Writer) (code int) {
	flags := flag.NewFlagSet("cli", flag.ContinueOnError)
	verbose := flags.Bool("v", false, "tell every step on standard error")
	quiet := flags.Bool("q", false, "tell only errors on standard error")
	file := flags.String("log", "", "append every step to this `file`, in JSON; empty: to none")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: cli [flags] [file or directory ...]")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case *verbose && *quiet:
		fmt.Fprintln(os.Stderr, "cli: -v and -q contradict each other")
		return 2
	}
	roots := flags.Args()
	if len(roots) == 0 {
		roots = []string{"."}
	}

	h, err := openLog(*file, *verbose, *quiet)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cli:", err)
		return 1
	}
	defer func() {
		if err := h.Close(); err != nil { // too late to log it
			fmt.Fprintln(os.Stderr, "cli:", err)
			code = max(code, 1)
		}
	}()
	log := slog.New(h)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)   // the next signal does what it does by default
	signal.Ignore(syscall.SIGPIPE) // a reader of standard output that goes away is an error of Write

	log.Debug("started", "args", args)
	s := &summer{log: log, logFile: *file, workers: runtime.GOMAXPROCS(0)}
	done, err := s.run(ctx, roots, stdout)
	switch {
	case ctx.Err() != nil:
		log.Warn("interrupted", "cause", context.Cause(ctx), "files", done.files, "bytes", done.bytes)
		return 130
	case err != nil:
		log.Error("not done", "error", err)
		return 1
	}
	log.Info("done", "files", done.files, "bytes", done.bytes, "unreadable", done.unreadable)
	if done.unreadable > 0 {
		return 1
	}
	return 0
}

// openLog returns what logs for people on standard error and, if file is not
// empty, for later in that file.
func openLog(file string, verbose, quiet bool) (*logly.Handler, error) {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	if quiet {
		level = slog.LevelError
	}
	sinks := []logly.Option{logly.Sink{Writer: os.Stderr, Format: logly.Console, Level: level}}
	if file != "" {
		sinks = append(sinks, logly.Sink{
			File: file, Level: slog.LevelDebug, Enqueue: true,
			Rotation: "10 MB", MaxBackups: 3,
		})
	}
	return logly.Open(sinks...)
}
