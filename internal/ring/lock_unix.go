//go:build linux || darwin || freebsd

//gosec:disable G304 G703 -- the path is the log's, which the program chose

package ring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// lock opens the file of that name, which must be a regular one of ours, and
// takes its lock. Nothing else is opened: that could block, or have effects.
func lock(name string) (*os.File, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	refused := func(why string) error {
		return fmt.Errorf("%s: %s, and is left alone", name, why)
	}
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return nil, refused("it is a symbolic link")
	case !mode.IsRegular():
		return nil, refused("it is not a regular file")
	case int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid():
		return nil, refused("it belongs to another user")
	}
	f, err := os.OpenFile(name, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, errChanged)
	}
	if err != nil {
		return nil, err
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(info, now) {
		return nil, errors.Join(err, f.Close(), fmt.Errorf("%s: %w", name, errChanged))
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if !names(name, f) {
		return nil, errors.Join(unlock(f), fmt.Errorf("%s: %w", name, errChanged))
	}
	return f, nil
}

func flock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch err {
		case nil:
			return nil
		case unix.EINTR:
		case unix.EWOULDBLOCK:
			return fmt.Errorf("%s: %w", f.Name(), ErrHeld)
		default:
			return &fs.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
	}
}

// unlock closes f. The lock is given back even if a child between fork and exec
// still has the descriptor.
func unlock(f *os.File) error {
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
	return f.Close()
}

// names reports whether the name is one of f.
func names(name string, f *os.File) bool {
	have, err := f.Stat()
	if err != nil {
		return false
	}
	info, err := os.Lstat(name)
	return err == nil && os.SameFile(info, have)
}

// single refuses a file that has other names: somebody might use it there.
func single(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if n := uint64(info.Sys().(*syscall.Stat_t).Nlink); n > 1 {
		return fmt.Errorf("%s: it has %d names (hard links), and is left alone", f.Name(), n)
	}
	return nil
}

// syncDir makes the names beside path lasting.
func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
