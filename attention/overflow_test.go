package attention

import (
	"testing"

	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

// Scores in the thousands and values near the largest half overflow in no
// tier but scalar-f16, whose products say that they do: neither where weights
// are flat, so that every partial sum is as large as it can be, nor where one
// key has it all.
func TestLargeInputsDoNotOverflow(t *testing.T) {
	const huge = 60_000
	fill := func(tensor Tensor, of func(i int, old float32) float32) {
		for i := range tensor.Host {
			tensor.Host[i] = float16.Fromfloat32(of(i, tensor.Host[i].Float32()))
		}
	}
	zero := func(int, float32) float32 { return 0 }
	times30 := func(_ int, old float32) float32 { return 30 * old }
	sign := func(i int, old float32) float32 {
		if old < 0 {
			return -huge
		}
		return huge
	}
	for _, c := range []struct {
		name    string
		q, k, v func(int, float32) float32
	}{
		{"flat, the same sign", zero, times30, func(int, float32) float32 { return huge }},
		{"flat, either sign", zero, times30, sign},
		{"peaked, the same sign", times30, times30, func(int, float32) float32 { return -huge }},
		{"peaked, either sign", times30, times30, sign},
	} {
		eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
			if tier == TierScalarF16 {
				t.Log("its products overflow, and its description says so")
				return
			}
			problem := selective(1, 2, 1, 200, 300)
			in := selectiveInputs(problem.Shape, 77)
			fill(in.Q, c.q)
			fill(in.K, c.k)
			fill(in.V, c.v)
			for _, mode := range []Mode{ModeDense, ModeAnchor} {
				problem.Mode = mode
				got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
				requireFinite(t, got)
				o, err := oracle.New(problem.Shape, problem.Params, in.Q, in.K, in.V)
				require.NoError(t, err)
				row, want := make([]float64, testDim), []float64{}
				var have []float64
				for h := range problem.Shape.Heads {
					for _, i := range o.SampleRows(12) {
						if mode == ModeDense {
							o.DenseRow(0, h, i, row)
						} else {
							kept, _ := o.Stripes(0, h, o.GroupOf(i))
							o.AnchorRow(0, h, i, kept, row)
						}
						want = append(want, row...)
						for _, x := range got.o.At(0, h, i) {
							have = append(have, float64(x.Float32()))
						}
					}
				}
				require.Less(t, oracle.NMSE(have, want), 1e-5, "%s, %v", c.name, mode)
			}
		})
	}
}
