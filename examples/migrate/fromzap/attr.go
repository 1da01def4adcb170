// Package fromzap is the way from zap over lumberjack to logly, with the same
// keys and values in the log: [ReplaceAttr] and [WithStacktrace] are to be
// copied, [Before] and [After] to be compared.
package fromzap

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"
)

// Levels of zap that slog has no name for. Log at LevelFatal, then call Close of
// the handler, then os.Exit(1); log at LevelPanic, then panic.
const (
	LevelDPanic = slog.LevelError + 1
	LevelPanic  = slog.LevelError + 2
	LevelFatal  = slog.LevelError + 3
)

var levelNames = map[slog.Level]string{LevelDPanic: "dpanic", LevelPanic: "panic", LevelFatal: "fatal"}

// ReplaceAttr returns a function for Sink.ReplaceAttr, or that of
// slog.HandlerOptions, that gives a record the keys and values of zap's
// production encoder: ts, level in lower case, msg, and caller as dir/file.go:line;
// durations in seconds, times as given by Epoch or ISO8601, Stringers as their
// text.
//
// As slog gives it the record's own attributes and the program's alike, a time
// that the program logs under the key "time", in no group, is named ts, too.
func ReplaceAttr(times func(time.Time) slog.Value) func([]string, slog.Attr) slog.Attr {
	return func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 {
			a = header(a)
		}
		a.Value = value(a.Value, times)
		return a
	}
}

// header replaces what every record has.
func header(a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.TimeKey:
		if a.Value.Kind() == slog.KindTime {
			a.Key = "ts"
		}
	case slog.LevelKey:
		if level, ok := a.Value.Any().(slog.Level); ok {
			name, ok := levelNames[level]
			if !ok {
				name = strings.ToLower(level.String())
			}
			a.Value = slog.StringValue(name)
		}
	case slog.SourceKey:
		if source, ok := a.Value.Any().(*slog.Source); ok {
			return slog.String("caller", short(source))
		}
	}
	return a
}

// short returns dir/file.go:line.
func short(s *slog.Source) string {
	file := s.File
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		file = file[strings.LastIndexByte(file[:i], '/')+1:]
	}
	return file + ":" + strconv.Itoa(s.Line)
}

// value makes of a value what zap's production encoder writes for it.
func value(v slog.Value, times func(time.Time) slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindTime:
		return times(v.Time())
	case slog.KindDuration:
		return slog.Float64Value(float64(v.Duration()) / float64(time.Second))
	case slog.KindFloat64:
		switch f := v.Float64(); {
		case math.IsNaN(f):
			return slog.StringValue("NaN")
		case math.IsInf(f, 0):
			return slog.StringValue(fmt.Sprintf("%+f", f))
		}
	case slog.KindAny:
		if s, ok := v.Any().(fmt.Stringer); ok {
			return slog.StringValue(fmt.Sprint(s)) // Sprint survives a nil pointer
		}
	}
	return v
}

// Epoch gives times as zap's EpochTimeEncoder does: in seconds since 1970.
func Epoch(t time.Time) slog.Value {
	return slog.Float64Value(float64(t.UnixNano()) / float64(time.Second))
}

// ISO8601 gives times as zap's ISO8601TimeEncoder does.
func ISO8601(t time.Time) slog.Value {
	return slog.StringValue(t.Format("2006-01-02T15:04:05.000Z0700"))
}
