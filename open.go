package logly

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// openNow opens the file before the sink is started.
func (l *logFile) openNow() error { return l.open(l.now()) }

// hold settles which file is meant, takes it among the handlers of this process
// and makes its directory.
func (l *logFile) hold() error {
	if !l.held {
		path, err := resolveLink(canonical(l.given))
		if err != nil {
			return l.failed("open", err)
		}
		taken := heldPaths.take(path)
		if taken && l.durable && !heldPaths.take(path+queueSuffix) {
			heldPaths.release(path)
			taken = false
		}
		if !taken {
			return l.failed("open", errors.New("a handler of this process has it open already"))
		}
		l.path, l.held = path, true
		l.lumber = newLumberjack(path, l.zone != time.UTC)
		l.janitor.settle(path)
	}
	if err := l.makeDir(); err != nil {
		return l.failed("open", err)
	}
	return nil
}

// open opens the file at path, made if need be, and rotates it at once if it is
// left from an earlier period.
func (l *logFile) open(now time.Time) error {
	if err := l.hold(); err != nil {
		return err
	}
	if err := l.openFile(); err != nil {
		return l.failed("open", err)
	}
	if l.interrupted != nil {
		return nil // that comes first
	}
	return l.begin(now)
}

// begin looks after the backups that are there, and rotates the file if it is
// left from an earlier period.
func (l *logFile) begin(now time.Time) error {
	l.janitor.look(l.info)
	l.advance(now)
	if l.size == 0 || !l.rule.Timed() {
		return nil
	}
	if end := l.rule.Next(l.info.ModTime().In(l.zone)); !end.IsZero() && !end.After(now) {
		l.due = end
		if err := l.rotateAt(now); l.f == nil {
			return err
		} else if err != nil {
			l.fail(err) // go on in the old file, and try again
		}
	}
	return nil
}

// makeDir makes missing directories, and remembers them.
func (l *logFile) makeDir() error {
	dir := filepath.Dir(l.path)
	var missing []string // deepest first
	for d := dir; d != filepath.Dir(d); d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, d)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		l.touched(filepath.Dir(missing[i]))
		if l.undoing { // even if not all of them can be made
			l.made = append(l.made, missing[i])
		}
	}
	return os.MkdirAll(dir, 0o755) //gosec:disable G301 -- less umask, as Sink.File says
}

// touched remembers that names in dir have changed: the next sync makes that
// lasting.
func (l *logFile) touched(dir string) {
	for _, d := range l.dirs {
		if d == dir {
			return
		}
	}
	l.dirs = append(l.dirs, dir)
}

// openFile opens path for appending, and makes it if need be.
func (l *logFile) openFile() error {
	f, info, isNew, err := l.openOrCreate()
	if errors.Is(err, errNotRegular) {
		return fmt.Errorf("%w; open it yourself and use Writer", err)
	}
	if err != nil {
		return err
	}
	if isNew {
		l.touched(filepath.Dir(l.path))
		if l.undoing {
			l.made = append(l.made, l.path)
		}
	}
	glue, err := endsInsideLine(l.path, info)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.f, l.fd, l.info, l.size, l.glue = f, f.Fd(), info, info.Size(), glue
	l.readable = l.durable && canRead(f)
	l.checked = l.now()
	if l.durable && l.size > 0 { // an earlier run may have left that to us
		l.dirty = true
		l.touched(filepath.Dir(l.path))
	}
	switch {
	case l.heir != nil && l.size == 0:
		err = own(f, l.heir)
		l.chmod(info, l.heir.Mode().Perm())
	case isNew:
		l.chmod(info, l.mode)
	}
	l.heir = nil
	if err != nil {
		l.fail(l.failed("open", err)) // no reason not to write to it
	}
	return nil
}

// chmod gives the live file, new and empty, exactly the mode: the umask has
// taken from it. A file system that knows no such mode is no reason not to
// write to the file.
func (l *logFile) chmod(info fs.FileInfo, mode fs.FileMode) {
	if info.Mode().Perm() == mode {
		return
	}
	if err := l.f.Chmod(mode); err != nil {
		l.fail(l.failed("open", err))
	}
}

func (l *logFile) openOrCreate() (f *os.File, info fs.FileInfo, isNew bool, err error) {
	flags := os.O_WRONLY | os.O_APPEND
	if l.durable { // to compare what an earlier run has written
		flags = os.O_RDWR | os.O_APPEND
	}
	mode := l.mode
	if l.heir != nil {
		mode = l.heir.Mode().Perm()
	}
	for range 3 { // others may create and remove it in between
		f, info, err = openRegular(l.path, flags)
		if l.durable && errors.Is(err, fs.ErrPermission) {
			f, info, err = openRegular(l.path, os.O_WRONLY|os.O_APPEND)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return f, info, false, err
		}
		f, err = os.OpenFile(l.path, flags|os.O_CREATE|os.O_EXCL|noFollow, mode)
		if err == nil {
			if info, err = f.Stat(); err != nil {
				err = errors.Join(err, f.Close())
			}
			return f, info, true, err
		}
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return nil, nil, false, err
}

// canRead reports whether f is open for reading.
func canRead(f *os.File) bool {
	_, err := f.ReadAt(make([]byte, 1), 0)
	return err == nil || err == io.EOF
}

var errNotRegular = errors.New("not a regular file")

// openRegular opens a regular file that exists. The name is looked at first:
// to open a named pipe would be to wait for its other end.
func openRegular(path string, flags int) (*os.File, fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err == nil {
		err = isRegular(info)
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(path, flags|noFollow, 0) //gosec:disable G304 -- the path is the log's
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = isRegular(info)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

func isRegular(info fs.FileInfo) error {
	kind := "device"
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		kind = "directory"
	case mode&fs.ModeSymlink != 0:
		kind = "symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		kind = "named pipe"
	case mode&fs.ModeSocket != 0:
		kind = "socket"
	}
	return fmt.Errorf("is a %s, %w", kind, errNotRegular)
}

// endsInsideLine reports whether the last line of the file has no end: what a
// process that died left, and what the next line must not be glued to.
func endsInsideLine(path string, info fs.FileInfo) (bool, error) {
	if info.Size() == 0 {
		return false, nil
	}
	f, same, err := openRegular(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		return false, nil // we may write but not read, or it is gone already
	}
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	if !os.SameFile(same, info) {
		return false, nil
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err == io.EOF {
		return false, nil // truncated since
	} else if err != nil {
		return false, err
	}
	return last[0] != '\n', nil
}

// started tells that nothing will be undone.
func (l *logFile) started() { l.undoing, l.made = false, nil }

// undo gives back what the first open made.
func (l *logFile) undo() error {
	l.abort() // who waits for the error of Open does not wait for compression
	err := l.closeLive()
	for i := len(l.made) - 1; i >= 0; i-- {
		info, statErr := os.Lstat(l.made[i])
		switch {
		case statErr != nil:
		case info.IsDir():
			_ = os.Remove(l.made[i]) // fails, rightly, if somebody uses it by now
		case info.Mode().IsRegular() && info.Size() == 0:
			err = errors.Join(err, os.Remove(l.made[i]))
		}
	}
	return errors.Join(err, l.close())
}
