//go:build linux || darwin || freebsd

package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"unsafe"
)

// header is the first block of a ring file; size bytes for the lines follow it.
// The byte of a position lies at headerSize + position%size.
//
//	  0  magic    says also in which byte order the file was written
//	  8  version  of this layout
//	 16  size     bytes for lines, whole blocks; the file may be longer
//	 64  boot     names the boot of the machine that wrote last, padded with zeros
//	128  tail     position after the newest byte
//	256  head     position of the oldest byte
//	384  gap      records dropped and not told yet
//	512  start    the intent: live if it equals head
//	520  n        its bytes
//	528  ino      its file
//	536  dev
//	544  offset   where in that file
//	552  flags    1: an oversize line, which is not in the ring
//
// All words are 8 bytes in the machine's order. What one side writes often has
// cache lines of its own.
//
// A process may be killed between any two instructions. What it has stored until
// then lies in the page cache, which outlives it, so nothing but the order of the
// stores matters. Every word is stored atomically: neither the compiler nor the
// memory model lets an atomic store pass another one, or lets what is written
// before it (a line's bytes) come after it. The owner's lock extends this order
// over all goroutines. So a killed process leaves a prefix of these sequences:
//
//	Put      the line's bytes, tail       half a line lies outside [head, tail)
//	Begin    start = none, …, start       an intent is whole or void
//	Advance  head                         voids the intent in the same store
//	Void     start = none
//
// The bytes that Advance gives up are overwritten by a later Put only. After a
// power failure, when pages reach the disk in any order, boot tells that none of
// this holds.
type header struct {
	magic, version, size atomic.Uint64
	_                    [5]uint64
	boot                 [8]atomic.Uint64
	tail                 atomic.Uint64
	_                    [15]uint64
	head                 atomic.Uint64
	_                    [15]uint64
	gap                  atomic.Uint64
	_                    [15]uint64
	start                atomic.Uint64
	n, ino, dev          atomic.Uint64
	offset, flags        atomic.Uint64
	_                    [headerSize - 560]byte
}

const (
	headerSize = 4096 // also the block of which size is a multiple, whatever the machine's page
	magicWord  = 0x0a51_796c_676f_6c0d
	layout     = 1
	noStart    = math.MaxUint64
	oversized  = 1
	farthest   = math.MaxInt64 // positions from a file stay below, so that they never wrap
)

// headerOf returns the header at the start of a mapping or of a copy of it.
func headerOf(mem []byte) *header {
	_ = mem[headerSize-1]
	return (*header)(unsafe.Pointer(unsafe.SliceData(mem))) //gosec:disable G103 -- long enough, and mapped or made as words
}

// headerCopy is room for a header that is read or written as bytes.
func headerCopy() (*header, []byte) {
	h := new(header)
	return h, unsafe.Slice((*byte)(unsafe.Pointer(h)), headerSize) //gosec:disable G103 -- the header itself, as bytes
}

// fill makes h the header of a ring that holds n bytes from position 0 on.
//
//gosec:disable G115 -- not negative
func (h *header) fill(size, n int, gap uint64, boot string) {
	h.version.Store(layout)
	h.size.Store(uint64(size))
	h.setBoot(boot)
	h.tail.Store(uint64(n))
	h.gap.Store(gap)
	h.start.Store(noStart)
	h.magic.Store(magicWord)
}

func (h *header) setBoot(id string) {
	words := bootWords(id)
	for i, w := range words {
		storeWord(&h.boot[i], w)
	}
}

// sameBoot reports whether the ring was written during the boot of that name.
// An unknown boot is the same as none.
func (h *header) sameBoot(id string) bool {
	words := bootWords(id)
	for i, w := range words {
		if h.boot[i].Load() != w {
			return false
		}
	}
	return id != ""
}

func bootWords(id string) (words [8]uint64) {
	var text [64]byte
	copy(text[:], id)
	for i := range words {
		words[i] = binary.NativeEndian.Uint64(text[8*i:])
	}
	return words
}

// positions returns head and tail; it fails if h cannot be the header of a ring
// or they are impossible.
func (h *header) positions() (head, tail uint64, err error) {
	size := h.size.Load()
	head, tail = h.head.Load(), h.tail.Load()
	switch {
	case h.magic.Load() != magicWord:
		return 0, 0, errors.New("it is not a queue file of this machine")
	case h.version.Load() != layout:
		return 0, 0, fmt.Errorf("its version is %d, not %d", h.version.Load(), layout)
	case size == 0 || size%headerSize != 0 || size > math.MaxInt-headerSize:
		return 0, 0, fmt.Errorf("it claims a size of %d bytes", size)
	case head > tail || tail-head > size || tail > farthest:
		return 0, 0, fmt.Errorf("it claims to hold the bytes %d to %d", head, tail)
	}
	return head, tail, nil
}

// intent returns what was about to be written; it fails if that is impossible.
// The positions have been found possible before.
//
//gosec:disable G115 -- looked at before it is returned
func (h *header) intent() (i Intent, live bool, err error) {
	head, n := h.head.Load(), h.n.Load()
	if h.start.Load() != head {
		return Intent{}, false, nil
	}
	i = Intent{
		N: int(n), Ino: h.ino.Load(), Dev: h.dev.Load(),
		Offset: int64(h.offset.Load()), Oversize: h.flags.Load() == oversized,
	}
	if h.flags.Load() > oversized || i.Offset < 0 || n == 0 || n > math.MaxInt ||
		!i.Oversize && n > h.tail.Load()-head {
		return Intent{}, false, fmt.Errorf("it claims that %d bytes were about to be written", n)
	}
	return i, true, nil
}
