package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Position is a place in a file. Lines and columns count from 1, and a column is
// a character, as in editors.
type Position struct {
	File         string
	Line, Column int
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// positionAt returns the place of the byte at offset.
func positionAt(file, text string, offset int) Position {
	before := text[:max(0, min(offset, len(text)))]
	return Position{
		File:   file,
		Line:   1 + strings.Count(before, "\n"),
		Column: 1 + utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:]),
	}
}

// mistake is an error that begins with its place.
func mistake(at Position, format string, args ...any) error {
	return fmt.Errorf("%v: %w", at, fmt.Errorf(format, args...))
}
