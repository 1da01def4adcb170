// Package fromslog is the way from slog.NewJSONHandler over lumberjack to logly.
// The calls of slog do not change: [Before] and [After] differ in how the handler
// is made.
package fromslog

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/logly-go/logly"
)

// Sink returns the sink that rotates, names, compresses and removes files as l
// does, its defaults included: lumberjack's MaxSize is in MB of 1024 × 1024
// bytes, and 0 means 100 of them, where a Sink without Rotation is never rotated.
func Sink(l *lumberjack.Logger) logly.Sink {
	s := logly.Sink{
		File:       l.Filename,
		MaxBackups: l.MaxBackups,
		MaxAge:     time.Duration(l.MaxAge) * 24 * time.Hour,
		LocalTime:  l.LocalTime,
	}
	if s.File == "" {
		s.File = filepath.Join(os.TempDir(), filepath.Base(os.Args[0])+"-lumberjack.log")
	}
	megabytes := l.MaxSize
	if megabytes == 0 {
		megabytes = 100
	}
	s.Rotation = logly.Rotation(fmt.Sprintf("%d MiB", megabytes))
	if l.Compress {
		s.Compression = logly.Gzip
	}
	return s
}
