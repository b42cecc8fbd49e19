package attention

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// How K and V are loaded and how queries lie in matrices are two things, which
// a plan tells apart whatever one field of the tuning holds.
func TestTuningTellsLoadsAndQueriesApart(t *testing.T) {
	cube := MatrixShape{16, 16, 16}
	for _, c := range []struct {
		tuning         Tuning
		loads, queries string
	}{
		{Tuning{Way: wayUint}, "in words of 16 bytes, which are unpacked", "in registers, no matrices"},
		{Tuning{Way: wayHalf}, "as halves, through bindings", "in registers, no matrices"},
		{Tuning{Way: wayAddress}, "as halves, through addresses of buffers", "in registers, no matrices"},
		{Tuning{Way: wayRows, Matrix: cube}, "in words of 16 bytes, which pass through shared memory to the matrices", "rows of the score matrices, which stay in registers"},
		{Tuning{Way: wayColumns, Matrix: cube}, "in words of 16 bytes, which pass through shared memory to the matrices", "columns of the score matrices, which stay in registers"},
		{Tuning{Way: wayUint, Matrix: cube}, "in words of 16 bytes, which pass through shared memory to the matrices", "rows of the score matrices, which pass through shared memory"},
	} {
		assert.Equal(t, c.loads, c.tuning.loads(), "%+v", c.tuning)
		assert.Equal(t, c.queries, c.tuning.queries(), "%+v", c.tuning)
		text := (&Plan{Tuning: c.tuning}).tierLines()
		assert.Contains(t, text, "K and V    "+c.loads+"\n")
		assert.Contains(t, text, "queries    "+c.queries+"\n")
	}
}
