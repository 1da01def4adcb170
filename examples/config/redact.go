package main

import (
	"log/slog"
	"slices"
)

// redact returns a ReplaceAttr that hides the value of every attribute with one
// of the keys, and all that is in a group with one of them. It does not see into
// a value that is a struct or a map: give such a type a LogValue method.
func redact(keys []string) func([]string, slog.Attr) slog.Attr {
	hidden := func(key string) bool { return slices.Contains(keys, key) }
	return func(groups []string, a slog.Attr) slog.Attr {
		if hidden(a.Key) || slices.ContainsFunc(groups, hidden) {
			a.Value = slog.StringValue("[redacted]")
		}
		return a
	}
}
