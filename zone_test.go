package logly

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inChild runs the test alone in a process of its own, with more in its
// environment, and returns true there. What it does to the process (umask,
// user, limits, zone) concerns no other test.
func inChild(t *testing.T, env ...string) bool {
	t.Helper()
	const key = "LOGLY_TEST_ALONE"
	if os.Getenv(key) == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(append(os.Environ(), key+"="+t.Name()), env...)
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "--- SKIP") {
		t.Skip(string(out))
	}
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS")
	return false
}

// zoneTest is a time around which a zone changes its clock.
type zoneTest struct {
	zone string
	from time.Time
}

var zoneTests = []zoneTest{
	{"America/New_York", time.Date(2000, 4, 1, 9, 0, 0, 0, time.UTC)},
	{"America/New_York", time.Date(2000, 10, 28, 9, 0, 0, 0, time.UTC)},
	{"America/Sao_Paulo", time.Date(2000, 2, 25, 12, 0, 0, 0, time.UTC)}, // 23:00 comes twice
	{"America/Sao_Paulo", time.Date(2000, 10, 6, 12, 0, 0, 0, time.UTC)}, // no midnight
	{"America/Havana", time.Date(2000, 10, 28, 6, 0, 0, 0, time.UTC)},    // midnight comes twice
	{"Australia/Lord_Howe", time.Date(2000, 3, 25, 0, 0, 0, 0, time.UTC)},
	{"Asia/Kathmandu", time.Date(2000, 6, 1, 0, 0, 0, 0, time.UTC)},
}

func TestDailyInLocalTime(t *testing.T) {
	if zone := os.Getenv("TZ"); !strings.Contains(zone, "/") {
		for _, c := range zoneTests {
			t.Run(c.zone+c.from.Format(" Jan"), func(t *testing.T) {
				if _, err := time.LoadLocation(c.zone); err != nil {
					t.Skip(err)
				}
				cmd := exec.Command(os.Args[0], "-test.run", "^TestDailyInLocalTime$")
				cmd.Env = append(os.Environ(), "TZ="+c.zone, "LOGLY_TEST_FROM="+c.from.Format(time.RFC3339))
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s", out)
			})
		}
		return
	}
	from, err := time.Parse(time.RFC3339, os.Getenv("LOGLY_TEST_FROM"))
	if err != nil {
		t.Skip("no start")
	}
	// One record every half hour for three days: each file holds those of one
	// date, and each date is in one file, in order.
	path := temp(t)
	f, got := fileFor(t, Sink{File: path, Rotation: Daily, LocalTime: true})
	now := from
	f.now = func() time.Time { return now }
	dates := map[string]bool{}
	for ; now.Before(from.Add(72 * time.Hour)); now = now.Add(30 * time.Minute) {
		_, err := f.idle()
		require.NoError(t, err)
		put(t, f, now.Local().Format("2006-01-02 15:04 -0700")+"\n")
		dates[now.Local().Format(time.DateOnly)] = true
	}
	require.NoError(t, f.close())
	assert.Len(t, names(t, path), len(dates)-1)
	for _, name := range append(names(t, path), "app.log") {
		lines := strings.Split(strings.TrimSpace(readFile(t, filepath.Join(filepath.Dir(path), name))), "\n")
		for _, l := range lines {
			assert.Equal(t, lines[0][:10], l[:10], name)
		}
		delete(dates, lines[0][:10])
	}
	assert.Empty(t, dates)
	assert.Empty(t, got.all())
}

// Names in local time go back with the clock; the backups' order stays, and
// none is overwritten.
func TestNamesInLocalTimeStayInOrder(t *testing.T) {
	if !inChild(t, "TZ=America/New_York") {
		return
	}
	if _, err := time.LoadLocation("America/New_York"); err != nil {
		t.Skip(err)
	}
	bubble(t, func(t *testing.T) {
		path := temp(t)
		h := logTo(t, Sink{File: path, LocalTime: true, Compression: Gzip, MaxBackups: 15, ReplaceAttr: bare})
		time.Sleep(time.Until(time.Date(2000, 10, 29, 4, 30, 0, 0, time.UTC))) // 1:30 before the change
		for i := range 20 {
			require.NoError(t, h.Handle(t.Context(), record(i)))
			require.NoError(t, h.Rotate())
			time.Sleep(10 * time.Minute)
		}
		require.NoError(t, h.Close())
		lines := readLines(t, path)
		require.Len(t, lines, 15)
		for i, l := range lines {
			assert.Contains(t, l, fmt.Sprintf(`"seq":%d}`, i+5))
		}
	})
}
