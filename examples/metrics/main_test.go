package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly"
)

const argsOfChild = "LOGLY_EXAMPLE_METRICS_ARGS"

func TestMain(m *testing.M) {
	if args := os.Getenv(argsOfChild); args != "" {
		os.Args = append(os.Args[:1], strings.Split(args, "\n")...)
		main()
		return
	}
	os.Exit(m.Run())
}

// The program serves 2,000 requests of 8 clients, and then both scrapes tell
// what is in the files.
func TestScrapesTellWhatIsInTheFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("ends the program by a signal")
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	program := exec.CommandContext(ctx, os.Args[0])
	program.Env = append(os.Environ(), argsOfChild+"=-addr\n127.0.0.1:0\n-rotation\n50 KB\n-log\n"+filepath.Join(dir, "app.log"))
	var stderr strings.Builder
	program.Stderr = &stderr
	pipe, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())
	stdout := bufio.NewScanner(pipe)
	require.True(t, stdout.Scan(), &stderr)
	url, found := strings.CutPrefix(stdout.Text(), "listening on ")
	require.True(t, found, stdout.Text())

	const clients, requests = 8, 250
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := range requests {
				assert.Contains(t, get(t, fmt.Sprintf("%s/?name=visitor-%d", url, i)), "Hello")
			}
		})
	}
	wg.Wait()
	require.Eventually(t, func() bool { return published(t, url)[0].Queued == 0 }, 10*time.Second, 10*time.Millisecond)

	stats := published(t, url)
	families := scrape(t, url)
	files, lines, bytes := logged(t, dir)
	require.Equal(t, clients*requests, lines)
	for field, want := range map[string]int{
		"logly_records_total":           lines,
		"logly_written_bytes_total":     bytes,
		"logly_rotations_total":         files - 1,
		"logly_dropped_records_total":   0,
		"logly_errors_total":            0,
		"logly_recovered_records_total": 0,
		"logly_queued_records":          0,
	} {
		assert.EqualValues(t, want, valueIn(t, families, field, "0"), field)
		assert.Zero(t, valueIn(t, families, field, "1"), "stderr is for warnings: %s", field)
	}
	require.Greater(t, files, 2)
	assert.Equal(t, []logly.Stats{{
		Name: filepath.Join(dir, "app.log"), Records: uint64(lines), Bytes: uint64(bytes), Rotations: uint64(files - 1),
	}, {Name: "stderr"}}, stats)

	require.NoError(t, program.Process.Signal(syscall.SIGTERM))
	require.True(t, stdout.Scan())
	assert.Contains(t, stdout.Text(), fmt.Sprintf("app.log: %d records, %d bytes, 0 dropped, 0 errors", lines, bytes))
	for stdout.Scan() {
	}
	require.NoError(t, program.Wait(), &stderr)
	assert.Empty(t, stderr.String())
}

func get(t *testing.T, url string) string {
	answer, err := http.Get(url)
	if !assert.NoError(t, err) {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	assert.NoError(t, err)
	assert.Equal(t, http.StatusOK, answer.StatusCode, "%s", text)
	return string(text)
}

// published returns what /debug/vars has of the log.
func published(t *testing.T, url string) []logly.Stats {
	var vars struct{ Logly []logly.Stats }
	require.NoError(t, json.Unmarshal([]byte(get(t, url+"/debug/vars")), &vars))
	require.Len(t, vars.Logly, 2)
	return vars.Logly
}

// scrape returns what /metrics has, read by Prometheus' own parser.
func scrape(t *testing.T, url string) []*dto.MetricFamily {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(get(t, url+"/metrics")))
	require.NoError(t, err)
	require.Contains(t, families, "process_start_time_seconds", "the alert on Recovered asks for it")
	var all []*dto.MetricFamily
	for _, f := range families {
		all = append(all, f)
	}
	return all
}

// valueIn returns what the metric of the sink at index is. Prometheus must know
// it as a counter, or as a gauge if its name does not end in _total.
func valueIn(t *testing.T, families []*dto.MetricFamily, name, index string) float64 {
	t.Helper()
	at := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == name })
	require.GreaterOrEqual(t, at, 0, name)
	counter := strings.HasSuffix(name, "_total")
	for _, m := range families[at].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() != "index" || l.GetValue() != index {
				continue
			}
			if counter {
				require.Equal(t, dto.MetricType_COUNTER, families[at].GetType(), name)
				return m.GetCounter().GetValue()
			}
			require.Equal(t, dto.MetricType_GAUGE, families[at].GetType(), name)
			return m.GetGauge().GetValue()
		}
	}
	require.Fail(t, "no such index", "%s %s", name, index)
	return 0
}

// logged counts what is in the log files.
func logged(t *testing.T, dir string) (files, lines, bytes int) {
	paths, err := filepath.Glob(filepath.Join(dir, "app*.log"))
	require.NoError(t, err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		files, lines, bytes = files+1, lines+strings.Count(string(text), "\n"), bytes+len(text)
	}
	return files, lines, bytes
}
