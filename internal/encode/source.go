package encode

import (
	"log/slog"
	"path"
	"sync/atomic"
)

// sourceCache remembers what the built-in source attribute looks like for a
// program counter. There are no more of those than call sites, but a record
// may be made with any PC, so the table does not grow: a new entry that finds
// its places taken evicts one.
type sourceCache [1024]atomic.Pointer[sourceEntry]

type sourceEntry struct {
	pc   uintptr
	text []byte // empty where nothing is known of pc
}

// sourceWays is the number of places an entry may be in.
const sourceWays = 4

func (c *sourceCache) get(pc uintptr) *sourceEntry {
	first := sourceSlot(pc)
	for i := range sourceWays {
		if e := c[(first+i)%len(c)].Load(); e != nil && e.pc == pc {
			return e
		}
	}
	return nil
}

func (c *sourceCache) put(e *sourceEntry) {
	first := sourceSlot(e.pc)
	for i := range sourceWays {
		if c[(first+i)%len(c)].CompareAndSwap(nil, e) {
			return
		}
	}
	victim := int(e.pc/16) % sourceWays
	c[(first+victim)%len(c)].Store(e)
}

// sourceSlot spreads PCs, which lie close together, over the table.
func sourceSlot(pc uintptr) int {
	return int(uint64(pc) * 0x9e3779b97f4a7c15 >> 54)
}

// appendSource appends the built-in source attribute for pc, without a
// separator, or nothing if pc says nothing. It is for Encoders without
// ReplaceAttr.
func (e *Encoder) appendSource(b []byte, pc uintptr) []byte {
	if pc == 0 {
		return b
	}
	entry := e.sources.get(pc)
	if entry == nil {
		entry = &sourceEntry{pc: pc, text: e.renderSource(pc)}
		e.sources.put(entry)
	}
	return append(b, entry.text...)
}

func (e *Encoder) renderSource(pc uintptr) []byte {
	src := recordSource(&slog.Record{PC: pc})
	s := state{enc: e}
	if e.format == Console {
		s.shortSource(src)
	} else {
		s.attr(slog.Any(slog.SourceKey, src))
	}
	s.release()
	return s.buf
}

// recordSource is Record.Source, but never nil.
func recordSource(r *slog.Record) *slog.Source {
	if src := r.Source(); src != nil {
		return src
	}
	return new(slog.Source)
}

func isEmptySource(src *slog.Source) bool { return src == nil || *src == slog.Source{} }

// sourceAttrs returns what is known of src.
func sourceAttrs(src *slog.Source) []slog.Attr {
	as := make([]slog.Attr, 0, 3)
	if src.Function != "" {
		as = append(as, slog.String("function", src.Function))
	}
	if src.File != "" {
		as = append(as, slog.String("file", src.File))
	}
	if src.Line != 0 {
		as = append(as, slog.Int("line", src.Line))
	}
	return as
}

// baseName returns the last element of a source file's path; the compiler
// writes slashes everywhere.
func baseName(file string) string {
	if file == "" {
		return "???"
	}
	return path.Base(file)
}
