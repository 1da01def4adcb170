package logly_test

import (
	"errors"
	"expvar"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/logly-go/logly"
)

// fullOnce is standard output on a disk that is full at the first Write.
type fullOnce struct{ full bool }

func (w *fullOnce) Write(p []byte) (int, error) {
	if w.full {
		w.full = false
		return 0, errors.New("no space left on device")
	}
	return os.Stdout.Write(p)
}

// What a sink without a queue refuses is counted, and told before the next
// record that is written. The notice counts in Bytes, and not in Records.
func ExampleStats() {
	h := logly.NewHandler(
		logly.Sink{Writer: &fullOnce{full: true}, Format: logly.Text, ReplaceAttr: withoutTime},
		logly.OnError(func(error) {}), // by default a line on stderr
	)
	defer h.Close()
	log := slog.New(h)
	log.Info("refused")
	log.Info("written")
	s := h.Stats()[0]
	fmt.Println("records", s.Records, "bytes", s.Bytes, "dropped", s.Dropped, "errors", s.Errors)
	// Output:
	// level=WARN msg="logly: records dropped" count=1
	// level=INFO msg=written
	// records 1 bytes 71 dropped 1 errors 1
}

// Published once, in main, what all sinks have done is at /debug/vars of
// net/http's default server.
func ExampleHandler_Stats_expvar() {
	h := logly.NewHandler(
		logly.Sink{Writer: os.Stdout, Format: logly.Text, ReplaceAttr: withoutTime},
		logly.Sink{Writer: io.Discard, Format: logly.Text, ReplaceAttr: withoutTime, Enqueue: true},
	)
	defer h.Close()

	stats := expvar.Func(func() any { return h.Stats() })
	if expvar.Get("logly") == nil { // Publish panics at a name that is taken
		expvar.Publish("logly", stats)
	}

	slog.New(h).Info("started")
	if err := h.Complete(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(stats)
	// Output:
	// level=INFO msg=started
	// [{"Name":"stdout","Records":1,"Bytes":23,"Dropped":0,"Errors":0,"Rotations":0,"Recovered":0,"Queued":0},{"Name":"writer","Records":1,"Bytes":23,"Dropped":0,"Errors":0,"Rotations":0,"Recovered":0,"Queued":0}]
}
