package encode

import "strconv"

// parseLogfmt says what is wrong with a text line, or with the console's,
// whose first words need not be pairs.
func parseLogfmt(s string, f Format) string {
	if f == Console {
		return ""
	}
	for s != "" {
		_, rest, err := word(s)
		if err != "" {
			return err
		}
		if rest == "" || rest[0] != '=' {
			return "a key without '='"
		}
		if _, rest, err = word(rest[1:]); err != "" {
			return err
		}
		if rest != "" {
			if rest[0] != ' ' || len(rest) == 1 {
				return "no space between pairs"
			}
			rest = rest[1:]
		}
		s = rest
	}
	return ""
}

// word takes a quoted or a plain word from the front of s.
func word(s string) (w, rest, err string) {
	if s == "" {
		return "", "", "" // an empty plain value: some kinds write nothing
	}
	if s[0] == '"' {
		q, e := strconv.QuotedPrefix(s)
		if e != nil {
			return "", "", "bad quotes"
		}
		w, _ = strconv.Unquote(q)
		return w, s[len(q):], ""
	}
	i := 0
	for i < len(s) && s[i] != ' ' && s[i] != '=' {
		if s[i] == '"' || s[i] < 0x20 {
			return "", "", "a raw quote or control character"
		}
		i++
	}
	return s[:i], s[i:], ""
}
