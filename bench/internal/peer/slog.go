package peer

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/DeRuina/timberjack"
	"gopkg.in/natefinch/lumberjack.v2"
)

var errNoRotation = errors.New("does not rotate")

// create opens a log file as slog's users do.
func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //gosec:disable G304 -- a log of the run
}

// unbuffered is what a system needs that writes before its call returns.
func unbuffered(h slog.Handler, c io.Closer) *Running {
	return &Running{Caller: logThrough(h), Drain: func() error { return nil }, Close: c.Close}
}

var slogFile = System{
	Name: "slog", Title: "slog.JSONHandler",
	Open: func(path string, o Options) (*Running, error) {
		if o.Rotate {
			return nil, errNoRotation
		}
		f, err := create(path)
		if err != nil {
			return nil, err
		}
		return unbuffered(slog.NewJSONHandler(f, nil), f), nil
	},
}

var slogLumberjack = System{
	Name: "slog-lumberjack", Title: "slog over lumberjack",
	Open: func(path string, o Options) (*Running, error) {
		w := &lumberjack.Logger{Filename: path, MaxSize: 100_000}
		if o.Rotate {
			w.MaxSize, w.Compress = 10, true
		}
		return unbuffered(slog.NewJSONHandler(w, nil), w), nil
	},
}

var slogTimberjack = System{
	Name: "slog-timberjack", Title: "slog over timberjack",
	Open: func(path string, o Options) (*Running, error) {
		w := &timberjack.Logger{Filename: path, MaxSize: 100_000}
		if o.Rotate {
			w.MaxSize, w.Compression = 10, "gzip"
		}
		return unbuffered(slog.NewJSONHandler(w, nil), w), nil
	},
}

var slogBuffered = System{
	Name: "slog-bufio", Title: "slog over a mutex and bufio",
	Note: "256 KB, flushed at the end only: until then, records wait in memory",
	Open: func(path string, o Options) (*Running, error) {
		if o.Rotate {
			return nil, errNoRotation
		}
		f, err := create(path)
		if err != nil {
			return nil, err
		}
		w := &lockedBuffer{b: bufio.NewWriterSize(f, 256<<10)}
		return &Running{Caller: logThrough(slog.NewJSONHandler(w, nil)), Drain: w.flush, Close: f.Close}, nil
	},
}

type lockedBuffer struct {
	mu sync.Mutex
	b  *bufio.Writer
}

func (w *lockedBuffer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *lockedBuffer) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Flush()
}

var slogChannel = System{
	Name: "slog-channel", Title: "slog over a channel writer",
	Note: "written for this comparison: 4,096 pooled lines, written through 64 KB of bufio, flushed whenever the channel is empty",
	Open: func(path string, o Options) (*Running, error) {
		if o.Rotate {
			return nil, errNoRotation
		}
		f, err := create(path)
		if err != nil {
			return nil, err
		}
		w := newChannelWriter(f)
		return &Running{Caller: logThrough(slog.NewJSONHandler(w, nil)), Drain: w.drain, Close: f.Close}, nil
	},
}

// channelWriter is what one would write oneself: a channel of lines and one
// goroutine that takes them.
type channelWriter struct {
	lines chan *[]byte
	done  chan error // gets the result of the writing goroutine as its last act
	pool  sync.Pool
}

func newChannelWriter(to io.Writer) *channelWriter {
	w := &channelWriter{lines: make(chan *[]byte, 4096), done: make(chan error, 1)}
	w.pool.New = func() any { return new([]byte) }
	go w.run(bufio.NewWriterSize(to, 64<<10))
	return w
}

func (w *channelWriter) Write(p []byte) (int, error) {
	line := w.pool.Get().(*[]byte)
	*line = append((*line)[:0], p...)
	w.lines <- line
	return len(p), nil
}

func (w *channelWriter) run(b *bufio.Writer) {
	for line := range w.lines {
		_, _ = b.Write(*line) // bufio keeps the error for Flush
		w.pool.Put(line)
		if len(w.lines) == 0 {
			_ = b.Flush()
		}
	}
	w.done <- b.Flush()
}

func (w *channelWriter) drain() error {
	close(w.lines)
	return <-w.done
}
