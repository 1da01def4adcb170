package encode

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type (
	planInner struct {
		B bool    `json:"b"`
		F float64 `json:",omitempty"`
	}
	planOuter struct {
		ID      int    `json:"id"`
		U       uint8  `json:"u,omitempty"`
		Name    string `json:"name,omitempty"`
		hidden  string
		Skipped string        `json:"-"`
		Tags    []string      `json:"tags,omitempty"`
		In      planInner     `json:"in,omitempty"`
		Ptr     *planInner    `json:"ptr,omitempty"`
		Always  *int          `json:"always"`
		List    []planInner   `json:"list"`
		Deep    [][]int       `json:"deep"`
		Took    time.Duration `json:"took"`
		Naïve   string
	}
	planEmbedding struct {
		planInner
		ID int
	}
	planRecursive struct {
		Next *planRecursive
		List []planRecursive
	}
	planQuoted   struct{ planField string }
	planStringed struct {
		N int `json:"n,string"`
	}
	planOmitZero struct {
		N int `json:"n,omitzero"`
	}
	planTwice struct {
		A int `json:"B"`
		B int
	}
	planOddName struct {
		A int `json:"a b,omitempty"`
	}
	planStamped  struct{ At time.Time }
	planNumber   struct{ N json.Number }
	planBytes    struct{ B []byte }
	planAny      struct{ A any }
	planMapped   struct{ M map[string]int }
	planArray    struct{ A [2]int }
	planFloat32  struct{ F float32 }
	planTextual  struct{ M marshalText }
	planPointed  struct{ P *pointerMarshaler }
	planValue    struct{ P pointerMarshaler }
	planFuncs    struct{ F func() }
	planErr      struct{ E textErr }
	planNothing  struct{}
	planStringer struct{ S stringer }

	pointerMarshaler struct{ N int }
)

func (p *pointerMarshaler) MarshalJSON() ([]byte, error) { return []byte(`"method"`), nil }

func requireMarshals(t *testing.T, v any) {
	want, ok := plainMarshal(v)
	if !ok {
		return
	}
	got := string(appendAny([]byte("x"), v, JSON, nil))
	if got != "x"+string(want) {
		require.Equal(t, "x"+string(want), got, "%#v", v)
	}
}

func TestPlans(t *testing.T) {
	n := 5
	full := planOuter{ID: -1, U: 255, Name: "a \"b\" é <&>", Skipped: "s", hidden: "h", Tags: []string{"", "x\n"}, In: planInner{true, 1.5},
		Ptr: &planInner{}, Always: &n, List: []planInner{{}, {F: 1e21}}, Deep: [][]int{nil, {}, {1, 2}}, Took: time.Second, Naïve: "\u2028"}
	tests := []struct {
		v       any
		planned bool
	}{
		{full, true}, {&full, true}, {planOuter{}, true}, {(*planOuter)(nil), true}, {[]planOuter{full, {}}, true}, {[]*planOuter{nil, &full}, true},
		{planInner{F: math.Copysign(0, -1)}, true}, {planInner{F: math.NaN()}, true}, {planNothing{}, true}, {planQuoted{"x"}, true}, {planStringer{}, true},
		{[]string(nil), true}, {[]string{}, true}, {[]string{"\b\f", "\xff", "a"}, true}, {[]int{1}, true}, {planStringer{stringer{"x"}}, true},
		{planOuter{Name: "\b"}, true}, {planOuter{Name: "\xff"}, true}, {int8(-3), true}, {uint64(math.MaxUint64), true}, {true, true}, {"named", true},
		{planEmbedding{}, false}, {planRecursive{}, false}, {planStringed{}, false}, {planOmitZero{}, false}, {planTwice{}, false}, {planOddName{}, false},
		{planStamped{}, false}, {planNumber{"1"}, false}, {planBytes{[]byte("x")}, false}, {planAny{1}, false}, {planMapped{}, false}, {planArray{}, false},
		{planFloat32{0.1}, false}, {planTextual{}, false}, {planPointed{&pointerMarshaler{}}, false}, {planValue{}, false}, {&planValue{}, false}, {planFuncs{}, false},
		{[]pointerMarshaler{{}}, false}, {[]namedByte{1}, false}, {planErr{}, true},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.planned, planOf(reflect.TypeOf(tt.v)) != nil, "%T", tt.v)
		requireMarshals(t, tt.v)
		requireMarshals(t, []any{tt.v}[0])
	}
}

// Structs made at random, and filled at random.
func TestPlansRandom(t *testing.T) {
	planned := 0
	for i := range uint64(differentialCases / 20) {
		g := &gen{rng: rand.New(rand.NewPCG(11, i))}
		typ := g.structType(3)
		if planOf(typ) != nil {
			planned++
		}
		for range 3 {
			v := reflect.New(typ)
			g.fill(v.Elem(), 5)
			requireMarshals(t, v.Interface())
			requireMarshals(t, v.Elem().Interface())
		}
	}
	assert.NotZero(t, planned)
}

func (g *gen) structType(depth int) reflect.Type {
	tags := []string{"", "", "", `json:",omitempty"`, `json:"x"`, `json:"y,omitempty"`, `json:"-"`, `json:"-,"`, `json:"é"`, `json:"a.b-c_1"`, `json:"a'b"`, `json:"z,string"`, `json:"w,omitzero"`, `xml:"x"`}
	var fields []reflect.StructField
	for i := range g.n(5) {
		fields = append(fields, reflect.StructField{Name: string(rune('A' + i)), Type: g.fieldType(depth), Tag: reflect.StructTag(tags[g.n(len(tags))])})
	}
	return reflect.StructOf(fields)
}

func (g *gen) fieldType(depth int) reflect.Type {
	basic := []any{"", 0, int64(0), uint(0), uint8(0), 0.0, false, time.Duration(0), stringer{}, "", 0}
	others := []any{time.Time{}, []byte{}, json.Number(""), float32(0), map[string]int{}, textErr{}, marshalText{}, pairs2{}}
	switch n := g.n(24); {
	case n == 0:
		return reflect.TypeOf(others[g.n(len(others))])
	case n < 4 && depth > 0:
		return reflect.PointerTo(g.fieldType(depth - 1))
	case n < 7 && depth > 0:
		return reflect.SliceOf(g.fieldType(depth - 1))
	case n < 10 && depth > 0:
		return g.structType(depth - 1)
	}
	return reflect.TypeOf(basic[g.n(len(basic))])
}

func (g *gen) fill(v reflect.Value, depth int) {
	if !v.CanSet() || g.n(4) == 0 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(g.text())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(g.uint64() >> g.n(64)))
	case reflect.Uint, reflect.Uint8:
		v.SetUint(g.uint64() >> g.n(64))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(g.float())
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		g.fill(v.Elem(), depth-1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), g.n(4), 4))
		for i := range v.Len() {
			g.fill(v.Index(i), depth-1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			g.fill(v.Field(i), depth-1)
		}
	}
}

// A type that is nested in itself in many ways must not be searched for long.
func TestPlanWide(t *testing.T) {
	type wide struct{ A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P *planRecursive }
	requireMarshals(t, wide{})
	requireMarshals(t, planRecursive{Next: &planRecursive{}, List: []planRecursive{{}}})
	require.True(t, strings.HasPrefix(string(appendAny(nil, planInner{F: math.Inf(1)}, JSON, nil)), `"!ERROR:json: unsupported value`))
}
