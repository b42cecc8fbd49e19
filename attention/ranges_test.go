package attention

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// inRanges asks for a range of keys a dispatch.
func inRanges(keys int) string { return fmt.Sprintf("range=%d", keys) }

// Keys attended a range at a time give the bits that they give at once: in
// dense attention, over a sink, a window and stripes of several ranges each,
// with many and few row tiles in scratch memory, and however work is sliced.
func TestRangesOfKeysGiveTheSameBits(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		if tier.OnMatrixUnits() {
			_, err := e.Plan(selective(1, 4, 2, 100, 521), PlanOptions{Tier: tier, Tuning: inRanges(16)})
			var refused *ArgumentError
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, "attends all keys at once")
			return
		}
		problem := selective(2, 4, 2, 400, 521)
		wide := problem
		wide.Params.SinkBlocks, wide.Params.WindowBlocks = 5, 8
		in := selectiveInputs(problem.Shape, 44)
		dense := problem
		dense.Mode = ModeDense
		problems := map[string]Problem{"anchor": problem, "wide": wide, "dense": dense}
		if testing.Short() {
			delete(problems, "wide")
		}
		for name, problem := range problems {
			whole := compute(t, e, problem, PlanOptions{Tier: tier}, in)
			requireFinite(t, whole)
			ranges := []int{16, 48, 208, 1024}
			if testing.Short() {
				ranges = []int{48}
			}
			for _, keys := range ranges {
				plan, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true, Tuning: inRanges(keys)})
				require.NoError(t, err)
				require.Equal(t, keys, plan.Tuning.Range)
				require.Positive(t, plan.ScratchBytes)
				requireSameBits(t, whole, runPlan(t, e, plan, in), name)
			}
			few := PlanOptions{Tier: tier, Tuning: inRanges(48), ScratchBytes: 1, SliceMS: 1e-9}
			requireSameBits(t, whole, compute(t, e, problem, few, in), name+", one tile or slot at a time")
		}
	})
}

// A dense plan by ranges has scratch memory within its bounds, and warms up the
// kernels that it runs.
func TestRangesOfKeysTakeBoundedMemory(t *testing.T) {
	e := sharedEngine(t)
	problem := selective(1, 4, 2, 400, 521)
	problem.Mode = ModeDense
	one, err := e.Plan(problem, PlanOptions{Tier: "unpack", Tuning: inRanges(64), ScratchBytes: 1})
	require.NoError(t, err)
	require.Equal(t, 1, one.tileStates())
	all, err := e.Plan(problem, PlanOptions{Tier: "unpack", Tuning: inRanges(64)})
	require.NoError(t, err)
	tiles := 520/all.Tuning.TileRows() - 121/all.Tuning.TileRows() + 1
	require.Equal(t, 4*tiles, all.tileStates(), "no more than there are")
	require.Equal(t, all.ScratchBytes, all.Memory.Scratch)
	less, err := e.Plan(problem, PlanOptions{Tier: "unpack", Tuning: inRanges(64), MemoryBudget: all.Memory.Total - 1})
	require.NoError(t, err)
	require.Less(t, less.tileStates(), all.tileStates())
	require.LessOrEqual(t, less.Memory.Total, all.Memory.Total-1)
	require.Contains(t, less.String(), "row tiles at a time")
	require.NoError(t, e.Warmup(t.Context(), less))
	key := pipelineFor(kernelDense, less.Tier, less.Tuning, testDim)
	require.Contains(t, e.pipelines.made, key)
	require.True(t, key.ranged)
}

// A tile of more rows than a group has keeps its state all the same.
func TestRangesOfKeysInTilesLargerThanAGroup(t *testing.T) {
	e := sharedEngine(t)
	problem := selective(1, 4, 2, 400, 521)
	problem.Params.SinkBlocks, problem.Params.WindowBlocks = 5, 8 // so that dense attention has rows too
	in := selectiveInputs(problem.Shape, 46)
	const large = "local=96,lanes=1,rows=1"
	want := compute(t, e, problem, PlanOptions{Tier: "unpack", Tuning: large}, in)
	for _, scratch := range []uint64{0, 1} {
		plan, err := e.Plan(problem, PlanOptions{Tier: "unpack", NoFallback: true, ScratchBytes: scratch, Tuning: large + "," + inRanges(48)})
		require.NoError(t, err)
		require.Greater(t, plan.Tuning.TileRows(), problem.Params.Group())
		require.Positive(t, plan.tileStates())
		requireSameBits(t, want, runPlan(t, e, plan, in), "tiles larger than a group")
	}
}

func TestRangesThatCannotBe(t *testing.T) {
	report := fakeReport("discrete")
	for _, keys := range []int{8, 24} {
		_, err := NewPlan(report, selective(1, 2, 1, 300, 300), PlanOptions{Tier: "unpack", Tuning: inRanges(keys)})
		require.ErrorContains(t, err, "no multiple of 16")
	}
	plan, err := NewPlan(report, selective(1, 2, 1, 300, 300), PlanOptions{Tier: "unpack", Tuning: inRanges(4096)})
	require.NoError(t, err)
	require.Equal(t, 4096, plan.Tuning.Range)
}
