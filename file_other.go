//go:build !unix

package logly

import (
	"io/fs"
	"os"
	"time"
)

// noFollow has no counterpart here; the name is looked at before it is opened.
const noFollow = 0

// renamesOpen tells that an open file can be renamed.
const renamesOpen = false

type fileState struct{}

// look returns the size of the open file. A file that is open keeps its name
// here.
func (*fileState) look(f *os.File, _ uintptr) (size int64, named bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, false, err
	}
	return info.Size(), true, nil
}

// id tells nothing: what needs it is not to be had here.
func (*fileState) id() (ino, dev uint64) { return 0, 0 }

func isInode(fs.FileInfo, uint64, uint64) bool { return false }

// own does nothing: owners are not of the kind that a new file could be given.
func own(*os.File, fs.FileInfo) error { return nil }

// syncDir does nothing: a directory cannot be synced here.
func syncDir(string) error { return nil }

// setTime sets the times of the file at path.
func setTime(path string, t time.Time) error { return os.Chtimes(path, t, t) }
