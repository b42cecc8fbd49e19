package driver

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Programs build without cgo too, so unsupported.go declares all that the files
// with cgo export, with the same types.
func TestUnsupportedHasTheSameAPI(t *testing.T) {
	with, without := build.Default, build.Default
	with.GOOS, with.GOARCH, with.CgoEnabled = "linux", "amd64", true
	without.GOOS, without.GOARCH, without.CgoEnabled = "linux", "amd64", false
	want, got := exported(t, &with), exported(t, &without)
	require.Greater(t, len(want), 50)
	require.Contains(t, want, "func AdoptInstance(unsafe.Pointer, uint64, uint32, ) Instance, Result, ")
	require.Equal(t, want, got)
}

// exported lists the functions, types, constants and variables that a build
// exports: functions with their types, others by name.
func exported(t *testing.T, context *build.Context) []string {
	t.Helper()
	p, err := context.ImportDir(".", 0)
	require.NoError(t, err)
	var list []string
	for _, name := range append(p.GoFiles, p.CgoFiles...) {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, filepath.Join(".", name), nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if text, ok := signature(files, d); ok {
					list = append(list, text)
				}
			case *ast.GenDecl:
				list = append(list, names(d)...)
			}
		}
	}
	slices.Sort(list)
	return list
}

// signature prints a function without the names of its parameters.
func signature(files *token.FileSet, d *ast.FuncDecl) (text string, ok bool) {
	var b bytes.Buffer
	show := func(n any) { _ = printer.Fprint(&b, files, n) } // to memory: cannot fail
	b.WriteString("func ")
	if d.Recv != nil {
		receiver := d.Recv.List[0].Type
		b.WriteString("(")
		show(receiver)
		b.WriteString(") ")
		if star, is := receiver.(*ast.StarExpr); is {
			receiver = star.X
		}
		if !ast.IsExported(receiver.(*ast.Ident).Name) {
			return "", false
		}
	}
	b.WriteString(d.Name.Name)
	list := func(fields *ast.FieldList) {
		if fields == nil {
			return
		}
		for _, f := range fields.List {
			for range max(1, len(f.Names)) {
				show(f.Type)
				b.WriteString(", ")
			}
		}
	}
	b.WriteString("(")
	list(d.Type.Params)
	b.WriteString(") ")
	list(d.Type.Results)
	return b.String(), d.Name.IsExported()
}

func names(d *ast.GenDecl) []string {
	var list []string
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() {
				list = append(list, "type "+spec.Name.Name)
			}
		case *ast.ValueSpec:
			for _, n := range spec.Names {
				if n.IsExported() {
					list = append(list, d.Tok.String()+" "+n.Name)
				}
			}
		}
	}
	return list
}
