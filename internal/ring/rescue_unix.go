//go:build linux || darwin || freebsd

package ring

import (
	"bytes"
	"io/fs"
	"os"
	"slices"
)

// rescue returns the whole lines in f and whether all of it was looked at. If the
// positions are possible, what lies between them counts, in order; else every
// line that is in the file.
//
//gosec:disable G115 -- positions has looked at them
func (o *opener) rescue(f *os.File, h *header, info fs.FileInfo) (lines []byte, all bool) {
	room := max(0, info.Size()-headerSize)
	head, tail, err := h.positions()
	if err != nil {
		n := min(room, o.limit)
		return o.wholeLines(read(nil, f, 0, n), n == room), n == room
	}
	size := int64(h.size.Load())
	place := int64(head % h.size.Load())
	first := min(int64(tail-head), size-place)
	data := make([]byte, 0, min(room, o.limit, int64(tail-head))+2)
	left := o.limit
	for _, p := range []struct{ place, n int64 }{{place, first}, {0, int64(tail-head) - first}} {
		there := max(0, min(p.n, room-p.place))
		n := min(there, left)
		if data = read(data, f, p.place, n); n < p.n {
			data = append(data, 0) // what is missing makes its line invalid
		}
		all = n == there
		if left -= n; !all {
			break
		}
	}
	return o.wholeLines(data, false), all
}

// read appends n bytes of f's lines. Blocks that cannot be read are zeros, which
// are in no line.
func read(data []byte, f *os.File, place, n int64) []byte {
	from := len(data)
	data = slices.Grow(data, int(n)+1)[:from+int(n)]
	for rest := data[from:]; len(rest) > 0; {
		got, err := f.ReadAt(rest, headerSize+place)
		if err != nil {
			bad := min(len(rest), got+int(headerSize-(place+int64(got))%headerSize))
			clear(rest[got:bad])
			got = bad
		}
		rest, place = rest[got:], place+int64(got)
	}
	return data
}

// wholeLines keeps of data, in place, the lines that are whole. In a circle the
// one that begins at the end may go on at the start.
func (o *opener) wholeLines(data []byte, circle bool) []byte {
	kept, rest := data[:0], data
	var joined []byte
	for first := true; ; first = false {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			break
		}
		line := rest[:end]
		if o.whole(line) {
			kept = append(append(kept, line...), '\n')
		} else if last := bytes.LastIndexByte(data, '\n'); first && circle && last+1 < len(data) {
			joined = slices.Concat(data[last+1:], line)
		}
		rest = rest[end+1:]
	}
	if joined != nil && o.whole(joined) {
		kept = append(append(kept, joined...), '\n')
	}
	return kept
}

func (o *opener) whole(line []byte) bool {
	return len(line) > 0 && bytes.IndexByte(line, 0) < 0 && o.valid(line)
}
