package logly_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/logly-go/logly"
)

// Every sink has a level and a format of its own.
func ExampleSink() {
	var all bytes.Buffer
	h := logly.NewHandler(
		logly.Sink{Writer: &all, Level: slog.LevelDebug, Format: logly.JSON, ReplaceAttr: withoutTime},
		logly.Sink{Writer: os.Stdout, Level: slog.LevelWarn, Format: logly.Text, ReplaceAttr: withoutTime},
	)
	defer h.Close()
	log := slog.New(h)
	log.Debug("connecting", "host", "db1")
	log.Warn("slow query", "ms", 900)
	fmt.Print(all.String())
	// Output:
	// level=WARN msg="slow query" ms=900
	// {"level":"DEBUG","msg":"connecting","host":"db1"}
	// {"level":"WARN","msg":"slow query","ms":900}
}

// The level may change while the program runs.
func ExampleSink_level() {
	var level slog.LevelVar // Info
	h := logly.NewHandler(logly.Sink{Writer: os.Stdout, Level: &level, Format: logly.Text, ReplaceAttr: withoutTime})
	defer h.Close()
	log := slog.New(h)
	log.Debug("not yet")
	level.Set(slog.LevelDebug)
	log.Debug("now")
	// Output: level=DEBUG msg=now
}

// A file in the background: Complete returns when the line is on disk.
func ExampleSink_file() {
	dir, err := os.MkdirTemp("", "logly")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "log", "app.log") // the directory log is made
	h := logly.NewHandler(logly.Sink{File: path, Enqueue: true, ReplaceAttr: withoutTime})
	defer h.Close()
	slog.New(h).Info("started", "port", 8080)
	if err := h.Complete(); err != nil {
		fmt.Println(err)
	}
	text, err := os.ReadFile(path)
	fmt.Print(string(text), err)
	// Output:
	// {"level":"INFO","msg":"started","port":8080}
	// <nil>
}

// ReplaceAttr removes an attribute that must not be in a log.
func ExampleSink_replaceAttr() {
	h := logly.NewHandler(logly.Sink{Writer: os.Stdout, Format: logly.Text,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == "password" || len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})
	defer h.Close()
	slog.New(h).Info("login", "user", "ann", "password", "hunter2")
	// Output: level=INFO msg=login user=ann
}

// Any slog.Handler can have a queue, and the fields of the context.
func ExampleSink_handler() {
	inner := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})
	h := logly.NewHandler(logly.Sink{Handler: inner, Enqueue: true})
	ctx := logly.Contextualize(context.Background(), "request_id", "r-1")
	slog.New(h).InfoContext(ctx, "paid")
	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	// Output: level=INFO msg=paid request_id=r-1
}

// stalling is an output that takes nothing until it is told to go on.
type stalling struct {
	io.Writer
	goOn chan struct{}
}

func (s stalling) Write(p []byte) (int, error) {
	<-s.goOn
	return s.Writer.Write(p)
}

// A reader of standard output that stalls does not stop the program: what is
// below WARN is dropped while the queue is full, counted, and told.
func ExampleSink_dropBelow() {
	var out bytes.Buffer
	stalled := stalling{&out, make(chan struct{})}
	h := logly.NewHandler(logly.Sink{Writer: stalled, Enqueue: true, QueueSize: 4 << 10, DropBelow: slog.LevelWarn})
	log := slog.New(h)
	for i := range 10_000 {
		log.Info("tick", "i", i)
	}
	close(stalled.goOn)
	log.Warn("going on") // waits for room
	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	s := h.Stats()[0]
	fmt.Println("all counted:", s.Records+s.Dropped == 10_001)
	fmt.Println("told in the log:", strings.Contains(out.String(), fmt.Sprintf(`"msg":"logly: records dropped","count":%d}`, s.Dropped)))
	// Output:
	// all counted: true
	// told in the log: true
}

// Old files are kept within bounds.
func ExampleSink_maxBackups() {
	dir, err := os.MkdirTemp("", "logly")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	h := logly.NewHandler(logly.Sink{File: filepath.Join(dir, "app.log"), Rotation: "1 KB", MaxBackups: 3})
	log := slog.New(h)
	for i := range 100 {
		log.Info("a line of about 60 bytes", "i", i)
	}
	if err := h.Close(); err != nil { // waits until old files are removed
		fmt.Println(err)
	}
	backups, err := filepath.Glob(filepath.Join(dir, "app-*.log"))
	fmt.Println(len(backups), "backups", err)
	// Output: 3 backups <nil>
}

// The formats, as they write one record.
func ExampleFormat() {
	for _, f := range []logly.Format{logly.JSON, logly.Text, logly.Console} {
		h := logly.NewHandler(logly.Sink{Writer: os.Stdout, Format: f, ReplaceAttr: withoutTime})
		slog.New(h).Info("order paid", slog.Group("order", "id", 7, "total", 12.5))
		if err := h.Close(); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// {"level":"INFO","msg":"order paid","order":{"id":7,"total":12.5}}
	// level=INFO msg="order paid" order.id=7 order.total=12.5
	// INF order paid order.id=7 order.total=12.5
}

// Rotations are said in words; what is not understood is told before anything
// is opened.
func ExampleRotation() {
	dir, err := os.MkdirTemp("", "logly")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for _, r := range []logly.Rotation{
		logly.Hourly, logly.Daily, logly.Weekly, logly.Monthly,
		"100 MB", "6 hours", "23:30", "1 GiB or monday at 06:00", "10MB",
	} {
		h, err := logly.Open(logly.Sink{File: filepath.Join(dir, "app.log"), Rotation: r})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(r)
		if err := h.Close(); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// hourly
	// daily
	// weekly
	// monthly
	// 100 MB
	// 6 hours
	// 23:30
	// 1 GiB or monday at 06:00
	// logly: sink 1: Rotation: "10MB": a single space separates a number from its unit, as in "10 MB" or "6 hours"
}

// Rotated files are compressed in the background; Close waits for that.
func ExampleCompression() {
	dir, err := os.MkdirTemp("", "logly")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	h := logly.NewHandler(logly.Sink{File: filepath.Join(dir, "app.log"), Compression: logly.Gzip})
	slog.New(h).Info("before")
	if err := h.Rotate(); err != nil {
		fmt.Println(err)
	}
	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	compressed, err := filepath.Glob(filepath.Join(dir, "app-*.log.gz"))
	fmt.Println(len(compressed), "compressed", err)
	// Output: 1 compressed <nil>
}
