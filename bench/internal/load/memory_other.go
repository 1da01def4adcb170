//go:build !linux

package load

import "runtime"

// peak returns what the Go runtime has taken from the system.
func peak() int64 { return resident() }

func resident() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
