package tuning

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// How K and V are loaded and how queries lie in matrices are two things, which
// have words of their own, though one word stands for both in JSON.
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
		assert.Equal(t, c.loads, c.tuning.Loads(), "%+v", c.tuning)
		assert.Equal(t, c.queries, c.tuning.Queries(), "%+v", c.tuning)
	}
}

// One word stands for a way, in text and JSON, and gives it again.
func TestWaysHaveWords(t *testing.T) {
	for _, way := range Ways() {
		text, err := json.Marshal(Choice{Way: way})
		require.NoError(t, err)
		assert.Equal(t, `{"way":"`+way.String()+`"}`, string(text))
		var again Choice
		require.NoError(t, json.Unmarshal(text, &again))
		assert.Equal(t, way, again.Way)
		parsed, err := Parse("a test", "way="+way.String())
		require.NoError(t, err)
		assert.Equal(t, way, parsed.Way)
	}
	text, err := json.Marshal(Choice{})
	require.NoError(t, err)
	assert.Equal(t, "{}", string(text))
	require.ErrorContains(t, json.Unmarshal([]byte(`{"way":"swift"}`), new(Choice)), `has the way "swift"; there are address, half, uint, rows, columns`)
	require.NoError(t, json.Unmarshal([]byte(`{"way":""}`), new(Tuning)), "a plan that holds none")
}
