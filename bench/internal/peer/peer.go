// Package peer builds the loggers that are compared: as encoders in front of a
// discarding writer, and as whole systems in front of a file. Each is configured
// for this work as its own documentation advises.
package peer

import (
	"context"
	"log/slog"
	"time"
)

// System is a logger with everything between it and the file.
type System struct {
	Name  string // as in flags
	Title string // as in tables
	Floor bool   // no logger: what the kernel alone costs
	Note  string // how it is configured, where that is a choice
	Open  func(path string, o Options) (*Running, error)
}

// Options vary a system; one that cannot do what they ask returns an error from
// Open.
type Options struct {
	Rotate bool // start a new file every 10 MB, and compress the old one with gzip
}

// Running is an open System.
type Running struct {
	// Caller returns what goroutine g calls to log its record number seq.
	Caller func(g int, r Record) func(seq int)
	// Drain returns when every record is written to the file. It does not wait
	// for the disk: few of the systems could.
	Drain func() error
	// Close gives everything back. Nothing is measured any more.
	Close func() error
}

// Record says what a record holds besides the numbers of its goroutine and in it.
type Record struct {
	Brief bool // nothing else
	Pad   int  // a string of this many bytes
}

// Message is the message of every record that a system logs.
const Message = "request handled"

// Since is the base of the time attribute.
var Since = time.Date(2026, 2, 3, 4, 5, 6, 789012345, time.UTC)

// logThrough returns a Caller for a slog.Handler. A call has five attributes, of
// which the sequence number is one; more do not fit into a slog.Record, and the
// figures would hold slog's own allocation.
func logThrough(h slog.Handler) func(int, Record) func(int) {
	ctx := context.Background()
	return func(g int, rec Record) func(int) {
		l := slog.New(h).With("g", g)
		switch {
		case rec.Brief:
			return func(seq int) {
				l.LogAttrs(ctx, slog.LevelInfo, Message, slog.Int("seq", seq))
			}
		case rec.Pad > 0:
			l = l.With("pad", pad(rec.Pad))
		}
		return func(seq int) {
			l.LogAttrs(ctx, slog.LevelInfo, Message,
				slog.String("method", "GET"),
				slog.Int("seq", seq),
				slog.Duration("took", 1234567+time.Duration(seq)),
				slog.Time("since", Since.Add(time.Duration(seq)*time.Millisecond)),
				slog.Bool("cached", true),
			)
		}
	}
}

// pad returns n letters that compress about as well as text does.
func pad(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = 'a' + byte(x>>28)
	}
	return string(b)
}

// Systems returns all systems, logly's first.
func Systems() []System {
	return []System{
		loglyQueued, loglyDurable, loglySync,
		slogFile, slogLumberjack, slogTimberjack, slogBuffered, slogChannel,
		zapBuffered, zerologDiode,
		phusluDirect, phusluAsync, phusluAsyncJSON,
		rawWrite,
	}
}

// Find returns the system called name.
func Find(name string) (System, bool) {
	for _, s := range Systems() {
		if s.Name == name {
			return s, true
		}
	}
	return System{}, false
}
