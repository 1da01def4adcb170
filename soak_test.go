//go:build unix

package logly

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly/internal/faulty"
)

var (
	soakTime = flag.Duration("soak", 2*time.Second, "how long TestSoak runs")
	soakSeed = flag.Uint64("soak.seed", 0, "what TestSoak begins with; 0: chosen and printed")
)

// soakFits lets a soak of ten minutes end within go test's own default timeout,
// which is as long: the go command waits a minute more before it kills.
func soakFits() {
	timeout := flag.Lookup("test.timeout")
	if need := *soakTime + 45*time.Second; *soakTime > time.Minute && timeout != nil {
		if have, ok := timeout.Value.(flag.Getter).Get().(time.Duration); ok && have > 0 && have < need {
			_ = timeout.Value.Set(need.String())
		}
	}
}

// TestSoak logs from many goroutines to sinks whose destinations meet all kinds
// of faults at random, round after round, and checks after each that nothing is
// lost, doubled, torn or out of order.
//
//	go test -run Soak -soak 10m
func TestSoak(t *testing.T) {
	seed := *soakSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-soak.seed=%d", seed)
	full := smallDisk(t)
	rounds, total := 0, new(soakCount)
	for end := time.Now().Add(*soakTime); time.Now().Before(end) && !t.Failed(); rounds++ {
		s := &soak{T: t, dir: t.TempDir(), total: total}
		var wg sync.WaitGroup
		for i, f := range []func(*rand.Rand){s.file, s.file, s.writer, s.drops, s.handler, s.syncWriter, func(r *rand.Rand) { s.disk(r, full) }} {
			wg.Go(func() { f(rand.New(rand.NewPCG(seed, uint64(rounds<<8|i)))) })
		}
		wg.Wait()
		require.NoError(t, os.RemoveAll(s.dir))
	}
	t.Logf("%d rounds: %d records offered, %d dropped or refused and counted, %d delivered, each once and in order; %d rotations, %d failures met",
		rounds, total.offered.Load(), total.dropped.Load(), total.delivered.Load(), total.rotations.Load(), total.errors.Load())
}

type soakCount struct{ offered, dropped, delivered, rotations, errors atomic.Uint64 }

// soak is one round.
type soak struct {
	*testing.T
	dir   string
	total *soakCount
}

// open returns a handler with one sink, whose failures are expected.
func (s *soak) open(sink Sink) *Handler {
	h, err := Open(sink, OnError(func(error) {}))
	require.NoError(s, err)
	return h
}

// produce logs from several goroutines through h and returns how many records
// each has offered. The others run until that is done.
func (s *soak) produce(r *rand.Rand, h *Handler, refused func(error), others ...func(*rand.Rand)) []int {
	stop := make(chan struct{})
	var chaos sync.WaitGroup
	for _, f := range append(others, func(*rand.Rand) { _ = h.Complete() }, func(*rand.Rand) { h.Stats() }) {
		r := rand.New(rand.NewPCG(r.Uint64(), 0))
		chaos.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(r.IntN(20)) * time.Millisecond):
					f(r)
				}
			}
		})
	}
	offered := make([]int, 1+r.IntN(12))
	var wg sync.WaitGroup
	n := 200 + r.IntN(3000)
	for p := range offered {
		r := rand.New(rand.NewPCG(r.Uint64(), 0))
		wg.Go(func() {
			l := slog.Handler(h).WithAttrs([]slog.Attr{slog.Int("producer", p)})
			for seq := range n {
				level := slog.LevelInfo
				if seq%4 == 0 {
					level = slog.LevelWarn
				}
				rec := slog.NewRecord(time.Now(), level, "m", 0)
				pad := r.IntN(1 << r.IntN(8))
				if r.IntN(500) == 0 {
					pad = 8 << 10 // more than the smaller queues hold
				}
				rec.AddAttrs(slog.Int("seq", seq), slog.String("pad", strings.Repeat("x", pad)))
				if err := l.Handle(context.Background(), rec); err != nil {
					refused(err)
				}
				offered[p]++
			}
		})
	}
	wg.Wait()
	close(stop)
	chaos.Wait()
	return offered
}

// finish closes h, after the faults have ended, and adds up what it counted.
func (s *soak) finish(h *Handler, offered []int) Stats {
	require.NoError(s, h.Close())
	st := h.Stats()[0]
	s.total.dropped.Add(st.Dropped)
	s.total.rotations.Add(st.Rotations)
	s.total.errors.Add(st.Errors)
	sum := 0
	for _, n := range offered {
		sum += n
	}
	s.total.offered.Add(uint64(sum))
	require.EqualValues(s, sum, st.Records+st.Dropped)
	require.Zero(s, st.Queued)
	return st
}

// whole checks that the files, of which each holds a stretch of every
// producer's records, hold all of them once.
func (s *soak) whole(offered []int, files []string) {
	seen := make([][]bool, len(offered))
	for p, n := range offered {
		seen[p] = make([]bool, n)
	}
	for _, f := range files {
		if info, err := os.Lstat(f); err == nil && info.IsDir() {
			continue // one that was put in the way, and rotated in the same moment
		}
		next := map[int]int{}
		text := readFile(s, f)
		for line := range strings.Lines(text) {
			rec := s.record(line)
			p, seq := *rec.Producer, *rec.Seq
			require.False(s, seen[p][seq], "%s: record %d of producer %d is doubled", f, seq, p)
			seen[p][seq] = true
			if want, begun := next[p]; begun {
				require.Equal(s, want, seq, "%s: order of producer %d", f, p)
			}
			next[p] = seq + 1
			s.total.delivered.Add(1)
		}
	}
	for p := range seen {
		for seq, ok := range seen[p] {
			require.True(s, ok, "record %d of producer %d is lost", seq, p)
		}
	}
}

type soakRecord struct {
	Level         slog.Level
	Msg           string
	Producer, Seq *int
	Count         uint64
}

func (s *soak) record(line string) soakRecord {
	var rec soakRecord
	require.True(s, strings.HasSuffix(line, "\n"), "torn: %q", line)
	require.NoError(s, json.Unmarshal([]byte(line), &rec), "torn: %q", line)
	return rec
}

func fail(s *soak) func(error) { return func(err error) { assert.NoError(s, err) } }

// file is a rotated file that others rename and stand in the way of.
func (s *soak) file(r *rand.Rand) {
	dir, err := os.MkdirTemp(s.dir, "file")
	require.NoError(s, err)
	sink := Sink{
		File:      filepath.Join(dir, "app.log"),
		Rotation:  []Rotation{"10 KB", "100 KB or 1 second", "1 second", ""}[r.IntN(4)],
		Enqueue:   true,
		QueueSize: 1 << (10 + r.IntN(10)),
	}
	if r.IntN(2) == 0 {
		sink.Compression = Gzip
		sink.DelayCompression = r.IntN(2) == 0
	}
	sink.Enqueue = r.IntN(3) > 0
	kept := 0
	keep := func() string { kept++; return filepath.Join(dir, fmt.Sprintf("kept-%d.log", kept)) }
	var mu sync.Mutex // one trick at a time
	tricks := []func(*rand.Rand){
		func(*rand.Rand) { _ = os.Rename(sink.File, keep()) },
	}
	if sink.Enqueue { // without a queue these are errors of Handle
		tricks = append(tricks, func(r *rand.Rand) { // in the way
			if os.Rename(sink.File, keep()) == nil && os.Mkdir(sink.File, 0o700) == nil {
				time.Sleep(time.Duration(r.IntN(10)) * time.Millisecond)
				_ = syscall.Rmdir(sink.File) // os.Remove would take a file, too
			}
		})
	}
	h := s.open(sink)
	offered := s.produce(r, h, fail(s),
		func(*rand.Rand) { _ = h.Rotate() },
		func(r *rand.Rand) {
			if r.IntN(10) == 0 {
				mu.Lock()
				defer mu.Unlock()
				tricks[r.IntN(len(tricks))](r)
			}
		})
	_ = syscall.Rmdir(sink.File) // a directory that is still in the way
	s.finish(h, offered)
	files, err := filepath.Glob(filepath.Join(dir, "*.log*"))
	require.NoError(s, err)
	s.whole(offered, files)
}

// faults are met at random by a Writer.
func faults(r *rand.Rand) faulty.Fault {
	err := errors.New("a fault")
	return []faulty.Fault{
		faulty.Short(r.IntN(300), nil), faulty.Short(r.IntN(300), err), faulty.Fail(err), faulty.Late(err),
		faulty.Panic("a fault"), faulty.Lie(true), faulty.Lie(false), faulty.Slow(time.Duration(r.IntN(2000)) * time.Microsecond),
	}[r.IntN(8)]
}

func (s *soak) text(w *faulty.Writer, name string) string {
	path := filepath.Join(s.dir, name)
	require.NoError(s, os.WriteFile(path, []byte(w.Text()), 0o600))
	return path
}

// writer is a queue before a Writer that misbehaves.
func (s *soak) writer(r *rand.Rand) {
	w := faulty.New()
	h := s.open(Sink{Writer: w, Enqueue: true, QueueSize: 1 << (10 + r.IntN(10))})
	offered := s.produce(r, h, fail(s), func(r *rand.Rand) { w.Next(faults(r)) })
	w.Heal()
	s.finish(h, offered)
	s.whole(offered, []string{s.text(w, "writer")})
}

// drops is a queue that drops what is below WARN when it is full.
func (s *soak) drops(r *rand.Rand) {
	w := faulty.New()
	h := s.open(Sink{Writer: w, Enqueue: true, QueueSize: 1 << 12, DropBelow: slog.LevelWarn})
	offered := s.produce(r, h, fail(s), func(r *rand.Rand) { w.Next(faults(r)) })
	w.Heal()
	st := s.finish(h, offered)
	next := make([]int, len(offered))
	warned := make([]int, len(offered))
	var records, told uint64
	for line := range strings.Lines(w.Text()) {
		rec := s.record(line)
		if rec.Msg == "logly: records dropped" {
			told += rec.Count
			continue
		}
		records++
		require.GreaterOrEqual(s, *rec.Seq, next[*rec.Producer], "order")
		next[*rec.Producer] = *rec.Seq + 1
		if rec.Level == slog.LevelWarn {
			warned[*rec.Producer]++
		}
	}
	require.Equal(s, st.Records, records)
	require.LessOrEqual(s, told, st.Dropped, "what was dropped last has no record to stand before")
	for p, n := range offered {
		require.Equal(s, (n+3)/4, warned[p], "WARN is never dropped")
	}
	s.total.delivered.Add(records)
}

// syncWriter has no queue: what Handle refuses is not in the output, what it
// accepts is.
func (s *soak) syncWriter(r *rand.Rand) {
	w := faulty.New()
	h := s.open(Sink{Writer: w})
	var refused atomic.Uint64
	offered := s.produce(r, h, func(error) { refused.Add(1) }, func(r *rand.Rand) { w.Next(faults(r)) })
	w.Heal()
	st := s.finish(h, offered)
	require.Equal(s, refused.Load(), st.Dropped)
	next := make([]int, len(offered))
	var records uint64
	for line := range strings.Lines(w.Text()) {
		rec := s.record(line)
		if rec.Msg == "logly: records dropped" {
			continue
		}
		records++
		require.GreaterOrEqual(s, *rec.Seq, next[*rec.Producer], "order")
		next[*rec.Producer] = *rec.Seq + 1
	}
	require.Equal(s, st.Records, records)
	s.total.delivered.Add(records)
}

// fickle is a handler that fails and panics at random.
type fickle struct {
	slog.Handler
	*whims
}

type whims struct {
	mu   sync.Mutex
	r    *rand.Rand
	kept int
}

func (f fickle) Handle(ctx context.Context, r slog.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.r.IntN(50) {
	case 0:
		return errors.New("a fault")
	case 1:
		panic("a fault")
	}
	if r.Message == "m" { // else a notice
		f.kept++
	}
	return f.Handler.Handle(ctx, r)
}

func (f fickle) WithAttrs(as []slog.Attr) slog.Handler {
	return fickle{f.Handler.WithAttrs(as), f.whims}
}

// handler is a queue before a slog.Handler that misbehaves: what it refuses is
// not tried again.
func (s *soak) handler(r *rand.Rand) {
	w := faulty.New()
	f := fickle{slog.NewJSONHandler(w, nil), &whims{r: rand.New(rand.NewPCG(r.Uint64(), 0))}}
	h := s.open(Sink{Handler: f, Enqueue: true, QueueSize: 1 << (10 + r.IntN(10))})
	offered := s.produce(r, h, fail(s))
	require.NoError(s, h.Close())
	st := h.Stats()[0]
	next := make([]int, len(offered))
	for line := range strings.Lines(w.Text()) {
		if rec := s.record(line); rec.Producer != nil {
			require.GreaterOrEqual(s, *rec.Seq, next[*rec.Producer], "order, and never twice")
			next[*rec.Producer] = *rec.Seq + 1
		}
	}
	require.EqualValues(s, st.Records-st.Dropped, f.kept)
	s.total.offered.Add(st.Records)
	s.total.dropped.Add(st.Dropped)
	s.total.delivered.Add(uint64(f.kept))
}

// smallDisk returns a directory on a file system of its own that can be filled,
// or "" where the test may not mount one.
func smallDisk(t *testing.T) string {
	dir := t.TempDir()
	if err := mountTmpfs(dir, "size=16m"); err != nil {
		t.Logf("no full disks in this run: mount: %v", err)
		return ""
	}
	t.Cleanup(func() { assert.NoError(t, unmount(dir)) })
	return dir
}

// disk is a rotated file on a disk that others fill and free.
func (s *soak) disk(r *rand.Rand, full string) {
	if full == "" {
		return
	}
	dir, err := os.MkdirTemp(full, "disk")
	require.NoError(s, err)
	defer os.RemoveAll(dir)
	ballast := filepath.Join(full, "ballast")
	fill := func(r *rand.Rand) {
		f, err := os.Create(ballast)
		if err != nil {
			return
		}
		defer f.Close() //nolint:errcheck // the disk is full
		for chunk := make([]byte, 64<<10); err == nil; {
			_, err = f.Write(chunk)
		}
		assert.ErrorIs(s, err, syscall.ENOSPC)
		time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
		assert.NoError(s, os.Remove(ballast))
	}
	h := s.open(Sink{File: filepath.Join(dir, "app.log"), Enqueue: true, QueueSize: 1 << 14, Rotation: "100 KB", Compression: Gzip})
	offered := s.produce(r, h, fail(s), fill)
	s.finish(h, offered)
	files, err := filepath.Glob(filepath.Join(dir, "*.log*"))
	require.NoError(s, err)
	s.whole(offered, files)
}
