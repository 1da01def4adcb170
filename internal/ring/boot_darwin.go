package ring

import "golang.org/x/sys/unix"

// bootID returns what names the running boot of the machine; "" if unknown.
func bootID() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
