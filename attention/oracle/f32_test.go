package oracle

import (
	"math"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

// An oracle of F32 numbers knows what F16 cannot hold, and agrees with the
// other where it can.
func TestOracleOfF32(t *testing.T) {
	s := problem.Shape{Batch: 2, Heads: 4, KVHeads: 2, QLen: 20, KVLen: 33, HeadDim: 8}
	p := problem.Params{Theta: 1, Step: 1, Block: 16, SinkBlocks: 0, WindowBlocks: 0}
	make32 := func(n int, seed float64) (half []float16.Float16, wide []float32) {
		for i := range n {
			x := float16.Fromfloat32(float32(math.Sin(seed + float64(i)*1.7)))
			half, wide = append(half, x), append(wide, x.Float32())
		}
		return half, wide
	}
	q, q32 := make32(2*4*20*8, 0)
	k, k32 := make32(2*2*33*8, 1)
	v, v32 := make32(2*2*33*8, 2)
	o, err := New(s, p, problem.HostBHSD(q, 2, 4, 20, 8), problem.HostBHSD(k, 2, 2, 33, 8), problem.HostBHSD(v, 2, 2, 33, 8))
	require.NoError(t, err)
	same, err := o.OfF32(q32, k32, v32)
	require.NoError(t, err)
	require.Equal(t, o.Forward(problem.ModeAnchor), same.Forward(problem.ModeAnchor))

	// A V of 1e-9, and a K of 1e-9 whose factor is in the scale.
	small := make([]float32, len(v32))
	for i := range small {
		small[i] = v32[i] * 0x1p-30
	}
	smallKeys := make([]float32, len(k32))
	for i := range smallKeys {
		smallKeys[i] = k32[i] * 0x1p-30
	}
	p.Scale = p.ScaleFor(8) * 0x1p30
	scaled, err := New(s, p, o.Q, o.K, o.V)
	require.NoError(t, err)
	tiny, err := scaled.OfF32(q32, smallKeys, small)
	require.NoError(t, err)
	want, got := o.Forward(problem.ModeDense), tiny.Forward(problem.ModeDense)
	for i := range want.O {
		want.O[i] *= 0x1p-30
	}
	attentest.RequireNear(t, want.O, got.O, 1e-22, "outputs")
	attentest.RequireNear(t, want.LSE, got.LSE, 1e-12, "log-sum-exps")
	_, err = o.OfF32(q32, k32[1:], v32)
	require.ErrorContains(t, err, "k has 1055 elements where the shape needs 1056")
}
