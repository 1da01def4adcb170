//go:build darwin || freebsd

package ring

import "os"

// allocate gives [from, to) of f real blocks, without a change to what it holds,
// and makes f at least that long.
func allocate(f *os.File, from, to int64) error { return rewrite(f, from, to) }
