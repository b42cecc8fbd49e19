package oracle

import (
	"math"
	"slices"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

// guarded are parameters under which some groups of copying input look at single
// keys that their stripes miss, and others do not.
func guarded(theta float64) problem.Params {
	p := attentest.SelectiveParams()
	p.Theta, p.Guard = theta, problem.Guard{Stride: 8, Peak: 0.02, Limit: 0.15}
	return p
}

func TestGuardByHand(t *testing.T) {
	// One head of 8 elements, groups of 16 rows. Row 32 points at key 17 and row 40 at key 20; no other row, and no mean, points anywhere.
	s := problem.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 48, KVLen: 48, HeadDim: 8}
	p := problem.Params{Theta: 1, Step: 1, Block: 16, SinkBlocks: 1, Scale: 1, Guard: problem.Guard{Stride: 8, Peak: 0.5, Limit: 0.4}}
	zeros := func() problem.Tensor { return problem.HostBHSD(make([]float16.Float16, 48*8), 1, 1, 48, 8) }
	q, k, v := zeros(), zeros(), zeros()
	k.At(0, 0, 17)[0], k.At(0, 0, 20)[1] = attentest.Half(1), attentest.Half(1)
	q.At(0, 0, 32)[0], q.At(0, 0, 40)[1] = attentest.Half(8), attentest.Half(4)
	o, err := New(s, p, q, k, v)
	require.NoError(t, err)

	kept, _ := o.Stripes(0, 0, 2)
	require.True(t, kept[16], "scores of 0 against an anchor of 0")
	for j := range kept {
		kept[j] = false // nothing is a stripe
	}
	first, second := math.Exp(8)/(math.Exp(8)+32), math.Exp(4)/(math.Exp(4)+40)
	require.Greater(t, second, 0.5)
	assert.InDelta(t, (first+second)/2, o.Missed(0, 0, 2, kept, 0), 1e-12)
	assert.InDelta(t, first/2, o.Missed(0, 0, 2, kept, 0.8), 1e-12, "the second is no peak of 0.9")
	kept[17] = true
	assert.InDelta(t, second/2, o.Missed(0, 0, 2, kept, 0), 1e-12, "a stripe is not missed")

	o.Params.Theta = math.Inf(-1)
	got := o.Select(0, 0, 2)
	assert.True(t, got.Guarded)
	for j := range got.Kept {
		assert.Equal(t, j >= 16 && j < 32, got.Kept[j], "key %d: all candidates, and nothing else", j)
	}
	o.Params.Guard.Limit = 0.99
	got = o.Select(0, 0, 2)
	assert.False(t, got.Guarded)
	assert.NotContains(t, got.Kept, true)
	assert.Zero(t, o.Select(0, 0, 1).Missed, "a group without candidates misses nothing")
}

func TestGuardCountsNothingInRowsWithoutALogSumExp(t *testing.T) {
	s := problem.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 300, KVLen: 300, HeadDim: 32}
	q, k, v := attentest.Copying(s, 1)
	o, err := New(s, guarded(math.Inf(-1)), q, k, v)
	require.NoError(t, err)
	before := o.Missed(0, 0, 3, make([]bool, 300), 0)
	require.Positive(t, before)
	q.At(0, 0, 200)[0] = attentest.Half(float32(math.NaN()))
	after := o.Missed(0, 0, 3, make([]bool, 300), 0)
	assert.Less(t, after, before)
	assert.False(t, math.IsNaN(after))
}

func TestTailRowsAttendEverything(t *testing.T) {
	const dim = 32
	s, p := problem.Shape{Batch: 1, Heads: 2, KVHeads: 1, QLen: 300, KVLen: 300, HeadDim: dim}, attentest.SelectiveParams()
	p.Tail = 70
	q, k, v := attentest.Selective(s, 2)
	o, err := New(s, p, q, k, v)
	require.NoError(t, err)
	anchor, dense := o.Forward(problem.ModeAnchor), o.Forward(problem.ModeDense)
	p.Tail = 0
	plain, err := New(s, p, q, k, v)
	require.NoError(t, err)
	without := plain.Forward(problem.ModeAnchor)
	assert.Equal(t, without.Stripes, anchor.Stripes, "the choice of stripes does not depend on the tail")
	for h := range 2 {
		for row := range 300 {
			want := without.O
			if row >= 230 {
				want = dense.O
			}
			at := (h*300 + row) * dim
			if !slices.Equal(want[at:at+dim], anchor.O[at:at+dim]) {
				t.Fatalf("head %d row %d is not as without a tail, or as dense", h, row)
			}
		}
	}
	require.NotEqual(t, without.O, anchor.O)
}
