package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/logly-go/logly"
	"github.com/logly-go/logly/examples/migrate/fromslog"
	"github.com/logly-go/logly/examples/migrate/fromzap"
)

// migration is the same work logged before and after, and how the two logs are
// to be compared: compare returns what is equal, or what is not.
type migration struct {
	name    string
	run     func(before, after string) error
	compare func(before, after string) (string, error)
}

var migrations = []migration{
	{"slog over lumberjack, rotated by size, gzip", slogToLogly, compareFiles},
	{"zap over lumberjack, ts in seconds", zapToLogly(zapcore.EpochTimeEncoder, fromzap.Epoch), compareRecords},
	{"zap over lumberjack, ts in ISO 8601", zapToLogly(zapcore.ISO8601TimeEncoder, fromzap.ISO8601), compareRecords},
	{"a directory with lumberjack's backups, taken over", takeOver, compareFiles},
}

// slogToLogly gives every record to both handlers at once, so that times and
// sources are the same.
func slogToLogly(beforePath, afterPath string) error {
	before, closeBefore := fromslog.Before(beforePath)
	after, closeAfter := fromslog.After(afterPath)
	fromslog.Work(slog.New(slog.NewMultiHandler(before, after)), 2500)
	err := errors.Join(closeBefore(), closeAfter())
	return errors.Join(err, allCompressed(beforePath))
}

// zapToLogly runs the service before and after by the same clock.
func zapToLogly(zapTimes zapcore.TimeEncoder, times func(time.Time) slog.Value) func(beforePath, afterPath string) error {
	return func(beforePath, afterPath string) error {
		before := fromzap.NewBefore(beforePath, zapTimes)
		before.Log = before.Log.WithOptions(zap.WithClock(new(fromzap.Clock)))
		after := fromzap.NewAfter(afterPath, times)
		after.Log = slog.New(new(fromzap.Clock).Handler(after.Log.Handler()))
		return errors.Join(serve(before, beforePath), serve(after, afterPath))
	}
}

// serve lets a service work and end. Once Sync has returned, nothing may be left
// for Close to write.
func serve(service interface {
	Work()
	Sync() error
	Close() error
}, path string) error {
	service.Work()
	err := service.Sync()
	synced, readErr := os.ReadFile(path) //gosec:disable G304 -- our own log
	err = errors.Join(err, readErr, service.Close())
	closed, readErr := os.ReadFile(path) //gosec:disable G304 -- our own log
	if err = errors.Join(err, readErr); err != nil {
		return err
	}
	if len(synced) < len(closed) {
		return fmt.Errorf("%s has %d bytes after Sync, %d after Close", path, len(synced), len(closed))
	}
	return nil
}

// takeOver lets lumberjack write a log with five backups in both directories.
// Then the service is started anew with lumberjack in one and with logly in the
// other, both of which are to keep three backups and to compress them, and
// rotates.
func takeOver(beforePath, afterPath string) error {
	for _, path := range []string{beforePath, afterPath} {
		if err := writeBackups(path, 5); err != nil {
			return err
		}
	}
	settings := lumberjack.Logger{Filename: beforePath, MaxBackups: 3, Compress: true}
	sink := fromslog.Sink(&settings)
	sink.File = afterPath
	after, err := logly.Open(sink)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewMultiHandler(slog.NewJSONHandler(&settings, nil), after))
	log.Info("the first record of the new run, in the file of the last")
	err = errors.Join(settings.Rotate(), after.Rotate())
	log.Info("the first record after its rotation")
	err = errors.Join(err, settings.Close(), after.Close())
	return errors.Join(err, allCompressed(beforePath), compressedBackups(afterPath, 3))
}

// writeBackups lets lumberjack rotate a file n times, and write on.
func writeBackups(path string, n int) error {
	l := &lumberjack.Logger{Filename: path}
	for i := range n + 1 {
		if _, err := fmt.Fprintf(l, `{"msg":"from lumberjack","file":%d}`+"\n", i); err != nil {
			return err
		}
		if i < n {
			if err := l.Rotate(); err != nil {
				return err
			}
			time.Sleep(2 * time.Millisecond) // it names two backups of one millisecond alike
		}
	}
	return l.Close()
}

// allCompressed waits until lumberjack, whose Close does not, has compressed and
// removed what it was to.
func allCompressed(path string) error {
	deadline := time.Now().Add(2 * time.Minute)
	for {
		plain, err := filepath.Glob(filepath.Join(filepath.Dir(path), "app-*.log"))
		if err != nil || len(plain) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("lumberjack has not compressed %s", plain)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// compressedBackups checks that there are n backups, all compressed.
func compressedBackups(path string, n int) error {
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "app-*.log.gz"))
	if err == nil && len(names) != n {
		err = fmt.Errorf("%d compressed backups instead of %d: %s", len(names), n, names)
	}
	return err
}

// spoilFile changes one letter of a log, in the message of its last line.
func spoilFile(path string) error {
	text, err := os.ReadFile(path) //gosec:disable G304 -- our own log
	if err != nil {
		return err
	}
	at := lastIndex(text, `"msg":"`)
	if at < 0 {
		return fmt.Errorf("%s: no message to spoil", path)
	}
	text[at] ^= 1
	return os.WriteFile(path, text, 0o600) //gosec:disable G703 -- our own log
}
