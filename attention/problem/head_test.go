package problem_test

import (
	"encoding/json"
	"testing"

	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHeadsAsJSON(t *testing.T) {
	text, err := json.Marshal([]problem.Head{{Mode: problem.HeadDense}})
	require.NoError(t, err)
	assert.JSONEq(t, `[{"mode":"dense","theta":0}]`, string(text))
	var heads []problem.Head
	require.NoError(t, json.Unmarshal([]byte(`[{"mode":"anchor_only"},{"mode":"anchor","theta":8}]`), &heads))
	assert.Equal(t, []problem.Head{{Mode: problem.HeadAnchorOnly}, {Mode: problem.HeadAnchor, Theta: 8}}, heads)
	require.ErrorContains(t, json.Unmarshal([]byte(`[{"mode":"sparse"}]`), &heads), "sparse")
	_, err = json.Marshal(problem.Head{Mode: 7})
	require.Error(t, err)
}
