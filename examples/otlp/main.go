// Command otlp logs to an OpenTelemetry Collector and to a file. None of the
// records that logly has accepted is lost while the program lives, whatever the
// Collector does, and Complete returns nil when the Collector has acknowledged
// them. README.md says how.
//
//	go run . -endpoint http://127.0.0.1:4318 -records 1000
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/logly-go/logly"
)

func main() {
	endpoint := flag.String("endpoint", "http://127.0.0.1:4318", "where the Collector listens for OTLP/HTTP")
	file := flag.String("file", "otlp.log", "log file beside it")
	records := flag.Int("records", 1000, "how many records to log")
	wait := flag.Duration("wait", 30*time.Second, "how long to wait for the Collector at the end")
	flag.Parse()
	if err := run(os.Stdout, *endpoint, *file, *records, *wait); err != nil {
		fmt.Fprintln(os.Stderr, "otlp:", err)
		os.Exit(1)
	}
}

// run logs so many records, in spans of ten, and says what became of them.
func run(w io.Writer, endpoint, file string, records int, wait time.Duration) error {
	onError := func(err error) { fmt.Fprintln(os.Stderr, err) }
	otel.SetErrorHandler(otel.ErrorHandlerFunc(onError)) // what the SDK itself complains of
	const timeout = 10 * time.Second                     // for one attempt: longer than a slow Collector takes
	exporter, err := newExporter(endpoint, http.DefaultTransport, timeout)
	if err != nil {
		return err
	}
	toCollector := newProcessor(exporter, onError)
	h := logly.NewHandler(
		collectorSink(toCollector),
		logly.Sink{File: file, Enqueue: true, Durable: true, Rotation: "100 MB", MaxBackups: 3},
		logly.FromContext(traceIDs),
		logly.OnError(onError),
	)
	log := slog.New(h)

	tracer := sdktrace.NewTracerProvider().Tracer("example")
	start := time.Now()
	for first := 0; first < records; first += 10 {
		ctx, span := tracer.Start(context.Background(), "ten records")
		for n := first; n < min(first+10, records); n++ {
			log.InfoContext(ctx, "order paid", "n", n, "amount", 12.5)
		}
		span.End()
	}

	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	err = errors.Join(h.CloseContext(ctx), toCollector.Shutdown(ctx))
	got := int(toCollector.delivered.Load())
	fmt.Fprintf(w, "%d records logged, %d acknowledged, %d lost, in %v\n",
		records, got, records-got, time.Since(start).Round(time.Millisecond))
	return err
}

// collectorSink returns the sink that hands records to p.
func collectorSink(p *processor) logly.Sink {
	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(tidy{}),
		sdklog.WithProcessor(p),
		sdklog.WithAttributeCountLimit(-1)) // the default drops those above 128
	return logly.Sink{
		Handler:   otelslog.NewHandler("example", otelslog.WithLoggerProvider(provider)),
		Flush:     provider.ForceFlush,
		Enqueue:   true,
		QueueSize: 64 << 20, // holds about 200,000 records of an outage; then callers wait
	}
}
