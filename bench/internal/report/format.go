package report

import (
	"fmt"
	"math"
	"strings"
)

// none stands where nothing was measured.
const none = "–"

// ns formats a duration in nanoseconds with three digits.
func ns(v float64) string {
	switch {
	case math.IsNaN(v):
		return none
	case v >= 1e9:
		return digits(v/1e9) + " s"
	case v >= 1e6:
		return digits(v/1e6) + " ms"
	case v >= 1e3:
		return digits(v/1e3) + " µs"
	}
	return digits(v) + " ns"
}

// digits formats v with three digits that count, and whole numbers whole.
func digits(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return none
	case v >= 100 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// ratio formats how many times something is.
func ratio(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return none
	case v >= 10:
		return digits(v)
	case v < 0.01:
		return fmt.Sprintf("%.3f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// thousands formats v with commas.
func thousands(v float64) string {
	if math.IsNaN(v) {
		return none
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func mebibytes(v float64) string {
	if math.IsNaN(v) {
		return none
	}
	return digits(v/(1<<20)) + " MiB"
}

func percent(v float64) string {
	if math.IsNaN(v) {
		return none
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", 100*v), "0"), ".") + " %"
}

// table is a Markdown table under construction; its first column is text.
type table struct {
	b strings.Builder
}

func newTable(columns ...string) *table {
	t := &table{}
	t.row(columns...)
	t.b.WriteString("|---|" + strings.Repeat("---:|", len(columns)-1) + "\n")
	return t
}

func (t *table) row(cells ...string) {
	for _, c := range cells {
		t.b.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
	}
	t.b.WriteString("|\n")
}

func (t *table) String() string { return t.b.String() + "\n" }
