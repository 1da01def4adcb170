package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// parseDocument returns the root of a file's one YAML document. A file whose
// name ends in .json has to be JSON, which is YAML too: one parser knows the
// positions of both.
func parseDocument(file string, text []byte) (*yaml.Node, error) {
	at := func(offset int) Position { return positionAt(file, string(text), offset) }
	if offset, what := findUnprintable(text); what != "" {
		return nil, mistake(at(offset), "%s", what)
	}
	if filepath.Ext(file) == ".json" {
		var syntax *json.SyntaxError
		if err := json.Unmarshal(text, new(any)); errors.As(err, &syntax) {
			return nil, mistake(at(int(syntax.Offset)-1), "%w", err) // the offset is behind the character
		}
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, atMark(file, err)
	}
	var first, second yaml.Node
	if err := loader.Load(&first); errors.Is(err, io.EOF) {
		return nil, mistake(at(0), "is empty; must have sinks")
	} else if err != nil {
		return nil, atMark(file, err)
	}
	if err := loader.Load(&second); err == nil {
		return nil, mistake(Position{file, second.Line, second.Column}, "a second document begins; must be one")
	} else if !errors.Is(err, io.EOF) {
		return nil, atMark(file, err)
	}
	return first.Content[0], nil
}

// atMark puts the parser's position where compilers have it.
func atMark(file string, err error) error {
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		return mistake(Position{file, 1, 1}, "%w", err)
	}
	at := Position{file, max(1, load.Mark.Line), max(1, load.Mark.Column)}
	if load.ContextMsg == "" || load.ContextMark == load.Mark {
		return mistake(at, "%s", load.Message)
	}
	return mistake(at, "%s %s from line %d on", load.Message, load.ContextMsg, load.ContextMark.Line)
}

// findUnprintable returns the first character that YAML does not allow, because
// its parser does not tell where that stands. "" means that all are fine.
func findUnprintable(text []byte) (offset int, what string) {
	for offset < len(text) {
		r, size := utf8.DecodeRune(text[offset:])
		switch {
		case r == utf8.RuneError && size == 1:
			return offset, fmt.Sprintf("byte %#02x: must be UTF-8", text[offset])
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == '\ufffe', r == '\uffff':
			return offset, fmt.Sprintf("character %U: must be written as an escape in double quotes", r)
		}
		offset += size
	}
	return 0, ""
}
