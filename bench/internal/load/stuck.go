package load

import (
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/logly-go/logly"
)

// stuck measures what piles up behind a writer that never returns. The callers
// end up waiting for room.
func stuck(s Spec) (r Result, err error) {
	runtime.GC()
	before := resident()
	h, err := logly.Open(logly.Sink{Writer: blocked{}, Enqueue: true})
	if err != nil {
		return r, err
	}
	var logged atomic.Int64
	for g := range s.Goroutines {
		l := slog.New(h).With("g", g)
		go func() {
			for seq := 0; ; seq++ {
				l.Info("request handled", "seq", seq)
				logged.Add(1)
			}
		}()
	}
	for was := int64(-1); logged.Load() != was; { // until nobody gets any further
		was = logged.Load()
		time.Sleep(s.Time)
	}
	r.Peak = peak()
	r.Growth = r.Peak - before
	return r, nil
}

// blocked is a writer whose reader has stopped reading.
type blocked struct{}

func (blocked) Write([]byte) (int, error) { select {} }
