// Command config takes its log's sinks from a file, in YAML or JSON, and from the
// environment, and tells a mistake with its line and column.
//
//	go run . -config logging.yaml            # log a few records
//	go run . -config logging.yaml -check     # open nothing, print the sinks
//	go run . -config logging.yaml -every 1s  # log until interrupted
//
// On SIGHUP it reads the levels again. LOG_LEVEL and LOG_FORMAT override the file
// for every sink, LOG_FILE for the one sink that has a file.
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
	"syscall"
	"time"
)

func main() {
	path := flag.String("config", "logging.yaml", "`file` with the sinks, YAML or JSON")
	check := flag.Bool("check", false, "only check the file and print its sinks")
	every := flag.Duration("every", 0, "log a record every `interval` until interrupted")
	flag.Parse()
	config, err := Load(*path, os.Getenv)
	switch {
	case err != nil:
	case *check:
		err = printTo(os.Stdout, config)
	default:
		err = work(config, *every)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func printTo(w io.Writer, config *Config) error {
	text, err := config.Print()
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// work is the program that logs.
func work(config *Config, every time.Duration) (err error) {
	h, err := config.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	slog.SetDefault(slog.New(h))

	slog.Debug("started", "pid", os.Getpid())
	slog.Info("order paid", "amount", 12.5, "password", "hunter2")
	slog.Warn("slow answer", slog.Group("request", "path", "/pay", "took", 1300*time.Millisecond))
	slog.Error("disk is full", "path", "/data")
	if every > 0 {
		tick(config, every)
	}
	return nil
}

// tick logs until SIGINT or SIGTERM. On SIGHUP the sinks get the levels that the
// file has by now; what cannot be read changes nothing.
func tick(config *Config, every time.Duration) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	slog.Info("waiting", "every", every)
	for n := 0; ; {
		select {
		case <-ctx.Done():
			slog.Info("stopped")
			return
		case <-hangUp:
			now, err := Load(config.File, os.Getenv)
			if err == nil {
				err = config.SetLevels(now)
			}
			if err != nil {
				slog.Error("levels not changed", "error", err)
			}
		case <-ticker.C:
			n++
			slog.Debug("tick", "n", n)
		}
	}
}
