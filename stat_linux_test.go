package logly

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Both ways to look at a file must find the same, and what os.Stat finds.
func TestFileState(t *testing.T) {
	for name, state := range map[string]*fileState{"statx": {}, "fstat": {old: true}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "app.log")
			f, err := os.Create(path)
			require.NoError(t, err)
			defer f.Close()
			_, err = f.WriteString("hello\n")
			require.NoError(t, err)

			size, named, err := state.look(f, f.Fd())
			require.NoError(t, err)
			assert.EqualValues(t, 6, size)
			assert.True(t, named)
			info, err := os.Stat(path)
			require.NoError(t, err)
			ino, dev := state.id()
			assert.True(t, isInode(info, ino, dev))
			assert.False(t, isInode(info, ino+1, dev))
			assert.False(t, isInode(info, ino, dev+1))

			assert.Zero(t, testing.AllocsPerRun(100, func() { _, _, _ = state.look(f, f.Fd()) }))

			require.NoError(t, os.Remove(path))
			_, named, err = state.look(f, f.Fd())
			require.NoError(t, err)
			assert.False(t, named)

			fd := f.Fd()
			require.NoError(t, f.Close())
			_, _, err = state.look(f, fd)
			assert.ErrorContains(t, err, path)
		})
	}
}
