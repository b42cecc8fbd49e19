package oracle

import (
	"math"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

// twoRows is one head of 8 elements in groups of 16 rows, of which every 8th is
// sampled. Row 32 points at key 17 and row 40 at key 20; all other scores are 0.
func twoRows(t *testing.T, p problem.Params) *Oracle {
	t.Helper()
	p.Step, p.Block, p.SinkBlocks, p.Scale = 1, 16, 1, 1
	s := problem.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 48, KVLen: 48, HeadDim: 8}
	zeros := func() problem.Tensor { return problem.HostBHSD(make([]float16.Float16, 48*8), 1, 1, 48, 8) }
	q, k, v := zeros(), zeros(), zeros()
	k.At(0, 0, 17)[0], k.At(0, 0, 20)[1] = attentest.Half(1), attentest.Half(1)
	q.At(0, 0, 32)[0], q.At(0, 0, 40)[1] = attentest.Half(8), attentest.Half(4)
	o, err := New(s, p, q, k, v)
	require.NoError(t, err)
	return o
}

// The softmax of the two rows: what each gives to its own key, and to others.
var (
	sum32, sum40 = math.Exp(8) + 32, math.Exp(4) + 40
	own32, own40 = math.Exp(8) / sum32, math.Exp(4) / sum40
)

func keptKeys(kept []bool) (keys []int) {
	for j, k := range kept {
		if k {
			keys = append(keys, j)
		}
	}
	return keys
}

func TestSampledRowsByHand(t *testing.T) {
	o := twoRows(t, problem.Params{Sample: problem.Sample{Stride: 8, Weight: 12}})
	kept, margin := o.Choose(0, 0, 2)
	assert.Equal(t, []int{17}, keptKeys(kept), "the mean probability of key 20 is less than 12/32")
	assert.InDelta(t, math.Log((own32+1/sum40)/2/(12.0/32)), margin[17], 1e-12)
	assert.InDelta(t, math.Log((own40+1/sum32)/2/(12.0/32)), margin[20], 1e-12)
	assert.True(t, math.IsNaN(margin[15]), "a key of the sink")

	o.Params.Sample.Weight = 9
	kept, _ = o.Choose(0, 0, 2)
	assert.Equal(t, []int{17, 20}, keptKeys(kept))
	assert.Equal(t, kept, o.Select(0, 0, 2).Kept, "without a guard that is all")

	o.Params.Heads = []problem.Head{{Mode: problem.HeadAnchor, Weight: 12}}
	kept, _ = o.Choose(0, 0, 2)
	assert.Equal(t, []int{17}, keptKeys(kept), "the head's own weight")
	o.Params.Heads[0] = problem.Head{Mode: problem.HeadAnchor, Theta: 1}
	kept, _ = o.Choose(0, 0, 2)
	assert.Len(t, keptKeys(kept), 16, "a head with a theta is chosen by its pooled rows: scores of 0 and more, against an anchor of 0")

	o.Params.Heads = nil
	kept, margin = o.Choose(0, 0, 1)
	assert.Empty(t, keptKeys(kept), "no candidates")
	assert.True(t, math.IsNaN(margin[16]))
}

func TestPartOfTheCandidatesByHand(t *testing.T) {
	o := twoRows(t, problem.Params{Sample: problem.Sample{Stride: 8, Weight: 1, Part: 4}})
	rows := o.sampledRows(0, 0, 2, 8)
	require.Len(t, rows, 2)
	// Sink and the group's own keys, and four times each of keys 16, 20, 24 and 28.
	row40 := 16 + 9 + 4*(3+math.Exp(4))
	assert.InDelta(t, math.Exp(4)/row40, rows[1].p[4], 1e-12)
	assert.InDelta(t, 1/row40, rows[1].p[5], 1e-12)
	assert.Equal(t, 1.0, rows[0].p[1], "key 17 is not in its row's sum, and no probability is above 1")
	assert.InDelta(t, 1.0/(16+1+16), rows[0].p[0], 1e-12)
	assert.False(t, rows[0].odd)
	assert.True(t, rows[1].odd)
}

func TestHalvesJudgeEachOtherByHand(t *testing.T) {
	o := twoRows(t, problem.Params{Sample: problem.Sample{Stride: 8, Weight: 9}, Guard: problem.Guard{Stride: 8, Peak: 0.5, Limit: 0.4}})
	kept, _ := o.Choose(0, 0, 2)
	require.Equal(t, []int{17, 20}, keptKeys(kept))
	assert.InDelta(t, (own32+own40)/2, o.Missed(0, 0, 2, kept, 0), 1e-12, "both are stripes, but neither row would have chosen the other's")
	o.Params.Sample.Weight = 0.32 // of which row 40 gives key 17 enough, and row 32 key 20 too little
	require.Less(t, 1/sum32, 0.01)
	require.Greater(t, 1/sum40, 0.01)
	assert.InDelta(t, own40/2, o.Missed(0, 0, 2, kept, 0), 1e-12)
	o.Params.Guard.Peak = 0.6
	assert.Zero(t, o.Missed(0, 0, 2, kept, 0), "the other is no peak")
}

func TestSecondLookByHand(t *testing.T) {
	o := twoRows(t, problem.Params{Sample: problem.Sample{Stride: 8, Weight: 12}, Guard: problem.Guard{Stride: 8, Peak: 0.5, Limit: 0.4, Look: 3}})
	got := o.Select(0, 0, 2)
	assert.True(t, got.Guarded)
	assert.Equal(t, []int{17}, keptKeys(got.Kept), "no row at a position that 3 divides points anywhere")
	o.Params.Guard.Look = 8
	assert.Equal(t, []int{16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28}, keptKeys(o.Select(0, 0, 2).Kept), "8 keys on each side of both, among the candidates")
	o.Params.Guard.Look = 4
	o.Params.Guard.Peak = 0.6
	got = o.Select(0, 0, 2)
	assert.Equal(t, []int{16, 17, 18, 19, 20, 21}, keptKeys(got.Kept), "4 on each side of the one")
	assert.InDelta(t, math.Log(own32/0.6), got.Margin[21], 1e-12)
	assert.InDelta(t, math.Log(own40/0.6), got.Margin[22], 1e-12, "as near as the other row's peak is")
	o.Params.Guard.Limit = 0.6
	got = o.Select(0, 0, 2)
	assert.False(t, got.Guarded)
	assert.Equal(t, []int{17}, keptKeys(got.Kept))
	o.Params.Guard = problem.Guard{Stride: 8, Peak: 0.5, Limit: 0.4}
	assert.Len(t, keptKeys(o.Select(0, 0, 2).Kept), 16, "without a second look all candidates")
}

// A call that has a few rows of a group only, none of them at a multiple of the
// stride, takes the first of them.
func TestSomeRowIsAlwaysSampled(t *testing.T) {
	o := twoRows(t, problem.Params{Sample: problem.Sample{Stride: 64, Weight: 12}})
	kept, _ := o.Choose(0, 0, 2)
	assert.Equal(t, []int{17}, keptKeys(kept), "row 32")
	o.Params.Sample.Stride = 40
	kept, _ = o.Choose(0, 0, 2)
	assert.Equal(t, []int{20}, keptKeys(kept), "row 40")
}
