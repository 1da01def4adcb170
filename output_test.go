package logly

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly/internal/faulty"
)

// pages is a destination that takes two bytes of whole lines, or one line, a
// page, like a file that is rotated by size, and may lose a page.
type pages struct {
	*faulty.Writer
	calls []string
	gone  bool // the page that is being written is lost
}

func (p *pages) ready(n int) (int, error) {
	p.calls = append(p.calls, "ready")
	return max(2, n), nil
}

func (p *pages) landed() bool {
	gone := p.gone
	p.gone = false
	return !gone
}

func (p *pages) unwrite(n int) error {
	p.calls = append(p.calls, "unwrite")
	return nil
}

func (p *pages) sync(context.Context) error { return nil }
func (p *pages) rotate() error              { p.calls = append(p.calls, "rotate"); return nil }
func (p *pages) close() error               { p.calls = append(p.calls, "close"); return nil }
func (p *pages) abort()                     {}

func (p *pages) idle() (time.Duration, error) { p.calls = append(p.calls, "idle"); return 0, nil }

func newPages(faults ...faulty.Fault) (*pages, *lineOutput) {
	p := &pages{Writer: faulty.New(faults...)}
	return p, &lineOutput{destination: p, name: "pages", count: &counters{}}
}

// deliverAll offers line after line, as those who use an output do.
func deliverAll(t *testing.T, o *lineOutput, lines string) {
	t.Helper()
	for range 100 {
		done, _, _ := o.deliver(entry{line: []byte(lines)})
		if lines = lines[done:]; lines == "" {
			return
		}
	}
	t.Fatalf("not delivered: %q", lines)
}

func TestLinesAreNotSplitOverPages(t *testing.T) {
	p, o := newPages(faulty.Short(3, nil), faulty.Fail(errDisk), faulty.Short(1, errDisk))
	deliverAll(t, o, "12345\n\n\n\n67\n")
	require.Equal(t, []string{"123", "", "4", "5\n", "\n\n", "\n", "67\n"}, p.Writes(),
		"the rest of a line goes alone: what follows may belong on another page")
	require.Len(t, p.calls, 4, "asked for a page at the start of a line only")
	require.EqualValues(t, len("12345\n\n\n\n67\n"), o.count.bytes.Load())
}

func TestALostPageIsWrittenAgain(t *testing.T) {
	p, o := newPages(faulty.Short(3, nil))
	p.gone = true
	deliverAll(t, o, "12345\n67\n")
	require.Equal(t, []string{"123", "12345\n", "67\n"}, p.Writes(), "not the rest of a line that is lost anyway")
	require.EqualValues(t, len("12345\n67\n"), o.count.bytes.Load())
}

func TestNothingElseHappensInsideALine(t *testing.T) {
	p, o := newPages(faulty.Short(3, nil))
	line := []byte("12345\n")
	done, _, err := o.deliver(entry{line: line})
	require.Zero(t, done)
	require.Error(t, err)
	require.ErrorIs(t, o.rotate(), errMidLine)
	wait, err := o.idle()
	require.NoError(t, err)
	require.NotZero(t, wait)
	require.Equal(t, []string{"ready"}, p.calls)
	require.NoError(t, o.close())
	require.Equal(t, []string{"ready", "unwrite", "close"}, p.calls)
}

func TestRecordStore(t *testing.T) {
	s := &recordStore{size: 1000}
	require.Zero(t, s.peek(0).size())
	for i := range 3 {
		s.put(entry{rec: &heldRecord{cost: 100 + i}, gap: uint64(i)})
	}
	require.Equal(t, 303, s.Len())
	for i := range 3 {
		e := s.peek(0)
		require.Equal(t, 100+i, e.size())
		require.EqualValues(t, i, e.gap)
		s.Advance(e.size())
	}
	require.Zero(t, s.Len())
	require.Equal(t, s.Tail(), s.Head())
}
