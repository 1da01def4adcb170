package fromslog

import (
	"log/slog"
	"time"

	"github.com/logly-go/logly"
)

// After returns the handler of the same service with logly, and what closes it.
func After(path string) (slog.Handler, func() error) {
	h := logly.NewHandler(logly.Sink{
		File:        path,
		Rotation:    "1 MiB", // lumberjack's MB
		MaxBackups:  7,
		MaxAge:      28 * 24 * time.Hour,
		Compression: logly.Gzip,
		AddSource:   true,
		Level:       slog.LevelDebug,
		Enqueue:     true, // new: callers no longer wait for the disk
	})
	return h, h.Close
}
