package logly

import (
	"log/slog"
	"slices"

	"github.com/logly-go/logly/internal/encode"
)

// resolved returns a with its LogValuers resolved, in groups too, as deep as an
// encoder would follow them.
func resolved(a slog.Attr) slog.Attr { return resolvedAt(a, 0) }

func resolvedAt(a slog.Attr, depth int) slog.Attr {
	a.Value = a.Value.Resolve()
	if a.Value.Kind() != slog.KindGroup {
		return a
	}
	if depth == encode.MaxDepth {
		a.Value = slog.StringValue(encode.TooDeep)
		return a
	}
	group := slices.Clone(a.Value.Group())
	for i := range group {
		group[i] = resolvedAt(group[i], depth+1)
	}
	a.Value = slog.GroupValue(group...)
	return a
}

// allResolved returns a copy of attrs in which all are resolved.
func allResolved(attrs []slog.Attr) []slog.Attr {
	attrs = slices.Clone(attrs)
	for i := range attrs {
		attrs[i] = resolved(attrs[i])
	}
	return attrs
}

// appendFlat appends attrs, which are resolved, with groups without a key
// inlined and what is empty left out.
func appendFlat(dst, attrs []slog.Attr) []slog.Attr {
	for _, a := range attrs {
		switch {
		case a.Equal(slog.Attr{}):
		case a.Value.Kind() != slog.KindGroup:
			dst = append(dst, a)
		case a.Key == "":
			dst = appendFlat(dst, a.Value.Group())
		default:
			if inner := appendFlat(nil, a.Value.Group()); len(inner) > 0 {
				dst = append(dst, slog.Attr{Key: a.Key, Value: slog.GroupValue(inner...)})
			}
		}
	}
	return dst
}
