package logly

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// tailing is how long a backup stays plain at least, from its rotation, where
// DelayCompression leaves it to a tailer.
const tailing = time.Minute

// maxBatch is how many files are compressed between two syncs of the directory.
const maxBatch = 64

// compressAll compresses what is plain now and not left to a tailer, each backup
// once, oldest first. In a hurry only the newest is left.
func (j *janitor) compressAll(hurry bool) {
	if !j.compress {
		return
	}
	tried, last := "", j.newest()
	for !j.aborted.Load() {
		batch := j.plain(tried, last, hurry)
		if len(batch) == 0 {
			return
		}
		tried = batch[len(batch)-1].stamp
		j.compressBatch(batch)
		j.update(batch)
		j.prune(false, last) // new ones may have come
	}
}

// plain returns the backups to compress next: those after one stamp up to
// another.
func (j *janitor) plain(after, last string, hurry bool) []backup {
	j.mu.Lock()
	defer j.mu.Unlock()
	var batch []backup
	now := time.Now()
	for i, b := range j.backups {
		if b.stamp > last || len(batch) == maxBatch {
			break
		}
		if j.delay && (i == len(j.backups)-1 || !hurry && b.plain && now.Before(j.tailedUntil(b))) {
			break
		}
		if b.plain && b.stamp > after {
			batch = append(batch, b)
		}
	}
	return batch
}

// tailedUntil returns until when a tailer may still read the backup. By the name
// of one that an earlier run has left it may be from the future, of a clock that
// was set back: that does not wait.
func (j *janitor) tailedUntil(b backup) time.Time {
	if !b.since.IsZero() {
		return b.since.Add(tailing)
	}
	at, ok := j.rotatedAt(b)
	if !ok || at.After(time.Now()) {
		return time.Time{}
	}
	return at.Add(tailing)
}

// compressBatch compresses backups, and removes the plain ones once the
// compressed ones are on disk.
func (j *janitor) compressBatch(batch []backup) {
	var made []*backup
	for i := range batch {
		b := &batch[i]
		err := j.compressFile(j.path(b.stamp))
		switch {
		case err == nil:
			b.gz, b.size = true, unknown
			made = append(made, b)
		case errors.Is(err, errAborted): // the next start does it
			return
		case errors.Is(err, errSourceGone):
			b.plain, b.size = false, unknown
		default:
			j.fail("compress", err)
		}
	}
	if len(made) == 0 {
		return
	}
	if err := syncDir(j.dir); err != nil {
		j.fail("compress", err)
		return
	}
	for _, b := range made {
		if err := os.Remove(j.path(b.stamp)); err != nil && !isGone(err) {
			j.fail("compress", err)
			continue
		}
		b.plain = false
		j.unsynced.drop(b.stamp)
	}
}

// The name of a compressed file in the making starts with a dot, and so no
// pattern for logs and backups matches it.
const tempPrefix, tempSuffix = ".", ".tmp"

func (j *janitor) temp(path string) string {
	return filepath.Join(j.dir, tempPrefix+filepath.Base(path)+gzipSuffix+tempSuffix)
}

func (j *janitor) isTemp(name string) bool {
	name, dot := strings.CutPrefix(name, tempPrefix)
	name, tmp := strings.CutSuffix(name, gzipSuffix+tempSuffix)
	_, gz, ok := j.stampOf(name)
	return dot && tmp && ok && !gz
}

var (
	errAborted    = errors.New("aborted")
	errSourceGone = errors.New("removed meanwhile")
)

// compressFile makes path.gz of path, with its mode and time, on disk. The
// source is left. A path.gz that is there beside it is not to be trusted: it is
// made anew.
func (j *janitor) compressFile(path string) error {
	src, info, err := openRegular(path, os.O_RDONLY)
	if isGone(err) {
		return errSourceGone
	}
	if errors.Is(err, errNotRegular) {
		return fmt.Errorf("%s %w", path, err)
	}
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // it was only read
	temp := j.temp(path)
	if err := os.Remove(temp); err != nil && !isGone(err) {
		return err
	}
	dst, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|noFollow, 0o600) //gosec:disable G304 -- the path is the log's
	if err != nil {
		return err
	}
	err = j.compressTo(dst, src, info)
	if closeErr := dst.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = setTime(temp, info.ModTime())
	}
	if err == nil {
		err = os.Rename(temp, path+gzipSuffix)
	}
	if err != nil {
		if removeErr := os.Remove(temp); !isGone(removeErr) {
			err = errors.Join(err, removeErr)
		}
	}
	return err
}

func (j *janitor) compressTo(dst, src *os.File, info fs.FileInfo) error {
	zip := gzip.NewWriter(dst)
	n, err := io.CopyBuffer(struct{ io.Writer }{zip}, progress{src, j}, make([]byte, 64<<10))
	if err != nil {
		return err
	}
	if n != info.Size() {
		return fmt.Errorf("%s changed from %d to %d bytes while it was compressed", src.Name(), info.Size(), n)
	}
	if err := zip.Close(); err != nil {
		return err
	}
	if err := own(dst, info); err != nil {
		return err
	}
	if err := dst.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	if err := dst.Sync(); err != nil && !cannotSync(err) {
		return err
	}
	return nil
}

// progress reads a file for compression: it tells those who wait with patience
// that something moves, and ends when the work is aborted.
type progress struct {
	src *os.File
	j   *janitor
}

func (p progress) Read(b []byte) (int, error) {
	if p.j.aborted.Load() {
		return 0, errAborted
	}
	p.j.count.moved.Add(1)
	return p.src.Read(b)
}
