package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/logly-go/logly"
)

// summer prints the sums of files, several at a time.
type summer struct {
	log     *slog.Logger
	logFile string // is left out: it grows meanwhile
	workers int
}

// sum is what became of a file.
type sum struct {
	path   string
	digest []byte // nil: it could not be read, which is logged
	bytes  int64
}

// totals is what a run has done.
type totals struct {
	files, unreadable int
	bytes             int64
}

// run prints the sums of all regular files under roots to out until ctx ends.
// Its error is one of out.
func (s *summer) run(ctx context.Context, roots []string, out io.Writer) (done totals, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	paths := make(chan string)
	sums := make(chan sum)
	var senders sync.WaitGroup
	senders.Go(func() {
		defer close(paths)
		for _, root := range roots {
			s.walk(ctx, root, paths, sums)
		}
	})
	for n := range s.workers {
		senders.Go(func() {
			s.work(logly.Contextualize(ctx, "worker", n+1), paths, sums)
		})
	}
	go func() {
		senders.Wait()
		close(sums)
	}()
	for sum := range sums { // to the end: the senders wait for it
		switch {
		case sum.digest == nil:
			done.unreadable++
		case err == nil:
			if _, err = io.WriteString(out, sum.String()); err != nil {
				cancel()
				continue
			}
			done.files++
			done.bytes += sum.bytes
		}
	}
	return done, err
}

// walk sends the paths of the regular files under root.
func (s *summer) walk(ctx context.Context, root string, paths chan<- string, sums chan<- sum) {
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error { // only the context's own error
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			s.log.ErrorContext(ctx, "cannot be read", "file", path, "error", err)
			sums <- sum{path: path}
			return nil
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			s.log.DebugContext(ctx, "skipped: not a regular file", "file", path, "type", d.Type())
			return nil
		case s.isLog(path):
			s.log.DebugContext(ctx, "skipped: the log", "file", path)
			return nil
		}
		select {
		case paths <- path:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

func (s *summer) isLog(path string) bool {
	if s.logFile == "" {
		return false
	}
	a, err := filepath.Abs(path)
	b, err2 := filepath.Abs(s.logFile)
	return err == nil && err2 == nil && a == b
}

// work sends the sums of the files at paths.
func (s *summer) work(ctx context.Context, paths <-chan string, sums chan<- sum) {
	for path := range paths {
		ctx := logly.Contextualize(ctx, "file", path)
		s.log.DebugContext(ctx, "begun")
		digest, n, err := digest(ctx, path)
		switch {
		case err == nil:
			s.log.DebugContext(ctx, "summed", "bytes", n)
			sums <- sum{path, digest, n}
		case ctx.Err() != nil:
			s.log.DebugContext(ctx, "given up", "bytes", n)
		default:
			s.log.ErrorContext(ctx, "cannot be read", "error", err)
			sums <- sum{path: path}
		}
	}
}

func digest(ctx context.Context, path string) ([]byte, int64, error) {
	f, err := os.Open(path) //gosec:disable G304 -- what the user has asked for
	if err != nil {
		return nil, 0, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	hash := sha256.New()
	n, err := io.Copy(hash, reader{ctx, f})
	return hash.Sum(nil), n, err
}

// reader reads until its context ends.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// String returns the line that sha256sum prints and checks: a backslash before
// it says that the name is escaped, so that it stays one line.
func (s sum) String() string {
	path := filepath.ToSlash(s.path)
	name := escape.Replace(path)
	mark := ""
	if name != path {
		mark = `\`
	}
	return fmt.Sprintf("%s%x  %s\n", mark, s.digest, name)
}

var escape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`)
