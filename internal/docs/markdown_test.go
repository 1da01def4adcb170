package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fragment is a piece of code or a command in a text, and where it stands.
type fragment struct {
	file string
	line int // of the file, from 1
	text string
}

// block is a fenced block of a Markdown file. Its line is the first inside.
type block struct {
	fragment
	lang string // "go", "sh", …; "" where the file does not say
}

// page is a Markdown file, taken apart.
type page struct {
	name   string
	prose  []string // the lines, those of blocks empty
	blocks []block
}

var fence = regexp.MustCompile("^ *```([a-z]*)$")

// pages returns the Markdown files that people read.
func pages(t *testing.T) []page {
	t.Helper()
	names, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	var all []page
	for _, name := range append(names, "README.md", "CONTRIBUTING.md", "CHANGELOG.md") {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		p := page{name: name}
		inside := false
		for i, line := range strings.Split(string(text), "\n") {
			m := fence.FindStringSubmatch(line)
			switch {
			case m != nil && !inside:
				p.blocks = append(p.blocks, block{fragment{file: name, line: i + 2}, m[1]})
				inside = true
			case m != nil:
				inside = false
			case inside:
				p.blocks[len(p.blocks)-1].text += line + "\n"
			}
			if inside || m != nil {
				line = ""
			}
			p.prose = append(p.prose, line)
		}
		require.False(t, inside, "%s: a block has no end", name)
		all = append(all, p)
	}
	return all
}

// commandsOf returns the commands of a block, without comments. A backslash at
// the end of a line joins it with the next.
func commandsOf(text string) (commands []string) {
	for _, line := range strings.Split(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		line, _, _ = strings.Cut(line, " #")
		if line = strings.Join(strings.Fields(line), " "); line != "" && line[0] != '#' {
			commands = append(commands, line)
		}
	}
	return commands
}

// testSources returns the text of all tests.
func testSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	}))
	return all.String()
}
