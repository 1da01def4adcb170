//go:build linux || darwin || freebsd

package ring

import (
	"io"
	"io/fs"
	"os"
	"syscall"
)

// rewrite writes [from, to) of f with what it holds, and zeros after its end: a
// hole that was written has blocks.
func rewrite(f *os.File, from, to int64) error {
	buf := make([]byte, 64<<10)
	for from < to {
		piece := buf[:min(int64(len(buf)), to-from)]
		n, err := f.ReadAt(piece, from)
		if err != nil && err != io.EOF {
			return err
		}
		clear(piece[n:])
		if _, err := f.WriteAt(piece, from); err != nil {
			return err
		}
		from += int64(len(piece))
	}
	return nil
}

// sparse reports whether the first n bytes of the file can have holes.
func sparse(info fs.FileInfo, n int64) bool {
	return info.Sys().(*syscall.Stat_t).Blocks*512 < n
}
