package verify

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func line(g, seq int) string {
	return fmt.Sprintf(`{"time":"2026-02-03T04:05:06Z","msg":"m","g":%d,"seq":%d}`+"\n", g, seq)
}

func TestChecker(t *testing.T) {
	all := []string{line(0, 0), line(1, 0), line(0, 1), line(1, 1), line(0, 2)}
	want := []int{3, 2}
	without := func(i int) []string { return append(append([]string{}, all[:i]...), all[i+1:]...) }
	for _, test := range []struct {
		name  string
		lines []string
		want  Report
	}{
		{"whole", all, Report{}},
		{"nothing", nil, Report{Lost: 5}},
		{"lost", without(2), Report{Lost: 1}},
		{"the last lost", without(4), Report{Lost: 1}},
		{"doubled", append(without(0), line(0, 0), line(0, 0)), Report{Doubled: 1, Reordered: 1}},
		{"doubled at once", append([]string{all[0]}, all...), Report{Doubled: 1}},
		{"torn", append(without(4), strings.TrimSuffix(all[4], "\n")), Report{Lost: 1, Invalid: 1}},
		{"half", append(without(4), all[4][:30]+"\n"), Report{Lost: 1, Invalid: 1}},
		{"glued", append(without(4)[:3], strings.TrimSuffix(all[3], "\n")+all[4]), Report{Lost: 2, Invalid: 1}},
		{"put together from two", append(without(4), `{"g":0,"seq":2,"seq":1}`+"\n"), Report{Lost: 1, Invalid: 1}},
		{"no numbers", append(without(4), `{"msg":"m"}`+"\n"), Report{Lost: 1, Invalid: 1}},
		{"not an object", append(without(4), `[{"g":0,"seq":2}]`+"\n"), Report{Lost: 1, Invalid: 1}},
		{"unknown goroutine", append(append([]string{}, all...), line(2, 0)), Report{Invalid: 1}},
		{"unknown record", append(append([]string{}, all...), line(0, 3)), Report{Invalid: 1}},
		{"empty line", append(append([]string{}, all...), "\n"), Report{Invalid: 1}},
		{"reordered", []string{all[0], all[1], all[4], all[3], all[2]}, Report{Reordered: 1}},
		{"other goroutines in another order", []string{all[1], all[3], all[0], all[2], all[4]}, Report{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := NewChecker(want)
			test.want.Want = 5
			for _, l := range test.lines {
				c.Line([]byte(l))
				test.want.Lines++
				test.want.Bytes += int64(len(l))
			}
			got := c.Report()
			if got != test.want {
				t.Errorf("got %+v\nwant %+v", got, test.want)
			}
			if bad := got.Lost+got.Doubled+got.Invalid+got.Reordered > 0; got.OK() == bad {
				t.Errorf("OK() = %v for %v", got.OK(), got)
			}
		})
	}
}

func TestDir(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}()
		if !strings.HasSuffix(name, ".gz") {
			_, err = f.WriteString(text)
		} else {
			z := gzip.NewWriter(f)
			if _, err = z.Write([]byte(text)); err == nil {
				err = z.Close()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write("app-2026-01-01.log.gz", line(0, 0))
	write("app-2026-01-02.log", line(0, 1))
	write("app-2026-01-02.log.gz", "cut short")
	write("app.log", line(0, 2)+strings.Repeat("x", 3<<20)+"\n"+line(0, 3))
	if err := os.Symlink("app.log", filepath.Join(dir, "app-link.log")); err != nil {
		t.Fatal(err)
	}
	got, err := Dir(dir, "app.log", []int{4})
	if err != nil {
		t.Fatal(err)
	}
	if got.OK() || got.Lost != 0 || got.Invalid != 1 || got.Lines != 5 {
		t.Errorf("got %+v", got)
	}
	if s := got.String(); s != "1 invalid of 4" {
		t.Errorf("String() = %q", s)
	}
	write("app.log", line(0, 3)+line(0, 2))
	if got, err = Dir(dir, "app.log", []int{4}); err != nil || got.Reordered != 1 || got.String() != "1 out of order of 4" {
		t.Errorf("got %+v, %v", got, err)
	}
	write("app.log", line(0, 2)+line(0, 3))
	if got, err = Dir(dir, "app.log", []int{4}); err != nil || !got.OK() || got.String() != "all 4 lines" {
		t.Errorf("got %+v, %v", got, err)
	}
}
