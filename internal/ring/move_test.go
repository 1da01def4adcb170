//go:build linux || darwin || freebsd

package ring

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A reader that holds a batch while the ring moves may have delivered it, wholly
// or in part, or not: what it gives up is what it was handed.
func TestMoveUnderAReader(t *testing.T) {
	for _, c := range []struct {
		name      string
		delivered int // lines of the batch of 20
		cut       int // the file ends after so many lines
		want      func(last int) string
	}{
		{"all of it, nothing left", 20, 0, func(int) string { return "" }},
		{"all of it, more left", 20, 30, func(int) string { return through(21, 30) }},
		{"all of it, it is half gone", 20, 10, func(int) string { return "" }},
		{"a part, nothing left", 7, 0, func(int) string { return "" }},
		{"a part, some of the rest is left", 7, 10, func(int) string { return through(8, 10) }},
		{"a part, more left", 7, 30, func(int) string { return through(8, 30) }},
		{"nothing, nothing left", 0, 0, func(int) string { return "" }},
		{"nothing, some left", 0, 10, func(int) string { return through(1, 10) }},
	} {
		for _, mover := range []string{"the reader", "Put"} {
			t.Run(c.name+", "+mover, func(t *testing.T) {
				m, at, last := long(t)
				batch := m.Peek(int(at[21]))
				require.Equal(t, through(1, 20), string(batch))
				m.Begin(Intent{N: len(batch)})
				var added string
				require.NoError(t, os.Truncate(m.path, headerSize+int64(at[c.cut+1])))
				if mover == "Put" {
					m.Put(numbered(last + 1))
					added = string(numbered(last + 1))
				} else {
					fault := m.Guard(func() { bytes.Count(batch, newline) })
					_ = fault // its page may be there
					m.Check()
				}
				require.Error(t, m.Fault())
				require.Zero(t, m.Head(), "nothing is given up while the reader has it")
				m.Advance(int(at[c.delivered+1]))
				require.GreaterOrEqual(t, m.Head(), at[c.delivered+1])
				want := c.want(last) + added
				if c.delivered == 20 && c.cut <= 20 {
					require.Equal(t, len(want), m.Len(), "what is gone behind the batch is leapt over at once")
				}
				require.Equal(t, want, drain(t, m))
				require.Equal(t, m.Tail(), m.Head())
			})
		}
	}
}

// Lines are gone in the middle: those before them and those after stay apart.
func TestHoleInTheMiddle(t *testing.T) {
	m, at, last := long(t)
	keep := last * 3 / 4
	for n := 1; n < keep; n++ {
		m.Advance(int(at[n+1] - at[n]))
	}
	end := last
	for m.Tail() < uint64(m.Size()+m.Size()/4) {
		end++
		m.Put(numbered(end)) // over the end, to the start of the file
	}
	length := int64(headerSize + m.Size()*7/8)
	until := readable(at, last, length)
	hole := end // the first line that lies wholly behind the cut again
	for left := m.Tail() - uint64(m.Size()); left >= uint64(len(numbered(hole))); hole-- {
		left -= uint64(len(numbered(hole)))
	}
	require.NoError(t, os.Truncate(m.path, length))
	m.Check()
	require.Error(t, m.Fault())
	assert.Equal(t, through(keep, until), string(m.Peek(1<<20)))
	assert.Equal(t, through(keep, until)+through(hole+1, end), drain(t, m), "the line at the start is torn")
	assert.Equal(t, m.Tail(), m.Head())
}

// So they do within one piece.
func TestHoleInAPiece(t *testing.T) {
	m := fresh(t)
	put(m, 1, 30)
	clear(m.buf[len(through(1, 9))+3:][:2])
	m.move(os.ErrInvalid)
	assert.Equal(t, 29, m.Lines())
	assert.Equal(t, through(1, 9), string(m.Peek(1<<20)))
	assert.Equal(t, through(1, 9)+through(11, 30), drain(t, m))
}

// On a full file system that copies on write all can be read, and nothing be
// written: nothing is lost, and nothing comes twice in this process.
func TestOnlyWritingFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		header bool // only the header cannot be written
		do     func(m *Mapped)
		want   string
	}{
		{"Put", false, func(m *Mapped) { put(m, 31, 31) }, through(1, 31)},
		{"Put, the header", true, func(m *Mapped) { put(m, 31, 31) }, through(1, 31)},
		{"Advance", true, func(m *Mapped) { m.Advance(len(m.Peek(1))) }, through(2, 30)},
		{"Begin", true, func(m *Mapped) { m.Begin(Intent{N: len(m.Peek(1))}) }, through(1, 30)},
		{"Void", true, func(m *Mapped) { m.Void() }, through(1, 30)},
		{"SetGap", true, func(m *Mapped) { m.SetGap(1) }, through(1, 30)},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := fresh(t)
			put(m, 1, 30)
			part := m.mem
			if c.header {
				part = part[:headerSize]
			}
			require.NoError(t, unix.Mprotect(part, unix.PROT_READ))
			c.do(m)
			require.Error(t, m.Fault())
			assert.Empty(t, m.gone)
			put(m, 32, 32)
			assert.Equal(t, strings.Count(c.want, "\n")+1, m.Lines())
			assert.Equal(t, c.want+through(32, 32), drain(t, m))
			assert.NoFileExists(t, m.path)
		})
	}
}

// A mapping that has failed once is not relied on, whatever it looks like now.
func TestFaultThatIsGoneAgain(t *testing.T) {
	m, _, _ := long(t)
	size := int64(headerSize + m.Size())
	require.NoError(t, os.Truncate(m.path, 0))
	require.Error(t, m.Guard(func() { bytes.Count(m.buf, newline) }))
	require.NoError(t, os.Truncate(m.path, size))
	m.Check()
	require.Error(t, m.Fault())
	assert.Zero(t, m.Lines())
	assert.Empty(t, drain(t, m))
	assert.Equal(t, m.Tail(), m.Head())
}

// What a killed process had begun is finished as before, if it can be read.
func TestMoveWhileAFoundIntentIsLive(t *testing.T) {
	for _, c := range []struct {
		cut  int // lines
		live bool
	}{{20, true}, {9, false}} {
		m, at, _ := long(t)
		m.Begin(Intent{N: int(at[11])})
		m.die()
		m = opened(t, m.path)
		require.NoError(t, os.Truncate(m.path, headerSize+int64(at[c.cut+1])))
		m.Check()
		_, live := m.Live()
		assert.Equal(t, c.live, live)
		first := 9
		if c.live {
			first = 10
		}
		assert.Equal(t, through(1, first), string(m.Peek(int(at[11]))))
		assert.Equal(t, through(1, c.cut), drain(t, m))
	}
}

// The file of a ring that moved follows it until its lines are delivered: the
// next process delivers none twice.
func TestFileFollowsARingThatMoved(t *testing.T) {
	m := fresh(t)
	put(m, 1, 20)
	m.move(os.ErrInvalid) // as a full file system does that copies on write
	put(m, 21, 25)
	assert.Equal(t, 25, m.Lines())
	batch := m.Peek(len(through(1, 7)))
	m.Begin(Intent{N: len(batch), Ino: 9})
	again := m.path + "-copy"
	reopen := func() *Mapped {
		require.NoError(t, os.WriteFile(again, read1(t, m.path), 0o600))
		r, err := open(t, again)
		require.NoError(t, err)
		_, damage := r.Found()
		require.NoError(t, damage)
		return r
	}
	r := reopen()
	i, live := r.Live()
	assert.True(t, live)
	assert.EqualValues(t, 9, i.Ino)
	r.die()

	m.Advance(len(batch))
	r = reopen()
	_, live = r.Live()
	assert.False(t, live)
	assert.Equal(t, through(8, 20), drain(t, r))
	require.NoError(t, r.Close())

	rest := m.Peek(1 << 20)
	assert.Equal(t, through(8, 20), string(rest), "what the file has comes by itself")
	m.Advance(len(rest))
	assert.NoFileExists(t, m.path)
	assert.Equal(t, through(21, 25), drain(t, m))
}

// What the file still has when a ring that moved is closed stays for the next.
func TestCloseAfterAMove(t *testing.T) {
	m := fresh(t)
	put(m, 1, 20)
	m.move(os.ErrInvalid)
	m.Advance(len(m.Peek(len(through(1, 7)))))
	require.NoError(t, m.Close())
	assert.Equal(t, through(8, 20), drain(t, opened(t, m.path)))
}

// torn, on a ring of known lines.
func TestLinesThatTouchBadBytesAreGone(t *testing.T) {
	const text = "aa\nbbb\ncccc\ndd\n" // 0-2, 3-6, 7-11, 12-14
	for _, c := range []struct {
		bad  []span
		text string
		want []span
	}{
		{nil, text, nil},
		{[]span{{0, 1}}, text, []span{{0, 3}}},
		{[]span{{1, 2}}, text, []span{{0, 3}}},
		{[]span{{2, 3}}, text, []span{{0, 7}}}, // where b's line starts is not known
		{[]span{{3, 4}}, text, []span{{3, 7}}},
		{[]span{{5, 8}}, text, []span{{3, 12}}},
		{[]span{{1, 2}, {9, 10}}, text, []span{{0, 3}, {7, 12}}},
		{[]span{{1, 2}, {4, 5}}, text, []span{{0, 7}}},
		{[]span{{4, 5}, {5, 6}}, text, []span{{3, 7}}},
		{[]span{{13, 14}}, text, []span{{12, 15}}},
		{[]span{{14, 15}}, text, []span{{12, 15}}},
		{[]span{{0, 15}}, text, []span{{0, 15}}},
		{nil, text + "ee", []span{{15, 17}}},
		{[]span{{1, 2}}, text + "ee", []span{{0, 3}, {15, 17}}},
		{[]span{{13, 16}}, text + "ee", []span{{12, 17}}},
		{nil, "no end", []span{{0, 6}}},
	} {
		t.Run(fmt.Sprint(c.bad, len(c.text)), func(t *testing.T) {
			r := New(1)
			r.Put([]byte(c.text))
			m := &Mapped{Ring: *r}
			for _, s := range c.bad {
				clear(m.buf[s.from:s.to])
			}
			assert.Equal(t, c.want, m.torn(c.bad))
		})
	}
}
