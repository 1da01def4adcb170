package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// childEnv names the story for a process that is to tell it.
const childEnv = "LOGLY_CONSOLE_STORY"

// child tells the story that this process was started for, and exits. In other
// processes it does nothing.
func child() {
	name := os.Getenv(childEnv)
	if name == "" {
		return
	}
	if err := tell(name); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// scrollback is how many rows a story may take.
const scrollback = 500

// run returns the screen after the story was told on it.
func run(ctx context.Context, story string, columns int) (*vt.Emulator, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self) //gosec:disable G204 -- this program
	cmd.Env = append(os.Environ(), childEnv+"="+story, "TERM=xterm-256color", "NO_COLOR=")
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: scrollback, Cols: uint16(columns)}) //gosec:disable G115 -- one of pictures
	if err != nil {
		return nil, err
	}
	defer terminal.Close() //nolint:errcheck // all is read
	screen := vt.NewEmulator(columns, scrollback)
	// Once the child has closed its end and all is read, Linux answers EIO.
	if _, err := io.Copy(screen, terminal); err != nil && !errors.Is(err, syscall.EIO) {
		return nil, err
	}
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, screen)
	}
	if screen.ScrollbackLen() > 0 {
		return nil, fmt.Errorf("the story takes more than %d rows", scrollback)
	}
	return screen, nil
}
