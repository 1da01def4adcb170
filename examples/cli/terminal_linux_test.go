package main

import (
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Only a terminal gets colours, and not where NO_COLOR is set.
func TestColours(t *testing.T) {
	for _, c := range []struct {
		env  string
		want string
	}{
		{"NO_COLOR=", "\x1b["},
		{"NO_COLOR=1", " INF done files=3 "},
	} {
		t.Run(c.env, func(t *testing.T) {
			dir := t.TempDir()
			tree(t, dir, 3)
			screen, tty := terminal(t)
			cmd := command(t, dir, "tree")
			cmd.Env = append(cmd.Env, "TERM=xterm", c.env)
			cmd.Stderr = tty
			require.NoError(t, cmd.Run())
			require.NoError(t, tty.Close())
			seen, _ := io.ReadAll(screen) // ends with EIO, as a terminal that nobody has open any more
			assert.Contains(t, string(seen), c.want)
			if c.env == "NO_COLOR=1" {
				assert.NotContains(t, string(seen), "\x1b")
			}
		})
	}
}

// terminal returns both ends of a new pseudo-terminal.
func terminal(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	fd := int(screen.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return screen, tty
}
