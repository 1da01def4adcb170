package logly

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"time"

	"github.com/logly-go/logly/internal/ring"
	"github.com/logly-go/logly/internal/schedule"
)

const checkEvery = time.Second // how long the path is believed to be our file

// logFile is the destination of a Sink.File: the file, when it is due to be
// rotated, and what to do when others rename, remove or truncate it.
//
// lumberjack renames the file and creates the new one; it never writes. The
// live file is opened, written, synced and closed here, because lumberjack's own
// writing opens without O_APPEND, writes on to a file that was deleted, refuses
// lines above its size and reopens after Close.
//
// One goroutine at a time uses it, as with every output; abort excepted.
type logFile struct {
	given   string         // Sink.File, for messages
	path    string         // where it really is; set by the first open
	rule    schedule.Rule  //
	zone    *time.Location // of rule and backup names
	mode    fs.FileMode    // of new files
	flush   flush
	count   *counters
	report  func(error)
	now     func() time.Time // for the rule
	lumber  renamer
	janitor *janitor

	f        *os.File // nil: to be opened
	fd       uintptr
	info     fs.FileInfo // of f, to know it again
	state    fileState
	size     int64
	due      time.Time   // next boundary of rule; zero: none
	checked  time.Time   // when path was last seen to be f
	retry    time.Time   // no rotation before, after one failed
	heir     fs.FileInfo // what the next file opened is to be like: the one just rotated away; nil: none
	glue     bool        // the file ends inside a line: end that first
	dirty    bool        // something to fsync in f
	dirs     []string    // directories to fsync
	held     bool        // path is ours among the handlers of this process
	undoing  bool        // made is kept: the sink is not started yet
	durable  bool        // what an earlier run wrote and did not sync is ours to sync
	readable bool        // f is open for reading, too
	made     []string    // what was created, for undo; the file last

	// interrupted is what an earlier run was writing when it was killed; nil:
	// nothing. Until that is finished no file is rotated or compressed.
	interrupted *ring.Intent
	resume      bool // it is finished, and begin is still to be called
}

// renamer renames the log file to a backup and creates the new one, as
// lumberjack does.
type renamer interface {
	Rotate() error
	Close() error
}

func newLogFile(s Sink, count *counters, report func(error)) *logFile {
	rule, err := schedule.Parse(string(s.Rotation))
	if err != nil {
		panic(err) // validated before
	}
	l := &logFile{
		given: s.File, rule: rule, zone: time.UTC, mode: s.FileMode, flush: s.Flush,
		count: count, report: report, now: time.Now, undoing: true, durable: s.Durable,
	}
	if s.LocalTime {
		l.zone = time.Local
	}
	if l.mode == 0 {
		l.mode = defaultFileMode
	}
	l.janitor = newJanitor(s, l.zone, count, report)
	return l
}

func (l *logFile) failed(op string, err error) error {
	return &Error{Sink: l.given, Op: op, Count: 1, Err: because(l.given, err)}
}

func (l *logFile) fail(err error) {
	l.count.errors.Add(1)
	l.report(err)
}

// ready opens, reopens and rotates as needed before a line of n bytes.
func (l *logFile) ready(n int) (room int, err error) {
	now := l.now()
	if err := l.live(now); err != nil {
		return 0, err
	}
	limit, need := l.rule.MaxSize(), int64(n)
	if l.glue {
		need++
	}
	if l.dueAt(now) || limit > 0 && l.size > 0 && l.size+need > limit {
		if err := l.rotateAt(now); err != nil {
			l.fail(err) // go on in the old file rather than lose the line
		}
		if err := l.live(now); err != nil {
			return 0, err
		}
	}
	if l.glue {
		if _, err := l.Write([]byte{'\n'}); err != nil {
			return 0, l.failed("write", err)
		}
		l.glue = false
	}
	if limit == 0 {
		return math.MaxInt, nil
	}
	return int(min(max(limit-l.size, int64(n)), math.MaxInt)), nil
}

// live sees to it that f is open and is the file at path.
func (l *logFile) live(now time.Time) error {
	if since := now.Sub(l.checked); l.f != nil && (since >= checkEvery || since < 0) {
		if l.moved() {
			l.leave()
		} else {
			l.checked = now
		}
	}
	if l.f == nil {
		l.resume = false
		return l.open(now)
	}
	if l.resume {
		l.resume = false
		return l.begin(now)
	}
	return nil
}

// moved reports whether path names the open file no longer. Where that cannot be
// told, as when the process has lost the right to search the directory, it is
// taken not to have moved: the open file still takes what is logged.
func (l *logFile) moved() bool {
	info, err := os.Lstat(l.path)
	if err != nil {
		return isGone(err)
	}
	return !os.SameFile(info, l.info)
}

// leave gives the open file up: it was moved away or removed. It stays open
// until it is synced.
func (l *logFile) leave() {
	l.janitor.aside(l.f, l.dirty)
	l.f, l.dirty = nil, false
}

func (l *logFile) Write(p []byte) (int, error) {
	n, err := l.f.Write(p)
	if n > 0 {
		l.size += int64(n)
		l.dirty = true
	}
	return n, err
}

// landed answers no if the file has been removed: what was written to it is
// gone, and goes into a new one.
func (l *logFile) landed() bool {
	size, named, err := l.state.look(l.f, l.fd)
	if err != nil {
		l.fail(l.failed("write", err))
		return true
	}
	if !named {
		// There is nothing to sync, and only to close it gives its room back.
		if err := l.f.Close(); err != nil {
			l.fail(l.failed("close", err))
		}
		l.f, l.dirty = nil, false
		return false
	}
	l.size = size // others may truncate it, or append
	return true
}

// unwrite takes the last n bytes back, unless somebody has appended to them.
func (l *logFile) unwrite(n int) error {
	if l.f == nil {
		return nil
	}
	size, _, err := l.state.look(l.f, l.fd)
	if err == nil && size == l.size {
		err = l.f.Truncate(size - int64(n))
	}
	if err != nil {
		return l.failed("close", err)
	}
	return nil
}

// sync makes what was written lasting: in the live file, in those rotated away
// since, and their names in the directory.
func (l *logFile) sync(ctx context.Context) error {
	if err := l.flush.call(ctx, l.given); err != nil {
		return err
	}
	var errs []error
	if l.f != nil && l.dirty {
		l.dirty = false // if it fails, a later success would prove nothing
		if err := l.f.Sync(); err != nil && !cannotSync(err) {
			errs = append(errs, l.failed("sync", err))
		}
	}
	if err := l.janitor.syncAside(); err != nil {
		errs = append(errs, l.failed("sync", err))
	}
	for _, dir := range l.dirs {
		if err := syncDir(dir); err != nil && !isGone(err) {
			errs = append(errs, l.failed("sync", err))
		}
	}
	l.dirs = nil
	return errors.Join(errs...)
}

// close gives everything back, after the janitor has done its work.
func (l *logFile) close() error {
	err := l.closeLive()
	l.janitor.close()
	if l.held {
		heldPaths.release(l.path)
		if l.durable {
			heldPaths.release(l.path + queueSuffix)
		}
		l.held = false
	}
	return err
}

func (l *logFile) closeLive() error {
	if l.f == nil {
		return nil
	}
	var errs []error
	if l.dirty {
		if err := l.f.Sync(); err != nil && !cannotSync(err) {
			errs = append(errs, l.failed("sync", err))
		}
	}
	if err := l.f.Close(); err != nil {
		errs = append(errs, l.failed("close", err))
	}
	l.f, l.dirty = nil, false
	return errors.Join(errs...)
}

func (l *logFile) abort() { l.janitor.abort() }
