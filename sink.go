package logly

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/term"

	"github.com/logly-go/logly/internal/encode"
)

// Sink is one place to which a handler writes every record. It is an [Option]
// of [NewHandler] and [Open]. The zero value of every field is its default; the
// zero Sink writes JSON to standard output, or Console where that is a terminal.
type Sink struct {
	// File is the path of a log file, appended to. Missing directories are made
	// (mode 0755 less umask). A symbolic link is resolved once, at open. At most
	// one of File, Writer and Handler is set; none means Writer: os.Stdout.
	File string

	// Writer gets whole lines, one or more a Write; after a short write, the
	// rest of the line first. It is never closed. If it has a Sync method that
	// returns an error, Complete calls it.
	Writer io.Writer

	// Handler gets the records themselves.
	Handler slog.Handler

	// Flush is called by Complete and Close after the sink is drained; default
	// nil. For a Writer it runs where Write does, before Sync; for a Handler in
	// the caller of Complete, one call at a time. Its context ends when nobody
	// waits for it any more.
	Flush func(context.Context) error

	// Level is the lowest level written, as in [slog.HandlerOptions]; default
	// nil: slog.LevelInfo, or for a Handler its own choice. As with slog's own
	// handlers, the Handle method of a handler with one sink does not look at
	// the level again that slog.Logger has checked.
	Level slog.Leveler

	// Format is JSON, Text or Console; default "": Console where Writer is a
	// terminal, else JSON. Console is coloured where Writer is a terminal,
	// unless NO_COLOR is set (https://no-color.org) or TERM is dumb.
	Format Format

	// AddSource adds the file and line of the log call; default false.
	AddSource bool

	// ReplaceAttr rewrites attributes, as in [slog.HandlerOptions]; default nil.
	// It must not log through the same handler.
	ReplaceAttr func(groups []string, a slog.Attr) slog.Attr

	// Enqueue writes in the background: Handle returns as soon as the line is in
	// the queue. Default false: Handle writes.
	Enqueue bool

	// QueueSize is the size of the queue in bytes, rounded up to a page; 0: 1 MiB.
	// Around a Handler it is not rounded, and a record is charged 256 bytes and
	// its strings.
	QueueSize int

	// DropBelow drops and counts records below its level while the queue is
	// full; records of that level and above wait for room. Default nil: all
	// wait, and nothing is ever dropped. It needs Enqueue.
	DropBelow slog.Leveler

	// Durable keeps the queue in the memory-mapped file FILE.queue: what Handle
	// accepted survives the death of the process, kill -9 included, and is
	// written, once, at the next start. It needs File and Enqueue, and Linux,
	// macOS or FreeBSD. Where it cannot be had, Open returns an error, and
	// NewHandler reports it and makes do with a queue in memory. Default false.
	Durable bool

	// Rotation says when a new file is started; default "": never. See [Rotation].
	Rotation Rotation

	// MaxBackups is how many rotated files are kept; 0: all.
	MaxBackups int

	// MaxAge is how long a rotated file is kept, counted from its rotation; 0: for ever.
	MaxAge time.Duration

	// MaxTotalSize is how many bytes all rotated files together may take; 0: no cap.
	MaxTotalSize int64

	// Compression is Gzip, or "" (default) for none.
	Compression Compression

	// DelayCompression leaves the newest rotated file plain, and every one for a
	// minute, or two if nothing is rotated meanwhile, for a tailer that still
	// reads it. Where MaxTotalSize is exceeded, and at Close, only the newest
	// waits. Default false.
	DelayCompression bool

	// LocalTime schedules and names in local time; default false: UTC.
	LocalTime bool

	// FileMode is the mode of new files, exactly, whatever the umask; 0: 0600.
	// An existing file keeps its mode, and hands it on at rotation.
	FileMode fs.FileMode
}

// Rotation says when a new file is started: a size, a time, or several of them
// joined by " or ", whichever comes first.
//
//	500 B, 100 KB, 100 KiB, 10 MB, 1 GiB    before a line would make the file larger
//	minutely hourly daily weekly monthly yearly
//	10 minutes, 6 hours, 2 days, 3 months
//	23:30                                   every day at that time
//	monday, friday at 18:00
//	never, or ""                            only Handler.Rotate
//
// KB is 1000 bytes and KiB 1024. Times are calendar times in UTC, or with
// Sink.LocalTime in local time: daily is at midnight, weekly on Monday. Case
// does not matter.
type Rotation string

// Often used rotations.
const (
	Hourly  Rotation = "hourly"
	Daily   Rotation = "daily"
	Weekly  Rotation = "weekly"
	Monthly Rotation = "monthly"
)

// Compression is what happens to rotated files.
type Compression string

// Gzip compresses a rotated file to FILE.gz, in the background.
const Gzip Compression = "gzip"

// Format is how a sink writes records.
type Format string

// The formats. JSON and Text are byte for byte what [slog.JSONHandler] and
// [slog.TextHandler] write, where those write valid lines. Console is for
// people: a short line that a record's content cannot break out of.
const (
	JSON    Format = "json"
	Text    Format = "text"
	Console Format = "console"
)

const (
	defaultQueueSize = 1 << 20
	defaultFileMode  = fs.FileMode(0o600)
)

func (s Sink) apply(set *settings) error {
	if err := s.validate(); err != nil {
		return fmt.Errorf("logly: sink %d: %w", len(set.sinks)+1, err)
	}
	if s.File != "" {
		paths := []string{canonical(s.File)}
		if s.Durable {
			paths = append(paths, paths[0]+queueSuffix)
		}
		for _, path := range paths {
			if slices.Contains(set.paths, path) {
				return fmt.Errorf("logly: sink %d: File: %q: another sink of this handler has it; must differ", len(set.sinks)+1, s.File)
			}
		}
		set.paths = append(set.paths, paths...)
	}
	set.sinks = append(set.sinks, s)
	return nil
}

// validate names the first field that is wrong, its value and what is accepted.
func (s Sink) validate() error {
	bad := func(field string, value any, want string) error {
		return fmt.Errorf("%s: %v: %s", field, value, want)
	}
	if len(s.destinations()) > 1 {
		return fmt.Errorf("%s are set; at most one of File, Writer and Handler may be", strings.Join(s.destinations(), " and "))
	}
	if s.File == "" {
		for _, f := range []struct {
			name  string
			set   bool
			value any
		}{
			{"Durable", s.Durable, s.Durable},
			{"Rotation", s.Rotation != "", fmt.Sprintf("%q", s.Rotation)},
			{"MaxBackups", s.MaxBackups != 0, s.MaxBackups},
			{"MaxAge", s.MaxAge != 0, s.MaxAge},
			{"MaxTotalSize", s.MaxTotalSize != 0, s.MaxTotalSize},
			{"Compression", s.Compression != "", fmt.Sprintf("%q", s.Compression)},
			{"DelayCompression", s.DelayCompression, s.DelayCompression},
			{"LocalTime", s.LocalTime, s.LocalTime},
			{"FileMode", s.FileMode != 0, fmt.Sprintf("%#o", uint32(s.FileMode))},
		} {
			if f.set {
				return bad(f.name, f.value, "only with File")
			}
		}
	}
	if s.Handler != nil {
		const own = "not beside Handler, whose own options say that"
		switch {
		case s.Format != "":
			return bad("Format", fmt.Sprintf("%q", s.Format), own)
		case s.AddSource:
			return bad("AddSource", true, own)
		case s.ReplaceAttr != nil:
			return bad("ReplaceAttr", "a function", own)
		}
	}
	for _, f := range []struct {
		name  string
		value interface{ check() error }
	}{
		{"Format", s.Format},
		{"Compression", s.Compression},
		{"Rotation", s.Rotation},
	} {
		if err := f.value.check(); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	switch {
	case s.QueueSize < 0:
		return bad("QueueSize", s.QueueSize, "must be a number of bytes, or 0 for 1 MiB")
	case s.MaxBackups < 0:
		return bad("MaxBackups", s.MaxBackups, "must be a number of files, or 0 to keep all")
	case s.MaxAge < 0:
		return bad("MaxAge", s.MaxAge, "must be a duration, or 0 to keep for ever")
	case s.MaxTotalSize < 0:
		return bad("MaxTotalSize", s.MaxTotalSize, "must be a number of bytes, or 0 for no cap")
	case s.FileMode&^fs.ModePerm != 0:
		return bad("FileMode", fmt.Sprintf("%#o", uint32(s.FileMode)), "must be permission bits, 0 to 0777")
	case s.DropBelow != nil && !s.Enqueue:
		return bad("DropBelow", s.DropBelow.Level(), "needs Enqueue: true")
	case s.Durable && !s.Enqueue:
		return bad("Durable", true, "needs Enqueue: true")
	}
	return nil
}

func (s Sink) destinations() []string {
	var names []string
	if s.File != "" {
		names = append(names, "File")
	}
	if s.Writer != nil {
		names = append(names, "Writer")
	}
	if s.Handler != nil {
		names = append(names, "Handler")
	}
	return names
}

// encoding returns how the sink writes to w, which is nil for a file.
func (s Sink) encoding(w io.Writer) encode.Options {
	o := encode.Options{AddSource: s.AddSource, ReplaceAttr: s.ReplaceAttr}
	terminal := (s.Format == "" || s.Format == Console) && isTerminal(w)
	switch {
	case s.Format == Text:
		o.Format = encode.Text
	case s.Format == Console, terminal:
		o.Format = encode.Console
		o.Color = terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && enableColor(w)
	}
	return o
}

// sameEncoding reports whether a and b write every record alike. Functions are
// the same if they are the very same closure; that is what their one word holds.
func sameEncoding(a, b encode.Options) bool {
	return a.Format == b.Format && a.AddSource == b.AddSource && a.Color == b.Color &&
		*(*unsafe.Pointer)(unsafe.Pointer(&a.ReplaceAttr)) == *(*unsafe.Pointer)(unsafe.Pointer(&b.ReplaceAttr)) //gosec:disable G103 -- compared, never followed
}

// isTerminal asks for the descriptor only of what may be one: to ask makes a
// pipe's or a connection's deadlines useless.
func isTerminal(w io.Writer) bool {
	f, ok := w.(interface {
		Fd() uintptr
		Stat() (fs.FileInfo, error)
	})
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&fs.ModeCharDevice != 0 && term.IsTerminal(int(f.Fd()))
}
