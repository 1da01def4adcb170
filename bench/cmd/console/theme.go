package main

import (
	"fmt"
	"image/color"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// theme is how a terminal shows colours.
type theme struct {
	text, background, border rgb
	colors                   [16]rgb
}

type rgb uint32

// The default colours of the terminal in Visual Studio Code, Dark Modern and
// Light Modern.
var (
	dark = theme{
		text: 0xcccccc, background: 0x181818, border: 0x2b2b2b,
		colors: [16]rgb{
			0x000000, 0xcd3131, 0x0dbc79, 0xe5e510, 0x2472c8, 0xbc3fbc, 0x11a8cd, 0xe5e5e5,
			0x666666, 0xf14c4c, 0x23d18b, 0xf5f543, 0x3b8eea, 0xd670d6, 0x29b8db, 0xe5e5e5,
		},
	}
	light = theme{
		text: 0x3b3b3b, background: 0xffffff, border: 0xe5e5e5,
		colors: [16]rgb{
			0x000000, 0xcd3131, 0x107c10, 0x949800, 0x0451a5, 0xbc05bc, 0x0598bc, 0x555555,
			0x666666, 0xcd3131, 0x14ce14, 0xb5ba00, 0x0451a5, 0xbc05bc, 0x0598bc, 0xa5a5a5,
		},
	}
)

// style is how the theme shows the text of a cell: as that terminal does, bold
// colours are the bright ones and faint is half of the text's colour. Styles
// that Console does not use are an error.
func (t *theme) style(s *uv.Style) (fill rgb, weight string, err error) {
	weight = "normal"
	bold := s.Attrs&uv.AttrBold != 0
	if bold {
		weight = "bold"
	}
	fill, err = t.color(s.Fg, bold)
	if err != nil {
		return 0, "", err
	}
	if s.Attrs&uv.AttrFaint != 0 {
		fill = mix(fill, t.background)
	}
	if s.Bg != nil || s.Underline != uv.UnderlineNone || s.Attrs&^(uv.AttrBold|uv.AttrFaint) != 0 {
		return 0, "", fmt.Errorf("a style that is not drawn: %q", s)
	}
	return fill, weight, nil
}

func (t *theme) color(c color.Color, bold bool) (rgb, error) {
	switch c := c.(type) {
	case nil:
		return t.text, nil
	case ansi.BasicColor:
		if bold {
			c |= ansi.BrightBlack
		}
		return t.colors[c], nil
	default:
		return 0, fmt.Errorf("not one of the 16 colours: %v", c)
	}
}

// mix returns the colour in the middle of a and b.
func mix(a, b rgb) rgb {
	const low = 0x7f7f7f
	return a>>1&low + b>>1&low + a&b&0x010101
}
