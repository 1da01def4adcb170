//go:build !windows

package logly

import "io"

// enableColor reports whether the terminal w understands ANSI colours.
func enableColor(io.Writer) bool { return true }
