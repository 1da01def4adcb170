package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
)

// Sizes in pixels. A cell is as wide as in most monospaced fonts; textLength
// makes it so in the others.
const (
	fontSize   = 14
	cellWidth  = 8.4
	lineHeight = 20
	baseline   = 15
	margin     = 16
)

const fonts = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"

// svg draws the screen down to its last row that is not empty.
func (t *theme) svg(screen *vt.Emulator) ([]byte, error) {
	pieces := piecesOf(screen)
	if len(pieces) == 0 {
		return nil, errors.New("the screen is empty")
	}
	rows := pieces[len(pieces)-1].y + 1
	width, height := cellWidth*float64(screen.Width())+2*margin, lineHeight*rows+2*margin
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%d" viewBox="0 0 %[1]g %[2]d" font-family="%s" font-size="%d">`+"\n",
		width, height, fonts, fontSize)
	fmt.Fprintln(&b, "<style>text{white-space:pre}</style>")
	fmt.Fprintf(&b, `<rect x="0.5" y="0.5" width="%g" height="%d" rx="8" fill="#%06x" stroke="#%06x"/>`+"\n",
		width-1, height-1, t.background, t.border)
	for _, p := range pieces {
		fill, weight, err := t.style(p.style)
		if err != nil {
			return nil, fmt.Errorf("%q in row %d: %w", p.text, p.y+1, err)
		}
		fmt.Fprintf(&b, `<text x="%.5g" y="%d" textLength="%.5g" fill="#%06x" font-weight="%s">`,
			margin+cellWidth*float64(p.x), margin+baseline+lineHeight*p.y, cellWidth*float64(p.width), fill, weight)
		if err := xml.EscapeText(&b, []byte(p.text)); err != nil {
			return nil, err
		}
		fmt.Fprintln(&b, "</text>")
	}
	fmt.Fprintln(&b, "</svg>")
	return b.Bytes(), nil
}

// piece is text that is drawn in one go: ASCII of one style, or a single other
// character, whose font may have other widths. Its x and width count cells.
type piece struct {
	text        string
	x, y, width int
	style       *uv.Style
}

// piecesOf returns what is to be seen on the screen, row by row.
func piecesOf(screen *vt.Emulator) []piece {
	var pieces []piece
	for y := range screen.Height() {
		for x := 0; x < screen.Width(); {
			if screen.CellAt(x, y).Content == " " {
				x++
				continue
			}
			p := pieceAt(screen, x, y)
			pieces = append(pieces, p)
			x += p.width
		}
	}
	return pieces
}

// pieceAt returns the piece that begins in a cell which is not blank.
func pieceAt(screen *vt.Emulator, x, y int) piece {
	first := screen.CellAt(x, y)
	p := piece{first.Content, x, y, max(first.Width, 1), &first.Style}
	if !isASCII(first) {
		return p
	}
	for x++; x < screen.Width(); x++ {
		c := screen.CellAt(x, y)
		if !isASCII(c) || !c.Style.Equal(p.style) {
			break
		}
		p.text += c.Content
	}
	p.text = strings.TrimRight(p.text, " ")
	p.width = len(p.text)
	return p
}

func isASCII(c *uv.Cell) bool {
	return len(c.Content) == 1 && c.Content[0] < utf8.RuneSelf
}
