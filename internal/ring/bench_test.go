//go:build linux || darwin || freebsd

package ring

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkPut(b *testing.B) {
	line := append(bytes.Repeat([]byte("x"), 199), '\n')
	run := func(r buffer) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r.Size()-r.Len() < len(line) {
					for r.Len() > 0 {
						r.Advance(len(r.Peek(256 << 10)))
					}
				}
				r.Put(line)
			}
		}
	}
	b.Run("heap", run(New(1<<20)))
	m, err := OpenMapped(filepath.Join(b.TempDir(), "q"), 1<<20, nil)
	require.NoError(b, err)
	defer func() { require.NoError(b, m.Close()) }()
	b.Run("mapped", run(m))
}
