//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package driver

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What goes to C as it is has the same fields there, in the same places.
func TestStructsAreLaidOutAsInC(t *testing.T) {
	type field struct {
		name         string
		offset, size uintptr
	}
	fields := func(of any) (list []field) {
		s := reflect.TypeOf(of)
		for i := range s.NumField() {
			f := s.Field(i)
			if f.Name != "_" { // padding, which cgo spells out
				list = append(list, field{strings.ToLower(strings.ReplaceAll(f.Name, "_", "")), f.Offset, f.Type.Size()})
			}
		}
		return list
	}
	for _, c := range []struct{ ours, theirs any }{
		{Op{}, cOp{}}, {Binding{}, cBinding{}}, {Timeline{}, cTimeline{}}, {Shape{}, cShape{}}, {Caps{}, cCaps{}},
	} {
		require.NotEmpty(t, fields(c.ours))
		require.Equal(t, fields(c.theirs), fields(c.ours), "%T", c.ours)
		require.Equal(t, reflect.TypeOf(c.theirs).Size(), reflect.TypeOf(c.ours).Size(), "%T", c.ours)
	}
}
