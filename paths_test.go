package logly

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCanonical(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	t.Chdir(dir)
	require.NoError(t, os.MkdirAll("releases/7/bin", 0o700))
	if err := os.Symlink("releases/7", "current"); err != nil {
		t.Skip("no symbolic links: ", err)
	}
	for given, want := range map[string]string{
		"app.log":                          "app.log",
		"./x/../app.log":                   "app.log",
		dir + "/app.log":                   "app.log",
		"current/app.log":                  "releases/7/app.log",
		"current/../app.log":               "releases/app.log", // where the system would put it
		"current/new/dir/app.log":          "releases/7/new/dir/app.log",
		"current/../new/../y/app.log":      "releases/y/app.log",
		"missing/app.log":                  "missing/app.log",
		"current//bin///app.log":           "releases/7/bin/app.log",
		"current/bin":                      "releases/7/bin",
		"current/bin/":                     "releases/7/bin",
		dir + "/current/bin/../../app.log": "releases/app.log",
	} {
		assert.Equal(t, filepath.Join(dir, want), canonical(given), given)
	}
	for _, given := range []string{"", "/", "..", "/missing/a/b", "//a"} {
		assert.True(t, filepath.IsAbs(canonical(given)), given)
	}
}
