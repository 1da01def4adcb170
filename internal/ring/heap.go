// Package ring is a bounded ring of bytes that holds whole lines.
//
// It knows nothing of records, sinks or locks: whoever owns a Ring serialises
// the calls. One thing may run beside them: the slice that Peek returned may be
// read until Advance has given its bytes up, because Put never writes there.
package ring

import (
	"bytes"
	"os"
)

// Ring holds lines, each ended by '\n', between two positions that only grow:
//
//	head ≤ tail ≤ head+size
//
// Bytes in [head, tail) belong to the reader, the others to the writer.
type Ring struct {
	buf     []byte
	head    uint64 // position of the oldest byte
	tail    uint64 // position after the newest byte
	read    int    // head's place in buf
	write   int    // tail's place in buf
	scratch []byte // holds a line that lies across the end of buf
}

// New returns an empty Ring on the heap of at least size bytes, rounded up to
// whole pages.
func New(size int) *Ring {
	return &Ring{buf: make([]byte, wholePages(size))}
}

// wholePages rounds size up to pages, of which there is at least one.
func wholePages(size int) int {
	page := os.Getpagesize()
	return max(1, (size+page-1)/page) * page
}

// over returns the Ring that holds [head, tail) in buf, where the byte of a
// position lies at its remainder by the size.
//
//gosec:disable G115 -- places in buf
func over(buf []byte, head, tail uint64) Ring {
	size := uint64(len(buf))
	return Ring{buf: buf, head: head, tail: tail, read: int(head % size), write: int(tail % size)}
}

// Size returns how many bytes the ring can hold.
func (r *Ring) Size() int { return len(r.buf) }

// Len returns how many bytes the ring holds.
func (r *Ring) Len() int { return int(r.tail - r.head) } //gosec:disable G115 -- at most Size

// Head returns the position of the oldest byte held.
func (r *Ring) Head() uint64 { return r.head }

// Tail returns the position that the next byte will have.
func (r *Ring) Tail() uint64 { return r.tail }

// Put appends a line. The caller has seen to it that len(line) ≤ Size()-Len().
func (r *Ring) Put(line []byte) {
	n := copy(r.buf[r.write:], line)
	r.write += n
	if n < len(line) {
		r.write = copy(r.buf, line[n:])
	}
	if r.write == len(r.buf) {
		r.write = 0
	}
	r.tail += uint64(len(line))
}

// Peek returns the oldest lines: as many whole ones as lie in one piece within
// limit bytes, and at least one. The slice is valid until Advance gives it up
// or Peek is called again. On an empty ring it returns nil.
func (r *Ring) Peek(limit int) []byte {
	if r.head == r.tail {
		return nil
	}
	piece := r.buf[r.read:min(len(r.buf), r.read+r.Len())]
	if len(piece) > limit {
		if end := bytes.LastIndexByte(piece[:limit], '\n'); end >= 0 {
			return piece[:end+1]
		}
		if end := bytes.IndexByte(piece[limit:], '\n'); end >= 0 {
			return piece[:limit+end+1]
		}
	} else if end := bytes.LastIndexByte(piece, '\n'); end >= 0 {
		return piece[:end+1]
	}
	// The line goes on at the start of buf.
	end := bytes.IndexByte(r.buf[:r.write], '\n')
	return r.first(len(piece) + end + 1)
}

// first returns the n oldest bytes in one piece.
func (r *Ring) first(n int) []byte {
	if n <= len(r.buf)-r.read {
		return r.buf[r.read : r.read+n]
	}
	piece := r.buf[r.read:]
	r.scratch = append(append(r.scratch[:0], piece...), r.buf[:n-len(piece)]...)
	return r.scratch
}

// Advance gives up the n oldest bytes.
func (r *Ring) Advance(n int) {
	r.head += uint64(n) //gosec:disable G115 -- not negative
	r.read += n
	if r.read >= len(r.buf) {
		r.read -= len(r.buf)
	}
	if cap(r.scratch) > maxScratch {
		r.scratch = nil
	}
}

// maxScratch is what the scratch buffer may keep, so that one huge line does
// not hold its memory for ever.
const maxScratch = 64 << 10
