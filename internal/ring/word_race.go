//go:build race && (linux || darwin || freebsd)

package ring

import (
	"sync/atomic"
	"unsafe"
)

// With the race detector sync/atomic works in C, where a fault in the mapping
// cannot be recovered from. A word is stored whole here as well.

//go:norace
func storeWord(word *atomic.Uint64, v uint64) { *(*uint64)(unsafe.Pointer(word)) = v }

//go:norace
func loadWord(word *atomic.Uint64) uint64 { return *(*uint64)(unsafe.Pointer(word)) }
