package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesAreCountedByKind(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("a.go", `package a
type Box[T any] struct {
	Left, Right int
	hidden      int
	*Other
}
func (b *Box[T]) Open() {}
func (b Box[T]) shut()  {}
type Other struct{ X int }
type Runner interface { Run(); stop() }
type small struct{ Big int }
func (small) Method() {}
type Alias = struct{ Many, Fields int }
func New() {}
func old() {}
const One, two = 1, 2
var Three, four = 3, 4
`)
	write("a_windows.go", "//go:build windows\n\npackage a\nfunc New() {}\nfunc Elsewhere() {}\n")
	write("a_test.go", "package a\nfunc Tested() {}\n")
	all, err := exported(dir)
	require.NoError(t, err)
	require.Equal(t, names{
		"Box": kindType, "Other": kindType, "Runner": kindType, "Alias": kindType,
		"Box.Left": kindField, "Box.Right": kindField, "Box.Other": kindField, "Other.X": kindField,
		"Box.Open": kindMethod, "Runner.Run": kindMethod,
		"New": kindFunc, "Elsewhere": kindFunc, "One": kindConst, "Three": kindVar,
	}, all)
	require.Equal(t, [kindCount]int{4, 2, 1, 1, 2, 4}, all.counts())
}

func TestFoldersWithoutGoAreRefused(t *testing.T) {
	_, err := exported(t.TempDir())
	require.ErrorContains(t, err, "holds no Go files")
}
