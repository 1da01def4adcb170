package ring

import "errors"

// Intent tells what the reader of a ring was about to write, and where. It is
// stored before a batch is written and void once the head has moved, so whoever
// opens the ring of a killed process knows what may have arrived already.
type Intent struct {
	N        int    // bytes: the oldest N of the ring, or the length of an oversize line
	Ino, Dev uint64 // of the file
	Offset   int64  // where in it
	Oversize bool   // a line that is larger than the ring and not in it
}

// ErrHeld is wrapped by the error of OpenMapped when another process has the
// ring, or another part of this one.
var ErrHeld = errors.New("in use by another process")
