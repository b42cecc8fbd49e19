package oracle

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMeasures(t *testing.T) {
	ref := []float64{3, 0, -4, 0}
	out := []float64{3, 0.005, -4, 0.5}
	assert.InDelta(t, math.Sqrt(0.005*0.005+0.25)/5, RelL2(out, ref), 1e-15)
	assert.InDelta(t, (0.005*0.005+0.25)/25, NMSE(out, ref), 1e-15)
	assert.Equal(t, 0.5, MaxAbs(out, ref))
	assert.Equal(t, 0.75, RecallClose(out, ref))
	assert.Zero(t, RelL2(ref, ref))
	assert.Zero(t, RelL2([]float64{0}, []float64{0}))
	assert.Equal(t, math.Inf(1), RelL2([]float64{1}, []float64{0}))
}

func TestMeasuresDoNotHideNaN(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range [][2][]float64{
		{{nan, 1}, {1, 1}},
		{{1, 1}, {nan, 1}},
		{{inf, 1}, {inf, 1}},
		{{1, 1}, {inf, 1}},
	} {
		out, ref := c[0], c[1]
		assert.True(t, math.IsNaN(RelL2(out, ref)), "%v against %v", out, ref)
		assert.True(t, math.IsNaN(NMSE(out, ref)), "%v against %v", out, ref)
		assert.Equal(t, 0.5, RecallClose(out, ref))
	}
	assert.True(t, math.IsNaN(MaxAbs([]float64{nan, 1}, []float64{0, 0})))
	assert.True(t, math.IsNaN(MaxAbs([]float64{1, nan}, []float64{0, 0})))
}

func TestMeasuresRefuseUnequalLengths(t *testing.T) {
	assert.PanicsWithValue(t, "attention: 1 outputs are measured against 2 references", func() {
		RelL2([]float64{1}, []float64{1, 2})
	})
}
