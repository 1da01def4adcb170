//go:build linux || darwin || freebsd

package ring

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Mapped is a Ring in a memory-mapped file. What was put in survives the death
// of the process, and the next one that opens the file has it.
//
// The mapping can fault: somebody truncates the file, or a file system that
// copies on write is full. The Ring then moves to the heap and goes on; see
// Fault. The rules for calls are those of Ring; Guard is the other one that may
// run beside them.
type Mapped struct {
	Ring            // over the mapping; on the heap after a fault
	path   string   //
	file   *os.File // holds the lock
	mem    []byte   // the mapping, header first
	header *header

	found    Intent // what the last process was about to write
	live     bool   // found is to be finished
	records  int    // lines found
	damage   error  // of the file found
	gap      uint64
	out      int                   // bytes that Peek handed out and Advance has not given up
	fault    error                 // why the Ring is on the heap
	filed    uint64                // after a fault: up to here the file has the lines, too
	unlinked bool                  // after a fault: it has no longer any that are to be delivered
	gone     []span                // after a fault: lines that could not be read back, in order
	leaped   int                   // so many of gone lie before head
	named    time.Time             // when path was last seen to be the file
	stat     unix.Stat_t           // room for intact
	seen     atomic.Pointer[error] // the last fault that Guard met
	traced   func()                // called before each store, by tests
}

// Put appends a line. The caller has seen to it that len(line) ≤ Size()-Len().
func (m *Mapped) Put(line []byte) {
	if m.fault == nil {
		tail := m.tail
		fault := m.put(line)
		if fault == nil {
			return
		}
		m.tail = tail
		m.move(fault)
	}
	m.Ring.Put(line)
}

// put is Put on the mapping. It spells Guard out, which here would cost.
func (m *Mapped) put(line []byte) (fault error) {
	defer m.catch(debug.SetPanicOnFault(true), &fault)
	m.Ring.Put(line)
	m.store(&m.header.tail, m.tail)
	return nil
}

// Peek returns the oldest lines as Ring.Peek does. While a found intent is to be
// finished, whose line is not oversize, it returns just its batch, whatever the
// limit.
func (m *Mapped) Peek(limit int) []byte {
	m.out = 0
	batch, ok := m.peekMapping(limit)
	if !ok {
		batch = m.peekHeap(limit)
	}
	m.out = len(batch)
	return batch
}

func (m *Mapped) peekMapping(limit int) (batch []byte, ok bool) {
	switch {
	case m.fault != nil:
		return nil, false
	case m.Len() == 0:
		return nil, true
	}
	fault := m.intact()
	if fault == nil {
		fault = m.Guard(func() {
			batch = m.oldest(limit)
			ok = batch[len(batch)-1] == '\n'
		})
	}
	if fault == nil && !ok {
		fault = fmt.Errorf("%s: %w", m.path, errOverwritten)
	}
	if fault != nil {
		m.move(fault)
		return nil, false
	}
	return batch, true
}

// oldest returns what Peek returns of a Ring in which nothing is gone.
func (m *Mapped) oldest(limit int) []byte {
	if m.live && !m.found.Oversize {
		return m.first(m.found.N)
	}
	return m.Ring.Peek(limit)
}

// Advance gives up the n oldest bytes. It voids the intent.
func (m *Mapped) Advance(n int) {
	if n == 0 {
		return
	}
	m.Ring.Advance(n)
	m.live = false
	m.out -= min(n, m.out)
	if m.fault == nil {
		fault := m.Guard(func() { m.store(&m.header.head, m.head) })
		if fault != nil {
			m.move(fault)
		}
		return
	}
	m.skip()
}

// Begin keeps what is about to be written, until Advance or Void.
//
//gosec:disable G115 -- not negative
func (m *Mapped) Begin(i Intent) {
	m.live = false
	m.keep(func() {
		h := m.header
		m.store(&h.start, noStart)
		m.store(&h.ino, i.Ino)
		m.store(&h.dev, i.Dev)
		m.store(&h.offset, uint64(i.Offset))
		m.store(&h.n, uint64(i.N))
		var flags uint64
		if i.Oversize {
			flags = oversized
		}
		m.store(&h.flags, flags)
		m.store(&h.start, m.head)
	})
}

// Void takes the intent back.
func (m *Mapped) Void() {
	m.live = false
	m.keep(func() { m.store(&m.header.start, noStart) })
}

// Live returns the intent that OpenMapped found, until Advance, Void or Begin.
func (m *Mapped) Live() (Intent, bool) {
	if !m.live {
		return Intent{}, false
	}
	return m.found, true
}

// SetGap keeps the count of records that were dropped and are not told yet.
func (m *Mapped) SetGap(n uint64) {
	m.gap = n
	m.keep(func() { m.store(&m.header.gap, n) })
}

// Gap returns what SetGap was given last, in this process or the one before.
func (m *Mapped) Gap() uint64 { return m.gap }

// Found returns how many lines of an earlier run the ring held when it was
// opened, those of an intent included that may have been written, and what was
// wrong with the file: nil, or an error that tells where it was set aside.
func (m *Mapped) Found() (records int, damage error) { return m.records, m.damage }

// keep runs f, which stores words of the header, as long as the file matters.
func (m *Mapped) keep(f func()) {
	if m.unlinked {
		return
	}
	if fault := m.Guard(f); fault != nil {
		m.move(fault)
	}
}

func (m *Mapped) store(word *atomic.Uint64, v uint64) {
	if m.traced != nil {
		m.traced()
	}
	storeWord(word, v)
}

// Resize gives an empty ring room for size bytes, rounded up to whole pages. A
// process that is killed meanwhile leaves a ring of the old or of the new size.
func (m *Mapped) Resize(size int) error {
	size = wholePages(size)
	if size == m.Size() {
		return nil
	}
	if m.Len() > 0 {
		return errors.New("a ring that holds lines cannot be resized")
	}
	if m.fault != nil {
		m.Ring = over(make([]byte, size), m.head, m.tail)
		return nil
	}
	before, after := headerSize+int64(m.Size()), headerSize+int64(size)
	if after > before {
		if err := allocate(m.file, before, after); err != nil {
			return errors.Join(err, m.file.Truncate(before))
		}
	}
	mem, err := mapFile(m.file, int(after))
	if err != nil {
		return err
	}
	old := m.mem
	m.mem, m.header = mem, headerOf(mem)
	m.Ring = over(mem[headerSize:], m.head, m.tail)
	m.keep(func() { m.store(&m.header.size, uint64(size)) }) //gosec:disable G115 -- not negative
	if after < before && m.fault == nil {
		// If this fails the file is longer than it need be, and as good.
		_ = m.file.Truncate(after)
	}
	return unix.Munmap(old)
}

// Lines counts the lines that the ring holds.
func (m *Mapped) Lines() int {
	n := 0
	if fault := m.Guard(func() { n = m.count() }); fault != nil {
		m.move(fault)
		n = m.count()
	}
	return n
}

func (m *Mapped) count() int {
	piece := m.buf[m.read:min(len(m.buf), m.read+m.Len())]
	return bytes.Count(piece, newline) + bytes.Count(m.buf[:m.Len()-len(piece)], newline)
}

var newline = []byte{'\n'}

// Close gives the file back. One that has nothing to tell the next process, no
// line, no intent and no gap, is removed.
func (m *Mapped) Close() error {
	if m.mem == nil {
		return nil
	}
	var errs []error
	if m.fault == nil && m.Len() == 0 && m.gap == 0 {
		intent := true
		fault := m.Guard(func() { intent = loadWord(&m.header.start) == m.head })
		if fault == nil && !intent {
			errs = append(errs, m.unlink())
		}
	}
	errs = append(errs, unix.Munmap(m.mem), unlock(m.file))
	m.mem, m.header, m.Ring, m.unlinked = nil, nil, Ring{}, true
	return errors.Join(errs...)
}

// unlink removes the file, if the path still names it.
func (m *Mapped) unlink() error {
	if !names(m.path, m.file) {
		return nil
	}
	return os.Remove(m.path) //gosec:disable G703 -- the path is the log's, which the program chose
}
