package oracle

import (
	"math"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

// A key that no sum holds, whatever its score, changes nothing of what is chosen
// among the others: an infinite or huge one once left all of them out.
func TestAKeyThatTheSumLeavesOutDecidesForItselfAlone(t *testing.T) {
	shape := problem.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 128, KVLen: 128, HeadDim: 8}
	params := problem.Params{Step: 1, Block: 32, SinkBlocks: 1, Sample: problem.Sample{Stride: 8, Weight: 1, Part: 2}}
	const left = 37 // between two that the sums hold
	choose := func(element float16.Float16) ([]bool, []float64) {
		o := randomOracle(t, 7, shape, params)
		for i := range shape.KVLen { // one element of the queries is 1, and 0 in all keys but that one
			o.Q.At(0, 0, i)[3], o.K.At(0, 0, i)[3] = attentest.Half(1), 0
		}
		o.K.At(0, 0, left)[3] = element
		return o.Choose(0, 0, 3)
	}
	want, _ := choose(0)
	require.Greater(t, attentest.Count(want), 1)
	require.Less(t, attentest.Count(want), 60)
	want[left] = true
	for _, element := range []float16.Float16{attentest.Half(60_000), float16.Inf(1), float16.NaN()} {
		kept, margin := choose(element)
		require.Equal(t, want, kept, "%v", element)
		require.InDelta(t, math.Log(96), margin[left], 1e-9, "probability 1 in each row, where 1/96 is needed")
	}
}
