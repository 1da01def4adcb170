package main

import (
	"log/slog"
	"strings"

	"go.yaml.in/yaml/v4"
)

// reader makes sinks of a document, and notes all that is wrong with it: one look
// at the messages is to be enough to mend the file.
type reader struct {
	file   string
	getenv func(string) string
	wrong  []error
}

func (r *reader) add(at Position, format string, args ...any) {
	r.wrong = append(r.wrong, mistake(at, format, args...))
}

func (r *reader) at(n *yaml.Node) Position { return Position{r.file, n.Line, n.Column} }

// sinks reads the root: one key, sinks, with a list.
func (r *reader) sinks(root *yaml.Node) []Sink {
	var all []Sink
	found := r.each(root, "the file", func(key string, at Position, value *yaml.Node) {
		if key != "sinks" {
			r.add(at, `%q: unknown key; must be "sinks"`, key)
			return
		}
		if value.Kind != yaml.SequenceNode || len(value.Content) == 0 {
			r.add(r.at(value), "sinks: must be a list of one or more sinks")
			return
		}
		for _, n := range value.Content {
			all = append(all, r.sink(target(n), r.at(n)))
		}
	})
	if found == 0 {
		r.add(r.at(root), "has no sinks; must have a list of them")
	}
	return all
}

func (r *reader) sink(n *yaml.Node, at Position) Sink {
	s := Sink{At: at}
	s.Level = new(slog.LevelVar) // INFO
	r.each(n, "a sink", func(key string, at Position, value *yaml.Node) {
		f, known := findField(key)
		switch {
		case key == redactKey:
			s.Redact = r.list(key, value)
		case !known:
			r.add(at, `%q: unknown key; must be "%s"`, key, strings.Join(likeliest(key), `", "`))
		default:
			if text, ok := r.text(key, value); ok {
				if err := f.set(&s, text); err != nil {
					r.add(r.at(value), "%s: %v", key, err)
				}
			}
		}
	})
	return s
}

// each calls f for every key of a mapping, and returns how many there are; -1 if
// n is none.
func (r *reader) each(n *yaml.Node, what string, f func(key string, at Position, value *yaml.Node)) int {
	if n.Kind != yaml.MappingNode {
		r.add(r.at(n), "%s must be keys with their values", what)
		return -1
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, at := n.Content[i], r.at(n.Content[i])
		if key.Kind != yaml.ScalarNode {
			r.add(at, "a key must be a word")
			continue
		}
		if line, given := lines[key.Value]; given {
			r.add(at, "%q: is there already, in line %d", key.Value, line)
			continue
		}
		lines[key.Value] = key.Line
		f(key.Value, at, target(n.Content[i+1]))
	}
	return len(n.Content) / 2
}

// text returns what is written as the value of key, quoted or not.
func (r *reader) text(key string, n *yaml.Node) (string, bool) {
	switch {
	case n.Kind != yaml.ScalarNode:
		r.add(r.at(n), "%s: must be a single value", key)
	case n.Style&yaml.TaggedStyle != 0:
		r.add(r.at(n), "%s: has the tag %s; must have none", key, n.ShortTag())
	case n.ShortTag() == "!!null":
		r.add(r.at(n), "%s: has no value; leave the key out for the default", key)
	default:
		text, err := expand(n.Value, r.getenv)
		if err == nil {
			return text, true
		}
		r.add(r.at(n), "%s: %v", key, err)
	}
	return "", false
}

func (r *reader) list(key string, n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode {
		r.add(r.at(n), "%s: must be a list", key)
		return nil
	}
	var all []string
	for _, item := range n.Content {
		if text, ok := r.text(key, target(item)); ok {
			all = append(all, text)
		}
	}
	return all
}

// target returns what n stands for if it is an alias, else n.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
