package encode

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"unicode/utf8"
)

// anyValue appends a value of KindAny.
func (s *state) anyValue(v any) {
	switch s.enc.format {
	case JSON:
		s.buf = appendAny(s.buf, v, JSON, nil)
	case Text:
		s.buf = appendAny(s.buf, v, Text, &textClass)
	default:
		s.consoleAny(v)
	}
}

// appendAny appends v by its own methods, which may fail or panic: what came
// of that is then the value.
func appendAny(b []byte, v any, f Format, c *class) (out []byte) {
	n := len(b)
	defer func() {
		if p := recover(); p != nil {
			msg := "<nil>" // most likely a method that does not expect a nil receiver
			if rv := reflect.ValueOf(v); rv.Kind() != reflect.Pointer || !rv.IsNil() {
				msg = fmt.Sprintf("!PANIC: %v", p)
			}
			out = appendMessage(b[:n], msg, f, c)
		}
	}()
	var err error
	if f == JSON {
		b, err = appendJSONAny(b, v)
	} else {
		b, err = appendTextAny(b, v, c)
	}
	if err != nil {
		return appendMessage(b[:n], fmt.Sprintf("!ERROR:%v", err), f, c)
	}
	return b
}

func appendMessage(b []byte, msg string, f Format, c *class) []byte {
	if f == JSON {
		return appendJSONString(b, msg)
	}
	return c.appendWord(b, msg)
}

func appendJSONAny(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case slog.Level:
		return append(append(append(b, '"'), levelName(v)...), '"'), nil
	case []string:
		if out, ok := appendStrings(b, v); ok {
			return out, nil
		}
	case json.Marshaler:
		return marshal(b, v)
	case error:
		return appendJSONString(b, v.Error()), nil
	}
	if p := planOf(reflect.TypeOf(v)); p != nil {
		if out, ok := p(b, reflect.ValueOf(v)); ok {
			return out, nil
		}
	}
	return marshal(b, v)
}

// appendStrings is what the plan of []string does, without reflection.
func appendStrings(b []byte, v []string) (out []byte, ok bool) {
	if v == nil {
		return b, false
	}
	b = append(b, '[')
	for i, s := range v {
		if i > 0 {
			b = append(b, ',')
		}
		if b, ok = appendMarshaledString(b, s); !ok {
			return b, false
		}
	}
	return append(b, ']'), true
}

func appendTextAny(b []byte, v any, c *class) ([]byte, error) {
	n := len(b)
	switch v := v.(type) {
	case slog.Level:
		return append(b, levelName(v)...), nil
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		if err != nil {
			return b, err
		}
		return c.finish(append(b, text...), n), nil
	case []byte:
		return quoteTail(append(b, v...), n), nil
	}
	if t := reflect.TypeOf(v); t != nil && t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
		return quoteTail(append(b, reflect.ValueOf(v).Bytes()...), n), nil
	}
	return c.finish(fmt.Appendf(b, "%+v", v), n), nil
}

// marshaler is a json.Encoder, needed to turn HTML escaping off, that writes
// to the end of a line.
type marshaler struct {
	buf []byte
	enc *json.Encoder
}

func (m *marshaler) Write(p []byte) (int, error) {
	m.buf = append(m.buf, p...)
	return len(p), nil
}

var marshalers = sync.Pool{New: func() any {
	m := new(marshaler)
	m.enc = json.NewEncoder(m)
	m.enc.SetEscapeHTML(false)
	return m
}}

// marshal appends v as encoding/json writes it. While it runs nobody else has
// the marshaler; after a panic it is not used again.
func marshal(b []byte, v any) ([]byte, error) {
	n := len(b)
	m := marshalers.Get().(*marshaler)
	m.buf = b
	err := m.enc.Encode(v)
	b, m.buf = m.buf, nil
	marshalers.Put(m)
	if err != nil {
		return b[:n], err
	}
	b = b[:len(b)-1] // Encode ends it with a newline
	if !utf8.Valid(b[n:]) {
		b = repairUTF8(b, n)
	}
	return b, nil
}

// repairUTF8 replaces what is not UTF-8 in the JSON text b[n:]. Only a
// MarshalJSON can have brought it there, and only inside a string.
func repairUTF8(b []byte, n int) []byte {
	raw := string(b[n:])
	b = b[:n]
	for len(raw) > 0 {
		r, size := utf8.DecodeRuneInString(raw)
		if r == utf8.RuneError && size == 1 {
			b = append(b, `\ufffd`...)
		} else {
			b = append(b, raw[:size]...)
		}
		raw = raw[size:]
	}
	return b
}
