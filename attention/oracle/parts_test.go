package oracle

import (
	"math"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPartsByHand(t *testing.T) {
	// Groups of 32 rows, a sink of 16 and a window of 16 keys; rows 40 to 99 of 100 are in the call, the last 3 are its tail.
	s := problem.Shape{Batch: 1, Heads: 2, KVHeads: 1, QLen: 60, KVLen: 100, HeadDim: 8}
	p := problem.Params{Theta: 12, Step: 2, Block: 16, SinkBlocks: 1, WindowBlocks: 1, Tail: 3, Heads: []problem.Head{{}, {Mode: problem.HeadDense}}}
	o := randomOracle(t, 1, s, p)
	mask := func(keys ...int) []bool {
		m := make([]bool, 100)
		for _, j := range keys {
			m[j] = true
		}
		return m
	}
	// Group 3: positions 96 to 99, candidates 16 to 79.
	assert.Equal(t, Parts{Sink: 4 * 16, Window: 4 * 16, Group: 1 + 2 + 3 + 4, Stripes: 4 * 2, Guard: 4 * 1, Tail: 3 * (64 - 3)},
		o.Parts(0, 3, mask(20, 30), mask(20, 30, 79)))
	// Group 1: positions 40 to 63, no candidates.
	assert.Equal(t, Parts{Sink: 24 * 16, Window: 24 * 16, Group: (9 + 32) * 24 / 2}, o.Parts(0, 1, nil, nil))
	assert.Zero(t, o.Parts(0, 0, nil, nil), "no row of the call")
	assert.Equal(t, Parts{Dense: 97 + 98 + 99 + 100}, o.Parts(1, 3, mask(20), mask(20)))
}

// The parts of every group sum up to the computed pairs, wherever sink, window
// and tail lie.
func TestPartsSumUpToTheCounts(t *testing.T) {
	for seed, c := range []struct {
		sink, window, tail, qLen int
		theta                    float64
	}{
		{1, 1, 0, 200, 2},
		{0, 0, 7, 200, 2},
		{3, 1, 100, 150, 2}, // the sink reaches into the second group
		{1, 3, 500, 200, 2}, // all rows are the tail
		{20, 1, 5, 200, 2},  // the sink holds all keys
		{1, 1, 5, 33, math.Inf(1)},
		{1, 1, 5, 33, math.Inf(-1)},
	} {
		p := problem.Params{Theta: c.theta, Step: 2, Block: 16, SinkBlocks: c.sink, WindowBlocks: c.window, Tail: c.tail, Heads: []problem.Head{{}, {Mode: problem.HeadDense}, {Mode: problem.HeadAnchorOnly}}}
		p.Guard = problem.Guard{Stride: 8, Peak: 0.02, Limit: 0.15, Look: 2}
		s := problem.Shape{Batch: 1, Heads: 3, KVHeads: 1, QLen: c.qLen, KVLen: 200, HeadDim: 8}
		o := randomOracle(t, uint64(seed), s, p)
		for h := range s.Heads {
			for g := range o.Groups() {
				chosen := o.Select(0, h, g)
				got := o.Parts(h, g, chosen.Chosen, chosen.Kept)
				require.Equal(t, float64(o.Counts(h, g, chosen.Kept).Computed), got.Total(), "%+v head %d group %d", c, h, g)
				for _, x := range []float64{got.Sink, got.Window, got.Group, got.Stripes, got.Guard, got.Tail, got.Dense} {
					require.GreaterOrEqual(t, x, 0.0, "%+v head %d group %d", c, h, g)
				}
			}
		}
	}
	a := Parts{1, 2, 3, 4, 5, 6, 7}
	require.Equal(t, Parts{2, 4, 6, 8, 10, 12, 14}, a.Add(a))
	require.Equal(t, a.Add(a), a.Times(2))
	require.Equal(t, 28.0, a.Total())
}

func TestSelectionHasWhatWasChosenBeforeTheGuard(t *testing.T) {
	shape := problem.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 400, KVLen: 400, HeadDim: 32}
	q, k, v := attentest.Copying(shape, 3)
	o, err := New(shape, guarded(3), q, k, v)
	require.NoError(t, err)
	added := 0
	for g := range o.Groups() {
		s := o.Select(0, 0, g)
		chosen, _ := o.Choose(0, 0, g)
		require.Equal(t, chosen, s.Chosen)
		for j := range chosen {
			if chosen[j] && !s.Kept[j] {
				t.Fatalf("group %d key %d is chosen and not kept", g, j)
			}
			if s.Kept[j] && !chosen[j] {
				if !s.Guarded {
					t.Fatalf("group %d key %d is kept without being chosen, and the guard did nothing", g, j)
				}
				added++
			}
		}
	}
	require.Positive(t, added)
}
