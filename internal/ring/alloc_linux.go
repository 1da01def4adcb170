package ring

import (
	"os"

	"golang.org/x/sys/unix"
)

// allocate gives [from, to) of f real blocks, without a change to what it holds,
// and makes f at least that long.
func allocate(f *os.File, from, to int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, from, to-from)
		switch err {
		case unix.EINTR:
		case unix.EOPNOTSUPP, unix.ENOSYS:
			if err := rewrite(f, from, to); err != nil {
				return err
			}
			// Where fallocate is missing, as on a network, a write may be
			// accepted before there is room for it.
			return f.Sync()
		case nil:
			return nil
		default:
			return &os.PathError{Op: "allocate", Path: f.Name(), Err: err}
		}
	}
}
