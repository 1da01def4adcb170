package logly

import (
	"os"
	"slices"
	"time"
)

// waits reports whether time alone brings work: backups grow too old, or old
// enough to be compressed.
func (j *janitor) waits() bool { return j.maxAge > 0 || j.delay }

// wake goes to work if time has brought some.
func (j *janitor) wake() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.due.IsZero() && !time.Now().Before(j.due) {
		j.start()
	}
}

// plan finds out when time will bring work. What should be done by now and is
// not has failed, and is tried again after a while.
func (j *janitor) plan() {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	j.due = time.Time{}
	if j.maxAge > 0 && len(j.backups) > 0 {
		if at, ok := j.rotatedAt(j.backups[0]); ok {
			j.due = at.Add(j.maxAge + 1)
		}
	}
	if j.delay {
		i := slices.IndexFunc(j.backups, func(b backup) bool { return b.plain })
		if i >= 0 && i < len(j.backups)-1 {
			if at := j.tailedUntil(j.backups[i]); j.due.IsZero() || at.Before(j.due) {
				j.due = at
			}
		}
	}
	if !j.due.IsZero() && !j.due.After(now) {
		j.due = now.Add(idleEvery)
	}
}

// rotatedAt returns when the backup was rotated, by its name.
func (j *janitor) rotatedAt(b backup) (at time.Time, ok bool) {
	at, err := time.ParseInLocation(stampLayout, b.stamp, j.zone)
	return at, err == nil
}

func (j *janitor) tooOld(b backup, now time.Time) bool {
	at, ok := j.rotatedAt(b)
	return ok && j.maxAge > 0 && now.Sub(at) > j.maxAge
}

// tooLarge reports whether the backups take too much room.
func (j *janitor) tooLarge() bool {
	if j.maxTotal == 0 {
		return false
	}
	j.mu.Lock()
	all := slices.Clone(j.backups)
	j.mu.Unlock()
	j.measure(all, false)
	j.update(all)
	return j.excess(all, true) > 0
}

// prune removes backups: those too many and too old or, when all up to the stamp
// last are compressed that will be, those of them that take too much room.
func (j *janitor) prune(bySize bool, last string) {
	j.mu.Lock()
	all := slices.Clone(j.backups)
	j.mu.Unlock()
	if bySize { // what came since is compressed, and counted, next
		all = slices.DeleteFunc(all, func(b backup) bool { return b.stamp > last })
	}
	if bySize && j.maxTotal > 0 {
		j.measure(all, false)
		j.update(all)
	}
	if j.excess(all, bySize) == 0 {
		return
	}
	j.measure(all, true) // others may have removed some: then fewer must go
	j.update(all)
	all = slices.DeleteFunc(all, backup.gone)
	all = all[:j.excess(all, bySize)]
	for i := range all {
		j.remove(&all[i])
	}
	j.update(all)
}

// excess returns how many of the oldest must go.
func (j *janitor) excess(all []backup, bySize bool) int {
	if bySize {
		total := int64(0)
		for i := len(all) - 1; i >= 0; i-- {
			if total += max(all[i].size, 0); j.maxTotal > 0 && total > j.maxTotal {
				return i + 1
			}
		}
		return 0
	}
	n := 0
	if j.keep > 0 {
		n = max(0, len(all)-j.keep)
	}
	for now := time.Now(); n < len(all) && j.tooOld(all[n], now); {
		n++
	}
	return n
}

// measure looks at the files of the backups: of those whose size is unknown, or
// again at all of them.
func (j *janitor) measure(all []backup, again bool) {
	for i := range all {
		b := &all[i]
		if b.size != unknown && !again {
			continue
		}
		b.size = 0
		look := func(path string, have *bool) {
			if !*have {
				return
			}
			info, err := os.Lstat(path)
			switch {
			case err == nil && info.Mode().IsRegular():
				b.size += info.Size()
			case err == nil || isGone(err):
				*have = false
			}
		}
		look(j.path(b.stamp), &b.plain)
		look(j.path(b.stamp)+gzipSuffix, &b.gz)
	}
}

// remove deletes the files of a backup. It is tried again at each later work if
// that fails.
func (j *janitor) remove(b *backup) {
	unlink := func(path string, have *bool) {
		if !*have {
			return
		}
		if err := os.Remove(path); err != nil && !isGone(err) {
			j.fail("prune", err)
			return
		}
		*have = false
	}
	unlink(j.path(b.stamp), &b.plain)
	unlink(j.path(b.stamp)+gzipSuffix, &b.gz)
	if b.gone() {
		j.unsynced.drop(b.stamp)
	}
}

func (b backup) gone() bool { return !b.plain && !b.gz }

// update enters what became of backups, and forgets those that are gone.
func (j *janitor) update(some []backup) {
	j.mu.Lock()
	defer j.mu.Unlock()
	gone := false
	for _, b := range some {
		if i, found := j.search(b.stamp); found {
			j.backups[i] = b
			gone = gone || b.gone()
		}
	}
	if gone {
		j.backups = slices.DeleteFunc(j.backups, backup.gone)
	}
}
