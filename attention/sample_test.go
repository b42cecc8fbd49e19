package attention

import (
	"math"
	"slices"
	"testing"

	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/tolerance"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sampling is a problem whose stripes sampled rows choose, with a guard that looks
// twice at some groups.
func sampling(heads, kvHeads, qLen, kvLen int) Problem {
	p := selective(1, heads, kvHeads, qLen, kvLen)
	p.Params.Sample = Sample{Stride: 8, Weight: 1, Part: 4}
	p.Params.Guard = Guard{Stride: 8, Peak: 0.02, Limit: 0.3, Look: 3}
	return p
}

// everyKernel is one that runs each kernel: its first head has a theta.
func everyKernel(qLen, kvLen int) Problem {
	p := sampling(2, 1, qLen, kvLen)
	p.Params.Heads = []Head{{Mode: HeadAnchor, Theta: 3}, {}}
	return p
}

func TestDeviceSampledRowsChooseAsTheOracle(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := sampling(4, 2, 521, 521)
		in := copying(problem.Shape, 4)
		got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
		o, err := oracle.New(problem.Shape, problem.Params, in.Q, in.K, in.V)
		require.NoError(t, err)
		stripes, others, near, failed, units := 0, 0, 0, 0, 0
		for h := range 4 {
			for g := range o.Groups() {
				lo, hi := o.Candidates(g)
				if lo >= hi {
					continue
				}
				units++
				s := o.Select(0, h, g)
				require.Greater(t, math.Abs(s.Missed-problem.Params.Guard.Limit), 0.01, "too near to tell")
				if s.Guarded {
					failed++
				}
				for j := lo; j < hi; j++ {
					switch {
					case math.Abs(s.Margin[j]) < 0.01:
						near++
						continue
					case s.Kept[j]:
						stripes++
					default:
						others++
					}
					if s.Kept[j] != (got.stripes[(h*o.Groups()+g)*521+j] == 1) {
						t.Fatalf("head %d, group %d, key %d, margin %g: kept is %v in the oracle alone", h, g, j, s.Margin[j], s.Kept[j])
					}
				}
			}
		}
		require.Greater(t, failed, 3)
		require.Less(t, failed, units-3)
		require.Greater(t, stripes, 300)
		require.Greater(t, others, 300)
		require.Less(t, near, (stripes+others)/50)
		assert.InDelta(t, float64(failed)/float64(units), got.stats.GuardedRatio, 1e-12)
		assert.InDelta(t, counted(o, got.stripes).ComputedRatio(), got.stats.ComputedRatio, 1e-12)
		assert.Positive(t, got.stats.SelectionRatio)
		plan, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true})
		require.NoError(t, err)
		require.Less(t, compareRows(t, plan, in, Outputs{O: got.o, LSE: got.lse, Stripes: got.stripes}), tolerance.Tier(tier).NMSE)
	})
}

func TestDeviceSampledRowsAreTheSameInChunksSlicesAndSlots(t *testing.T) {
	requireSameInChunksSlicesAndSlots(t, sampling(4, 2, 521, 521))
}

func TestDeviceLawsOfTheWeight(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := sampling(2, 1, 400, 521)
		problem.Params.Guard = Guard{}
		in := copying(problem.Shape, 6)
		ofTheta := func(theta float64) result {
			alike := problem
			alike.Params.Sample, alike.Params.Theta = Sample{}, theta
			return compute(t, e, alike, PlanOptions{Tier: tier}, in)
		}
		problem.Params.Sample.Weight = 1e-20
		got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
		assert.Equal(t, 1.0, got.stats.StripeRatio, "every probability is enough")
		requireSameBits(t, ofTheta(math.Inf(1)), got, "all candidates")
		problem.Params.Sample.Weight = 1e20
		got = compute(t, e, problem, PlanOptions{Tier: tier}, in)
		assert.Zero(t, got.stats.StripeRatio)
		requireSameBits(t, ofTheta(math.Inf(-1)), got, "the anchor only")
		for _, theta := range []float64{math.Inf(1), math.Inf(-1)} {
			problem.Params.Theta = theta
			requireSameBits(t, ofTheta(theta), compute(t, e, problem, PlanOptions{Tier: tier}, in), "an infinite theta leaves nothing to choose")
		}
	})
}

// Heads whose pooled rows choose, beside heads whose sampled rows do.
func TestDeviceHeadsMayChooseEachInItsWay(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := sampling(4, 2, 400, 521)
		in := copying(problem.Shape, 8)
		own := problem
		own.Params.Heads = []Head{{}, {Mode: HeadAnchor, Theta: 3}, {Mode: HeadAnchor, Weight: 0.3}, {Mode: HeadAnchorOnly}}
		got := compute(t, e, own, PlanOptions{Tier: tier}, in)
		n := len(got.stripes) / 4
		for h, head := range own.Params.Heads {
			alike := problem
			alike.Params.Heads = []Head{head, head, head, head}
			want := compute(t, e, alike, PlanOptions{Tier: tier}, in)
			for row := range 400 {
				if !slices.Equal(want.o.At(0, h, row), got.o.At(0, h, row)) {
					t.Fatalf("head %d, row %d is not as if every head were like it", h, row)
				}
			}
			require.Equal(t, want.stripes[h*n:(h+1)*n], got.stripes[h*n:(h+1)*n], "head %d", h)
		}
		pooled := problem
		pooled.Params.Sample, pooled.Params.Theta = Sample{Stride: 8, Weight: 1e20, Part: 4}, 3
		pooled.Params.Heads = []Head{{Mode: HeadAnchor, Theta: 3}, {Mode: HeadAnchor, Theta: 3}, {Mode: HeadAnchor, Theta: 3}, {Mode: HeadAnchor, Theta: 3}}
		want := compute(t, e, pooled, PlanOptions{Tier: tier}, in)
		require.Equal(t, want.stripes[n:2*n], got.stripes[n:2*n], "a theta does not ask sampled rows")
	})
}
