//go:build unix

package logly

import (
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// noFollow makes open fail on a symbolic link.
const noFollow = unix.O_NOFOLLOW

// renamesOpen tells that an open file can be renamed.
const renamesOpen = true

// isInode reports whether info is of that inode and device.
//
//gosec:disable G115 -- the same bits
func isInode(info fs.FileInfo, ino, dev uint64) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Ino == ino && uint64(st.Dev) == dev
}

// own gives the open file f the owner and group of info, as far as the process
// may: a group that reads the log then reads its compressed backups too.
func own(f *os.File, info fs.FileInfo) error {
	want, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	var have unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &have); err != nil {
		return &fs.PathError{Op: "fstat", Path: f.Name(), Err: err}
	}
	if have.Uid == want.Uid && have.Gid == want.Gid {
		return nil
	}
	if err := f.Chown(int(want.Uid), int(want.Gid)); err != nil && !os.IsPermission(err) {
		return err
	}
	return nil
}

// syncDir makes the names in dir lasting.
func syncDir(dir string) error {
	d, err := os.Open(dir) //gosec:disable G304 -- the path is the log's
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // it was only read
	if err := d.Sync(); err != nil && !cannotSync(err) {
		return err
	}
	return nil
}

// setTime sets the times of the file at path, and of nothing it might link to.
func setTime(path string, t time.Time) error {
	ts, err := unix.TimeToTimespec(t)
	if err == nil {
		err = unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err != nil {
		return &fs.PathError{Op: "utimes", Path: path, Err: err}
	}
	return nil
}
