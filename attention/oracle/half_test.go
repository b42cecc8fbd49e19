package oracle

import (
	"math"
	"testing"

	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

func TestHalfReferenceErrsByHalfPrecision(t *testing.T) {
	shape := problem.Shape{Batch: 1, Heads: 2, KVHeads: 1, QLen: 200, KVLen: 200, HeadDim: 64}
	o := randomOracle(t, 101, shape, smallParams(8))
	half := o.Half()
	for h := range shape.Heads {
		kept, _ := o.Stripes(0, h, o.GroupOf(199))
		exact, plain := make([]float64, 64), make([]float64, 64)

		lse := o.DenseRow(0, h, 199, exact)
		assert.InDelta(t, lse, half.DenseRow(0, h, 199, plain), 0.05)
		err := RelL2(plain, exact)
		assert.Greater(t, err, 1e-5, "rounding must show")
		assert.Less(t, err, 2e-2)

		lse = o.AnchorRow(0, h, 199, kept, exact)
		assert.InDelta(t, lse, half.AnchorRow(0, h, 199, kept, plain), 0.05)
		err = RelL2(plain, exact)
		assert.Greater(t, err, 1e-5, "rounding must show")
		assert.Less(t, err, 2e-2)
		for _, x := range plain {
			if x != float64(float16.Fromfloat32(float32(x)).Float32()) {
				t.Fatalf("%v is no fp16 value, as outputs are", x)
			}
		}
	}
}

// Three keys by hand: the scores 1/3 and the weights are rounded to fp16.
func TestHalfReferenceRoundsEachStep(t *testing.T) {
	third := float16.Fromfloat32(1.0 / 3)
	data := make([]float16.Float16, 3*8)
	ones := make([]float16.Float16, 3*8)
	for i := range 3 {
		data[i*8] = third
		ones[i*8] = float16.Fromfloat32(1)
	}
	params := problem.DefaultParams()
	params.Scale = 1
	shape := problem.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 1, KVLen: 3, HeadDim: 8}
	o, err := New(shape, params, problem.HostBHSD(ones[:8], 1, 1, 1, 8), problem.HostBHSD(data, 1, 1, 3, 8), problem.HostBHSD(ones, 1, 1, 3, 8))
	require.NoError(t, err)
	out := make([]float64, 8)
	lse := o.Half().DenseRow(0, 0, 0, out)
	weight := float64(third.Float32()) // each weight is fp16(1/3) too
	assert.Equal(t, float64(roundHalf(float32(3*weight))), out[0])
	assert.InDelta(t, weight+math.Log(3), lse, 1e-6)
	o.DenseRow(0, 0, 0, out)
	assert.Equal(t, 1.0, out[0])
}
