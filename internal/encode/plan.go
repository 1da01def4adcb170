package encode

import (
	"encoding"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"sync"
	"unicode/utf8"
)

// plan appends values of one type, byte for byte as encoding/json does but at a
// third of its cost. It reports false, having appended nothing of use, for a
// value that encoding/json must see. It is nil for a type that must be left to
// encoding/json altogether: plans know structs, pointers, slices and basic
// types, and nothing that has a say in how it is written.
type plan func(b []byte, v reflect.Value) ([]byte, bool)

var plans sync.Map // from reflect.Type to plan

func planOf(t reflect.Type) plan {
	if t.Kind() == reflect.Map {
		return nil
	}
	if p, ok := plans.Load(t); ok {
		return p.(plan)
	}
	p := newPlan(t, 0)
	plans.Store(t, p)
	return p
}

// maxPlan is how deep types may be nested. It ends the search in those that
// are nested in themselves.
const maxPlan = 10

func newPlan(t reflect.Type, depth int) plan {
	if depth > maxPlan || hasSay(t) || hasSay(reflect.PointerTo(t)) || t == reflect.TypeFor[json.Number]() {
		return nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return planBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return planInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return planUint
	case reflect.Float64:
		return planFloat
	case reflect.String:
		return planString
	case reflect.Pointer:
		return planPointer(newPlan(t.Elem(), depth+1))
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return nil // base64
		}
		return planSlice(newPlan(t.Elem(), depth+1))
	case reflect.Struct:
		return planStruct(t, depth)
	}
	return nil
}

func hasSay(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

func planBool(b []byte, v reflect.Value) ([]byte, bool) { return appendBool(b, v.Bool()), true }
func planInt(b []byte, v reflect.Value) ([]byte, bool)  { return appendInt(b, v.Int()), true }
func planUint(b []byte, v reflect.Value) ([]byte, bool) { return appendUint(b, v.Uint()), true }

func planFloat(b []byte, v reflect.Value) ([]byte, bool) {
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return b, false
	}
	return appendJSONFloat(b, f), true
}

func planString(b []byte, v reflect.Value) ([]byte, bool) {
	return appendMarshaledString(b, v.String())
}

// appendMarshaledString appends s as encoding/json does, unless it holds what
// slog and so appendJSONString escape in their own way.
func appendMarshaledString(b []byte, s string) ([]byte, bool) {
	n := len(b)
	b = appendJSONString(b, s)
	escaped := len(b)-n > len(s)+len(`""`)
	return b, !escaped || utf8.ValidString(s) && !strings.ContainsAny(s, "\b\f")
}

func planPointer(elem plan) plan {
	if elem == nil {
		return nil
	}
	return func(b []byte, v reflect.Value) ([]byte, bool) {
		if v.IsNil() {
			return append(b, "null"...), true
		}
		return elem(b, v.Elem())
	}
}

func planSlice(elem plan) plan {
	if elem == nil {
		return nil
	}
	return func(b []byte, v reflect.Value) ([]byte, bool) {
		if v.IsNil() {
			return append(b, "null"...), true
		}
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			var ok bool
			if b, ok = elem(b, v.Index(i)); !ok {
				return b, false
			}
		}
		return append(b, ']'), true
	}
}

type planField struct {
	key       string // with quotes and colon
	index     int
	omitEmpty bool
	value     plan
}

func planStruct(t reflect.Type, depth int) plan {
	var fields []planField
	names := make(map[string]bool)
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			return nil // its fields may be promoted, or hidden
		}
		tag := f.Tag.Get("json")
		if !f.IsExported() || tag == "-" {
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		} else if !isPlainName(name) {
			return nil
		}
		value := newPlan(f.Type, depth+1)
		if names[name] || option != "" && option != "omitempty" || value == nil {
			return nil
		}
		names[name] = true
		fields = append(fields, planField{`"` + name + `":`, i, option != "", value})
	}
	return func(b []byte, v reflect.Value) ([]byte, bool) {
		b = append(b, '{')
		n := len(b)
		for i := range fields {
			f := &fields[i]
			value := v.Field(f.index)
			if f.omitEmpty && isEmptyField(value) {
				continue
			}
			if len(b) > n {
				b = append(b, ',')
			}
			var ok bool
			if b, ok = f.value(append(b, f.key...), value); !ok {
				return b, false
			}
		}
		return append(b, '}'), true
	}
}

// isPlainName reports whether a name in a tag is one beyond doubt.
func isPlainName(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}

func isEmptyField(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
