//go:build linux || darwin || freebsd

package logly

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The count of what the lives of a log have left in its files, held against
// what they wrote into the ledger.

// killRecord is what they log.
type killRecord struct {
	Life, Producer int
	Seq            uint64
	Pad            string
}

// logText is one file of a log.
type logText struct {
	name  string
	taken bool // away from the log, by others: what it holds may be there once more
	text  string
}

// takenPrefix begins the names of files that others have taken away from a log
// and left in its directory.
const takenPrefix = "taken-"

// readLog returns the files of the log at path in the order in which they were
// written: what was taken away, the backups, the live file. There must be no
// others in its directory.
func readLog(t testing.TB, path string) []logText {
	entries, err := os.ReadDir(filepath.Dir(path)) // sorted, and so by time
	require.NoError(t, err)
	live := filepath.Base(path)
	prefix := strings.TrimSuffix(live, filepath.Ext(live))
	var files []logText
	for _, e := range entries {
		taken := strings.HasPrefix(e.Name(), takenPrefix)
		if !taken && (!strings.HasPrefix(e.Name(), prefix) || !strings.HasSuffix(strings.TrimSuffix(e.Name(), gzipSuffix), filepath.Ext(live))) {
			continue
		}
		files = append(files, logText{e.Name(), taken, readFile(t, filepath.Join(filepath.Dir(path), e.Name()))})
	}
	rank := func(f logText) int {
		switch {
		case f.taken:
			return 0
		case f.name != live:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(files, func(a, b logText) int { return cmp.Compare(rank(a), rank(b)) })
	return files
}

// tally is what was counted.
type tally struct {
	acked      uint64 // accepted: Handle has returned nil
	found      uint64 // different records
	underWay   uint64 // of these, whose Handle had not returned: they may be there or not
	lost       uint64 // accepted, and not there
	doubled    uint64 // there once more
	again      uint64 // in a file taken away, and once more
	torn       uint64 // lines that are no record as it was logged
	cut        uint64 // files taken away that end inside a line
	disordered uint64 // behind a later record of the same producer
	invented   uint64 // never logged, or refused

	first string // the first of what is wrong
}

// count counts the records in files, which are in the order in which they were
// written. With unordered they are not, and order is looked at in each alone.
func (l *ledger) count(files []logText, large largeRecords, unordered bool) tally {
	c := counter{ledger: l, large: large}
	for i := range l {
		for p := range l[i].producers {
			c.seen[i][p] = make([]*logText, l[i].producers[p].started.Load())
		}
	}
	for i := range files {
		if unordered {
			c.last = [maxProducers]*killRecord{}
		}
		for line := range strings.Lines(files[i].text) {
			c.line(&files[i], line)
		}
	}
	c.missing()
	return c.tally
}

type counter struct {
	tally
	*ledger
	large largeRecords
	seen  [maxLives][maxProducers][]*logText // of every record, the file in which it was found last
	last  [maxProducers]*killRecord          // of each producer, the newest found so far
}

func (c *counter) wrong(n *uint64, format string, args ...any) {
	if *n++; c.first == "" {
		c.first = fmt.Sprintf(format, args...)
	}
}

func (c *counter) line(f *logText, line string) {
	whole := strings.HasSuffix(line, "\n")
	if f.taken && !whole {
		c.cut++
		return
	}
	r := new(killRecord)
	if err := json.Unmarshal([]byte(line), r); err != nil || !whole ||
		r.Life < 0 || r.Life >= maxLives || r.Producer < 0 || r.Producer >= maxProducers ||
		r.Pad != padding(r.Life, r.Producer, r.Seq, c.large) {
		c.wrong(&c.torn, "%s: torn: %.300q", f.name, line)
		return
	}
	all := c.seen[r.Life][r.Producer]
	if r.Seq >= uint64(len(all)) {
		c.wrong(&c.invented, "%s: %v was never logged", f.name, r)
		return
	}
	was := all[r.Seq]
	all[r.Seq] = f
	switch {
	case was != nil && was.taken:
		c.again++
		return
	case was != nil:
		c.wrong(&c.doubled, "%s: %v is doubled, in %s before", f.name, r, was.name)
		return
	}
	c.found++
	last := c.last[r.Producer]
	if last != nil && (r.Life < last.Life || r.Life == last.Life && r.Seq < last.Seq) {
		c.wrong(&c.disordered, "%s: %v stands behind %v", f.name, r, last)
		return
	}
	c.last[r.Producer] = r
}

func (c *counter) missing() {
	for i := range c.seen {
		for p, all := range c.seen[i] {
			acked := c.ledger[i].producers[p].acked.Load()
			c.acked += acked
			for seq, was := range all {
				switch {
				case was == nil && uint64(seq) < acked:
					c.wrong(&c.lost, "%v is lost, of %d", &killRecord{Life: i, Producer: p, Seq: uint64(seq)}, acked)
				case was != nil && uint64(seq) >= acked:
					c.underWay++
				}
			}
		}
	}
}

func (r *killRecord) String() string {
	return fmt.Sprintf("record %d of producer %d in life %d", r.Seq, r.Producer, r.Life)
}

// err tells what must never be.
func (t tally) err() error {
	if t.lost+t.doubled+t.torn+t.disordered+t.invented == 0 {
		return nil
	}
	return fmt.Errorf("%v; %s", t, t.first)
}

func (t tally) String() string {
	return fmt.Sprintf("of %d records acknowledged %d lost, %d doubled, %d lines torn, %d records out of order, %d never logged; %d under way found",
		t.acked, t.lost, t.doubled, t.torn, t.disordered, t.invented, t.underWay)
}

func (t *tally) add(u tally) {
	t.acked += u.acked
	t.found += u.found
	t.underWay += u.underWay
	t.lost += u.lost
	t.doubled += u.doubled
	t.again += u.again
	t.torn += u.torn
	t.cut += u.cut
	t.disordered += u.disordered
	t.invented += u.invented
}

// The count that the kill tests go by sees everything that can be wrong with a
// log.
func TestKillCount(t *testing.T) {
	book := new(ledger)
	for i, producers := range [][]struct{ acked, started uint64 }{
		{{3, 4}, {2, 2}},
		{{1, 1}, {0, 1}},
	} {
		for p, n := range producers {
			book[i].producers[p].acked.Store(n.acked)
			book[i].producers[p].started.Store(n.started)
		}
	}
	large := largeRecords{Every: 2, Max: 100 << 10}
	for _, c := range []struct {
		name string
		log  string // life.producer.seq for a record, ending in - where its line is torn; | between files, [ ] around one that was taken
		want tally
	}{
		{"all is well", "0.0.0 0.1.0 | 0.0.1 0.1.1 0.0.2 | 1.0.0", tally{found: 6}},
		{"all under way is there", "0.0.0 0.1.0 | 0.0.1 0.1.1 0.0.2 | 0.0.3 1.0.0 1.1.0", tally{found: 8, underWay: 2}},
		{"one is lost", "0.0.0 0.1.0 | 0.0.1 0.1.1 | 1.0.0", tally{found: 5, lost: 1}},
		{"the last is lost", "0.0.0 0.1.0 | 0.0.1 0.1.1 0.0.2", tally{found: 5, lost: 1}},
		{"all are lost", "", tally{lost: 6}},
		{"one before another that is under way is lost", "0.0.0 0.1.0 | 0.0.1 0.1.1 0.0.3 | 1.0.0", tally{found: 6, lost: 1, underWay: 1}},
		{"one is doubled", "0.0.0 0.0.0 0.1.0 | 0.0.1 0.1.1 0.0.2 | 1.0.0", tally{found: 6, doubled: 1}},
		{"one is doubled in another file", "0.0.0 0.1.0 | 0.0.1 0.1.1 0.0.2 | 1.0.0 0.0.0", tally{found: 6, doubled: 1}},
		{"one is there three times", "0.0.0 0.1.0 0.1.0 0.1.0 | 0.0.1 0.1.1 0.0.2 | 1.0.0", tally{found: 6, doubled: 2}},
		{"one under way is doubled", "0.0.0 0.1.0 | 0.0.1 0.1.1 0.0.2 0.0.3 0.0.3 | 1.0.0", tally{found: 7, underWay: 1, doubled: 1}},
		{"a file ends inside a line", "0.0.0 0.1.0- | 0.0.1 0.1.1 0.0.2 | 1.0.0", tally{found: 5, lost: 1, torn: 1}},
		{"a line is glued to a torn one", "0.0.0- 0.1.0 | 0.0.1 0.1.1 0.0.2 | 1.0.0", tally{found: 4, lost: 2, torn: 1}},
		{"a torn line is there again", "0.0.0- | 0.0.0 0.1.0 0.0.1 0.1.1 0.0.2 | 1.0.0", tally{found: 6, torn: 1}},
		{"two are swapped", "0.0.0 0.1.0 | 0.0.2 0.1.1 0.0.1 | 1.0.0", tally{found: 6, disordered: 1}},
		{"two producers are swapped", "0.1.0 0.0.0 | 0.1.1 0.0.1 0.0.2 | 1.0.0", tally{found: 6}},
		{"two files are swapped", "0.0.1 0.1.1 0.0.2 | 0.0.0 0.1.0 | 1.0.0", tally{found: 6, disordered: 2}},
		{"two lives are swapped", "1.0.0 | 0.0.0 0.1.0 | 0.0.1 0.1.1 0.0.2", tally{found: 6, disordered: 3}},
		{"one was never logged", "0.0.0 0.1.0 | 0.0.1 0.1.1 0.0.2 | 1.0.0 1.0.1", tally{found: 6, invented: 1}},
		{"one is of nobody", "0.0.0 0.1.0 | 0.0.1 0.1.1 0.0.2 | 1.0.0 1.7.0", tally{found: 6, invented: 1}},
		{"one is of no life", "0.0.0 0.1.0 | 0.0.1 0.1.1 0.0.2 | 1.0.0 32.0.0", tally{found: 6, torn: 1}},
		{"a file was taken", "[ 0.0.0 0.1.0 ] 0.0.1 0.1.1 0.0.2 | 1.0.0", tally{found: 6}},
		{"a file was taken and written again", "[ 0.0.0 0.1.0 0.0.1 ] 0.1.0 0.0.1 0.1.1 0.0.2 | 1.0.0", tally{found: 6, again: 2}},
		{"a file was taken and written again twice", "[ 0.0.0 0.1.0 ] 0.1.0 0.0.1 0.1.1 0.0.2 0.1.0 | 1.0.0", tally{found: 6, again: 1, doubled: 1}},
		{"a file was taken and has one twice", "[ 0.0.0 0.1.0 0.1.0 ] 0.0.1 0.1.1 0.0.2 | 1.0.0", tally{found: 6, again: 1}},
		{"two files were taken", "[ 0.0.0 0.1.0 0.0.1 | 0.1.0 0.0.1 0.1.1 ] 0.0.1 0.1.1 0.0.2 | 1.0.0", tally{found: 6, again: 4}},
		{"a file was taken inside a line", "[ 0.0.0 0.1.0- ] 0.1.0 0.0.1 0.1.1 0.0.2 | 1.0.0", tally{found: 6, cut: 1}},
		{"a file that was taken has a torn line", "[ 0.0.0- 0.1.0 ] 0.0.0 0.1.0 0.0.1 0.1.1 0.0.2 | 1.0.0", tally{found: 6, torn: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := book.count(killLog(t, c.log, large), large, false)
			wrong := c.want.lost + c.want.doubled + c.want.torn + c.want.disordered + c.want.invented
			assert.Equal(t, wrong > 0, got.err() != nil, "%v", got.err())
			got.first, c.want.acked = "", 6
			assert.Equal(t, c.want, got)
		})
	}

	swapped := killLog(t, "0.0.1 0.1.1 0.0.2 | 0.0.0 0.1.0 | 1.0.0", large)
	assert.Equal(t, tally{acked: 6, found: 6}, book.count(swapped, large, true), "files in no order")
	changed := killLog(t, "0.0.0 0.1.0 | 0.0.1 0.1.1 0.0.2 | 1.0.0", large)
	pad := padding(0, 0, 1, large)[:1]
	changed[1].text = strings.Replace(changed[1].text, `"Pad":"`+pad, `"Pad":"~`, 1)
	got := book.count(changed, large, false)
	assert.Equal(t, []uint64{1, 1}, []uint64{got.torn, got.lost}, "one byte is another: %v", got.err())
}

// killLog returns the files that a log in short describes.
func killLog(t *testing.T, short string, large largeRecords) []logText {
	var files []logText
	taken := false
	var text strings.Builder
	end := func() {
		files = append(files, logText{fmt.Sprint("file ", len(files)), taken, text.String()})
		text.Reset()
	}
	for item := range strings.FieldsSeq(short) {
		switch item {
		case "[":
			taken = true
		case "]":
			end()
			taken = false
		case "|":
			end()
		default:
			var r killRecord
			_, err := fmt.Sscanf(item, "%d.%d.%d", &r.Life, &r.Producer, &r.Seq)
			require.NoError(t, err)
			r.Pad = padding(r.Life, r.Producer, r.Seq, large)
			line, err := json.Marshal(r)
			require.NoError(t, err)
			if strings.HasSuffix(item, "-") {
				text.Write(line[:len(line)/2])
			} else {
				text.Write(append(line, '\n'))
			}
		}
	}
	end()
	return files
}
