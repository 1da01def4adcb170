package fromslog

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/logly-go/logly"
)

func TestSink(t *testing.T) {
	tests := map[string]struct {
		from *lumberjack.Logger
		want logly.Sink
	}{
		"its defaults": {
			&lumberjack.Logger{},
			logly.Sink{File: filepath.Join(os.TempDir(), filepath.Base(os.Args[0])+"-lumberjack.log"), Rotation: "100 MiB"},
		},
		"all settings": {
			&lumberjack.Logger{Filename: "app.log", MaxSize: 5, MaxAge: 28, MaxBackups: 3, LocalTime: true, Compress: true},
			logly.Sink{File: "app.log", Rotation: "5 MiB", MaxAge: 672 * time.Hour, MaxBackups: 3, LocalTime: true, Compression: logly.Gzip},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, Sink(test.from)) })
	}
}

// Of the same backups both leave the same: by number, by age, in local time too.
func TestTheSameBackupsAreKept(t *testing.T) {
	ages := map[int]string{1: "", 9: ".gz", 11: "", 27: ".gz", 29: "", 90: ".gz"} // in days
	tests := map[string]struct {
		settings *lumberjack.Logger
		kept     int
	}{
		"all":             {&lumberjack.Logger{}, 6},
		"by number":       {&lumberjack.Logger{MaxBackups: 3}, 3},
		"one":             {&lumberjack.Logger{MaxBackups: 1}, 1},
		"by age":          {&lumberjack.Logger{MaxAge: 28}, 4},
		"by both":         {&lumberjack.Logger{MaxBackups: 4, MaxAge: 10}, 2},
		"in local time":   {&lumberjack.Logger{MaxAge: 28, LocalTime: true}, 4},
		"gzip, by number": {&lumberjack.Logger{MaxBackups: 3, Compress: true}, 3},
		"gzip, by age":    {&lumberjack.Logger{MaxAge: 28, Compress: true}, 4},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			now := time.Now().UTC()
			if test.settings.LocalTime {
				now = now.Local()
			}
			before, after := t.TempDir(), t.TempDir()
			for _, dir := range []string{before, after} {
				for days, suffix := range ages {
					stamp := now.Add(-time.Duration(days) * 24 * time.Hour).Format("2006-01-02T15-04-05.000")
					require.NoError(t, os.WriteFile(filepath.Join(dir, "app-"+stamp+".log"+suffix), []byte("old\n"), 0o600))
				}
				require.NoError(t, os.WriteFile(filepath.Join(dir, "app-2020.log"), []byte("not a backup\n"), 0o600))
			}

			test.settings.Filename = filepath.Join(after, "app.log")
			h, err := logly.Open(Sink(test.settings))
			require.NoError(t, err)
			slog.New(h).Info("new")
			require.NoError(t, h.Close())
			require.Len(t, names(t, after), test.kept+2) // the log, and what is no backup

			test.settings.Filename = filepath.Join(before, "app.log")
			slog.New(slog.NewJSONHandler(test.settings, nil)).Info("new")
			require.EventuallyWithT(t, func(t *assert.CollectT) { // it works in the background and cannot be awaited
				assert.Equal(t, names(t, after), names(t, before))
			}, time.Minute, 10*time.Millisecond)
			require.NoError(t, test.settings.Close())
		})
	}
}

// The way back: lumberjack counts, compresses and removes what logly has left.
func TestLumberjackTakesOverAgain(t *testing.T) {
	dir := t.TempDir()
	settings := &lumberjack.Logger{Filename: filepath.Join(dir, "app.log"), MaxBackups: 2, Compress: true}
	h, err := logly.Open(logly.Sink{File: settings.Filename})
	require.NoError(t, err)
	for range 4 {
		slog.New(h).Info("from logly")
		require.NoError(t, h.Rotate())
	}
	require.NoError(t, h.Close())
	require.Len(t, names(t, dir), 5)
	newest := names(t, dir)[2:4]

	slog.New(slog.NewJSONHandler(settings, nil)).Info("from lumberjack")
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		assert.Equal(t, []string{newest[0] + ".gz", newest[1] + ".gz", "app.log"}, names(t, dir))
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, settings.Close())
}

func names(t require.TestingT, dir string) (all []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
