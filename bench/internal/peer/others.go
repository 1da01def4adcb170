package peer

import (
	"bytes"
	"io"
	"log"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	phuslog "github.com/phuslu/log"
	"github.com/rs/zerolog"
	"github.com/rs/zerolog/diode"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
)

var zapBuffered = System{
	Name: "zap", Title: "zap (zapslog, BufferedWriteSyncer)",
	Note: "256 KB, flushed every 30 s as by default; without its fsync at Stop",
	Open: func(path string, o Options) (*Running, error) {
		if o.Rotate {
			return nil, errNoRotation
		}
		f, err := create(path)
		if err != nil {
			return nil, err
		}
		// AddSync of the Write method alone: Stop must not wait for the disk.
		b := &zapcore.BufferedWriteSyncer{WS: zapcore.AddSync(struct{ io.Writer }{f})}
		h := zapslog.NewHandler(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), b, zap.InfoLevel))
		return &Running{Caller: logThrough(h), Drain: b.Stop, Close: f.Close}, nil
	},
}

var zerologDiode = System{
	Name: "zerolog", Title: "zerolog (slog handler, diode)",
	Note: "65,536 slots, polled every 10 ms; its own example has 1,000 slots. It overwrites what it cannot hold",
	Open: func(path string, o Options) (*Running, error) {
		if o.Rotate {
			return nil, errNoRotation
		}
		f, err := create(path)
		if err != nil {
			return nil, err
		}
		log.SetOutput(io.Discard) // the diode tells of collisions there
		w := diode.NewWriter(f, 1<<16, 10*time.Millisecond, nil)
		return &Running{
			Caller: logThrough(zerolog.NewSlogHandler(zerolog.New(w).Level(zerolog.InfoLevel))),
			Drain:  w.Close,
			Close:  func() error { return nil },
		}, nil
	},
}

var phusluDirect = System{
	Name: "phuslu", Title: "phuslu/log (SlogNewJSONHandler)",
	Open: func(path string, o Options) (*Running, error) {
		if o.Rotate {
			return nil, errNoRotation
		}
		f, err := create(path)
		if err != nil {
			return nil, err
		}
		return unbuffered(phuslog.SlogNewJSONHandler(f, nil), f), nil
	},
}

// phusluWriter is the writer that its documentation advises for speed.
func phusluWriter(path string) *phuslog.AsyncWriter {
	return &phuslog.AsyncWriter{
		ChannelSize: 4096,
		Writer:      &phuslog.FileWriter{Filename: path, FileMode: 0o600},
	}
}

var phusluAsync = System{
	Name: "phuslu-async", Title: "phuslu/log (AsyncWriter, Logger.Slog)",
	Note: "4,096 entries and writev, as its documentation advises; milliseconds in the time",
	Open: func(path string, o Options) (*Running, error) {
		if o.Rotate {
			return nil, errNoRotation
		}
		w := phusluWriter(path)
		l := &phuslog.Logger{Level: phuslog.InfoLevel, Writer: w}
		return &Running{Caller: logThrough(l.Slog().Handler()), Drain: w.Close, Close: func() error { return nil }}, nil
	},
}

var phusluAsyncJSON = System{
	Name: "phuslu-async-json", Title: "phuslu/log (AsyncWriter, SlogNewJSONHandler)",
	Note: "the handler takes its buffer back while it is queued",
	Open: func(path string, o Options) (*Running, error) {
		if o.Rotate {
			return nil, errNoRotation
		}
		w := phusluWriter(path)
		return &Running{Caller: logThrough(phuslog.SlogNewJSONHandler(w, nil)), Drain: w.Close, Close: func() error { return nil }}, nil
	},
}

var rawWrite = System{
	Name: "write", Title: "write(2) of such lines", Floor: true,
	Note: "one call a line, nothing encoded",
	Open: func(path string, o Options) (*Running, error) {
		if o.Rotate {
			return nil, errNoRotation
		}
		f, err := create(path)
		if err != nil {
			return nil, err
		}
		return &Running{
			Caller: func(g int, rec Record) func(int) { return rawCaller(f, g, rec) },
			Drain:  func() error { return nil },
			Close:  f.Close,
		}, nil
	},
}

// rawCaller writes a line that slog has once encoded, with its own numbers.
func rawCaller(f *os.File, g int, rec Record) func(int) {
	var encoded bytes.Buffer
	logThrough(slog.NewJSONHandler(&encoded, nil))(g, rec)(0)
	head, rest, _ := strings.Cut(encoded.String(), `"seq":0`)
	head += `"seq":`
	buf := make([]byte, 0, encoded.Len()+20)
	return func(seq int) {
		buf = append(buf[:0], head...)
		buf = strconv.AppendInt(buf, int64(seq), 10)
		buf = append(buf, rest...)
		_, _ = f.Write(buf)
	}
}
