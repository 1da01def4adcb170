package logly_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/logly-go/logly"
)

// A handler is made once, in main, and given to slog.
func ExampleHandler() {
	h := logly.NewHandler(logly.Sink{Writer: os.Stdout, Format: logly.Text, ReplaceAttr: withoutTime})
	defer h.Close()
	log := slog.New(h).With("service", "shop").WithGroup("http")
	log.Info("request", "method", "GET", "status", 200)
	// Output: level=INFO msg=request service=shop http.method=GET http.status=200
}

// Enabled saves making what no sink would take.
func ExampleHandler_Enabled() {
	h := logly.NewHandler(
		logly.Sink{Writer: os.Stdout, Format: logly.Text},
		logly.Sink{Writer: os.Stderr, Level: slog.LevelWarn},
	)
	defer h.Close()
	fmt.Println(h.Enabled(context.Background(), slog.LevelDebug), h.Enabled(context.Background(), slog.LevelInfo))
	// Output: false true
}

// Loggers discard what Handle returns. Called directly it tells whether the
// record was accepted.
func ExampleHandler_Handle() {
	h := logly.NewHandler(logly.Sink{Writer: os.Stdout, Format: logly.Text})
	r := slog.NewRecord(time.Time{}, slog.LevelInfo, "paid", 0)
	r.AddAttrs(slog.Float64("amount", 12.5))
	fmt.Println(h.Handle(context.Background(), r))
	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(errors.Is(h.Handle(context.Background(), r), logly.ErrClosed))
	// Output:
	// level=INFO msg=paid amount=12.5
	// <nil>
	// true
}

func ExampleHandler_WithAttrs() {
	h := logly.NewHandler(logly.Sink{Writer: os.Stdout, Format: logly.Text, ReplaceAttr: withoutTime})
	defer h.Close()
	log := slog.New(h.WithAttrs([]slog.Attr{slog.String("service", "shop")}))
	log.Info("started")
	// Output: level=INFO msg=started service=shop
}

// The fields of a context stay at the root of the record.
func ExampleHandler_WithGroup() {
	h := logly.NewHandler(logly.Sink{Writer: os.Stdout, Format: logly.Text, ReplaceAttr: withoutTime})
	defer h.Close()
	ctx := logly.Contextualize(context.Background(), "request_id", "r-1")
	slog.New(h.WithGroup("db")).InfoContext(ctx, "query", "rows", 3)
	// Output: level=INFO msg=query request_id=r-1 db.rows=3
}

// Close drains the queue. It is deferred in main, and may be called again.
func ExampleHandler_Close() {
	var out bytes.Buffer
	h := logly.NewHandler(logly.Sink{Writer: &out, Enqueue: true, Format: logly.Text, ReplaceAttr: withoutTime})
	slog.New(h).Info("last words")
	fmt.Println(h.Close())
	fmt.Print(out.String())
	fmt.Println(h.Close())
	// Output:
	// <nil>
	// level=INFO msg="last words"
	// <nil>
}

// With a context, Close takes no longer than that, and tells what is lost.
func ExampleHandler_CloseContext() {
	stuck := stalling{io.Discard, make(chan struct{})}
	defer close(stuck.goOn)
	h := logly.NewHandler(logly.Sink{Writer: stuck, Enqueue: true})
	slog.New(h).Info("never written")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	fmt.Println(h.CloseContext(ctx))
	fmt.Println("dropped:", h.Stats()[0].Dropped)
	// Output:
	// logly: complete writer: 1 record still queued: context deadline exceeded
	// dropped: 1
}

// With a context, Complete waits until that ends. The record stays queued.
func ExampleHandler_CompleteContext() {
	stuck := stalling{os.Stdout, make(chan struct{})}
	h := logly.NewHandler(logly.Sink{Writer: stuck, Enqueue: true, Format: logly.Text, ReplaceAttr: withoutTime})
	slog.New(h).Info("written late")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	fmt.Println(h.CompleteContext(ctx))
	close(stuck.goOn)
	fmt.Println(h.Complete())
	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// logly: complete writer: 1 record still queued: context deadline exceeded
	// level=INFO msg="written late"
	// <nil>
}

// Options may be collected before the handler is made.
func ExampleOption() {
	options := []logly.Option{logly.Sink{Writer: os.Stdout, Format: logly.Text, ReplaceAttr: withoutTime}}
	if os.Getenv("APP_LOG") != "" {
		options = append(options, logly.Sink{File: os.Getenv("APP_LOG"), Enqueue: true})
	}
	h := logly.NewHandler(options...)
	defer h.Close()
	slog.New(h).Info("started")
	// Output: level=INFO msg=started
}

// What waits in a queue is Queued, and counted in Records when it is accepted.
func ExampleStats_queued() {
	stalled := stalling{io.Discard, make(chan struct{})}
	h := logly.NewHandler(logly.Sink{Writer: stalled, Enqueue: true})
	log := slog.New(h)
	for i := range 3 {
		log.Info("tick", "i", i)
	}
	s := h.Stats()[0]
	fmt.Println(s.Name, "records:", s.Records, "queued:", s.Queued)
	close(stalled.goOn)
	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	s = h.Stats()[0]
	fmt.Println(s.Name, "records:", s.Records, "queued:", s.Queued, "dropped:", s.Dropped)
	// Output:
	// writer records: 3 queued: 3
	// writer records: 3 queued: 0 dropped: 0
}
