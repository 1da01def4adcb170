package logly

import (
	"io"

	"golang.org/x/sys/windows"
)

// enableColor makes the console w interpret ANSI sequences, and reports whether
// it does.
func enableColor(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	if !ok {
		return false
	}
	console := windows.Handle(f.Fd())
	var mode uint32
	if windows.GetConsoleMode(console, &mode) != nil {
		return false
	}
	const ansi = windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	return mode&ansi != 0 || windows.SetConsoleMode(console, mode|ansi) == nil
}
