package logly

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// heldPaths is the log files that the handlers of this process have.
var heldPaths = pathSet{paths: map[string]struct{}{}}

type pathSet struct {
	mu    sync.Mutex
	paths map[string]struct{}
}

func (s *pathSet) take(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, held := s.paths[path]; held {
		return false
	}
	s.paths[path] = struct{}{}
	return true
}

func (s *pathSet) release(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.paths, path)
}

// canonical returns path as it is compared: absolute, the links in its
// directory resolved as far as that exists. Like the system, and unlike
// filepath.Clean, it follows a link before it takes the ".." after it.
func canonical(path string) string {
	if !filepath.IsAbs(path) {
		wd, err := os.Getwd()
		if err != nil || filepath.VolumeName(path) != "" || path == "" || os.IsPathSeparator(path[0]) {
			if abs, err := filepath.Abs(path); err == nil {
				path = abs
			}
		} else {
			path = wd + string(filepath.Separator) + path
		}
	}
	dir, rest := filepath.Split(path)
	for {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(real, rest)
		}
		up, last := filepath.Split(strings.TrimRight(dir, string(filepath.Separator)))
		if up == dir || up == "" {
			return filepath.Clean(path)
		}
		dir, rest = up, last+string(filepath.Separator)+rest
	}
}

// resolveLink follows a path that is a symbolic link to where it leads, which
// need not exist.
func resolveLink(path string) (string, error) {
	for range 40 {
		info, err := os.Lstat(path)
		if isGone(err) {
			return path, nil
		}
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return path, nil
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Dir(path) + string(filepath.Separator) + to
		}
		path = canonical(to)
	}
	return "", errors.New("too many symbolic links")
}

// isGone reports whether err says that there is nothing at a path, because the
// file or one of its directories is missing.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
