//go:build linux || darwin || freebsd

package ring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// use makes a Mapped of f, the locked file at path.
func (o *opener) use(f *os.File) (*Mapped, error) {
	h, info, err := readHeader(f)
	if info == nil {
		return nil, err
	}
	if info.Size() == 0 { // nothing to save; a new one takes its place
		if err := os.Remove(o.path); err != nil {
			return nil, err
		}
		o.did()
		return nil, errChanged
	}
	if info.Mode().Perm() != 0o600 {
		if err := f.Chmod(0o600); err != nil {
			return nil, err
		}
	}
	if err == nil {
		err = o.distrust(h, info)
	}
	if err != nil {
		return o.salvage(f, h, info, err)
	}
	size := headerSize + int64(h.size.Load()) //gosec:disable G115 -- positions has looked at it
	if sparse(info, size) {
		if err := allocate(f, 0, size); err != nil {
			return nil, err
		}
	}
	m := &Mapped{path: o.path, file: f}
	if err := m.attach(h); err != nil {
		return nil, err
	}
	if !h.sameBoot(o.boot) {
		h.start.Store(noStart)
		err = m.Guard(func() {
			m.store(&m.header.start, noStart)
			m.header.setBoot(o.boot)
		})
	}
	if err == nil {
		err = m.takeStock(h)
	}
	if err != nil {
		if err := unix.Munmap(m.mem); err != nil {
			return nil, err
		}
		return o.salvage(f, h, info, err)
	}
	return m, nil
}

// distrust returns why the file cannot be used as it is.
func (o *opener) distrust(h *header, info fs.FileInfo) error {
	head, tail, err := h.positions()
	if err != nil {
		return err
	}
	size := headerSize + int64(h.size.Load()) //gosec:disable G115 -- positions has looked at it
	switch {
	case info.Size() < size:
		return fmt.Errorf("it has %d bytes where %d are due", info.Size(), size)
	case size-headerSize > o.limit && sparse(info, size):
		return fmt.Errorf("it has %d bytes, most of them holes", size)
	case head < tail && !h.sameBoot(o.boot):
		return errors.New("the machine was restarted since it was written")
	}
	_, _, err = h.intent()
	return err
}

// takeStock looks at what the ring holds: lines, and perhaps a batch of them that
// is to be finished.
func (m *Mapped) takeStock(h *header) error {
	var whole bool
	if fault := m.Guard(func() {
		m.found, m.live, _ = h.intent()
		whole = m.Len() == 0 || *m.at(m.tail - 1) == '\n'
		if m.live && !m.found.Oversize {
			whole = whole && *m.at(m.head + uint64(m.found.N) - 1) == '\n' //gosec:disable G115 -- not negative
		}
		m.records = m.count()
	}); fault != nil {
		return fault
	}
	if !whole {
		return errors.New("what it holds does not end with a line")
	}
	return nil
}

// readHeader returns a copy of f's header, which was read if there is no error,
// and what f is, which is nil if even that failed.
func readHeader(f *os.File) (*header, fs.FileInfo, error) {
	h, page := headerCopy()
	info, err := f.Stat()
	if err != nil {
		return h, nil, err
	}
	if n, err := f.ReadAt(page, 0); n < len(page) {
		clear(page)
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("it has %d bytes only", n)
		}
		return h, info, err
	}
	return h, info, nil
}

// salvage makes a new ring of the lines that can be read in f, which cannot be
// trusted because of why, and sets f aside.
func (o *opener) salvage(f *os.File, h *header, info fs.FileInfo, why error) (*Mapped, error) {
	lines, all := o.rescue(f, h, info)
	var gap uint64
	if _, _, err := h.positions(); err == nil {
		gap = h.gap.Load()
	}
	m, err := o.make(lines, gap)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used (%w), and no new one made beside it: %w", o.path, why, err)
	}
	aside, err := o.setAside(m.file)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used (%w), nor set aside: %w", o.path, why, errors.Join(err, m.discard(o.fresh)))
	}
	if err := o.publish(m.file); err != nil { // what was saved stays there for the next start
		return nil, fmt.Errorf("%s could not be used (%w) and was set aside as %s; the new one: %w",
			o.path, why, aside, errors.Join(err, unix.Munmap(m.mem), unlock(m.file)))
	}
	err = syncDir(o.path)
	m.records = bytes.Count(lines, newline)
	part := ""
	if !all {
		part = fmt.Sprintf(" of the first %d bytes", o.limit)
	}
	m.damage = fmt.Errorf("%s could not be used (%w): set aside as %s, %d lines%s saved", o.path, why, aside, m.records, part)
	m.damage = errors.Join(m.damage, err, unlock(f))
	return m, nil
}

// setAside makes the new file lasting and gives the damaged one at path a name
// that is free.
//
//gosec:disable G703 -- the path is the log's, which the program chose
func (o *opener) setAside(fresh *os.File) (string, error) {
	if err := fresh.Sync(); err != nil {
		return "", err
	}
	for t := time.Now().UTC(); ; t = t.Add(time.Millisecond) {
		aside := o.path + ".damaged-" + t.Format("2006-01-02T15-04-05.000")
		_, err := os.Lstat(aside)
		if err == nil {
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err := os.Rename(o.path, aside); err != nil {
			return "", err
		}
		o.did()
		return aside, nil
	}
}
