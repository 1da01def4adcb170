package main

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly"
)

func TestNamesTypesAndHelpAreAsPrometheusWantsThem(t *testing.T) {
	h := logly.NewHandler(logly.Sink{Writer: io.Discard})
	defer h.Close()
	problems, err := testutil.CollectAndLint(NewCollector(h))
	require.NoError(t, err)
	require.Empty(t, problems)
}

// Every field of Stats has a metric of its own that tells its value.
func TestEveryFieldHasAMetric(t *testing.T) {
	stats := reflect.TypeFor[logly.Stats]()
	require.Len(t, metrics, stats.NumField()-1)
	told := map[int]bool{}
	for i := 1; i < stats.NumField(); i++ { // 0 is Name
		var s logly.Stats
		reflect.ValueOf(&s).Elem().Field(i).SetUint(7)
		for k, m := range metrics {
			if m.value(s) == 7 {
				require.False(t, told[k], stats.Field(i).Name)
				told[k] = true
			}
		}
	}
	require.Len(t, told, len(metrics))
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// Two writers have one name. One of them fails.
func TestTwoSinksOfTheSameName(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "app.log")
	h := logly.NewHandler(
		logly.Sink{File: file, Enqueue: true},
		logly.Sink{Writer: io.Discard, Level: slog.LevelWarn},
		logly.Sink{Writer: fullDisk{}},
		logly.OnError(func(error) {}),
	)
	defer h.Close()
	log := slog.New(h)
	for range 10 {
		log.Info("one line")
	}
	log.Warn("another")
	require.NoError(t, h.Complete())
	require.NoError(t, h.Rotate())
	backups, err := filepath.Glob(filepath.Join(dir, "app-*.log"))
	require.NoError(t, err)
	require.Len(t, backups, 1)
	written, err := os.ReadFile(backups[0])
	require.NoError(t, err)
	require.Equal(t, 11, strings.Count(string(written), "\n"))

	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(h))
	want := strings.ReplaceAll(`
# HELP logly_dropped_records_total Records lost: dropped, refused or given up.
# TYPE logly_dropped_records_total counter
logly_dropped_records_total{index="0",sink="FILE"} 0
logly_dropped_records_total{index="1",sink="writer"} 0
logly_dropped_records_total{index="2",sink="writer"} 11
# HELP logly_errors_total Failures of any kind, each retry anew.
# TYPE logly_errors_total counter
logly_errors_total{index="0",sink="FILE"} 0
logly_errors_total{index="1",sink="writer"} 0
logly_errors_total{index="2",sink="writer"} 11
# HELP logly_queued_records Records that wait in the queue.
# TYPE logly_queued_records gauge
logly_queued_records{index="0",sink="FILE"} 0
logly_queued_records{index="1",sink="writer"} 0
logly_queued_records{index="2",sink="writer"} 0
# HELP logly_records_total Records accepted.
# TYPE logly_records_total counter
logly_records_total{index="0",sink="FILE"} 11
logly_records_total{index="1",sink="writer"} 1
logly_records_total{index="2",sink="writer"} 0
# HELP logly_recovered_records_total Records of an earlier run, found in the Durable queue.
# TYPE logly_recovered_records_total counter
logly_recovered_records_total{index="0",sink="FILE"} 0
logly_recovered_records_total{index="1",sink="writer"} 0
logly_recovered_records_total{index="2",sink="writer"} 0
# HELP logly_rotations_total Files rotated away.
# TYPE logly_rotations_total counter
logly_rotations_total{index="0",sink="FILE"} 1
logly_rotations_total{index="1",sink="writer"} 0
logly_rotations_total{index="2",sink="writer"} 0
`, "FILE", file)
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(want),
		"logly_dropped_records_total", "logly_errors_total", "logly_queued_records",
		"logly_records_total", "logly_recovered_records_total", "logly_rotations_total"))
	require.EqualValues(t, len(written), value(t, registry, "logly_written_bytes_total", "0"))
}

// A path is bytes, a label is text.
func TestANameThatIsNotUTF8(t *testing.T) {
	h, err := logly.Open(logly.Sink{File: filepath.Join(t.TempDir(), "caf\xe9.log")})
	if err != nil {
		t.Skip("the file system wants names in UTF-8:", err)
	}
	defer h.Close()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(h))
	families, err := registry.Gather()
	require.NoError(t, err)
	require.Len(t, families, len(metrics))
}

func TestSeveralHandlersOfAProcess(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	for _, name := range []string{"app", "audit"} {
		h := logly.NewHandler(logly.Sink{Writer: io.Discard})
		defer h.Close()
		prometheus.WrapRegistererWith(prometheus.Labels{"log": name}, registry).MustRegister(NewCollector(h))
	}
	n, err := testutil.GatherAndCount(registry, "logly_records_total")
	require.NoError(t, err)
	require.Equal(t, 2, n)
}

// value returns what a metric of the sink at index is.
func value(t *testing.T, from prometheus.Gatherer, name, index string) float64 {
	t.Helper()
	families, err := from.Gather()
	require.NoError(t, err)
	return valueIn(t, families, name, index)
}
