package logly_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/logly-go/logly"
)

// withoutTime keeps the output of examples the same from run to run.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func ExampleNewHandler() {
	h := logly.NewHandler(logly.Sink{Writer: os.Stdout, Format: logly.JSON, ReplaceAttr: withoutTime})
	defer h.Close()
	log := slog.New(h)
	log.Info("started", "port", 8080)
	// Output: {"level":"INFO","msg":"started","port":8080}
}

// A server's log: a file in the background, and what is serious on stdout too.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "logly")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	h, err := logly.Open(
		logly.Sink{File: filepath.Join(dir, "log", "app.log"), Enqueue: true, Rotation: "100 MB or daily", MaxBackups: 7, Compression: logly.Gzip},
		logly.Sink{Writer: os.Stdout, Format: logly.Text, Level: slog.LevelWarn, ReplaceAttr: withoutTime},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	log := slog.New(h)
	log.Info("started")
	log.Error("disk is full", "path", "/data")
	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	for _, s := range h.Stats() {
		fmt.Println(filepath.Base(s.Name), s.Records)
	}
	// Output:
	// level=ERROR msg="disk is full" path=/data
	// app.log 2
	// stdout 1
}

// Misconfiguration is told by name, value and what is accepted.
func ExampleOpen_misconfigured() {
	_, err := logly.Open(logly.Sink{File: "app.log", Compression: "zip"})
	fmt.Println(err)
	// Output: logly: sink 1: Compression: "zip": must be "gzip" or empty
}

func ExampleContextualize() {
	h := logly.NewHandler(logly.Sink{Writer: os.Stdout, Format: logly.Text, ReplaceAttr: withoutTime})
	defer h.Close()
	log := slog.New(h)

	ctx := logly.Contextualize(context.Background(), "request_id", "r-1")
	log.InfoContext(ctx, "started")
	log.WithGroup("db").InfoContext(ctx, "query", "rows", 3)
	// Output:
	// level=INFO msg=started request_id=r-1
	// level=INFO msg=query request_id=r-1 db.rows=3
}

func ExampleFromContext() {
	type traceID struct{}
	h := logly.NewHandler(
		logly.Sink{Writer: os.Stdout, Format: logly.Text, ReplaceAttr: withoutTime},
		logly.FromContext(func(ctx context.Context) []slog.Attr {
			if id, ok := ctx.Value(traceID{}).(string); ok {
				return []slog.Attr{slog.String("trace_id", id)}
			}
			return nil
		}),
	)
	defer h.Close()
	slog.New(h).InfoContext(context.WithValue(context.Background(), traceID{}, "4bf92f"), "paid")
	// Output: level=INFO msg=paid trace_id=4bf92f
}

// A buffered writer is flushed whenever Complete is called.
func ExampleSink_flush() {
	buffered := bufio.NewWriter(os.Stdout)
	h := logly.NewHandler(logly.Sink{
		Writer: buffered, Format: logly.Text, ReplaceAttr: withoutTime, Enqueue: true,
		Flush: func(context.Context) error { return buffered.Flush() },
	})
	slog.New(h).Info("buffered, then written")
	if err := h.Complete(); err != nil {
		fmt.Println(err)
	}
	fmt.Println("complete")
	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// level=INFO msg="buffered, then written"
	// complete
}

func ExampleHandler_Rotate() {
	dir, err := os.MkdirTemp("", "logly")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "app.log")
	h := logly.NewHandler(logly.Sink{File: path, Format: logly.Text, ReplaceAttr: withoutTime})
	defer h.Close()
	log := slog.New(h)
	log.Info("before")
	if err := h.Rotate(); err != nil { // for example on SIGHUP
		fmt.Println(err)
	}
	log.Info("after")
	text, _ := os.ReadFile(path)
	backups, _ := filepath.Glob(filepath.Join(dir, "app-*.log"))
	fmt.Print(len(backups), " backup; now in app.log: ", string(text))
	// Output: 1 backup; now in app.log: level=INFO msg=after
}
