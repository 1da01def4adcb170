package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly"
)

// findCollector returns a Collector's binary: that of OTELCOL, or the one that
// go run ./collector builds. Where there is none the tests that need it are
// skipped, or fail if LOGLY_OTELCOL is "require".
func findCollector(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: not tested with a real Collector")
	}
	binary, err := builtCollector()
	if err == nil {
		return binary
	}
	if os.Getenv("LOGLY_OTELCOL") == "require" {
		t.Fatal(err)
	}
	t.Skip("NOT TESTED WITH A REAL COLLECTOR: ", err)
	return ""
}

var builtCollector = sync.OnceValues(func() (string, error) {
	if binary := os.Getenv("OTELCOL"); binary != "" {
		_, err := os.Stat(binary)
		return binary, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "run", "./collector")
	cmd.Stderr = &said
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go run ./collector: %w\n%s", err, said.Bytes()[max(0, said.Len()-2000):])
	}
	return strings.TrimSpace(string(out)), nil
})

// collector is a real Collector that can be killed and started again. Each run
// writes a file of its own.
type collector struct {
	t       *testing.T
	binary  string
	address string
	dir     string
	runs    int
	cmd     *exec.Cmd
}

// newCollector returns a Collector that is not started yet.
func newCollector(t *testing.T) *collector {
	c := &collector{t: t, binary: findCollector(t), address: freeAddress(t), dir: t.TempDir()}
	t.Cleanup(func() {
		if c.cmd != nil {
			c.kill()
		}
		if t.Failed() {
			said, _ := os.ReadFile(filepath.Join(c.dir, "stderr"))
			t.Logf("the Collector said:\n%s", said[max(0, len(said)-2000):])
		}
	})
	return c
}

func (c *collector) start() {
	config, err := filepath.Abs("collector/collector.yaml")
	require.NoError(c.t, err)
	said, err := os.OpenFile(filepath.Join(c.dir, "stderr"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(c.t, err)
	defer said.Close()
	c.cmd = exec.Command(c.binary, "--config", "file:"+config)
	c.cmd.Env = append(os.Environ(), "OTLP_LISTEN="+c.address, "OTLP_FILE="+c.file(c.runs))
	c.cmd.Stdout, c.cmd.Stderr = said, said
	require.NoError(c.t, c.cmd.Start())
	c.runs++
}

// kill ends it at once: nothing that it holds in memory gets to its file.
func (c *collector) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
	c.cmd = nil
}

func (c *collector) file(run int) string {
	return filepath.ToSlash(filepath.Join(c.dir, "out-"+strconv.Itoa(run)+".json"))
}

// written is a line of the Collector's output.
type written struct {
	ResourceLogs []struct {
		ScopeLogs []struct{ LogRecords []writtenRecord }
	}
}

type writtenRecord struct {
	TraceID, SpanID string
	Body            struct{ StringValue string }
	Attributes      []struct {
		Key   string
		Value struct{ IntValue string }
	}
}

func (r *writtenRecord) int(key string) int {
	for _, a := range r.Attributes {
		if a.Key == key {
			if n, err := strconv.Atoi(a.Value.IntValue); err == nil {
				return n
			}
		}
	}
	return -1
}

// count counts what is in the files of all runs.
func (c *collector) count() *tally {
	t := newTally()
	for run := range c.runs {
		f, err := os.Open(c.file(run))
		if errors.Is(err, os.ErrNotExist) {
			continue // killed before it began
		}
		require.NoError(c.t, err)
		for dec := json.NewDecoder(f); ; {
			var w written
			err := dec.Decode(&w)
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // killed while it wrote, before it acknowledged
				break
			}
			require.NoError(c.t, err, f.Name())
			for _, l := range w.ResourceLogs {
				for _, l := range l.ScopeLogs {
					for _, r := range l.LogRecords {
						t.add(r.int("g"), r.int("n"), r.TraceID, r.SpanID)
					}
				}
			}
		}
		require.NoError(c.t, f.Close())
	}
	return t
}

// rigTo returns the example's handler, sending to a server at address.
func rigTo(t *testing.T, address string, timeout time.Duration, more ...logly.Option) *rig {
	exporter, err := newExporter("http://"+address, http.DefaultTransport, timeout)
	require.NoError(t, err)
	r := &rig{}
	r.p = newProcessor(exporter, r.onError)
	options := append(more, collectorSink(r.p), logly.FromContext(traceIDs), logly.OnError(r.onError))
	r.h = logly.NewHandler(options...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_ = r.h.CloseContext(ctx)
		_ = r.p.Shutdown(ctx)
	})
	return r
}

// complete waits until all has been delivered.
func (r *rig) complete(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, r.h.CompleteContext(ctx))
}

// reported returns what OnError was told, outside of a bubble.
func (r *rig) reported() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errorText(r.told)
}
