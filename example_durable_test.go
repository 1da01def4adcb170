//go:build linux || darwin || freebsd

package logly_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/logly-go/logly"
)

// What Handle has accepted is in the log, however the process ends: what is left
// in app.log.queue is written at the next start.
func ExampleSink_durable() {
	dir, err := os.MkdirTemp("", "logly")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	h, err := logly.Open(logly.Sink{
		File: filepath.Join(dir, "app.log"), Enqueue: true, Durable: true, ReplaceAttr: withoutTime,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	slog.New(h).Info("paid", "amount", 12.5)
	fmt.Println("recovered:", h.Stats()[0].Recovered)
	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "app.log"))
	fmt.Print(string(log), err)
	// Output:
	// recovered: 0
	// {"level":"INFO","msg":"paid","amount":12.5}
	// <nil>
}
