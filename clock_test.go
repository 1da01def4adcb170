package logly

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIdleFileIsRotatedOnTime(t *testing.T) {
	for _, enqueue := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			path := temp(t)
			h := logTo(t, Sink{File: path, Enqueue: enqueue, Rotation: Daily, Compression: Gzip})
			time.Sleep(7 * time.Hour)
			require.NoError(t, info(h, "a"))
			require.NoError(t, h.Complete())
			time.Sleep(17*time.Hour - time.Nanosecond)
			synctest.Wait()
			assert.Empty(t, names(t, path))
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			assert.Zero(t, len(readFile(t, path)))
			require.Len(t, names(t, path), 1)
			assert.Contains(t, names(t, path)[0], "app-2000-01-02T00-00-00.0")
			time.Sleep(72 * time.Hour)
			synctest.Wait()
			assert.Len(t, names(t, path), 1, "an empty file was rotated")
			require.NoError(t, info(h, "b"))
			time.Sleep(24 * time.Hour)
			synctest.Wait()
			require.NoError(t, h.Close())
			assert.Equal(t, []string{"a", "b"}, messages(t, path))
			assert.Equal(t, uint64(2), h.Stats()[0].Rotations)
		})
	}
}

func TestRotationCombinations(t *testing.T) {
	at := func(s string) time.Time {
		u, err := time.Parse("2006-01-02 15:04:05", s)
		require.NoError(t, err)
		return u
	}
	for _, c := range []struct {
		rule Rotation
		logs []string // times of records
		want []string // by file
	}{
		{"monthly", []string{"2000-01-31 23:59:59", "2000-02-01 00:00:00", "2000-02-29 23:59:59", "2000-03-01 00:00:01"}, []string{"0", "1 2", "3"}},
		{"yearly", []string{"2000-12-31 23:59:59", "2001-01-01 00:00:00", "2001-12-31 12:00:00"}, []string{"0", "1 2"}},
		{"weekly", []string{"2000-01-02 23:59:59", "2000-01-03 00:00:00", "2000-01-09 12:00:00", "2000-01-10 00:00:00"}, []string{"0", "1 2", "3"}},
		{"hourly or 00:30", []string{"2000-01-01 00:29:59", "2000-01-01 00:30:00", "2000-01-01 00:59:59", "2000-01-01 01:10:00"}, []string{"0", "1 2", "3"}},
		{"1 KB or daily", []string{"2000-01-01 01:00:00", "2000-01-01 02:00:00", "2000-01-02 03:00:00"}, []string{"0 1", "2"}},
		{"1 B or daily", []string{"2000-01-01 01:00:00", "2000-01-01 02:00:00", "2000-01-02 03:00:00"}, []string{"0", "1", "2"}},
		{"never", []string{"2000-01-01 01:00:00", "2003-01-01 02:00:00"}, []string{"0 1"}},
	} {
		t.Run(string(c.rule), func(t *testing.T) {
			path := temp(t)
			f, _ := fileFor(t, Sink{File: path, Rotation: c.rule})
			for i, s := range c.logs {
				f.now = func() time.Time { return at(s) }
				put(t, f, fmt.Sprintf("%d\n", i))
			}
			require.NoError(t, f.close())
			var got []string
			for _, name := range append(names(t, path), "app.log") {
				got = append(got, strings.Join(strings.Fields(readFile(t, filepath.Join(filepath.Dir(path), name))), " "))
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestFileLeftFromYesterdayIsRotatedAtOpen(t *testing.T) {
	for _, c := range []struct {
		last    time.Duration // before now
		text    string
		rotated bool
	}{
		{time.Second, "x\n", true},
		{48 * time.Hour, "x\n", true},
		{0, "x\n", false},
		{-time.Hour, "x\n", false}, // written before the clock was set back
		{48 * time.Hour, "", false},
	} {
		bubble(t, func(t *testing.T) {
			path := temp(t)
			write(t, path, c.text)
			require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(-c.last)))
			h := logTo(t, Sink{File: path, Rotation: Daily})
			require.NoError(t, h.Close())
			assert.Equal(t, c.rotated, len(names(t, path)) == 1, "%v", c)
		})
	}
}

// When that fails, it is tried again, not left until tomorrow.
func TestRotationAtOpenIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		path := temp(t)
		write(t, path, "x\n")
		require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)))
		f, got := fileFor(t, Sink{File: path, Rotation: Daily})
		require.NoError(t, f.openNow())
		f.lumber = failingRenamer{}
		f.due, f.retry = time.Time{}, time.Time{}
		require.NoError(t, f.open(time.Now()))
		assert.Len(t, got.all(), 0, "already rotated")
		require.NoError(t, f.close())

		write(t, path, "y\n")
		require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)))
		f, got = fileFor(t, Sink{File: path, Rotation: Daily})
		require.NoError(t, os.Mkdir(filepath.Dir(path)+"/sub", 0o700))
		f.path, f.held = path, heldPaths.take(path)
		f.janitor.settle(path)
		f.lumber = failingRenamer{}
		require.NoError(t, f.openNow())
		require.Len(t, got.all(), 1)
		f.lumber = newLumberjack(path, false)
		time.Sleep(2 * time.Second)
		wait, err := f.idle()
		require.NoError(t, err)
		assert.Positive(t, wait)
		assert.Equal(t, uint64(1), f.count.rotations.Load())
		require.NoError(t, f.close())
	})
}

func TestClockSetBackDoesNotRotateAgain(t *testing.T) {
	path := temp(t)
	f, got := fileFor(t, Sink{File: path, Rotation: "hourly or 100 B"})
	now := time.Date(2024, 5, 1, 11, 59, 59, 0, time.UTC)
	f.now = func() time.Time { return now }
	put(t, f, "a\n")
	now = now.Add(2 * time.Second) // 12:00:01
	put(t, f, "b\n")
	assert.Len(t, names(t, path), 1)
	now = now.Add(-30 * time.Minute) // 11:30:01
	put(t, f, "c\n")
	require.NoError(t, f.rotate()) // even if it rotates for another reason
	put(t, f, strings.Repeat("d", 98)+"\n")
	put(t, f, "e\n")
	assert.Len(t, names(t, path), 3)
	now = now.Add(31 * time.Minute) // 12:01:01, again
	put(t, f, "f\n")
	assert.Len(t, names(t, path), 3)
	now = now.Add(time.Hour)
	put(t, f, "g\n")
	assert.Len(t, names(t, path), 4)
	assert.Equal(t, []string{"a", "b", "c", strings.Repeat("d", 98), "e", "f", "g"}, readLines(t, path))
	assert.Empty(t, got.all())
}

func TestBackupsFromTheFuture(t *testing.T) {
	bubble(t, func(t *testing.T) {
		path := temp(t)
		dir := filepath.Dir(path)
		write(t, dir+"/app-2030-01-01T00-00-00.998.log", "1\n")
		write(t, dir+"/app-2030-01-01T00-00-00.999.log.gz", "") // not looked into
		write(t, dir+"/app-2030-01-01T00-00-01.001.log.gz", "")
		require.NoError(t, os.Remove(dir+"/app-2030-01-01T00-00-01.001.log.gz"))
		require.NoError(t, os.Mkdir(dir+"/app-2030-01-01T00-00-01.001.log.gz", 0o700))
		h := logTo(t, Sink{File: path})
		for i := range 3 {
			require.NoError(t, info(h, fmt.Sprint(i)))
			require.NoError(t, h.Rotate())
		}
		require.NoError(t, h.Close())
		assert.Equal(t, []string{
			"app-2030-01-01T00-00-00.998.log",
			"app-2030-01-01T00-00-00.999.log.gz",
			"app-2030-01-01T00-00-01.000.log",
			"app-2030-01-01T00-00-01.001.log.gz",
			"app-2030-01-01T00-00-01.002.log",
			"app-2030-01-01T00-00-01.003.log",
		}, names(t, path))
		assert.Equal(t, uint64(3), h.Stats()[0].Rotations)
		assert.Equal(t, "1\n", readFile(t, dir+"/app-2030-01-01T00-00-00.998.log"))
	})
}
