package ring

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// bootID returns what names the running boot of the machine; "" if unknown. The
// kernel adjusts this time when the clock is set, which makes a ring look like
// one of another boot: it is salvaged then, and its lines may come twice.
func bootID() string {
	t, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d.%06d", t.Sec, t.Usec)
}
