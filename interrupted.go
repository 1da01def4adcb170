package logly

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// stillInterrupted reports whether a batch in the middle of which an earlier run
// was killed is still to be finished. The file is open then. Of a line larger
// than the queue nothing is left to finish it with: it is taken back.
func (l *logFile) stillInterrupted() (bool, error) {
	now := l.now()
	if err := l.live(now); err != nil {
		return false, err
	}
	if !l.interrupted.Oversize {
		return true, nil
	}
	if err := l.takeBack(); err != nil {
		return false, l.failed("recover", err)
	}
	l.interrupted, l.resume = nil, true
	return false, nil
}

// finish appends what is missing of batch to the file that took its beginning.
// It returns false where that file is gone, or is not what it was: then nobody
// can tell how much of the batch was written, and it must be written as a whole.
func (l *logFile) finish(batch []byte) (finished bool, err error) {
	if finished, err = l.append(batch); err != nil {
		return false, l.failed("recover", err)
	}
	if !finished {
		l.fail(l.failed("recover", fmt.Errorf("an earlier run ended while it wrote %d bytes to a file that is gone, compressed or changed since: some records may be there twice", len(batch))))
	}
	// What waited for this goes on once the queue has given the batch up: a file
	// that is compressed before would be gone for who recovers next.
	l.interrupted, l.resume = nil, true
	return finished, nil
}

func (l *logFile) append(batch []byte) (finished bool, err error) {
	f, err := l.find()
	if f == nil {
		return false, err
	}
	// It stays open until it is synced, unless it is the live file.
	dirty := false
	defer func() {
		if f == l.f {
			l.dirty = true
			err = errors.Join(err, l.reexamine())
			return
		}
		l.janitor.aside(f, dirty)
	}()
	at := l.interrupted.Offset
	have := make([]byte, len(batch))
	n, err := f.ReadAt(have, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	written := commonPrefix(have[:n], batch)
	if written < len(batch) {
		info, err := f.Stat()
		if err != nil || info.Size() != at+int64(written) {
			return false, err
		}
		n, err := f.Write(batch[written:])
		l.count.taken.Add(uint64(n)) //gosec:disable G115 -- not negative
		l.count.bytes.Add(uint64(n)) //gosec:disable G115 -- not negative
		if err != nil {
			return false, err
		}
	}
	dirty = true
	var state fileState
	_, named, err := state.look(f, f.Fd())
	return named, err
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// takeBack cuts off what an earlier run has written of a line that was larger
// than the queue. Nobody was told that it had been accepted.
func (l *logFile) takeBack() error {
	f, err := l.find()
	if f == nil {
		return err
	}
	if f != l.f {
		defer f.Close() //nolint:errcheck // nothing was written through it
	}
	info, err := f.Stat()
	at, end := l.interrupted.Offset, l.interrupted.Offset+int64(l.interrupted.N)
	if err != nil || info.Size() <= at || info.Size() >= end {
		return err
	}
	// A line end there is of somebody who has written to the file since.
	others, err := hasLineEnd(io.NewSectionReader(f, at, info.Size()-at))
	if err != nil || others {
		return err
	}
	if err := f.Truncate(at); err != nil {
		return err
	}
	if f == l.f {
		return l.reexamine()
	}
	return nil
}

func hasLineEnd(r io.Reader) (bool, error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if bytes.IndexByte(buf[:n], '\n') >= 0 {
			return true, nil
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// find returns the file that took the beginning of the interrupted batch: the
// live one, whatever its name is by now, or another name of the log, opened: that
// of a backup, or what others made of the log's by adding to it. It returns nil
// if there is none that could be compared with the batch.
func (l *logFile) find() (*os.File, error) {
	if l.readable && isInode(l.info, l.interrupted.Ino, l.interrupted.Dev) {
		return l.f, nil
	}
	dir, base := filepath.Split(l.path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if _, _, backup := l.janitor.stampOf(e.Name()); !backup && !strings.HasPrefix(e.Name(), base) {
			continue
		}
		info, err := e.Info()
		if err != nil || !isInode(info, l.interrupted.Ino, l.interrupted.Dev) {
			continue
		}
		f, info, err := openRegular(filepath.Join(dir, e.Name()), os.O_RDWR|os.O_APPEND)
		switch {
		case isGone(err), errors.Is(err, os.ErrPermission), errors.Is(err, errNotRegular):
			continue
		case err != nil:
			return nil, err
		case isInode(info, l.interrupted.Ino, l.interrupted.Dev):
			return f, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// reexamine looks again at how the live file ends.
func (l *logFile) reexamine() error {
	info, err := l.f.Stat()
	if err == nil {
		l.size = info.Size()
		l.glue, err = endsInsideLine(l.path, info)
	}
	return err
}

// identity returns what file is live, and its size now: others may append, too.
func (l *logFile) identity() (ino, dev uint64, size int64, err error) {
	size, _, err = l.state.look(l.f, l.fd)
	if err != nil {
		return 0, 0, 0, l.failed("write", err)
	}
	l.size = size
	ino, dev = l.state.id()
	return ino, dev, size, nil
}
