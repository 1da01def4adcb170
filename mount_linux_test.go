package logly

import "golang.org/x/sys/unix"

// mountTmpfs mounts a file system in memory on dir, if the test may.
func mountTmpfs(dir, options string) error {
	return unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options)
}

func unmount(dir string) error { return unix.Unmount(dir, unix.MNT_DETACH) }
