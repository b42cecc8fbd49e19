package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// kind is what a name stands for.
type kind int

const (
	kindType kind = iota
	kindFunc
	kindConst
	kindVar
	kindMethod
	kindField
	kindCount
)

func (k kind) String() string {
	return [kindCount]string{"types", "funcs", "consts", "vars", "methods", "fields"}[k]
}

// names are the exported names of a package; those of methods and fields begin
// with their type's.
type names map[string]kind

// exported reads the package in a directory.
func exported(dir string) (names, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	all, files := names{}, 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files++
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				all.addFunc(d)
			case *ast.GenDecl:
				all.addDecl(d)
			}
		}
	}
	if files == 0 {
		return nil, fmt.Errorf("%s holds no Go files; name directories, as ./attention", dir)
	}
	return all, nil
}

func (n names) add(k kind, name, owner string) {
	if !ast.IsExported(name) || owner != "" && !ast.IsExported(owner) {
		return
	}
	if owner != "" {
		name = owner + "." + name
	}
	n[name] = k
}

func (n names) addFunc(f *ast.FuncDecl) {
	if f.Recv == nil {
		n.add(kindFunc, f.Name.Name, "")
		return
	}
	n.add(kindMethod, f.Name.Name, baseName(f.Recv.List[0].Type))
}

func (n names) addDecl(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			n.addType(s)
		case *ast.ValueSpec:
			k := kindVar
			if d.Tok == token.CONST {
				k = kindConst
			}
			for _, name := range s.Names {
				n.add(k, name.Name, "")
			}
		}
	}
}

func (n names) addType(s *ast.TypeSpec) {
	n.add(kindType, s.Name.Name, "")
	if s.Assign.IsValid() {
		return
	}
	switch t := s.Type.(type) {
	case *ast.StructType:
		n.addMembers(kindField, t.Fields, s.Name.Name)
	case *ast.InterfaceType:
		n.addMembers(kindMethod, t.Methods, s.Name.Name)
	}
}

// addMembers adds fields, or methods of an interface, embedded ones by their
// type's name.
func (n names) addMembers(k kind, list *ast.FieldList, owner string) {
	for _, f := range list.List {
		if len(f.Names) == 0 {
			n.add(k, baseName(f.Type), owner)
		}
		for _, name := range f.Names {
			n.add(k, name.Name, owner)
		}
	}
}

// baseName is the name of a type behind pointers, packages and parameters.
func baseName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return baseName(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.IndexExpr:
		return baseName(e.X)
	case *ast.IndexListExpr:
		return baseName(e.X)
	}
	return ""
}

// counts are how many names there are of each kind.
func (n names) counts() (all [kindCount]int) {
	for _, k := range n {
		all[k]++
	}
	return all
}
