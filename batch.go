package logly

import (
	"bytes"
	"sync"
	"time"

	"github.com/logly-go/logly/internal/ring"
)

// durableOutput delivers what lies in a file's ring so that a process killed at
// any moment doubles nothing: it writes down which bytes it is about to append
// to which file, and gives up a batch of lines only as a whole. While the ring
// is on the heap it is a lineOutput.
type durableOutput struct {
	lineOutput
	file  *logFile
	lock  sync.Locker // of store
	store *durableStore
	batch int    // bytes of the batch under way; 0: none
	at    uint64 // its position in store
}

func (o *durableOutput) deliver(e entry) (done, lost int, err error) {
	o.lock.Lock()
	// After a fault the file still has what was put in before: until that is
	// delivered it is a batch as any other.
	batches, oversize := o.store.mapped != nil, len(e.line) > o.store.Size()
	o.lock.Unlock()
	if o.batch == 0 && (o.begun > 0 || !batches) {
		return o.lineOutput.deliver(e)
	}
	interrupted, err := o.interrupted()
	if err != nil {
		return 0, 0, err
	}
	if interrupted {
		finished, err := o.file.finish(e.line)
		if finished {
			return len(e.line), 0, err
		}
		if err != nil {
			return 0, 0, err
		}
	}
	if o.batch == 0 {
		if err := o.begin(e.line, oversize); err != nil {
			return 0, 0, err
		}
	}
	n, err := o.write(e.line[o.begun:o.batch])
	o.begun += n
	if o.begun < o.batch {
		switch {
		case o.begun == 0: // the file that takes it may be another
			o.restart()
		case err != nil && !o.landed(): // what went wrong did with a file that is gone
			o.restart()
			return o.deliver(e)
		}
		return 0, 0, err
	}
	done = o.batch
	o.restart()
	if !o.landed() {
		return 0, 0, err
	}
	o.count.bytes.Add(uint64(done)) //gosec:disable G115 -- not negative
	return done, 0, err
}

// interrupted reports whether a batch of an earlier run is still to be finished.
// Nothing is of one that was taken back.
func (o *durableOutput) interrupted() (bool, error) {
	if o.file.interrupted == nil {
		return false, nil
	}
	still, err := o.file.stillInterrupted()
	if o.file.interrupted == nil {
		o.lock.Lock()
		o.store.void()
		o.lock.Unlock()
	}
	return still, err
}

// begin decides how much of lines the next batch is, and writes down where it is
// about to go.
func (o *durableOutput) begin(lines []byte, oversize bool) error {
	first := bytes.IndexByte(lines, '\n') + 1
	room, err := o.ready(first)
	if err != nil {
		return err
	}
	if oversize { // a notice before it is a batch of its own: it can stay
		room = first
	}
	in := ring.Intent{N: len(wholeLines(lines, first, room)), Oversize: oversize}
	if in.Ino, in.Dev, in.Offset, err = o.file.identity(); err != nil {
		return err
	}
	o.lock.Lock()
	o.store.begin(in)
	o.at = o.store.Head()
	o.lock.Unlock()
	o.batch = in.N
	return nil
}

// restart forgets the batch under way.
func (o *durableOutput) restart() { o.begun, o.batch = 0, 0 }

// tear gives up the batch under way, which cannot be read to its end any more.
func (o *durableOutput) tear() {
	if o.begun > 0 {
		_ = o.file.reexamine() // the next write tells what is wrong with the file
	}
	o.restart()
}

// faulted is called with the lock held once the ring has left its file: what it
// has lost is not to be finished any more.
func (o *durableOutput) faulted() {
	if in := o.file.interrupted; in != nil && !in.Oversize {
		if _, live := o.store.mapped.Live(); !live {
			o.file.interrupted, o.file.resume = nil, true
		}
	}
	if o.begun > 0 && o.batch > 0 && o.batch <= o.store.Size() &&
		(len(o.store.Peek(batchBytes)) < o.batch || o.store.Head() != o.at) {
		o.tear()
	}
}

// rotate waits until the batch under way has been written, also that of an
// earlier run: it belongs into one file.
func (o *durableOutput) rotate() error {
	interrupted, err := o.interrupted()
	if err != nil {
		return err
	}
	if interrupted {
		return errMidLine
	}
	return o.lineOutput.rotate()
}

func (o *durableOutput) idle() (time.Duration, error) {
	if interrupted, err := o.interrupted(); interrupted || err != nil {
		return time.Second, err
	}
	return o.lineOutput.idle()
}

// close leaves a batch as it is that the next start finishes.
func (o *durableOutput) close() error {
	o.lock.Lock()
	stays, oversize := o.store.lasts() && o.store.Len() > 0, o.batch > o.store.Size()
	o.lock.Unlock()
	if stays {
		o.restart()
	} else if o.file.resume {
		_ = o.file.live(o.file.now()) // to have backups seen to
	}
	err := o.lineOutput.close()
	if oversize && err == nil { // it has been taken back
		o.lock.Lock()
		o.store.void()
		o.lock.Unlock()
	}
	return err
}
