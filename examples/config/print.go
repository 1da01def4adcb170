package main

import (
	"fmt"
	"path/filepath"

	"go.yaml.in/yaml/v4"
)

// Print returns the sinks as a configuration file that says the same without the
// environment.
func (c *Config) Print() ([]byte, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for i, s := range c.Sinks {
		one := &yaml.Node{Kind: yaml.MappingNode, HeadComment: fmt.Sprintf("sink %d of %s:%d", i+1, filepath.Base(c.File), s.At.Line)}
		for _, f := range fields {
			if text := f.text(&s); text != "" {
				one.Content = append(one.Content, scalar(f.key), scalar(text))
			}
		}
		if len(s.Redact) > 0 {
			keys := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
			for _, k := range s.Redact {
				keys.Content = append(keys.Content, scalar(k))
			}
			one.Content = append(one.Content, scalar(redactKey), keys)
		}
		list.Content = append(list.Content, one)
	}
	return yaml.Dump(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("sinks"), list}})
}

func scalar(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	switch text {
	case "", "~", "null", "Null", "NULL": // a file may have such a name
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
