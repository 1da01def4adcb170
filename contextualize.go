package logly

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/logly-go/logly/internal/encode"
)

// Contextualize returns a context that carries fields: every record logged with
// it, or with a context made from it, has them at its root, right after the
// message, whatever group is open. The arguments are those of [slog.Logger.With]:
// alternating keys and values, or [slog.Attr] values.
//
// Fields stand in the order given, those of the outer context first; a key
// given again replaces the outer field in its place. LogValuers are resolved
// here, once. Without arguments ctx itself is returned. The methods by which a
// field is encoded (MarshalJSON, Error, ...) must not log with the context that
// carries it.
//
//	ctx = logly.Contextualize(ctx, "request_id", id)
//	slog.InfoContext(ctx, "started")
func Contextualize(ctx context.Context, args ...any) context.Context {
	added := appendFlat(nil, allResolved(slog.Group("", args...).Value.Group()))
	if len(added) == 0 {
		return ctx
	}
	if ctx == nil {
		ctx = context.Background()
	}
	f := &fields{}
	if outer := fieldsOf(ctx); outer != nil {
		f.attrs = slices.Clone(outer.attrs) // siblings must not share it
	}
	for _, a := range added {
		i := slices.IndexFunc(f.attrs, func(b slog.Attr) bool { return b.Key == a.Key })
		if i < 0 {
			f.attrs = append(f.attrs, a)
		} else {
			f.attrs[i] = a
		}
	}
	return context.WithValue(ctx, fieldsKey{}, f)
}

// FromContext makes a handler ask f, at every record, for attributes that the
// record's context carries: trace and span ids, a tenant. They stand after the
// fields of [Contextualize]. Several FromContext options are asked in order.
// f must be safe for concurrent use; its context is never nil.
func FromContext(f func(context.Context) []slog.Attr) Option { return fromContextOption(f) }

type fromContextOption func(context.Context) []slog.Attr

func (f fromContextOption) apply(s *settings) error {
	if f == nil {
		return errors.New("logly: FromContext: nil: must be a function")
	}
	s.fromContext = append(s.fromContext, f)
	return nil
}

type fieldsKey struct{}

// fields is what Contextualize put into a context. It is immutable but for the
// memory of how encoders wrote it.
type fields struct {
	attrs   []slog.Attr
	encoded atomic.Pointer[[]*encodedFields]
}

// encodedFields is the fields as one encoder writes them.
type encodedFields struct {
	enc  *encode.Encoder
	done atomic.Bool
	mu   sync.Mutex // held while encoding; a sync.Once would remember a panic as done
	text []byte     // set before done
}

// maxEncoded bounds what a context that outlives many handlers remembers.
const maxEncoded = 16

// fieldsOf returns the fields that ctx carries, or nil.
func fieldsOf(ctx context.Context) *fields {
	if ctx == nil {
		return nil
	}
	f, _ := ctx.Value(fieldsKey{}).(*fields)
	return f
}

// as returns the fields as enc writes them. They are encoded, and seen by
// ReplaceAttr, once for each context and encoder.
func (f *fields) as(enc *encode.Encoder) []byte {
	if f == nil {
		return nil
	}
	e := f.entry(enc)
	if e == nil {
		return enc.AppendFields(nil, f.attrs)
	}
	if !e.done.Load() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if !e.done.Load() {
			e.text = enc.AppendFields(nil, f.attrs)
			e.done.Store(true)
		}
	}
	return e.text
}

// and returns the fields and what FromContext adds to them.
func (f *fields) and(dynamic []slog.Attr) []slog.Attr {
	if f == nil {
		return dynamic
	}
	return append(slices.Clip(f.attrs), dynamic...)
}

// entry returns the place for what enc writes, or nil when there is none left.
func (f *fields) entry(enc *encode.Encoder) *encodedFields {
	for {
		var known []*encodedFields
		p := f.encoded.Load()
		if p != nil {
			known = *p
		}
		for _, e := range known {
			if e.enc == enc {
				return e
			}
		}
		if len(known) >= maxEncoded {
			return nil
		}
		more := append(slices.Clip(known), &encodedFields{enc: enc})
		if f.encoded.CompareAndSwap(p, &more) {
			return more[len(more)-1]
		}
	}
}
