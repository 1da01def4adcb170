//go:build !linux && !darwin && !freebsd

package ring

import (
	"errors"
	"fmt"
)

// Mapped cannot be had on this system; the methods are there to compile with.
type Mapped struct{ Ring }

// OpenMapped fails with an error that wraps errors.ErrUnsupported.
func OpenMapped(path string, size int, valid func(line []byte) bool) (*Mapped, error) {
	return nil, fmt.Errorf("%s: a queue cannot be kept in a file on this system: %w", path, errors.ErrUnsupported)
}

// TryOpenMapped fails as OpenMapped does.
func TryOpenMapped(path string, size int, valid func(line []byte) bool) (*Mapped, error) {
	return OpenMapped(path, size, valid)
}

func (*Mapped) Begin(Intent)         {}
func (*Mapped) Void()                {}
func (*Mapped) Live() (Intent, bool) { return Intent{}, false }
func (*Mapped) SetGap(uint64)        {}
func (*Mapped) Gap() uint64          { return 0 }
func (*Mapped) Found() (int, error)  { return 0, nil }
func (*Mapped) Resize(int) error     { return errors.ErrUnsupported }
func (*Mapped) Guard(f func()) error { f(); return nil }
func (*Mapped) Check()               {}
func (*Mapped) Fault() error         { return nil }
func (*Mapped) Lines() int           { return 0 }
func (*Mapped) Gone(uint64) bool     { return false }
func (*Mapped) Close() error         { return nil }
