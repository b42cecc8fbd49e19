package attention

import (
	"math"
	"slices"
	"testing"

	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mixedHeads has every mode, neighbours that are computed alike, and cuts
// between heads of one KV head.
func mixedHeads() []Head {
	return []Head{{Mode: HeadDense}, {}, {}, {Mode: HeadAnchor, Theta: 1}, {Mode: HeadAnchorOnly}, {Mode: HeadAnchor, Theta: math.Inf(1)}, {Mode: HeadDense}, {Mode: HeadDense}}
}

// Each head is what a call gives whose heads are all computed so.
func TestDeviceHeadsAreComputedEachInItsWay(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := guarded(8, 2, 400, 521)
		problem.Shape.Batch = 2
		problem.Params.Tail = 10
		in := copying(problem.Shape, 7)
		compare := func(got result, h int, alike Problem) {
			want := compute(t, e, alike, PlanOptions{Tier: tier}, in)
			groups := problem.Params.Groups(521)
			for b := range 2 {
				for row := range 400 {
					if !slices.Equal(want.o.At(b, h, row), got.o.At(b, h, row)) {
						t.Fatalf("head %d, row %d is not as if every head were like it", h, row)
					}
				}
				at := (b*8 + h) * groups * 521
				stripes := make([]byte, groups*521) // a dense head has none
				if alike.Mode == ModeAnchor {
					stripes = want.stripes[at : at+groups*521]
				}
				require.Equal(t, stripes, got.stripes[at:at+groups*521], "head %d", h)
			}
		}
		own := problem
		own.Params.Heads = mixedHeads()
		got := compute(t, e, own, PlanOptions{Tier: tier}, in)
		requireFinite(t, got)
		for h, head := range mixedHeads() {
			alike := problem
			switch head.Mode {
			case HeadDense:
				alike.Mode = ModeDense
			case HeadAnchor:
				alike.Params.Theta = head.Theta
			case HeadAnchorOnly:
				alike.Params.Theta, alike.Params.Guard = math.Inf(-1), Guard{}
			}
			compare(got, h, alike)
		}
		o, err := oracle.New(own.Shape, own.Params, in.Q, in.K, in.V)
		require.NoError(t, err)
		entry := func(b int) oracle.Counts {
			n := len(got.stripes) / 2
			return counted(o, got.stripes[b*n:(b+1)*n])
		}
		assert.InDelta(t, entry(0).Add(entry(1)).ComputedRatio(), got.stats.ComputedRatio, 1e-12)
	})
}

func TestEveryHeadDenseIsDense(t *testing.T) {
	e := sharedEngine(t)
	problem := selective(1, 2, 1, 300, 300)
	problem.Params.Heads = []Head{{Mode: HeadDense}, {Mode: HeadDense}}
	plan, err := e.Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	assert.Equal(t, ModeDense, plan.Mode)
	assert.Contains(t, plan.Fallback, "every head is dense")
	assert.Equal(t, plan.Cost.Dense, plan.Cost.Sparse())
}

func TestBadHeads(t *testing.T) {
	problem := selective(1, 2, 1, 300, 300)
	for field, heads := range map[string][]Head{
		"Params.Heads":          {{}},
		"Params.Heads[0].Theta": {{Mode: HeadAnchor, Theta: math.NaN()}, {}},
		"Params.Heads[1].Theta": {{}, {Mode: HeadDense, Theta: 3}},
		"Params.Heads[1].Mode":  {{}, {Mode: 9}},
	} {
		problem.Params.Heads = heads
		_, err := sharedEngine(t).Plan(problem, PlanOptions{})
		var bad *ArgumentError
		require.ErrorAs(t, err, &bad)
		assert.Equal(t, field, bad.Field)
	}
}
