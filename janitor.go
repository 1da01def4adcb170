package logly

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// stampLayout is the time in a backup's name, as lumberjack writes it. Stamps
// sort as text.
const stampLayout = "2006-01-02T15-04-05.000"

const gzipSuffix = ".gz"

// backup is a file that was rotated away: plain, compressed, or for a moment both.
type backup struct {
	stamp string
	plain bool
	gz    bool
	size  int64     // of both; unknown: not looked at yet
	since time.Time // when this run has rotated it; zero: an earlier one has
}

const unknown = -1

// janitor looks after the backups of one log file: it syncs, compresses and
// prunes them. It works on a goroutine of its own that lives while there is
// work.
//
// Who has the log file adds backups; only the goroutine compresses and removes
// them, and it does so without the lock, so that nobody waits for a disk.
type janitor struct {
	keep     int
	maxAge   time.Duration
	maxTotal int64
	compress bool
	delay    bool
	zone     *time.Location
	name     string // of the sink
	count    *counters
	report   func(error)

	log              string // the path of the log; set before the first work, as what follows
	dir, prefix, ext string // a backup is dir/prefixSTAMPext[.gz]

	aborted  atomic.Bool
	closing  atomic.Bool // nothing is left to a tailer any more but the newest
	unsynced unsynced

	mu      sync.Mutex
	listed  bool          // the directory has been read
	backups []backup      // by stamp, oldest first
	movedTo string        // the stamp that moveAfter gave
	work    bool          // there is some
	due     time.Time     // when time alone will bring some; zero: never
	idle    chan struct{} // closed when the goroutine ends; nil: none runs
}

func newJanitor(s Sink, zone *time.Location, count *counters, report func(error)) *janitor {
	j := &janitor{
		keep: s.MaxBackups, maxAge: s.MaxAge, maxTotal: s.MaxTotalSize,
		compress: s.Compression == Gzip, delay: s.Compression == Gzip && s.DelayCompression,
		zone: zone, name: s.File, count: count, report: report,
	}
	j.unsynced.fail = j.fail
	return j
}

// settle tells whose backups these are.
func (j *janitor) settle(path string) {
	dir, base := filepath.Split(path)
	j.log = path
	j.dir, j.ext = dir, filepath.Ext(base)
	j.prefix = strings.TrimSuffix(base, j.ext) + "-"
}

func (j *janitor) path(stamp string) string { return filepath.Join(j.dir, j.prefix+stamp+j.ext) }

// stampOf reads the stamp in a file's name; false if it is no backup of ours.
func (j *janitor) stampOf(name string) (stamp string, gz, ok bool) {
	stamp, ok = strings.CutPrefix(name, j.prefix)
	if !ok {
		return "", false, false
	}
	for _, suffix := range []string{j.ext, j.ext + gzipSuffix} {
		if s, ok := strings.CutSuffix(stamp, suffix); ok && len(s) == len(stampLayout) {
			t, err := time.Parse(stampLayout, s)
			if err == nil && t.Format(stampLayout) == s {
				return s, suffix != j.ext, true
			}
		}
	}
	return "", false, false
}

func (j *janitor) fail(op string, err error) {
	j.count.errors.Add(1)
	j.report(&Error{Sink: j.name, Op: op, Count: 1, Err: err})
}

// look reads the directory, once, and goes to work on what it finds: an earlier
// run may have left backups plain, or half-made temporary files.
func (j *janitor) look(live fs.FileInfo) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.listed || !j.list(true) {
		return
	}
	j.listed = true
	if n := len(j.backups) - 1; n >= 0 {
		// An earlier run may have died in moveAfter, between link and unlink:
		// then the newest backup is a second name of the live file.
		path := j.path(j.backups[n].stamp)
		if isFile(path, live) && isFile(j.log, live) {
			if err := os.Remove(path); err != nil {
				j.fail("rotate", err)
			}
			j.backups = j.backups[:n]
		}
	}
	if len(j.backups) > 0 {
		j.start()
	}
}

func isFile(path string, file fs.FileInfo) bool {
	info, err := os.Lstat(path)
	return err == nil && os.SameFile(info, file)
}

// list reads the directory, and at first removes what an earlier run left
// half-made. The lock is held.
func (j *janitor) list(first bool) bool {
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		j.fail("prune", err)
		return false
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		if stamp, gz, ok := j.stampOf(e.Name()); ok {
			b := j.at(stamp)
			b.plain = b.plain || !gz
			b.gz = b.gz || gz
			b.size = unknown
		} else if first && j.isTemp(e.Name()) {
			if err := os.Remove(filepath.Join(j.dir, e.Name())); err != nil {
				j.fail("compress", err)
			}
		}
	}
	return true
}

// at returns the backup of the stamp, made if need be. The lock is held.
func (j *janitor) at(stamp string) *backup {
	i, found := j.search(stamp)
	if !found {
		j.backups = slices.Insert(j.backups, i, backup{stamp: stamp, size: unknown})
	}
	return &j.backups[i]
}

func (j *janitor) search(stamp string) (i int, found bool) {
	return slices.BinarySearchFunc(j.backups, stamp, func(b backup, s string) int {
		return strings.Compare(b.stamp, s)
	})
}

// newest returns the stamp of the newest backup; "" if there is none.
func (j *janitor) newest() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.backups) == 0 {
		return ""
	}
	return j.backups[len(j.backups)-1].stamp
}

// taken reports whether a file has the stamp already.
func (j *janitor) taken(stamp string) bool {
	for _, path := range []string{j.path(stamp), j.path(stamp) + gzipSuffix} {
		if _, err := os.Lstat(path); err == nil {
			return true
		}
	}
	return false
}

// moveAfter moves the file at path to the first free name after the stamp. It
// never overwrites: link fails where rename would not.
func (j *janitor) moveAfter(stamp, path string) error {
	t, err := time.Parse(stampLayout, stamp)
	if err != nil {
		return err
	}
	for {
		t = t.Add(time.Millisecond)
		stamp := t.Format(stampLayout)
		if j.taken(stamp) {
			continue
		}
		to := j.path(stamp)
		err := os.Link(path, to)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			if err = os.Remove(path); err != nil {
				return errors.Join(err, os.Remove(to))
			}
		} else if err = os.Rename(path, to); err != nil { // a file system without links
			return err
		}
		j.mu.Lock()
		j.movedTo = stamp
		j.mu.Unlock()
		return nil
	}
}

// rotated takes over a file that has become a backup since from; f may be nil.
func (j *janitor) rotated(f *os.File, dirty bool, info fs.FileInfo, from time.Time) {
	stamp := j.find(info, from)
	j.mu.Lock()
	if stamp != "" {
		b := j.at(stamp)
		b.plain, b.size, b.since = true, unknown, time.Now()
	} else { // the clock has jumped meanwhile
		j.list(false)
	}
	j.mu.Unlock()
	if f != nil { // before the work starts, which is to sync or close it
		j.unsynced.add(f, dirty, stamp)
	}
	j.mu.Lock()
	j.start()
	j.mu.Unlock()
}

// maxFind is how long a rotation may take for the backup to be looked for name
// by name.
const maxFind = time.Second

// find returns the stamp under which lumberjack has put the file: that of a
// millisecond since from. It returns "" if there is none.
func (j *janitor) find(info fs.FileInfo, from time.Time) string {
	j.mu.Lock()
	moved := j.movedTo
	j.movedTo = ""
	j.mu.Unlock()
	if moved != "" {
		return moved
	}
	last := time.Now().Round(0)
	for t := from.Round(0).Truncate(time.Millisecond); !t.After(last) && last.Sub(t) < maxFind; t = t.Add(time.Millisecond) {
		stamp := t.In(j.zone).Format(stampLayout)
		if got, err := os.Lstat(j.path(stamp)); err == nil && os.SameFile(got, info) {
			return stamp
		}
	}
	return ""
}

// aside takes over a file that others have moved away.
func (j *janitor) aside(f *os.File, dirty bool) {
	j.unsynced.add(f, dirty, "")
	j.mu.Lock()
	j.start()
	j.mu.Unlock()
}

// syncAside makes lasting what was written to files that are not live any more.
func (j *janitor) syncAside() error {
	j.unsynced.sync()
	return j.unsynced.err()
}

// start sees to it that the goroutine goes over the backups again. The lock is
// held.
func (j *janitor) start() {
	j.work = true
	if j.idle == nil && !j.aborted.Load() {
		j.idle = make(chan struct{})
		go j.run()
	}
}

func (j *janitor) run() {
	for j.more() {
		last := j.newest()
		j.prune(false, last)
		j.compressAll(j.closing.Load())
		if j.delay && j.tooLarge() { // rather than to lose an old one
			j.compressAll(true)
		}
		j.unsynced.sync()
		j.prune(true, last)
		j.plan()
	}
}

// more reports whether there is work; without, the goroutine has been signed off.
func (j *janitor) more() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.work && !j.aborted.Load() {
		j.work = false
		return true
	}
	close(j.idle)
	j.idle = nil
	return false
}

// close returns when the work is done, or aborted, and nothing is open.
func (j *janitor) close() {
	j.closing.Store(true)
	j.mu.Lock()
	if j.delay && len(j.backups) > 0 { // what has waited for a tailer
		j.start()
	}
	for j.idle != nil {
		idle := j.idle
		j.mu.Unlock()
		<-idle
		j.mu.Lock()
	}
	j.mu.Unlock()
	j.unsynced.sync() // an aborted one leaves files open
}

// abort makes the work end soon. What is left is found again by look at the
// next start.
func (j *janitor) abort() { j.aborted.Store(true) }
