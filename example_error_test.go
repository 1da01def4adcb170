package logly_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/logly-go/logly"
)

var errDisk = errors.New("no space left on device")

// brokenDisk takes nothing.
type brokenDisk struct{}

func (brokenDisk) Write([]byte) (int, error) { return 0, errDisk }

// Errors tell which sink failed, and doing what.
func ExampleError() {
	h := logly.NewHandler(logly.Sink{Writer: brokenDisk{}}, logly.OnError(func(error) {}))
	defer h.Close()
	err := h.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelInfo, "paid", 0))
	var e *logly.Error
	if errors.As(err, &e) {
		fmt.Printf("sink %s, op %s, cause %v\n", e.Sink, e.Op, e.Err)
	}
	// Output: sink writer, op write, cause no space left on device
}

func ExampleError_Error() {
	err := &logly.Error{Sink: "app.log", Op: "write", Count: 3, Err: errDisk}
	fmt.Println(err)
	// Output: logly: write app.log: no space left on device (3 times)
}

// errors.Is finds the cause.
func ExampleError_Unwrap() {
	h := logly.NewHandler(logly.Sink{Writer: brokenDisk{}}, logly.OnError(func(error) {}))
	defer h.Close()
	err := h.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelInfo, "paid", 0))
	fmt.Println(errors.Is(err, errDisk))
	// Output: true
}

func ExampleOnError() {
	told := make(chan error, 1)
	h := logly.NewHandler(
		logly.Sink{Writer: brokenDisk{}},
		logly.OnError(func(err error) { told <- err }),
	)
	defer h.Close()
	slog.New(h).Info("lost, but not silently")
	fmt.Println(<-told)
	fmt.Println("dropped:", h.Stats()[0].Dropped)
	// Output:
	// logly: write writer: no space left on device
	// dropped: 1
}

// Complete reports what it could not do; the records stay queued.
func ExampleHandler_Complete() {
	h := logly.NewHandler(
		logly.Sink{Writer: brokenDisk{}, Enqueue: true},
		logly.OnError(func(error) {}),
	)
	slog.New(h).Info("one")
	slog.New(h).Info("two")
	fmt.Println(h.Complete())
	fmt.Println(h.Close())
	fmt.Println("dropped:", h.Stats()[0].Dropped)
	// Output:
	// logly: complete writer: 2 records still queued: write: no space left on device
	// logly: complete writer: 2 records still queued: write: no space left on device
	// dropped: 2
}
