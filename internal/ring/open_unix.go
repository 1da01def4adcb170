//go:build linux || darwin || freebsd

//gosec:disable G115 G703 -- positions has looked at the size; the path is the log's, which the program chose

package ring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	patience   = time.Second           // a child between fork and exec holds the lock a moment
	lookEvery  = time.Second           // how long a name is believed to be ours
	lookAgain  = 10 * time.Millisecond //
	examinable = 64 << 20              // bytes of a damaged file that are looked at, if not more are wanted
)

// OpenMapped opens the ring file at path, or makes one with room for size bytes,
// rounded up to whole pages. One that is there keeps its size; see Resize. One
// that cannot be trusted is set aside, and the whole lines that can be read in it
// are put into a new one: valid tells which are whole, without their '\n'.
//
// While another process has the file, OpenMapped tries again for a second; then
// it returns an error that wraps ErrHeld.
func OpenMapped(path string, size int, valid func(line []byte) bool) (*Mapped, error) {
	return newOpener(path, size, valid).open(patience)
}

// TryOpenMapped is OpenMapped without patience.
func TryOpenMapped(path string, size int, valid func(line []byte) bool) (*Mapped, error) {
	return newOpener(path, size, valid).open(0)
}

// opener makes a Mapped of what it finds at path.
//
// A new file is made complete as path.new and then linked to path, so that path
// never names half a file. Whoever removes either name, or gives path to another
// file, holds the lock of the file that has it. So a process that is killed at
// any instruction leaves one of these, and the next goes on from it:
//
//	path                   it decides; path.new, if there, is removed
//	path and path.new are one file   the name path.new is removed
//	path.new only          complete, it becomes path; else it is removed
type opener struct {
	path, fresh string
	size        int
	valid       func(line []byte) bool
	boot        string
	limit       int64  // how much of a damaged file is looked at
	did         func() // called after each change on the disk, by tests
}

func newOpener(path string, size int, valid func([]byte) bool) *opener {
	size = wholePages(size)
	return &opener{
		path: path, fresh: path + ".new", size: size, valid: valid, boot: bootID(),
		limit: max(examinable, int64(size)), did: func() {},
	}
}

// errChanged tells that a path names another file than it did a moment ago.
var errChanged = errors.New("others change it all the time")

func (o *opener) open(patience time.Duration) (*Mapped, error) {
	deadline := time.Now().Add(patience)
	for tries := 1; ; tries++ {
		m, err := o.try()
		switch {
		case errors.Is(err, errChanged) && tries < 100:
		case errors.Is(err, ErrHeld) && time.Now().Before(deadline):
			time.Sleep(lookAgain)
		default:
			return m, err
		}
	}
}

func (o *opener) try() (*Mapped, error) {
	f, err := lock(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		return o.create()
	}
	if err != nil {
		return nil, err
	}
	if err := o.dropFresh(f); err != nil {
		return nil, errors.Join(err, unlock(f))
	}
	m, err := o.use(f)
	if err != nil {
		return nil, errors.Join(err, unlock(f))
	}
	return m, nil
}

// dropFresh removes what a process left at the other name that was killed when
// it made a ring. f is the file at path.
func (o *opener) dropFresh(f *os.File) error {
	if names(o.fresh, f) {
		if err := os.Remove(o.fresh); err != nil {
			return err
		}
		o.did()
	}
	if err := single(f); err != nil {
		return err
	}
	left, err := lock(o.fresh)
	if err != nil {
		return nil // not ours to remove; salvage, which needs the name, will tell
	}
	err = os.Remove(o.fresh)
	o.did()
	return errors.Join(err, unlock(left))
}

// create makes path, which was not there, or takes what a killed process had
// made for it.
func (o *opener) create() (*Mapped, error) {
	f, err := lock(o.fresh)
	if errors.Is(err, fs.ErrNotExist) {
		m, err := o.make(nil, 0)
		if err != nil {
			return nil, err
		}
		if err := o.publish(m.file); err != nil {
			return nil, errors.Join(err, m.discard(o.fresh))
		}
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	if err := o.adopt(f); err != nil {
		return nil, errors.Join(err, unlock(f))
	}
	m, err := o.use(f)
	if err != nil {
		return nil, errors.Join(err, unlock(f))
	}
	if m.records > 0 && m.damage == nil {
		m.damage = fmt.Errorf("%s: a damaged one was set aside, and the process was killed meanwhile; %d lines had been saved",
			o.path, m.records)
	}
	return m, nil
}

// adopt puts f, which a killed process left at the other name, at path if it is
// complete.
func (o *opener) adopt(f *os.File) error {
	if err := single(f); err != nil {
		return err
	}
	h, info, err := readHeader(f)
	if err == nil {
		_, _, err = h.positions()
	}
	if err != nil || info.Size() < headerSize+int64(h.size.Load()) {
		if err := os.Remove(o.fresh); err != nil {
			return err
		}
		o.did()
		return errChanged
	}
	return o.publish(f)
}

// publish gives f, which is complete, the name path instead of the other one. It
// never replaces what is there.
func (o *opener) publish(f *os.File) error {
	err := os.Link(o.fresh, o.path)
	switch {
	case err == nil:
		o.did()
		err = os.Remove(o.fresh)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: %w", o.path, errChanged)
	default: // no links here
		if _, there := os.Lstat(o.path); !errors.Is(there, fs.ErrNotExist) {
			return err
		}
		err = os.Rename(o.fresh, o.path)
	}
	o.did()
	return err
}

// make returns a new ring that holds lines, still at the other name.
func (o *opener) make(lines []byte, gap uint64) (_ *Mapped, err error) {
	f, err := os.OpenFile(o.fresh, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, o.whatIsFresh()
	}
	if err != nil {
		return nil, err
	}
	o.did()
	switch err := flock(f); {
	case errors.Is(err, ErrHeld) || err == nil && !names(o.fresh, f):
		return nil, errors.Join(unlock(f), errChanged) // somebody took it for a killed process's
	case err != nil:
		return nil, errors.Join(err, os.Remove(o.fresh), f.Close())
	}
	m, size := &Mapped{path: o.path, file: f}, max(o.size, wholePages(len(lines)))
	defer func() {
		if err != nil {
			err = fmt.Errorf("a queue of %d bytes cannot be made: %w", size, errors.Join(err, m.discard(o.fresh)))
		}
	}()
	if err := f.Chmod(0o600); err != nil {
		return nil, err
	}
	if err := allocate(f, 0, headerSize+int64(size)); err != nil {
		return nil, err
	}
	o.did()
	if _, err := f.WriteAt(lines, headerSize); err != nil {
		return nil, err
	}
	o.did()
	h, page := headerCopy()
	h.fill(size, len(lines), gap, o.boot)
	if _, err := f.WriteAt(page, 0); err != nil {
		return nil, err
	}
	o.did()
	return m, m.attach(h)
}

// whatIsFresh returns why the other name is taken.
func (o *opener) whatIsFresh() error {
	f, err := lock(o.fresh)
	if err == nil {
		err = unlock(f)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s: %w", o.fresh, errChanged)
	}
	return err
}

// attach maps the file, of which h is a copy of the header, and takes over what
// it holds. Without an error the ring is ready.
func (m *Mapped) attach(h *header) error {
	size := int(h.size.Load())
	mem, err := mapFile(m.file, headerSize+size)
	if err != nil {
		return err
	}
	m.mem, m.header = mem, headerOf(mem)
	m.Ring = over(mem[headerSize:], h.head.Load(), h.tail.Load())
	m.gap = h.gap.Load()
	return nil
}

// discard takes a ring back that is not at its path yet.
func (m *Mapped) discard(name string) error {
	err := os.Remove(name)
	if m.mem != nil {
		err = errors.Join(err, unix.Munmap(m.mem))
	}
	return errors.Join(err, unlock(m.file))
}

func mapFile(f *os.File, n int) ([]byte, error) {
	mem, err := unix.Mmap(int(f.Fd()), 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err == unix.ENODEV {
		return nil, fmt.Errorf("%s: files cannot be mapped there: %w (%w)", f.Name(), err, errors.ErrUnsupported)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "mmap", Path: f.Name(), Err: err}
	}
	return mem, nil
}
