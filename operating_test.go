package logly

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly/internal/faulty"
)

// section returns what stands under a heading of docs/OPERATING.md, up to the
// next one.
func section(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("docs", "OPERATING.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "\n"+heading+"\n")
	require.True(t, found, "docs/OPERATING.md: %s", heading)
	rest, _, _ = strings.Cut(rest, "\n#")
	return rest
}

// firstColumn returns what stands in code quotes at the beginning of table rows.
func firstColumn(table string) (names []string) {
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1) {
		names = append(names, row[1])
	}
	return names
}

func TestOperatingNamesEveryFieldOfStats(t *testing.T) {
	var fields []string
	for f := range reflect.TypeFor[Stats]().Fields() {
		fields = append(fields, f.Name)
	}
	require.Equal(t, fields, firstColumn(section(t, "## Stats, field by field")))
}

// The Op values that the code can give are those in docs/OPERATING.md, and those
// in the comment of Error.
func TestOperatingNamesEveryOp(t *testing.T) {
	inCode := slices.Sorted(maps.Keys(opsInCode(t)))
	require.Greater(t, len(inCode), 10)
	require.Equal(t, inCode, slices.Sorted(slices.Values(firstColumn(section(t, "### What Op says")))))

	source, err := os.ReadFile("report.go")
	require.NoError(t, err)
	comment := regexp.MustCompile(`(?m)^\tOp +string +//(.*)$`).FindSubmatch(source)
	require.NotNil(t, comment)
	var inComment []string
	for _, op := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(string(comment[1]), -1) {
		inComment = append(inComment, op[1])
	}
	require.Equal(t, inCode, slices.Sorted(slices.Values(inComment)))
}

// opsInCode returns the strings that reach Error.Op: those in an Error literal,
// those assigned to a variable op, and those passed for a parameter op.
func opsInCode(t *testing.T) map[string]bool {
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	files := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			parsed = append(parsed, file)
		}
	}

	type parameter struct{ at, of int }
	functions := map[string]parameter{} // which have a parameter op
	look := func(name string, f *ast.FuncType) {
		at, of := -1, 0
		for _, p := range f.Params.List {
			for _, n := range p.Names {
				if n.Name == "op" {
					at = of
				}
				of++
			}
		}
		if at >= 0 {
			functions[name] = parameter{at, of}
		}
	}
	each := func(f func(ast.Node)) {
		for _, file := range parsed {
			ast.Inspect(file, func(n ast.Node) bool { f(n); return true })
		}
	}
	each(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.FuncDecl:
			look(n.Name.Name, n.Type)
		case *ast.Field:
			if f, ok := n.Type.(*ast.FuncType); ok {
				for _, name := range n.Names {
					look(name.Name, f)
				}
			}
		}
	})

	ops := map[string]bool{}
	take := func(e ast.Expr) {
		switch e := e.(type) {
		case *ast.BasicLit:
			op, err := strconv.Unquote(e.Value)
			require.NoError(t, err)
			ops[op] = true
		case *ast.Ident: // op itself
			require.Equal(t, "op", e.Name, "%s", files.Position(e.Pos()))
		case *ast.SelectorExpr: // that of another Error
			require.Equal(t, "Op", e.Sel.Name, "%s", files.Position(e.Pos()))
		default:
			require.Fail(t, "where does this Op come from?", "%s", files.Position(e.Pos()))
		}
	}
	each(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if id, ok := n.Type.(*ast.Ident); !ok || id.Name != "Error" {
				return
			}
			for _, field := range n.Elts {
				kv, ok := field.(*ast.KeyValueExpr)
				require.True(t, ok, "%s: an Error without names of fields", files.Position(field.Pos()))
				if kv.Key.(*ast.Ident).Name == "Op" {
					take(kv.Value)
				}
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if id, ok := left.(*ast.Ident); ok && id.Name == "op" {
					take(n.Rhs[i])
				}
			}
		case *ast.CallExpr:
			name := ""
			switch f := n.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			if p, ok := functions[name]; ok && len(n.Args) == p.of { // others have fail(err)
				take(n.Args[p.at])
			}
		}
	})
	return ops
}

// The worked example in docs/OPERATING.md for the size of a queue.
func TestOperatingsOutageThatAQueueBridges(t *testing.T) {
	text := section(t, "## How large a queue")
	for _, want := range []string{"200 records a second, 250 bytes each", "1,048,576 bytes", "4,194 records", "20.97 s"} {
		require.Contains(t, strings.Join(strings.Fields(text), " "), want)
	}
	synctest.Test(t, func(t *testing.T) {
		w := faulty.New()
		w.Always(faulty.Fail(errDisk))
		h := NewHandler(Sink{Writer: w, Format: JSON, Enqueue: true}, quiet)
		const line = 250
		record := slog.NewRecord(time.Time{}, slog.LevelInfo, strings.Repeat("x", line-len(`{"level":"INFO","msg":""}`)-1), 0)
		start := time.Now()
		for i := 0; ; i++ {
			waits := background(func() error { return h.Handle(t.Context(), record) })
			synctest.Wait()
			if int(h.Stats()[0].Records) == i { // the first that has to wait
				require.Equal(t, 4194, i)
				require.InDelta(t, 20.97, time.Since(start).Seconds(), 0.01)
				w.Heal()
				later(longestPause)
				require.NoError(t, *waits())
				break
			}
			later(time.Second / 200)
		}
		require.NoError(t, h.Close())
		require.Len(t, w.Text(), 4195*line)
	})
}

// The functions that docs/OPERATING.md says to look for in a stack dump.
func TestOperatingsFunctionsInAStackDump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		h := NewHandler(Sink{Writer: writer, Format: JSON, Enqueue: true}, quiet)
		waits := background(func() error { return emit(h, slog.LevelInfo, 0, 0, 2<<20) }) // more than the queue has
		require.Nil(t, waits())
		dump := make([]byte, 1<<20)
		dump = dump[:runtime.Stack(dump, true)]
		for _, name := range []string{"logly.(*waiter).wait", "logly.(*queue).deliver"} {
			require.Contains(t, section(t, "## From the symptom to what to do"), "`"+name+"`")
			require.Contains(t, string(dump), name+"(")
		}
		require.NoError(t, reader.CloseWithError(errors.New("nobody reads")))
		require.Error(t, h.Close())
		require.ErrorIs(t, *waits(), ErrClosed)
	})
}
