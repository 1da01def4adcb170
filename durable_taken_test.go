//go:build linux || darwin || freebsd

package logly

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Others rename or remove the live file, while a process logs and while none
// does. What it had in flight may then be written again, and that is reported;
// nothing is lost, and no line is torn but in the file that was taken away.
func TestDurableKillWhileOthersTakeTheFile(t *testing.T) {
	for _, how := range []struct {
		name     string
		take     func(k *killing, live string)
		rotates  bool // then it must be safe to take a file that may be rotated that moment
		rotation Rotation
		gzip     Compression
		found    bool // the file is, where it is now
	}{
		{name: "renamed", take: (*killing).renameAway},
		{name: "renamed while it rotates", take: (*killing).renameAway, rotates: true, rotation: "200 KB"},
		{name: "renamed while it rotates and compresses", take: (*killing).renameAway, rotates: true, rotation: "200 KB", gzip: Gzip},
		{name: "renamed as a backup", take: (*killing).renameAsBackup, found: true},
		{name: "removed and linked elsewhere", take: (*killing).removeButLink},
		{name: "removed", take: (*killing).remove},
	} {
		t.Run(how.name, func(t *testing.T) {
			r := killRand(t)
			total := newKillTotal()
			disks := killDisks(t)
			for i := range killLogs(4) {
				k := newKilling(t, rand.New(rand.NewPCG(r.Uint64(), 0)), disks[(i+i/2)%len(disks)], total)
				k.vary(i)
				k.plan.Rotation, k.plan.Compression = how.rotation, how.gzip
				k.plan.Busy = k.plan.Busy && how.rotates
				k.unordered, k.mayReport = how.rotates, !how.found
				for k.lives = 5; k.life < k.lives; {
					v := k.start(nil)
					v.await(phaseLogging)
					switch wait(k.soon()); k.r.IntN(3) {
					case 0:
						how.take(k, k.plan.File)
						wait(k.soon())
						v.kill()
					case 1:
						v.kill()
						k.dead = true
						how.take(k, k.plan.File)
						k.dead = false
					default:
						v.kill()
					}
				}
				k.finish()
			}
			t.Log(total)
		})
	}
}

// takenName returns where to put the next file that is taken away.
func (k *killing) takenName() string {
	k.taken++
	return filepath.Join(filepath.Dir(k.plan.File), fmt.Sprintf("%s%02d.log", takenPrefix, k.taken))
}

// gone lets pass that there is no live file, as between a rename and an open.
func (k *killing) gone(err error) bool {
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(k, err)
	}
	return err != nil
}

func (k *killing) renameAway(live string) { k.gone(os.Rename(live, k.takenName())) }

func (k *killing) renameAsBackup(live string) {
	stamp := time.Now().UTC().Format(stampLayout)
	k.gone(os.Rename(live, strings.TrimSuffix(live, ".log")+"-"+stamp+".log"))
	wait(time.Millisecond) // the next has another name
}

func (k *killing) removeButLink(live string) {
	if !k.gone(os.Link(live, k.takenName())) {
		require.NoError(k, os.Remove(live))
	}
}

// remove removes the live file. While a process is at work, which may write on
// to it, it is kept open to be counted. Else it is not: the system may give its
// inode to the next file.
func (k *killing) remove(live string) {
	f, err := os.Open(live)
	if k.gone(err) {
		return
	}
	read := func() logText { return logText{"removed", true, readAll(k, f)} }
	if k.dead {
		now := read()
		read = func() logText { return now }
		require.NoError(k, f.Close())
	} else {
		k.Cleanup(func() { assert.NoError(k, f.Close()) })
	}
	k.removed = append(k.removed, read)
	require.NoError(k, os.Remove(live))
}

func readAll(t testing.TB, f *os.File) string {
	info, err := f.Stat()
	require.NoError(t, err)
	text := make([]byte, info.Size())
	n, err := f.ReadAt(text, 0)
	require.Equal(t, len(text), n, "%v", err)
	return string(text)
}
