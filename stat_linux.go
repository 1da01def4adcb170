package logly

import (
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// fileState is room for one look at a file, so that asking does not allocate.
type fileState struct {
	stx unix.Statx_t
	old bool // statx cannot be had
	st  unix.Stat_t
}

// looked is what look wants to know.
const looked = unix.STATX_INO | unix.STATX_NLINK | unix.STATX_SIZE

// look returns the size of the open file fd and whether it still has a name.
//
// It asks for no times: since Linux 6.13 a file whose times somebody has seen
// gets new ones, and an entry in the journal, with the very next write
// (https://docs.kernel.org/filesystems/multigrain-ts.html). After each write
// that made a write take twice as long.
func (s *fileState) look(f *os.File, fd uintptr) (size int64, named bool, err error) {
	if !s.old {
		switch errno := s.statx(fd); errno {
		case 0:
			if s.stx.Mask&looked != looked {
				s.old = true
				break
			}
			return int64(s.stx.Size), s.stx.Nlink > 0, nil //gosec:disable G115 -- never negative
		case unix.ENOSYS, unix.EPERM: // before Linux 4.11, or forbidden by a container runtime
			s.old = true
		default:
			return 0, false, &fs.PathError{Op: "statx", Path: f.Name(), Err: errno}
		}
	}
	for {
		err = unix.Fstat(int(fd), &s.st)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return 0, false, &fs.PathError{Op: "fstat", Path: f.Name(), Err: err}
	}
	return s.st.Size, s.st.Nlink > 0, nil
}

// noPath is the empty path, with which AT_EMPTY_PATH means the file itself.
var noPath [1]byte

// statx is unix.Statx, which would allocate the path.
//
//gosec:disable G103 -- as unix.Statx does it
func (s *fileState) statx(fd uintptr) unix.Errno {
	for {
		_, _, errno := unix.Syscall6(unix.SYS_STATX, fd, uintptr(unsafe.Pointer(&noPath)), unix.AT_EMPTY_PATH,
			looked, uintptr(unsafe.Pointer(&s.stx)), 0)
		if errno != unix.EINTR {
			return errno
		}
	}
}

// id returns the inode and device of the file that look has seen.
func (s *fileState) id() (ino, dev uint64) {
	if s.old {
		return s.st.Ino, uint64(s.st.Dev)
	}
	return s.stx.Ino, unix.Mkdev(s.stx.Dev_major, s.stx.Dev_minor)
}
