package docs

import (
	"go/ast"
	"go/build"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logly-go/logly"
)

// documentation is what go doc shows of this package, with the examples of its
// tests.
func documentation(t *testing.T) *doc.Package {
	t.Helper()
	dir, err := build.ImportDir(".", 0)
	require.NoError(t, err)
	fset := token.NewFileSet()
	var files []*ast.File
	for _, names := range [][]string{dir.GoFiles, dir.TestGoFiles, dir.XTestGoFiles} {
		for _, name := range names {
			f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
			require.NoError(t, err)
			files = append(files, f)
		}
	}
	pkg, err := doc.NewFromFiles(fset, files, "github.com/logly-go/logly")
	require.NoError(t, err)
	return pkg
}

// Every exported function, type and method has an example with checked output,
// and every exported constant and variable is used in one.
func TestEveryExportedSymbolHasAnExample(t *testing.T) {
	pkg := documentation(t)
	used := map[string]bool{}
	checked := func(examples []*doc.Example) bool {
		found := false
		for _, e := range examples {
			if e.Output == "" && !e.EmptyOutput {
				continue
			}
			found = true
			ast.Inspect(e.Code, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					used[id.Name] = true
				}
				return true
			})
		}
		return found
	}
	values := func(groups []*doc.Value) (names []string) {
		for _, g := range groups {
			names = append(names, g.Names...)
		}
		return names
	}
	consts := values(append(pkg.Consts, pkg.Vars...))
	functions := pkg.Funcs
	for _, typ := range pkg.Types {
		assert.True(t, checked(typ.Examples), "type %s has no Example with an Output", typ.Name)
		for _, m := range typ.Methods {
			assert.True(t, checked(m.Examples), "method %s.%s has no Example with an Output", typ.Name, m.Name)
		}
		functions = append(functions, typ.Funcs...)
		consts = append(consts, values(append(typ.Consts, typ.Vars...))...)
	}
	require.Greater(t, len(functions), 4)
	for _, f := range functions {
		assert.True(t, checked(f.Examples), "func %s has no Example with an Output", f.Name)
	}
	require.Greater(t, len(consts), 8)
	for _, name := range consts {
		if ast.IsExported(name) {
			assert.True(t, used[name], "%s is used in no Example with an Output", name)
		}
	}
}

// Every exported symbol has a comment that begins with its name, and every
// exported field one that says what it is.
func TestEveryExportedSymbolIsDocumented(t *testing.T) {
	pkg := documentation(t)
	named := func(name, text string) {
		text = strings.TrimPrefix(strings.TrimPrefix(text, "A "), "An ")
		assert.True(t, strings.HasPrefix(text, name+" "), "the comment of %s does not begin with its name", name)
	}
	functions, values := pkg.Funcs, append(pkg.Consts, pkg.Vars...)
	for _, typ := range pkg.Types {
		named(typ.Name, typ.Doc)
		for _, m := range typ.Methods {
			named(m.Name, m.Doc)
		}
		functions = append(functions, typ.Funcs...)
		values = append(append(values, typ.Consts...), typ.Vars...)
		for _, spec := range typ.Decl.Specs {
			fields, ok := spec.(*ast.TypeSpec).Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, f := range fields.Fields.List {
				assert.NotEmpty(t, f.Doc.Text()+f.Comment.Text(), "%s.%v has no comment", typ.Name, f.Names)
			}
		}
	}
	for _, f := range functions {
		named(f.Name, f.Doc)
	}
	for _, v := range values {
		assert.NotEmpty(t, v.Doc, "%v have no comment", v.Names)
	}
}

// The package comment shows each field of Sink, and each function that makes an
// option or a context, in code.
func TestTheManualShowsEveryOption(t *testing.T) {
	var code strings.Builder
	for _, f := range manual(t) {
		code.WriteString(f.text)
	}
	sink := reflect.TypeFor[logly.Sink]()
	for i := range sink.NumField() {
		assert.Contains(t, code.String(), sink.Field(i).Name+": ", "field of Sink")
	}
	for _, name := range []string{"NewHandler", "Open", "OnError", "FromContext", "Contextualize"} {
		assert.Contains(t, code.String(), "logly."+name+"(")
	}
}

// The links of all comments lead to symbols that exist.
func TestLinksOfTheManualLeadSomewhere(t *testing.T) {
	pkg := documentation(t)
	parser := pkg.Parser()
	links := 0
	check := func(text string) {
		for _, block := range parser.Parse(text).Content {
			p, ok := block.(*comment.Paragraph)
			if !ok {
				continue
			}
			for _, words := range p.Text {
				switch words := words.(type) {
				case *comment.DocLink:
					links++
				case comment.Plain:
					// What go doc cannot resolve stays in brackets.
					assert.NotRegexp(t, `\[\*?[A-Z]\w*(\.\w+)?\]`, string(words))
				}
			}
		}
	}
	check(pkg.Doc)
	for _, typ := range pkg.Types {
		check(typ.Doc)
		for _, f := range append(typ.Methods, typ.Funcs...) {
			check(f.Doc)
		}
	}
	for _, f := range pkg.Funcs {
		check(f.Doc)
	}
	require.Greater(t, links, 20)
}

// manual returns the code in the package comment and in those of symbols. What
// begins with a brace or a digit is a line of a log or a table.
func manual(t *testing.T) (code []fragment) {
	t.Helper()
	pkg := documentation(t)
	texts := []string{pkg.Doc}
	for _, f := range pkg.Funcs {
		texts = append(texts, f.Doc)
	}
	for _, typ := range pkg.Types {
		texts = append(texts, typ.Doc)
		for _, f := range append(typ.Methods, typ.Funcs...) {
			texts = append(texts, f.Doc)
		}
	}
	for _, text := range texts {
		for _, block := range pkg.Parser().Parse(text).Content {
			if c, ok := block.(*comment.Code); ok && !strings.ContainsAny(c.Text[:1], "{0123456789") {
				code = append(code, inComment(t, c.Text))
			}
		}
	}
	require.Greater(t, len(code), 20)
	return code
}

// inComment tells where the code stands as a part of a comment.
func inComment(t *testing.T, code string) fragment {
	t.Helper()
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	indented := "\t" + strings.ReplaceAll(strings.TrimSpace(code), "\n", "\n//\t")
	indented = "//" + strings.ReplaceAll(indented, "\n//\t\n", "\n//\n")
	for _, name := range sources {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		if before, _, found := strings.Cut(string(source), indented); found {
			return fragment{file: name, line: strings.Count(before, "\n") + 1, text: code}
		}
	}
	require.Fail(t, "in no comment", code)
	return fragment{}
}
