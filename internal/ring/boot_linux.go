package ring

import (
	"os"
	"strings"
)

// bootID returns what names the running boot of the machine; "" if unknown.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
