//go:build unix

package main

import (
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/logly-go/logly"
)

// rotateOnHangup starts a new log file at every SIGHUP. It is never undone: a
// SIGHUP that comes while the program drains must not kill it.
func rotateOnHangup(h *logly.Handler) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	log := slog.New(h)
	go func() {
		for range hangup {
			if err := h.Rotate(); err != nil {
				log.Error("log not rotated", "error", err)
				continue
			}
			log.Info("log rotated")
		}
	}()
}
