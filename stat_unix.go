//go:build unix && !linux

package logly

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// fileState is room for one look at a file, so that asking does not allocate.
type fileState struct{ st unix.Stat_t }

// look returns the size of the open file fd and whether it still has a name.
func (s *fileState) look(f *os.File, fd uintptr) (size int64, named bool, err error) {
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

// id returns the inode and device of the file that look has seen.
func (s *fileState) id() (ino, dev uint64) { return s.st.Ino, uint64(s.st.Dev) }
