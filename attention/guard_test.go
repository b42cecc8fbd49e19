package attention

import (
	"math"
	"slices"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/tolerance"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// guarded is a problem in which some groups look at single keys that their
// stripes miss, and others do not.
func guarded(heads, kvHeads, qLen, kvLen int) Problem {
	p := selective(1, heads, kvHeads, qLen, kvLen)
	p.Params.Guard = Guard{Stride: 8, Peak: 0.02, Limit: 0.15}
	return p
}

// copying are inputs in which every second group of 64 rows copies.
func copying(s Shape, seed uint64) Inputs {
	q, k, v := attentest.Copying(s, seed)
	return Inputs{Q: q, K: k, V: v}
}

func TestDeviceTailHasTheBitsOfDenseRows(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		for _, tail := range []int{1, 37, 64, 200, 900} {
			problem := selective(1, 4, 2, 400, 521)
			in := selectiveInputs(problem.Shape, 3)
			plain := compute(t, e, problem, PlanOptions{Tier: tier}, in)
			problem.Params.Tail = tail
			got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
			problem.Mode = ModeDense
			dense := compute(t, e, problem, PlanOptions{Tier: tier}, in)
			requireFinite(t, got)
			require.Equal(t, plain.stripes, got.stripes)
			for h := range 4 {
				for row := range 400 {
					want := &plain
					if row >= 400-tail {
						want = &dense
					}
					if !slices.Equal(want.o.At(0, h, row), got.o.At(0, h, row)) || want.lse[h*400+row] != got.lse[h*400+row] {
						t.Fatalf("tail %d, head %d, row %d is not as without a tail, or as dense", tail, h, row)
					}
				}
			}
			o, err := oracle.New(problem.Shape, Params{Theta: 3, Step: 4, Block: 16, SinkBlocks: 1, WindowBlocks: 1, Tail: tail}, in.Q, in.K, in.V)
			require.NoError(t, err)
			require.InDelta(t, counted(o, got.stripes).ComputedRatio(), got.stats.ComputedRatio, 1e-12)
		}
	})
}

// The tail's rows of Q are read when all other rows have been written.
func TestDeviceTailLetsOLieOverQ(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := guarded(4, 2, 400, 521)
		problem.Params.Tail = 100
		in := copying(problem.Shape, 8)
		want := compute(t, e, problem, PlanOptions{Tier: tier}, in)
		plan, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true})
		require.NoError(t, err)
		over := upload(t, e, in.Q, 0)
		_, err = e.Run(t.Context(), plan, Inputs{Q: over, K: in.K, V: in.V}, Outputs{O: over})
		require.NoError(t, err)
		got, _ := fetch(t, e, over)
		requireSameRows(t, want.o, got, 0, "O over Q")
	})
}

// counted adds up what the oracle counts for a device's stripes.
func counted(o *oracle.Oracle, stripes []byte) (sum oracle.Counts) {
	for h := range o.Shape.Heads {
		for g := o.FirstGroup(); g < o.Groups(); g++ {
			kept := make([]bool, o.Shape.KVLen)
			for j := range kept {
				kept[j] = stripes[(h*o.Groups()+g)*o.Shape.KVLen+j] == 1
			}
			sum = sum.Add(o.Counts(h, g, kept))
		}
	}
	return sum
}

func TestDeviceGuardDecidesAsTheOracle(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := guarded(4, 2, 521, 521)
		in := copying(problem.Shape, 4)
		got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
		o, err := oracle.New(problem.Shape, problem.Params, in.Q, in.K, in.V)
		require.NoError(t, err)
		units, filled, lost := 0, 0, 0.0
		for h := range 4 {
			for g := range o.Groups() {
				lo, hi := o.Candidates(g)
				if lo >= hi {
					continue
				}
				units++
				s := o.Select(0, h, g)
				require.Greater(t, math.Abs(s.Missed-problem.Params.Guard.Limit), 0.02, "too near to tell")
				all := true
				for j := lo; j < hi; j++ {
					all = all && got.stripes[(h*o.Groups()+g)*521+j] == 1
				}
				require.Equal(t, s.Guarded, all, "head %d, group %d misses %g", h, g, s.Missed)
				if s.Guarded {
					filled++
					continue
				}
				first, last := o.GroupRows(g)
				lost += s.Missed * float64(last-first)
			}
		}
		require.Greater(t, filled, 3)
		require.Less(t, filled, units-3)
		assert.InDelta(t, float64(filled)/float64(units), got.stats.GuardedRatio, 1e-12)
		assert.InDelta(t, lost/(4*521), got.stats.MissedMass, 2e-3)
		assert.InDelta(t, counted(o, got.stripes).ComputedRatio(), got.stats.ComputedRatio, 1e-12)
		assert.Positive(t, got.stats.SelectionRatio)
		plan, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true})
		require.NoError(t, err)
		require.Less(t, compareRows(t, plan, in, Outputs{O: got.o, LSE: got.lse, Stripes: got.stripes}), tolerance.Tier(tier).NMSE)
	})
}

func TestDeviceGuardIsTheSameInChunksSlicesAndSlots(t *testing.T) {
	requireSameInChunksSlicesAndSlots(t, guarded(4, 2, 521, 521))
}

// requireSameInChunksSlicesAndSlots compares a problem of groups of 64 rows, from position 0 on.
func requireSameInChunksSlicesAndSlots(t *testing.T, problem Problem) {
	t.Helper()
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		n := problem.Shape.KVLen
		in := copying(problem.Shape, 5)
		whole := compute(t, e, problem, PlanOptions{Tier: tier}, in)
		requireFinite(t, whole)
		for _, o := range []PlanOptions{{Tier: tier, SliceMS: 1e-6}, {Tier: tier, ScratchBytes: 1}} {
			got := compute(t, e, problem, o, in)
			requireSameBits(t, whole, got, "slices or slots")
			require.Equal(t, whole.stats.MissedMass, got.stats.MissedMass)
		}
		for _, bounds := range [][2]int{{0, 320}, {320, n}} {
			from, to := bounds[0], bounds[1]
			part := problem
			part.Shape.QLen, part.Shape.KVLen = to-from, to
			chunk := compute(t, e, part, PlanOptions{Tier: tier}, Inputs{
				Q: attentest.SlicePositions(in.Q, from, to), K: attentest.SlicePositions(in.K, 0, to), V: attentest.SlicePositions(in.V, 0, to),
			})
			requireSameRows(t, whole.o, chunk.o, from, "chunk")
		}
	})
}

func TestDeviceGuardLawsOfTheta(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := guarded(2, 1, 400, 521)
		in := copying(problem.Shape, 6)
		problem.Params.Theta = math.Inf(1)
		got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
		assert.Equal(t, 1.0, got.stats.StripeRatio)
		assert.Zero(t, got.stats.GuardedRatio, "nothing to guard")
		problem.Params.Theta, problem.Params.Guard.Limit = math.Inf(-1), 0.5
		got = compute(t, e, problem, PlanOptions{Tier: tier}, in)
		assert.Positive(t, got.stats.GuardedRatio)
		assert.Less(t, got.stats.GuardedRatio, 1.0)
		problem.Params.Guard.Limit = 1
		got = compute(t, e, problem, PlanOptions{Tier: tier}, in)
		assert.Zero(t, got.stats.StripeRatio, "no mean exceeds 1")
		assert.Positive(t, got.stats.MissedMass)
	})
}

// A call without candidates has no scratch memory for a guard.
func TestDeviceGuardOfAShortCall(t *testing.T) {
	e := openTestEngine(t)
	problem := guarded(2, 1, 60, 60)
	plan, err := e.Plan(problem, PlanOptions{NoFallback: true})
	require.NoError(t, err)
	require.Zero(t, plan.Units)
	in := copying(problem.Shape, 9)
	out := outputFor(problem.Shape)
	stats, err := e.Run(t.Context(), plan, in, out)
	require.NoError(t, err)
	require.Equal(t, 1.0, stats.ComputedRatio)
	require.Zero(t, stats.GuardedRatio)
}
