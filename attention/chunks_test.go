package attention

import (
	"context"
	"math"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/stretchr/testify/require"
)

// A chunk that begins inside a group with candidates is warned of, and no other.
func TestChunkWarnings(t *testing.T) {
	for _, c := range []struct {
		what        string
		prefix, len int
		change      func(p *Problem, o *PlanOptions)
		warns       bool
	}{
		{"one call", 0, 521, nil, false},
		{"on a multiple", 320, 100, nil, false},
		{"a row late", 321, 100, nil, true},
		{"a row early", 319, 300, nil, true},
		{"a row of decoding", 333, 1, nil, true},
		{"the first group has no candidates", 40, 300, nil, false},
		{"nor have those that sink and window cover", 100, 400, func(p *Problem, _ *PlanOptions) { p.Params.SinkBlocks = 5 }, false},
		{"all candidates are kept", 321, 100, func(p *Problem, _ *PlanOptions) { p.Params.Theta = math.Inf(1) }, false},
		{"none is kept", 321, 100, func(p *Problem, _ *PlanOptions) { p.Params.Theta = math.Inf(-1) }, false},
		{"dense", 321, 100, func(p *Problem, _ *PlanOptions) { p.Mode = ModeDense }, false},
		{"dense as a fallback", 321, 100, func(_ *Problem, o *PlanOptions) { o.NoFallback, o.StripeShare = false, 1 }, false},
	} {
		problem := selective(1, 4, 2, c.len, c.prefix+c.len)
		options := PlanOptions{NoFallback: true}
		if c.change != nil {
			c.change(&problem, &options)
		}
		p, err := NewPlan(fakeReport("discrete"), problem, options)
		require.NoError(t, err)
		if !c.warns {
			require.Empty(t, p.Warnings, c.what)
			require.NotContains(t, p.String(), "warning")
			continue
		}
		require.Len(t, p.Warnings, 1, c.what)
		require.Contains(t, p.Warnings[0], "multiples of 64", c.what)
		require.Contains(t, p.String(), "warning    the call begins at position", c.what)
	}
	p, err := NewPlan(fakeReport("discrete"), selective(1, 4, 2, 100, 421), PlanOptions{NoFallback: true})
	require.NoError(t, err)
	require.Contains(t, p.Warnings[0], "begins at position 321, inside a group of 64 (block 16 * step 4): the rows at positions 321 to 383 choose")
}

// The rows that the warning names are those that differ from one call's.
func TestChunksInsideAGroupDiffer(t *testing.T) {
	e := sharedEngine(t)
	problem := selective(1, 4, 2, 521, 521)
	in := selectiveInputs(problem.Shape, 3)
	whole := compute(t, e, problem, PlanOptions{}, in)
	require.Empty(t, whole.stats.Warnings)
	const from, end = 296, 320 // 40 rows into a group of 64
	problem.Shape.QLen = 521 - from
	chunk := compute(t, e, problem, PlanOptions{}, Inputs{Q: attentest.SlicePositions(in.Q, from, 521), K: in.K, V: in.V})
	require.Len(t, chunk.stats.Warnings, 1)
	require.Contains(t, chunk.stats.Warnings[0], "the rows at positions 296 to 319")
	requireSameRows(t, attentest.SlicePositions(whole.o, end, 521), attentest.SlicePositions(chunk.o, end-from, 521-from), 0, "rows of whole groups")
	differ := 0
	for i := range end - from {
		for h := range problem.Shape.Heads {
			if whole.lse[h*521+from+i] != chunk.lse[h*problem.Shape.QLen+i] {
				differ++
			}
		}
	}
	require.Positive(t, differ, "of the rows that are warned of")
}

// Runs repeat the plan's warnings in a slice of their own, and allocate nothing for them.
func TestWarningsOfRunsAllocateNothing(t *testing.T) {
	e, ctx := sharedEngine(t), context.Background()
	plan, in, out := resident(t, e, selective(1, 2, 1, 60, 200), PlanOptions{NoFallback: true, SliceMS: 1e6})
	require.Len(t, plan.Warnings, 1)
	require.NoError(t, e.Warmup(ctx, plan))
	var stats Stats
	require.Zero(t, testing.AllocsPerRun(20, func() { stats, _ = e.Run(ctx, plan, in, out) }))
	require.Equal(t, plan.Warnings, stats.Warnings)
	_ = append(stats.Warnings, "of the run")
	require.Len(t, plan.Warnings, 1)
	require.Equal(t, 1, cap(stats.Warnings), "an appended warning goes elsewhere")
}
