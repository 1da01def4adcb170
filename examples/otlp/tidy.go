package main

import (
	"context"
	"log/slog"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/trace"
)

// The names under which OpenTelemetry wants the ids in logs that are not OTLP.
const (
	traceKey = "trace_id"
	spanKey  = "span_id"
)

// traceIDs is for logly.FromContext: it gives the ids of the span in ctx.
func traceIDs(ctx context.Context) []slog.Attr {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		return nil
	}
	return []slog.Attr{
		slog.String(traceKey, span.TraceID().String()),
		slog.String(spanKey, span.SpanID().String()),
	}
}

// tidy is a processor that makes records fit for OTLP. It stands before the one
// that sends them.
type tidy struct{}

var _ sdklog.Processor = tidy{}

func (tidy) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (tidy) ForceFlush(context.Context) error                       { return nil }
func (tidy) Shutdown(context.Context) error                         { return nil }

// OnEmit takes the attributes of traceIDs away, since OTLP has fields for the
// ids, and makes all strings valid UTF-8: a request with one that is not cannot
// be encoded.
func (tidy) OnEmit(_ context.Context, r *sdklog.Record) error {
	if body, changed := valid(r.Body()); changed {
		r.SetBody(body)
	}
	changed := false
	kept := make([]attribute.KeyValue, 0, r.AttributesLen())
	r.WalkAttributes(func(a attribute.KeyValue) bool {
		if a.Key == traceKey && a.Value.AsString() == r.TraceID().String() ||
			a.Key == spanKey && a.Value.AsString() == r.SpanID().String() {
			changed = true
			return true
		}
		a, c := validAttr(a)
		kept, changed = append(kept, a), changed || c
		return true
	})
	if changed {
		r.SetAttributes(kept...)
	}
	return nil
}

func validAttr(a attribute.KeyValue) (_ attribute.KeyValue, changed bool) {
	key, k := validString(string(a.Key))
	value, v := valid(a.Value)
	return attribute.KeyValue{Key: attribute.Key(key), Value: value}, k || v
}

func validString(s string) (_ string, changed bool) {
	if utf8.ValidString(s) {
		return s, false
	}
	return strings.ToValidUTF8(s, "\uFFFD"), true
}

// valid returns v with all strings in it made valid.
func valid(v attribute.Value) (_ attribute.Value, changed bool) {
	switch v.Type() {
	case attribute.STRING:
		s, changed := validString(v.AsString())
		return attribute.StringValue(s), changed
	case attribute.STRINGSLICE:
		list, changed := each(v.AsStringSlice(), validString)
		return attribute.StringSliceValue(list), changed
	case attribute.SLICE:
		list, changed := each(v.AsSlice(), valid)
		return attribute.SliceValue(list...), changed
	case attribute.MAP:
		list, changed := each(v.AsMap(), validAttr)
		return attribute.MapValue(list...), changed
	}
	return v, false
}

// each applies f to a copy of list, and reports whether that changed anything.
func each[T any](list []T, f func(T) (T, bool)) (_ []T, changed bool) {
	list = append([]T(nil), list...)
	for i, e := range list {
		var c bool
		list[i], c = f(e)
		changed = changed || c
	}
	return list, changed
}
