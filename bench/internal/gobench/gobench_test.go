package gobench

import (
	"maps"
	"testing"
)

func TestParse(t *testing.T) {
	got := Parse([]byte(`goos: linux
BenchmarkLog/case=attrs5/mode=seq/handler=phuslu-logger-2   	 1000	 612.5 ns/op	 320 B/op	 1 allocs/op
BenchmarkAttrs/attrs=0/handler=logly-16  	100	 90 ns/op
BenchmarkBroken-2
--- FAIL: BenchmarkOther
PASS
`))
	want := map[string]Result{
		"Log/case=attrs5/mode=seq/handler=phuslu-logger": {NS: 612.5, Bytes: 320, Allocs: 1},
		"Attrs/attrs=0/handler=logly":                    {NS: 90},
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}
