package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

func TestMain(m *testing.M) {
	child()
	os.Exit(m.Run())
}

// The pictures in docs are what logly writes now.
func TestPicturesAreUpToDate(t *testing.T) {
	dir := t.TempDir()
	if err := draw(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for _, p := range pictures {
		got, err := os.ReadFile(filepath.Join(dir, p.file))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", p.file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("docs/%s is not what logly writes: run go run ./cmd/console in bench, and look at it", p.file)
		}
	}
}

func TestStoryFails(t *testing.T) {
	if _, err := run(t.Context(), "untold", 80); err == nil || !strings.Contains(err.Error(), `no story "untold"`) {
		t.Error(err)
	}
}

func show(columns int, text string) *vt.Emulator {
	screen := vt.NewEmulator(columns, 5)
	_, _ = screen.WriteString(text)
	return screen
}

func TestSVG(t *testing.T) {
	picture, err := light.svg(show(6, "\x1b[2ma\x1b[0m \x1b[1;91mb<\x1b[0m  cdé東x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		` width="82.4" height="72" viewBox="0 0 82.4 72" `,
		`<text x="16" y="31" textLength="8.4" fill="#9d9d9d" font-weight="normal">a</text>`,
		`<text x="32.8" y="31" textLength="16.8" fill="#cd3131" font-weight="bold">b&lt;</text>`,
		`<text x="16" y="51" textLength="16.8" fill="#3b3b3b" font-weight="normal">cd</text>`,
		`<text x="32.8" y="51" textLength="8.4" fill="#3b3b3b" font-weight="normal">é</text>`,
		`<text x="41.2" y="51" textLength="16.8" fill="#3b3b3b" font-weight="normal">東</text>`,
		`<text x="58" y="51" textLength="8.4" fill="#3b3b3b" font-weight="normal">x</text>`,
	} {
		if !strings.Contains(string(picture), want) {
			t.Errorf("no %s in\n%s", want, picture)
		}
	}
	if n := bytes.Count(picture, []byte("<text ")); n != 6 {
		t.Errorf("%d texts in\n%s", n, picture)
	}
	for _, bad := range []string{"", "\x1b[3mitalic", "\x1b[4munderlined", "\x1b[41mon red", "\x1b[38;5;200mpink"} {
		if _, err := light.svg(show(6, bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestStyle(t *testing.T) {
	for _, tt := range []struct {
		style  uv.Style
		fill   rgb
		weight string
	}{
		{uv.Style{}, 0xcccccc, "normal"},
		{uv.Style{Attrs: uv.AttrBold}, 0xcccccc, "bold"},
		{uv.Style{Attrs: uv.AttrFaint}, 0x727272, "normal"},
		{uv.Style{Fg: ansi.Red}, 0xcd3131, "normal"},
		{uv.Style{Fg: ansi.Red, Attrs: uv.AttrBold}, 0xf14c4c, "bold"},
		{uv.Style{Fg: ansi.BrightRed, Attrs: uv.AttrBold}, 0xf14c4c, "bold"},
		{uv.Style{Fg: ansi.BrightRed, Attrs: uv.AttrFaint}, 0x843232, "normal"},
	} {
		fill, weight, err := dark.style(&tt.style)
		if fill != tt.fill || weight != tt.weight || err != nil {
			t.Errorf("%v: %06x %s, %v", tt.style, fill, weight, err)
		}
	}
}
