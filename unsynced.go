package logly

import (
	"errors"
	"os"
	"sync"
)

// maxUnsynced is how many files may be open although they are not live any more.
const maxUnsynced = 16

// unsynced is the files that are not live any more, rotated or moved away, and
// stay open until they are synced.
type unsynced struct {
	fail func(op string, err error)

	// syncing is held during fsyncs. The system tells an error of writing back
	// only once: who needs it must not overtake whoever is about to get it.
	syncing sync.Mutex

	mu    sync.Mutex
	files []unsyncedFile // oldest first
	fault error          // of an fsync, for the next Complete
}

type unsyncedFile struct {
	*os.File
	stamp string // of the backup it is; "": none
}

// add takes f over. Where too many are open, it waits until the oldest is synced.
func (u *unsynced) add(f *os.File, dirty bool, stamp string) {
	if !dirty {
		u.close(f)
		return
	}
	u.mu.Lock()
	u.files = append(u.files, unsyncedFile{f, stamp})
	excess := len(u.files) - maxUnsynced
	u.mu.Unlock()
	if excess > 0 {
		u.syncOldest(excess)
	}
}

// drop closes the file of a backup whose content is lasting in another file.
func (u *unsynced) drop(stamp string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, f := range u.files {
		if f.stamp == stamp {
			u.files = append(u.files[:i], u.files[i+1:]...)
			u.close(f.File)
			return
		}
	}
}

// sync makes all that was added before lasting.
func (u *unsynced) sync() { u.syncOldest(-1) }

// syncOldest syncs and closes the n oldest files; -1: all.
func (u *unsynced) syncOldest(n int) {
	u.syncing.Lock()
	defer u.syncing.Unlock()
	u.mu.Lock()
	if n < 0 || n > len(u.files) {
		n = len(u.files)
	}
	files := u.files[:n:n]
	u.files = append([]unsyncedFile(nil), u.files[n:]...)
	u.mu.Unlock()
	for _, f := range files {
		if err := f.Sync(); err != nil && !cannotSync(err) {
			u.fail("sync", err)
			u.mu.Lock()
			u.fault = errors.Join(u.fault, err)
			u.mu.Unlock()
		}
		u.close(f.File)
	}
}

// err returns, once, what went wrong with the files synced so far.
func (u *unsynced) err() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	err := u.fault
	u.fault = nil
	return err
}

func (u *unsynced) close(f *os.File) {
	if err := f.Close(); err != nil {
		u.fail("close", err)
	}
}
