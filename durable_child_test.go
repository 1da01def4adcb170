//go:build linux || darwin || freebsd

package logly

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The processes that the kill tests start, one after the other on one log, and
// how those tell what they have done. Each is one life of the log.

const (
	maxLives     = 32
	maxProducers = 8
)

// ledger is what all lives of a log write down: a mapping that outlives them
// and that logly knows nothing of.
type ledger [maxLives]life

// life is one process's page of the ledger.
type life struct {
	phase     atomic.Uint32 // a phase
	recovered atomic.Uint64 // Stats.Recovered when Open had returned
	producers [maxProducers]struct {
		started atomic.Uint64 // records given to Handle and not refused
		acked   atomic.Uint64 // of these, how many it has returned nil for
		_       [48]byte      // a cache line each
	}
}

// phase is how far a process has got.
type phase uint32

const (
	phaseStarting phase = iota
	phaseOpening        // in Open
	phaseDraining       // Open has returned, and the queue still holds what an earlier life left in it
	phaseLogging
	phaseClosing // in Close
	phaseClosed
	phases
)

func (p phase) String() string {
	return [...]string{"starting", "opening", "draining", "logging", "closing", "closed"}[p]
}

func (l *life) enter(p phase) { l.phase.Store(uint32(p)) }
func (l *life) in() phase     { return phase(l.phase.Load()) }

// openLedger maps the ledger at path, made if need be.
func openLedger(path string) (l *ledger, unmap func() error, err error) {
	const size = int(unsafe.Sizeof(ledger{}))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close() //nolint:errcheck // the mapping stays
	if err := f.Truncate(int64(size)); err != nil {
		return nil, nil, err
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return (*ledger)(unsafe.Pointer(&mem[0])), func() error { return unix.Munmap(mem) }, nil
}

// plan is what a process is told to do.
type plan struct {
	File        string
	Ledger      string
	Life        int
	NotDurable  bool // to see records lost
	QueueSize   int
	Rotation    Rotation
	Compression Compression
	Producers   int
	Large       largeRecords
	Settle      bool          // do not log before the queue of the life before is empty
	Busy        bool          // call Complete, Rotate and Stats meanwhile
	Close       time.Duration // how long to log before Close; 0: for ever
	End         string        // which of ends to come to; "": none
	EndAfter    time.Duration
}

const planEnv = "LOGLY_TEST_PLAN"

func (p plan) sink() Sink {
	return Sink{
		File: p.File, Enqueue: true, Durable: !p.NotDurable, QueueSize: p.QueueSize,
		Rotation: p.Rotation, Compression: p.Compression,
	}
}

// command returns the process, not started yet.
func (p plan) command() (*exec.Cmd, error) {
	text, err := json.Marshal(p)
	cmd := child("victim")
	cmd.Env = append(cmd.Env, planEnv+"="+string(text), "GOTRACEBACK=none")
	return cmd, err
}

// reportMark begins the lines that tell on stderr what OnError got.
const reportMark = "reported: "

func init() { children["victim"] = childVictim }

func childVictim([]string) {
	var p plan
	check(json.Unmarshal([]byte(os.Getenv(planEnv)), &p))
	book, _, err := openLedger(p.Ledger)
	check(err)
	page := &book[p.Life]
	go func() { // nobody else would end it if the test died
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(4)
	}()
	padText()

	page.enter(phaseOpening)
	h, err := Open(p.sink(), OnError(func(err error) { fmt.Fprintln(os.Stderr, reportMark+err.Error()) }))
	check(err)
	page.recovered.Store(h.Stats()[0].Recovered)
	page.enter(phaseDraining)
	for p.Settle && h.Stats()[0].Queued > 0 {
		runtime.Gosched()
	}
	page.enter(phaseLogging)
	var wg sync.WaitGroup
	for producer := range p.Producers {
		wg.Go(func() { check(page.log(h, p.Life, producer, p.Large)) })
	}
	if p.Busy {
		go meddle(h)
	}
	if p.End != "" {
		time.Sleep(p.EndAfter)
		go ends[p.End]()
	}
	if p.Close > 0 {
		time.Sleep(p.Close)
		page.enter(phaseClosing)
		check(h.Close())
		page.enter(phaseClosed)
	}
	wg.Wait()
	time.Sleep(time.Hour) // until it is killed
}

// log logs records of one producer, one after the other, until the handler is
// closed.
func (l *life) log(h *Handler, life, producer int, large largeRecords) error {
	mine := &l.producers[producer]
	for seq := uint64(0); ; seq++ {
		mine.started.Store(seq + 1)
		r := slog.NewRecord(time.Now(), slog.LevelInfo, "record", 0)
		r.AddAttrs(
			slog.Int("life", life), slog.Int("producer", producer), slog.Uint64("seq", seq),
			slog.String("pad", padding(life, producer, seq, large)),
		)
		err := h.Handle(context.Background(), r)
		if errors.Is(err, ErrClosed) {
			mine.started.Store(seq)
			return nil
		}
		if err != nil {
			return err
		}
		mine.acked.Store(seq + 1)
	}
}

// meddle does what a program may do at any time.
func meddle(h *Handler) {
	for {
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
		switch rand.IntN(4) {
		case 0:
			if err := h.Rotate(); !errors.Is(err, ErrClosed) {
				check(err)
			}
		case 1:
			h.Stats()
		default:
			check(h.Complete())
		}
	}
}

// ends are the ways in which a process brings about its own.
var ends = map[string]func(){
	"os.Exit": func() { os.Exit(7) },
	"panic":   func() { panic("not recovered") },
	"fatal error": func() {
		new(sync.Mutex).Unlock()
	},
	"exec": func() {
		path, err := exec.LookPath("true")
		check(err)
		check(syscall.Exec(path, []string{"true"}, os.Environ()))
	},
}

// largeRecords tells that one record of every Every, at random, is up to Max
// bytes large; none if Every is 0.
type largeRecords struct{ Every, Max uint64 }

// padText is what paddings are cut from, with characters that JSON escapes.
var padText = sync.OnceValue(func() string {
	const characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \"\\\n"
	r := rand.New(rand.NewPCG(0, 0))
	text := make([]byte, 64<<10)
	for i := range text {
		text[i] = characters[r.IntN(len(characters))]
	}
	return string(text)
})

// padding returns what a record is padded with: mostly 1 to 256 bytes, that
// follow from its number.
func padding(life, producer int, seq uint64, large largeRecords) string {
	r := rand.New(rand.NewPCG(uint64(life*maxProducers+producer), seq))
	n := 1 + r.IntN(1<<r.IntN(9))
	if large.Every > 0 && r.Uint64N(large.Every) == 0 {
		n = 1 + int(r.Uint64N(large.Max))
	}
	text := padText()
	from := r.IntN(len(text))
	if from+n <= len(text) {
		return text[from : from+n]
	}
	return strings.Repeat(text, (from+n)/len(text)+1)[from : from+n]
}
