package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// given is what fragments of code may use without saying where it comes from.
const given = `package p

import (
	"context"
	"io"
	"log/slog"
	"net"

	"github.com/logly-go/logly"
	"gopkg.in/natefinch/lumberjack.v2"
)

var (
	ctx      context.Context
	h        *logly.Handler
	a, b     slog.Handler
	logger   *slog.Logger
	lv       *slog.LevelVar
	l        *lumberjack.Logger
	w        io.Writer
	conn     net.Conn
	id, name string
)

type userKey struct{}

func serve(context.Context) error { return nil }
func alert(string)                {}
`

// imported is the packages that fragments may use without importing them.
var imported = map[string]string{
	"lumberjack": "gopkg.in/natefinch/lumberjack.v2",
	"logly":      "github.com/logly-go/logly",
}

func init() {
	for _, path := range strings.Fields(`bufio bytes context encoding/json errors expvar flag fmt io io/fs log/slog
		math net net/http os os/exec os/signal path/filepath strings sync syscall testing testing/synctest time`) {
		imported[path[strings.LastIndex(path, "/")+1:]] = path
	}
}

// Every piece of Go in the README, in docs and in the package comment compiles,
// and go vet has nothing to say. Those that use other modules are taken word for
// word from a program under examples.
func TestCodeInTheDocsCompiles(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a module")
	}
	code := manual(t)
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.lang == "go" {
				code = append(code, b.fragment)
			}
		}
		code = append(code, goInTables(t, p)...)
	}
	require.Greater(t, len(code), 40)

	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	writeModule(t, write)
	write("given.go", given)
	programs := exampleSources(t)
	for i, f := range code {
		if strings.Contains(programs, squeezed(f.text)) {
			continue
		}
		text, alone, err := compilable(f)
		require.NoError(t, err, "%s:%d: %s", f.file, f.line, f.text)
		name := fmt.Sprintf("f%d.go", i)
		if alone { // it may declare what others declare too
			name = fmt.Sprintf("f%d/f.go", i)
		}
		write(name, text)
		if alone && !strings.HasPrefix(f.text, "package ") {
			write(fmt.Sprintf("f%d/given.go", i), given)
		}
	}
	for _, args := range [][]string{{"build", "-mod=mod", "./..."}, {"vet", "-mod=mod", "./..."}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		assert.NoError(t, err, "go %s: %s", args[0], out)
	}
}

// writeModule writes a go.mod and a go.sum that know all that this module knows,
// and this module itself.
func writeModule(t *testing.T, write func(name, text string)) {
	t.Helper()
	checkout, err := filepath.Abs(".")
	require.NoError(t, err)
	mod, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	sum, err := os.ReadFile("go.sum")
	require.NoError(t, err)
	const module = "github.com/logly-go/logly"
	text := strings.Replace(string(mod), "module "+module, "module example.com/docs", 1)
	write("go.mod", fmt.Sprintf("%s\nrequire %s v0.0.0\n\nreplace %s => %q\n", text, module, module, checkout))
	write("go.sum", string(sum))
}

// goInTables returns the code spans in the columns of tables that hold Go.
func goInTables(t *testing.T, p page) (code []fragment) {
	t.Helper()
	span := regexp.MustCompile("`([^`]+)`")
	var isGo []bool // of the columns; nil: in no table
	for i, line := range p.prose {
		cells := strings.Split(strings.Trim(line, "| "), "|")
		switch {
		case !strings.HasPrefix(line, "|"):
			isGo = nil
		case isGo == nil:
			for _, head := range cells {
				isGo = append(isGo, slices.Contains([]string{"Go", "Today", "With logly"}, strings.TrimSpace(head)))
			}
		default:
			for c, cell := range cells {
				if c >= len(isGo) || !isGo[c] {
					continue
				}
				for _, m := range span.FindAllStringSubmatch(cell, -1) {
					code = append(code, fragment{p.name, i + 1, m[1]})
				}
			}
		}
	}
	return code
}

// compilable makes a file of a fragment: a whole file, declarations, statements
// or an expression. Alone tells that it must be a package of its own.
func compilable(f fragment) (text string, alone bool, err error) {
	path, err := filepath.Abs(f.file)
	if err != nil {
		return "", false, err
	}
	body := strings.ReplaceAll(f.text, "{...}", "{}")
	at := fmt.Sprintf("//line %s:%d\n", path, f.line)
	if strings.HasPrefix(body, "package ") {
		return at + body, true, nil
	}
	if file, err := parse("package p\n" + body); err == nil {
		return "package p\n" + imports(file) + at + body, true, nil
	}
	if e, err := parser.ParseExpr(body); err == nil {
		if _, isCall := e.(*ast.CallExpr); !isCall { // which may have no value
			body = "_ = " + body
		}
	}
	file, err := parse("package p\nfunc _() {\n" + body + "\n}")
	if err != nil {
		return "", false, err
	}
	result, end := "", ""
	statements := file.Decls[0].(*ast.FuncDecl).Body.List
	for _, name := range declared(statements) {
		end += "_ = &" + name + "\n"
	}
	if returnsError(statements) {
		result, end = "error", end+"return nil\n"
	}
	return "package p\n" + imports(file) + "func _() " + result + " {\n" + at + body + "\n" + end + "}\n", false, nil
}

func parse(source string) (*ast.File, error) {
	return parser.ParseFile(token.NewFileSet(), "", source, 0)
}

// imports returns the import declaration of a file that has none. Names that it
// declares itself are not packages.
func imports(file *ast.File) string {
	own, needed := map[string]bool{}, map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, name := range defined(n) {
				own[name] = true
			}
		case *ast.Field:
			for _, id := range n.Names {
				own[id.Name] = true
			}
		case *ast.SelectorExpr:
			if id, ok := n.X.(*ast.Ident); ok && imported[id.Name] != "" {
				needed[id.Name] = true
			}
		}
		return true
	})
	var b strings.Builder
	if len(file.Imports) == 0 {
		for name := range needed {
			if !own[name] {
				fmt.Fprintf(&b, "import %q\n", imported[name])
			}
		}
	}
	return b.String()
}

func defined(a *ast.AssignStmt) (names []string) {
	for _, left := range a.Lhs {
		if id, ok := left.(*ast.Ident); ok && a.Tok == token.DEFINE && id.Name != "_" {
			names = append(names, id.Name)
		}
	}
	return names
}

// declared returns the variables of statements. A fragment need not use them.
func declared(statements []ast.Stmt) (names []string) {
	for _, s := range statements {
		switch s := s.(type) {
		case *ast.AssignStmt:
			names = append(names, defined(s)...)
		case *ast.DeclStmt:
			for _, spec := range s.Decl.(*ast.GenDecl).Specs {
				if v, ok := spec.(*ast.ValueSpec); ok {
					for _, id := range v.Names {
						names = append(names, id.Name)
					}
				}
			}
		}
	}
	return names
}

// returnsError reports whether statements return a value, those of functions
// inside aside.
func returnsError(statements []ast.Stmt) (found bool) {
	for _, s := range statements {
		ast.Inspect(s, func(n ast.Node) bool {
			if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) > 0 {
				found = true
			}
			_, inner := n.(*ast.FuncLit)
			return !inner
		})
	}
	return found
}

// exampleSources returns the programs under examples, squeezed.
func exampleSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	require.NoError(t, filepath.WalkDir("examples", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		all.WriteString(squeezed(string(text)))
		return err
	}))
	return all.String()
}

// squeezed makes all space single, so that indentation does not count.
func squeezed(s string) string { return " " + strings.Join(strings.Fields(s), " ") + " " }
