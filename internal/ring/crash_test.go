//go:build linux || darwin || freebsd

package ring

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// copyDir copies what a process that is killed now would leave, hard links
// included.
func copyDir(t testing.TB, from string) (to string) {
	t.Helper()
	to = t.TempDir()
	entries, err := os.ReadDir(from)
	require.NoError(t, err)
	var infos []fs.FileInfo
	for i, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		infos = append(infos, info)
		target := filepath.Join(to, e.Name())
		for j := range i {
			if os.SameFile(infos[j], info) {
				require.NoError(t, os.Link(filepath.Join(to, entries[j].Name()), target))
			}
		}
		if _, err := os.Lstat(target); err != nil {
			require.NoError(t, os.WriteFile(target, read1(t, filepath.Join(from, e.Name())), info.Mode()))
		}
	}
	return to
}

// killedAtEachStep opens the ring in dir and returns what a kill after each
// change that this makes on the disk would have left.
func killedAtEachStep(t testing.TB, dir string) (left []string) {
	t.Helper()
	o := newOpener(filepath.Join(dir, "app.log.queue"), 1, whole)
	o.boot = "this boot"
	o.did = func() { left = append(left, copyDir(t, dir)) }
	m, err := o.open(0)
	require.NoError(t, err)
	m.die()
	return left
}

// Whenever the process is killed while it opens a ring, and the next one while it
// opens what was left, nothing is lost and no half-made file remains.
func TestKilledAtEachStepOfOpening(t *testing.T) {
	for _, c := range []struct {
		name  string
		make  func(t *testing.T, path string)
		want  string
		aside int // damaged files
		steps int
	}{
		{"creation", func(*testing.T, string) {}, "", 0, 6},
		{"zero length", func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
		}, "", 0, 7},
		{"salvage", func(t *testing.T, path string) {
			require.NoError(t, os.Rename(killed(t), path))
			edit(t, path, func(h *header) { h.setBoot("another boot") })
		}, through(50, 79), 1, 7},
		{"salvage beside a stale file", func(t *testing.T, path string) {
			require.NoError(t, os.Rename(killed(t), path))
			edit(t, path, func(h *header) { h.setBoot("another boot") })
			stale := opened(t, filepath.Join(t.TempDir(), "q"))
			put(stale, 1, 3)
			stale.die()
			require.NoError(t, os.Rename(stale.path, path+".new"))
		}, through(50, 79), 1, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(t, filepath.Join(dir, "app.log.queue"))
			var damaged []byte
			if c.aside > 0 {
				damaged = read1(t, filepath.Join(dir, "app.log.queue"))
			}
			first := killedAtEachStep(t, dir)
			require.Len(t, first, c.steps)
			states := append([]string{dir}, first...)
			for _, s := range first {
				states = append(states, killedAtEachStep(t, copyDir(t, s))...)
			}
			require.Greater(t, len(states), 2*c.steps)
			for _, s := range states {
				path := filepath.Join(s, "app.log.queue")
				before := others(t, path)
				_, there := os.Lstat(path)
				done := there == nil && strings.Contains(strings.Join(before, " "), ".damaged-")
				m, err := open(t, path)
				require.NoError(t, err, "left: %q", before)
				require.NoError(t, single(m.file))
				n, damage := m.Found()
				assert.Equal(t, strings.Count(c.want, "\n"), n, "left: %q", before)
				assert.Equal(t, c.want, drain(t, m), "left: %q", before)
				aside := others(t, path)
				require.Len(t, aside, c.aside, "left: %q", before)
				if c.aside > 0 {
					assert.True(t, bytes.Equal(damaged, read1(t, filepath.Join(s, aside[0]))))
					assert.Equal(t, done, damage == nil, "left: %q, %v", before, damage)
				}
				require.NoError(t, m.Close())
			}
		})
	}
}

// Half a new file is nothing, however much of it there is.
func TestHalfMadeFileIsNotAdopted(t *testing.T) {
	m := fresh(t)
	m.die()
	data := read1(t, m.path)
	for _, n := range lengths(len(data)) {
		path := filepath.Join(t.TempDir(), "q")
		require.NoError(t, os.WriteFile(path+".new", data[:n], 0o600))
		m := opened(t, path)
		require.NoError(t, single(m.file))
		_, damage := m.Found()
		require.NoError(t, damage)
		require.Equal(t, os.Getpagesize(), m.Size())
		require.Empty(t, others(t, path))
	}
	zeros := make([]byte, len(data))
	path := filepath.Join(t.TempDir(), "q")
	require.NoError(t, os.WriteFile(path+".new", zeros, 0o600))
	opened(t, path).Put(numbered(1))
	require.Empty(t, others(t, path))
}

// While another process makes the file, nobody touches it.
func TestFileInTheMaking(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q")
	o := newOpener(path, 1, whole)
	steps := 0
	o.did = func() {
		if steps++; steps > 1 { // it has no lock at the first
			_, err := open(t, path)
			require.ErrorIs(t, err, ErrHeld, "after step %d", steps)
		}
	}
	m, err := o.open(0)
	require.NoError(t, err)
	require.NoError(t, m.Close())
	require.Equal(t, 6, steps)
}

// A new file that another process takes for a dead one's, before it has its
// lock, is made again.
func TestFileTakenInTheMaking(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q")
	o := newOpener(path, 1, whole)
	var other *Mapped
	steps := 0
	o.did = func() {
		if steps++; steps == 1 {
			other = opened(t, path)
		}
	}
	_, err := o.open(0)
	require.ErrorIs(t, err, ErrHeld)
	require.True(t, names(path, other.file))
	assert.Empty(t, others(t, path))
}

// Adopting tells that lines were saved, though who saved them was killed.
func TestWhatAKilledProcessSavedIsKept(t *testing.T) {
	m := fresh(t)
	put(m, 1, 9)
	m.die()
	require.NoError(t, os.Rename(m.path, m.path+".new"))
	m = opened(t, m.path)
	n, damage := m.Found()
	assert.Equal(t, 9, n)
	assert.ErrorContains(t, damage, "9 lines")
	assert.Equal(t, through(1, 9), drain(t, m))
	assert.Empty(t, others(t, m.path))
}

// A name that is taken meanwhile is not replaced.
func TestNothingIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q")
	o := newOpener(path, 1, whole)
	var once bool
	o.did = func() {
		if !once {
			once = true
			require.NoError(t, os.Mkdir(path, 0o700))
		}
	}
	_, err := o.open(0)
	require.ErrorContains(t, err, "not a regular file")
	assert.Empty(t, others(t, path))
}

func TestSalvageThatFailsChangesNothing(t *testing.T) {
	path := killed(t)
	edit(t, path, func(h *header) { h.setBoot("another boot") })
	data := read1(t, path)
	o := newOpener(path, 1, whole)
	o.boot = "this boot"
	o.did = func() { // the new file vanishes under its maker
		_ = os.Remove(path + ".new")
	}
	_, err := o.open(0)
	require.Error(t, err)
	assert.Equal(t, data, read1(t, path))
	assert.Empty(t, others(t, path))
	assert.Equal(t, through(50, 79), drain(t, opened(t, path)))
}

func TestDamagedFileThatCannotBeSetAside(t *testing.T) {
	path := killed(t)
	edit(t, path, func(h *header) { h.setBoot("another boot") })
	data := read1(t, path)
	o := newOpener(path, 1, whole)
	o.boot = "this boot"
	steps := 0
	o.did = func() {
		if steps++; steps == 4 { // the new file is complete
			require.NoError(t, os.Rename(path, path+"-elsewhere"))
		}
	}
	_, err := o.open(0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "restarted")
	assert.Equal(t, []string{"app.log.queue-elsewhere"}, others(t, path))
	assert.Equal(t, data, read1(t, path+"-elsewhere"))
}
