package load

import (
	"os"
	"strconv"
	"strings"
)

// peak returns the most bytes that were ever resident. The maxrss of getrusage
// would not do: it remembers the process that started this one.
func peak() int64 { return status("VmHWM:") }

// resident returns the bytes resident now.
func resident() int64 { return status("VmRSS:") }

func status(key string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), key)
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.ParseInt(fields[0], 10, 64)
	return kb << 10
}
