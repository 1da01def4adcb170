//go:build !race && (linux || darwin || freebsd)

package ring

import "sync/atomic"

func storeWord(word *atomic.Uint64, v uint64) { word.Store(v) }

func loadWord(word *atomic.Uint64) uint64 { return word.Load() }
