package docs

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	codeSpan = regexp.MustCompile("`[^`]*`")
	link     = regexp.MustCompile(`\]\(<?([^)\s>]+)>?[^)]*\)|(?:src|srcset|href)="([^"\s]+)"`)
	heading  = regexp.MustCompile(`^#{1,6} +(.*?) *#*$`)
)

// Every link inside the checkout leads to a file that is there and, with a
// fragment, to a heading of it.
func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	anchors := map[string]map[string]bool{}
	for _, p := range all {
		anchors[p.name] = anchorsOf(p)
	}
	checked := 0
	for _, p := range all {
		for i, line := range p.prose {
			for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, ""), -1) {
				to := m[1] + m[2]
				if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
					continue
				}
				checked++
				where := fmt.Sprintf("%s:%d: %s", p.name, i+1, to)
				file, anchor, _ := strings.Cut(to, "#")
				target := p.name
				if file != "" {
					target = path.Join(path.Dir(p.name), file)
					_, err := os.Stat(target)
					assert.NoError(t, err, where)
				}
				if anchor != "" {
					assert.True(t, anchors[target][anchor], "%s: no such heading", where)
				}
			}
		}
	}
	require.Greater(t, checked, 5)
}

// anchorsOf returns the names that GitHub gives to the headings of a page: small
// letters, digits, hyphens and underscores, with hyphens for spaces; a name that
// comes again gets a number.
func anchorsOf(p page) map[string]bool {
	names := map[string]bool{}
	seen := map[string]int{}
	for _, line := range p.prose {
		m := heading.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ' || r == '-':
				return '-'
			case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])
		seen[name]++
		if n := seen[name] - 1; n > 0 {
			name = fmt.Sprintf("%s-%d", name, n)
		}
		names[name] = true
	}
	return names
}

// Every test that a document names exists.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	sources := testSources(t)
	name := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)\\w+)`")
	named := map[string]int{}
	for _, p := range pages(t) {
		for i, line := range p.prose {
			for _, m := range name.FindAllStringSubmatch(line, -1) {
				named[p.name]++
				assert.Contains(t, sources, "\nfunc "+m[1]+"(", "%s:%d", p.name, i+1)
			}
		}
	}
	require.Greater(t, named["docs/RELIABILITY.md"], 50)
	require.Greater(t, named["CONTRIBUTING.md"], 20)
}
