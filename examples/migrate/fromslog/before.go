package fromslog

import (
	"log/slog"

	"gopkg.in/natefinch/lumberjack.v2"
)

// Before returns the handler of a service that logs with slog to a file that
// lumberjack rotates, and what closes it.
func Before(path string) (slog.Handler, func() error) {
	file := &lumberjack.Logger{
		Filename:   path,
		MaxSize:    1, // MB
		MaxBackups: 7,
		MaxAge:     28, // days
		Compress:   true,
	}
	h := slog.NewJSONHandler(file, &slog.HandlerOptions{
		AddSource: true,
		Level:     slog.LevelDebug,
	})
	return h, file.Close
}
