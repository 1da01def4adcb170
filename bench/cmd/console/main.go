// Command console draws what logly writes to a terminal: it tells a story in a
// process of its own whose standard output is a pseudo-terminal, and writes what
// a terminal of so many columns shows of it as SVG, on a dark and on a light
// background. From the directory bench:
//
//	go run ./cmd/console
//
// It writes docs/console-dark.svg and docs/console-light.svg, which the README
// shows, and docs/console/, where everything that Console can write is seen at
// 80 and 200 columns. Clocks stand still in the stories, so that a picture
// changes only when the output does. It needs a Unix system.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// pictures are the files to write below docs.
var pictures = []struct {
	file    string
	story   string
	columns int
	theme   *theme
}{
	{"console-dark.svg", "service", 104, &dark},
	{"console-light.svg", "service", 104, &light},
	{"console/80-dark.svg", "sheet", 80, &dark},
	{"console/80-light.svg", "sheet", 80, &light},
	{"console/200-dark.svg", "sheet", 200, &dark},
	{"console/200-light.svg", "sheet", 200, &light},
}

// limit is how long a story may take.
const limit = 30 * time.Second

func main() {
	child()
	docs := flag.String("docs", filepath.Join("..", "docs"), "the `directory` to write to")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := draw(ctx, *docs); err != nil {
		fmt.Fprintln(os.Stderr, "console:", err)
		os.Exit(1)
	}
}

// draw writes all pictures below docs.
func draw(ctx context.Context, docs string) error {
	for _, p := range pictures {
		shown, err := run(ctx, p.story, p.columns)
		if err != nil {
			return fmt.Errorf("running %s at %d columns: %w", p.story, p.columns, err)
		}
		picture, err := p.theme.svg(shown)
		if err != nil {
			return fmt.Errorf("drawing %s: %w", p.file, err)
		}
		file := filepath.Join(docs, filepath.FromSlash(p.file))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //gosec:disable G301 -- for everybody to read
			return err
		}
		if err := os.WriteFile(file, picture, 0o644); err != nil { //gosec:disable G306 -- for everybody to read
			return err
		}
	}
	return nil
}
