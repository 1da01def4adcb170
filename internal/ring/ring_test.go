package ring

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNewRoundsUpToPages(t *testing.T) {
	page := os.Getpagesize()
	for _, c := range []struct{ ask, want int }{{0, page}, {1, page}, {page, page}, {page + 1, 2 * page}} {
		assert.Equal(t, c.want, New(c.ask).Size(), "size %d", c.ask)
	}
}

func TestPeekHandsOutWholeLinesWithinTheLimit(t *testing.T) {
	r := New(1)
	assert.Nil(t, r.Peek(10))
	for _, l := range []string{"aaa\n", "bbb\n", "ccc\n"} {
		r.Put([]byte(l))
	}
	assert.Equal(t, "aaa\nbbb\n", string(r.Peek(11)), "cut at the last line end within the limit")
	assert.Equal(t, "aaa\n", string(r.Peek(2)), "a line longer than the limit comes alone")
	assert.Equal(t, "aaa\nbbb\nccc\n", string(r.Peek(100)))
	r.Advance(4)
	assert.Equal(t, "bbb\nccc\n", string(r.Peek(100)))
	assert.Equal(t, uint64(4), r.Head())
	assert.Equal(t, uint64(12), r.Tail())
	assert.Equal(t, 8, r.Len())
}

func TestLineAcrossTheEndComesInOnePiece(t *testing.T) {
	r := New(1)
	fill := append(bytes.Repeat([]byte("x"), r.Size()-3), '\n')
	r.Put(fill)
	r.Advance(len(r.Peek(r.Size())))
	r.Put([]byte("hello, world\n"))
	r.Put([]byte("next\n"))
	assert.Equal(t, "hello, world\n", string(r.Peek(r.Size())))
	assert.Equal(t, "hello, world\n", string(r.Peek(1)), "whatever the limit")
	r.Advance(13)
	assert.Equal(t, "next\n", string(r.Peek(r.Size())))
}

func TestLineThatEndsAtTheEnd(t *testing.T) {
	r := New(1)
	line := append(bytes.Repeat([]byte("y"), r.Size()-1), '\n')
	for range 3 {
		r.Put(line)
		assert.Equal(t, r.Size(), r.Len())
		require.Equal(t, line, r.Peek(1<<20))
		r.Advance(len(line))
		assert.Zero(t, r.Len())
	}
}

// buffer is what all rings have in common.
type buffer interface {
	Size() int
	Len() int
	Put([]byte)
	Peek(int) []byte
	Advance(int)
}

var (
	_ buffer = (*Ring)(nil)
	_ buffer = (*Mapped)(nil)
)

func TestStreamComesOutAsItWentIn(t *testing.T) { testStream(t, New(1)) }

// Whatever the sizes, what was put comes out: in order, whole, once.
func testStream(t *testing.T, r buffer) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	var in, out []byte
	for i := 0; len(out) < 1<<20; i++ {
		if rnd.IntN(2) == 0 {
			line := fmt.Appendf(nil, "%d:%s\n", i, bytes.Repeat([]byte("z"), rnd.IntN(1<<rnd.IntN(12))))
			if len(line) <= r.Size()-r.Len() {
				r.Put(line)
				in = append(in, line...)
			}
			continue
		}
		batch := r.Peek(1 + rnd.IntN(r.Size()))
		if batch == nil {
			continue
		}
		require.Equal(t, byte('\n'), batch[len(batch)-1])
		take := len(batch)
		if rnd.IntN(2) == 0 { // a reader may give up fewer lines than it saw
			take = bytes.IndexByte(batch, '\n') + 1
		}
		out = append(out, batch[:take]...)
		r.Advance(take)
	}
	for r.Len() > 0 {
		batch := r.Peek(1 << 20)
		out = append(out, batch...)
		r.Advance(len(batch))
	}
	require.True(t, bytes.Equal(in, out))
}
