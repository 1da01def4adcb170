package logly

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly/internal/faulty"
)

// endless resolves to a group that holds itself.
type endless struct{}

func (endless) LogValue() slog.Value { return slog.GroupValue(slog.Any("e", endless{})) }

func TestAnEndlessLogValuerIsCut(t *testing.T) {
	var buf, text bytes.Buffer
	h := open(t,
		Sink{Handler: slog.NewJSONHandler(&buf, nil), Enqueue: true},
		Sink{Writer: &text, Format: Text})
	slog.New(h).WithGroup("g").With("w", endless{}).InfoContext(Contextualize(t.Context(), "c", endless{}), "m", "k", endless{})
	require.NoError(t, h.Complete())
	assert.Equal(t, 3, strings.Count(buf.String(), "!ERROR:groups nested more than 1000 deep"))
	assert.Equal(t, 3, strings.Count(text.String(), "!ERROR:groups nested more than 1000 deep"))
}

// adding is the usual wrapper that adds to a record.
type adding struct {
	slog.Handler
	key string
}

func (a adding) Handle(ctx context.Context, r slog.Record) error {
	r.AddAttrs(slog.Bool(a.key, true))
	return a.Handler.Handle(ctx, r)
}

func TestHandlersMayAddToTheirRecord(t *testing.T) {
	var one, two bytes.Buffer
	h := open(t,
		Sink{Handler: adding{slog.NewTextHandler(&one, nil), "one"}},
		Sink{Handler: adding{slog.NewTextHandler(&two, nil), "two"}})
	for n := range 20 { // some of which leave room in the record's own memory
		one.Reset()
		two.Reset()
		r := slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)
		for i := range n {
			r.AddAttrs(slog.Int("i", i))
		}
		require.NoError(t, h.Handle(t.Context(), r))
		assert.Regexp(t, `( i=\d+){`+strconv.Itoa(n)+`} one=true\n$`, one.String())
		assert.Regexp(t, `( i=\d+){`+strconv.Itoa(n)+`} two=true\n$`, two.String())
	}
}

// leveled has another level once it has an attribute, as handlers with levels
// for each component do.
type leveled struct {
	slog.Handler
	level slog.Level
}

func (l leveled) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }
func (l leveled) WithAttrs(as []slog.Attr) slog.Handler {
	return leveled{l.Handler.WithAttrs(as), slog.LevelDebug}
}

func TestADerivedHandlerIsAskedForItsLevel(t *testing.T) {
	var buf bytes.Buffer
	h := open(t,
		Sink{Handler: leveled{slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug}), slog.LevelError}},
		Sink{Writer: io.Discard})
	slog.New(h).Warn("no")
	slog.New(h).With("component", "db").Debug("yes")
	assert.Equal(t, 1, strings.Count(buf.String(), "\n"))
	assert.Contains(t, buf.String(), "msg=yes component=db")
}

func TestWithResolvesOnceUnderAGroup(t *testing.T) {
	var buf bytes.Buffer
	var n atomic.Int64
	h := open(t, Sink{Handler: slog.NewTextHandler(&buf, &slog.HandlerOptions{ReplaceAttr: withoutTime})})
	log := slog.New(h).WithGroup("g").With("v", countedValue{&n})
	ctx := Contextualize(t.Context(), "id", 7)
	log.InfoContext(ctx, "m")
	log.InfoContext(ctx, "m")
	log.Info("m")
	assert.Equal(t, "level=INFO msg=m id=7 g.v=1\nlevel=INFO msg=m id=7 g.v=1\nlevel=INFO msg=m g.v=1\n", buf.String())
}

// stuckHandler hangs until released.
type stuckHandler struct {
	slog.Handler
	gate *faulty.Gate
}

func (s stuckHandler) Handle(context.Context, slog.Record) error {
	_, _, err := s.gate.Stuck(nil)
	return err
}

func TestCloseWaitsForHandlersUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := faulty.NewGate()
		flushed := 0
		h := NewHandler(Sink{Handler: stuckHandler{slog.DiscardHandler, gate}, Flush: func(context.Context) error { flushed++; return nil }})
		handled := make(chan error, 1)
		go func() { handled <- info(h, "m") }()
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- h.Close() }()
		synctest.Wait()
		assert.Zero(t, flushed)
		gate.Open()
		require.NoError(t, <-handled)
		require.NoError(t, <-closed)
		assert.Equal(t, 1, flushed)
	})
	synctest.Test(t, func(t *testing.T) { // but not for ever
		gate := faulty.NewGate()
		h := NewHandler(Sink{Handler: stuckHandler{slog.DiscardHandler, gate}})
		go func() { _ = info(h, "m") }()
		synctest.Wait()
		require.ErrorIs(t, h.Close(), errNoProgress)
		gate.Open()
		synctest.Wait()
	})
}

func TestAFlushThatHangs(t *testing.T) {
	for _, enqueue := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			flush := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
			h := NewHandler(Sink{Handler: slog.DiscardHandler, Enqueue: enqueue, Flush: flush})
			start := time.Now()
			require.ErrorIs(t, h.Complete(), errNoProgress)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, h.CompleteContext(ctx), context.DeadlineExceeded)
			require.Error(t, h.Close())
			assert.Less(t, time.Since(start), 12*time.Second)
			synctest.Wait()
		})
	}
}

// One failure is no reason for Close to give up what is queued, nor for Complete
// to report what the next try will write.
func TestOneFailureDoesNotEndAClose(t *testing.T) {
	for name, fails := range map[string]int{"Complete": 1, "Close": 5} {
		synctest.Test(t, func(t *testing.T) {
			w := faulty.New()
			h := NewHandler(Sink{Writer: w, Enqueue: true}, OnError(func(error) {}))
			for range fails {
				w.Next(faulty.Fail(errors.New("hiccup")))
			}
			for range 100 {
				require.NoError(t, info(h, "m"))
			}
			if name == "Complete" {
				require.NoError(t, h.Complete())
			}
			require.NoError(t, h.Close())
			assert.Equal(t, 100, strings.Count(w.Text(), "\n"), name)
			assert.Zero(t, h.Stats()[0].Dropped)
		})
	}
}

// A pipe's deadlines go on to work: to ask for its descriptor would end that.
func TestAPipeKeepsItsDeadlines(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, errors.Join(r.Close(), w.Close())) })
	open(t, Sink{Writer: w}) // with the default Format, which depends on what w is
	require.NoError(t, w.SetWriteDeadline(time.Now().Add(10*time.Millisecond)))
	_, err = w.Write(make([]byte, 1<<20))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}
