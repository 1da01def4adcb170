package logly

import (
	"errors"
	"path/filepath"
	"reflect"
	"sync"
	"time"
	"unsafe"

	"gopkg.in/natefinch/lumberjack.v2"
)

const (
	idleEvery   = time.Minute // timers stop while a machine sleeps, so look at the clock
	retryRotate = time.Second // after a rotation that failed
)

// dueAt reports whether the time to rotate has come.
func (l *logFile) dueAt(now time.Time) bool {
	return !l.due.IsZero() && !now.Before(l.due)
}

// advance sets the next time to rotate, once the last one has come. A clock that
// is set back does not make it come again: due stays ahead.
func (l *logFile) advance(now time.Time) {
	if l.due.IsZero() || l.dueAt(now) {
		l.due = l.rule.Next(now.In(l.zone))
	}
}

// idle rotates on time although nothing is written.
func (l *logFile) idle() (time.Duration, error) {
	now := l.now()
	var err error
	if l.resume {
		err = l.live(now)
	}
	if err == nil && l.f != nil && l.dueAt(now) {
		if err = l.live(now); err == nil && l.dueAt(now) {
			err = l.rotateAt(now)
		}
	}
	l.janitor.wake()
	switch {
	case !l.rule.Timed() && !l.janitor.waits():
		return 0, err
	case l.dueAt(now): // it has failed
		return retryRotate, err
	case l.due.IsZero():
		return idleEvery, err
	default:
		return min(idleEvery, l.due.Sub(now)), err
	}
}

// rotate is Handler.Rotate.
func (l *logFile) rotate() error {
	now := l.now()
	if l.f != nil && l.moved() {
		l.leave()
		return l.open(now)
	}
	if err := l.live(now); err != nil {
		return err
	}
	l.retry = time.Time{}
	return l.rotateAt(now)
}

// rotateAt renames the live file to a backup and opens a new one. An empty file
// stays. When it fails and the live file is still in its place, it is used on.
func (l *logFile) rotateAt(now time.Time) error {
	if now.Before(l.retry) {
		return nil
	}
	if l.moved() { // lumberjack would rename whatever is there
		l.leave()
		return l.open(now)
	}
	was, err := l.f.Stat()
	if err != nil {
		return l.failed("rotate", err)
	}
	if l.size = was.Size(); l.size == 0 {
		l.advance(now)
		return nil
	}
	if !renamesOpen {
		if err := l.closeToRename(); err != nil {
			return err
		}
	}
	from := time.Now()
	if err = l.moveAside(); err == nil {
		err = l.lumber.Rotate()
	}
	err = errors.Join(err, l.lumber.Close())
	// Whatever Rotate said, the path tells what has happened.
	if !l.moved() {
		l.retry = now.Add(retryRotate)
		if err == nil {
			err = errors.New("the file is still in its place")
		}
		if l.f == nil {
			err = errors.Join(err, l.openFile())
		}
		return l.failed("rotate", err)
	}
	// Else it has done what is needed of it: the rename. It may have failed to
	// create the new file or to keep its owner; both are seen to below.
	l.advance(now)
	l.count.rotations.Add(1)
	l.count.moved.Add(1)
	l.janitor.rotated(l.f, l.dirty, l.info, from)
	l.f, l.dirty, l.heir = nil, false, was
	l.touched(filepath.Dir(l.path))
	if err = l.makeDir(); err == nil {
		err = l.openFile()
	}
	if err != nil {
		return l.failed("open", err)
	}
	return nil
}

// closeToRename closes the live file where an open one cannot be renamed.
func (l *logFile) closeToRename() error {
	err := errors.Join(l.f.Sync(), l.f.Close())
	l.f, l.dirty = nil, false
	if err != nil {
		return l.failed("rotate", err)
	}
	return nil
}

// moveAside makes sure that the backup name that lumberjack will choose, the
// current millisecond's, is free: it would overwrite a backup of that name. If
// the clock was set back and there are backups from the future, the file is
// moved here to the first free name after them, which keeps their order, and
// lumberjack has only to create the new one.
func (l *logFile) moveAside() error {
	for {
		now := time.Now()
		stamp := now.In(l.zone).Format(stampLayout)
		newest := l.janitor.newest()
		if stamp < newest {
			return l.janitor.moveAfter(newest, l.path)
		}
		if stamp > newest && !l.janitor.taken(stamp) {
			return nil
		}
		time.Sleep(time.Until(now.Truncate(time.Millisecond).Add(time.Millisecond)))
	}
}

// newLumberjack returns the lumberjack.Logger that rotates path. Its Rotate
// starts a goroutine for compressing and pruning, at first use and for ever
// (lumberjack issue 56). That work is the janitor's here, so the sync.Once that
// would start it is used up: mill() then finds a nil channel and does nothing.
func newLumberjack(path string, local bool) *lumberjack.Logger {
	l := &lumberjack.Logger{Filename: path, LocalTime: local}
	start := reflect.ValueOf(l).Elem().FieldByName("startMill")
	if start.IsValid() && start.Type() == reflect.TypeFor[sync.Once]() {
		(*sync.Once)(unsafe.Pointer(start.UnsafeAddr())).Do(func() {}) //gosec:disable G103 -- the type was just looked at
	}
	return l
}
