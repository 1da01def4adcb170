//go:build linux || darwin || freebsd

package ring

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestHeldByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	_, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "held\n", said)

	_, err = TryOpenMapped(path, 1, whole)
	require.ErrorIs(t, err, ErrHeld)
	assert.ErrorContains(t, err, path)
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		_, err := OpenMapped(path, 1, whole)
		require.ErrorIs(t, err, ErrHeld)
		assert.Equal(t, time.Second, time.Since(begun))
	})

	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	m, err := TryOpenMapped(path, 1, whole)
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close()) }()
	n, damage := m.Found()
	assert.Equal(t, 1, n)
	require.NoError(t, damage)
	assert.Equal(t, through(0, 0), drain(t, m))
}

// A child between fork and exec shares the lock for a moment; so does whoever
// closes a ring while another opens it.
func TestHeldForAMoment(t *testing.T) {
	m := fresh(t)
	synctest.Test(t, func(t *testing.T) {
		opening := make(chan error)
		go func() {
			again, err := OpenMapped(m.path, 1, whole)
			if err == nil {
				err = again.Close()
			}
			opening <- err
		}()
		time.Sleep(patience - 2*lookAgain)
		require.NoError(t, m.Close())
		require.NoError(t, <-opening)
	})
}

func TestClosedRingIsFreeThoughAChildHasTheDescriptor(t *testing.T) {
	m := fresh(t)
	m.Put(numbered(1))
	child, err := unix.Dup(int(m.file.Fd())) // as a fork does
	require.NoError(t, err)
	defer func() { require.NoError(t, unix.Close(child)) }()
	require.NoError(t, m.Close())
	opened(t, m.path)
}

func TestManyOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q")
	for round := range 30 {
		type result struct {
			m   *Mapped
			err error
		}
		results := make(chan result)
		for range 8 {
			go func() {
				m, err := TryOpenMapped(path, 1, whole)
				results <- result{m, err}
			}()
		}
		var winners []*Mapped
		for range 8 {
			r := <-results
			if r.err == nil {
				winners = append(winners, r.m)
			} else {
				require.ErrorIs(t, r.err, ErrHeld)
			}
		}
		require.Len(t, winners, 1, "round %d", round)
		require.Empty(t, others(t, path))
		m := winners[0]
		require.True(t, names(path, m.file))
		if round%3 == 1 { // leave something behind now and then
			m.Put(numbered(1))
		} else {
			drain(t, m)
		}
		require.NoError(t, m.Close())
	}
}

// Whoever opens a ring while another closes it gets the file that has the name.
func TestOpenWhileOthersClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q")
	failed := make(chan error)
	for range 4 {
		go func() {
			var err error
			for range 500 {
				m, failure := TryOpenMapped(path, 1, whole)
				if errors.Is(failure, ErrHeld) {
					continue
				}
				if failure != nil {
					err = failure
					break
				}
				if !names(path, m.file) {
					err = errors.New("the name is another file's")
				}
				if failure := m.Close(); failure != nil {
					err = failure
				}
			}
			failed <- err
		}()
	}
	for range 4 {
		assert.NoError(t, <-failed)
	}
	assert.Empty(t, others(t, path))
}
