package docs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// atTerminal runs a command with a terminal as its standard error, and returns
// what that shows.
func atTerminal(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudoterminals here:", err)
	}
	defer screen.Close()
	require.NoError(t, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	cmd.Stderr = terminal
	err = cmd.Start()
	require.NoError(t, terminal.Close())
	require.NoError(t, err)
	text, err := io.ReadAll(screen)
	require.NoError(t, cmd.Wait(), "%s", text)
	if !errors.Is(err, syscall.EIO) { // which says that nobody has the terminal any more
		require.NoError(t, err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}
