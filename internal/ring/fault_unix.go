//go:build linux || darwin || freebsd

//gosec:disable G115 -- positions are at most Size apart, and places below it

package ring

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// span is a range of positions.
type span struct{ from, to uint64 }

// Guard runs f and returns as an error the fault that it met in the mapping;
// every other panic or fault goes on. It may run beside Put, as whoever reads
// what Peek returned does, and so it moves nothing: after a fault, Check does.
func (m *Mapped) Guard(f func()) (fault error) {
	defer m.catch(debug.SetPanicOnFault(true), &fault)
	f()
	return nil
}

// catch is deferred around what touches the mapping. before is what
// SetPanicOnFault was set to.
func (m *Mapped) catch(before bool, fault *error) {
	debug.SetPanicOnFault(before)
	r := recover()
	if r == nil {
		return
	}
	e, ok := r.(interface {
		runtime.Error
		Addr() uintptr
	})
	if !ok || !m.maps(e.Addr()) {
		panic(r)
	}
	err := fmt.Errorf("%s: the mapped file failed: %w", m.path, e)
	m.seen.Store(&err)
	*fault = err
}

// maps reports whether addr lies in the mapping, which ends with its last page.
func (m *Mapped) maps(addr uintptr) bool {
	start := uintptr(unsafe.Pointer(unsafe.SliceData(m.mem))) //gosec:disable G103 -- compared, never followed
	return addr-start < uintptr(wholePages(len(m.mem)))
}

// Check looks whether all that the ring holds can be read, for a reader whose
// Guard met a fault or to whom the kernel said EFAULT. If not, the Ring moves to
// the heap.
func (m *Mapped) Check() {
	if m.fault != nil {
		return
	}
	var sum byte // so that the loads are not left out
	fault := m.Guard(func() {
		sum = byte(loadWord(&m.header.magic))
		m.blocks(func(_ uint64, block []byte) { sum ^= block[0] })
	})
	runtime.KeepAlive(sum)
	if seen := m.seen.Load(); fault == nil && seen != nil {
		fault = *seen
	}
	if fault == nil {
		fault = m.intact()
	}
	if fault != nil {
		m.move(fault)
	}
}

// intact looks whether the file is what the ring relies on: within the last page
// of one that was cut nothing faults, and one without a name dies with the
// process.
func (m *Mapped) intact() error {
	err := unix.EINTR
	for err == unix.EINTR {
		err, _ = unix.Fstat(int(m.file.Fd()), &m.stat).(unix.Errno) //nolint:errorlint // package unix wraps nothing
	}
	switch {
	case err != 0:
		return fmt.Errorf("%s: %w", m.path, err)
	case m.stat.Nlink == 0:
		return fmt.Errorf("%s: %w", m.path, errRemoved)
	case m.stat.Size < int64(headerSize+len(m.buf)):
		return fmt.Errorf("%s: %w", m.path, errCut)
	}
	// The next process looks for it under its name.
	if now := time.Now(); now.Sub(m.named) >= lookEvery {
		if m.named = now; !names(m.path, m.file) {
			return fmt.Errorf("%s: %w", m.path, errMoved)
		}
	}
	return nil
}

var (
	errRemoved     = errors.New("somebody has removed it")
	errMoved       = errors.New("somebody has moved it")
	errCut         = errors.New("somebody has truncated it")
	errOverwritten = errors.New("somebody else has written to it")
)

// blocks calls f for [head, tail), cut where blocks of the file begin.
func (m *Mapped) blocks(f func(pos uint64, block []byte)) {
	for pos := m.head; pos < m.tail; {
		place := pos % uint64(len(m.buf))
		n := min(headerSize-place%headerSize, m.tail-pos)
		f(pos, m.buf[place:place+n])
		pos += n
	}
}

// Fault returns nil, or why the Ring is on the heap. From then on what is put in
// dies with the process. What the file has as well still follows what Advance
// gives up, so that the next process delivers none of it again, and the file is
// removed once all of it is delivered.
//
// Positions keep their meaning. Lines that could not be read back are gone: Head
// leaps over them once they are the oldest and the batch that Peek handed out
// before is given up. That batch keeps its length until then: its reader may have
// delivered all of it, or met the fault.
func (m *Mapped) Fault() error { return m.fault }

// Gone reports whether the line at that position was lost at the fault, unless
// its reader had it before. With Lines, this is how to count the loss.
func (m *Mapped) Gone(pos uint64) bool {
	for _, s := range m.gone {
		if s.from <= pos && pos < s.to {
			return true
		}
	}
	return false
}

// move takes the Ring to the heap, with every line that can be read.
func (m *Mapped) move(fault error) {
	if m.fault != nil {
		return
	}
	m.fault, m.filed = fault, m.tail
	heap := over(make([]byte, m.Size()), m.head, m.tail)
	var bad []span
	m.blocks(func(pos uint64, block []byte) {
		to := heap.buf[pos%uint64(len(m.buf)):][:len(block)]
		if m.Guard(func() { copy(to, block) }) != nil {
			clear(to)
		}
		// Past the end of a file that was cut its last page reads as zeros,
		// which are in no line.
		if first := bytes.IndexByte(to, 0); first >= 0 {
			bad = append(bad, span{pos + uint64(first), pos + uint64(bytes.LastIndexByte(to, 0)) + 1})
		}
	})
	m.Ring = heap
	m.gone = m.torn(bad)
	for _, s := range m.gone {
		for pos := s.from; pos < s.to; pos++ { // Lines counts what is left
			*m.at(pos) = 0
		}
		if m.live && !m.found.Oversize && s.from < m.head+uint64(m.found.N) {
			m.live = false // what is left of it comes as other lines do
		}
	}
	m.skip()
}

// torn widens the bad spans to whole lines: those that they touch.
func (m *Mapped) torn(bad []span) (gone []span) {
	good := m.head // where the bytes after the last bad span begin
	if len(bad) > 0 {
		good = bad[len(bad)-1].to
	}
	if cut := m.lineStart(m.tail, good); cut < m.tail { // a line without its end
		bad = append(bad, span{cut, m.tail})
	}
	floor := m.head
	for i, s := range bad {
		limit := m.tail
		if i+1 < len(bad) {
			limit = bad[i+1].from
		}
		s = span{m.lineStart(s.from, floor), m.lineEnd(s.to, limit)}
		if last := len(gone) - 1; last >= 0 && s.from == gone[last].to {
			gone[last].to = s.to
		} else {
			gone = append(gone, s)
		}
		floor = s.to
	}
	return gone
}

// lineStart returns the start of the line that the byte before pos belongs to,
// or pos if that byte ends a line. It looks no further back than floor.
func (m *Mapped) lineStart(pos, floor uint64) uint64 {
	for pos > floor && *m.at(pos - 1) != '\n' {
		pos--
	}
	return pos
}

// lineEnd returns the position after the first line that ends in [pos, limit),
// or limit.
func (m *Mapped) lineEnd(pos, limit uint64) uint64 {
	for pos < limit {
		pos++
		if *m.at(pos - 1) == '\n' {
			break
		}
	}
	return pos
}

func (m *Mapped) at(pos uint64) *byte { return &m.buf[pos%uint64(len(m.buf))] }

// peekHeap returns the oldest lines up to the next that are gone, and none that
// the file has together with others: an intent must not name more than it has.
func (m *Mapped) peekHeap(limit int) []byte {
	m.skip()
	end := m.tail
	if m.head < m.filed {
		end = m.filed
	}
	if m.leaped < len(m.gone) {
		end = min(end, m.gone[m.leaped].from)
	}
	tail, write := m.tail, m.write
	m.tail, m.write = end, int(end%uint64(len(m.buf)))
	batch := m.oldest(limit)
	m.tail, m.write = tail, write
	return batch
}

// skip leaps over the lines that are gone and the oldest, and lets the file
// follow.
func (m *Mapped) skip() {
	for m.out == 0 && m.leaped < len(m.gone) && m.gone[m.leaped].from <= m.head {
		if to := m.gone[m.leaped].to; to > m.head {
			m.Ring.Advance(int(to - m.head))
		}
		m.leaped++
	}
	if m.unlinked {
		return
	}
	m.keep(func() { m.store(&m.header.head, min(m.head, m.filed)) })
	if m.head >= m.filed {
		m.unlinked = true
		_ = m.unlink() // it is empty by its head, as far as that could be stored
	}
}
