package attention

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
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

// twoRows is one head of 8 elements in groups of 16 rows, of which every 8th is
// sampled. Row 32 points at key 17 and row 40 at key 20; all other scores are 0.
func twoRows(t *testing.T, p Params) *Oracle {
	t.Helper()
	p.Step, p.Block, p.SinkBlocks, p.Scale = 1, 16, 1, 1
	s := Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 48, KVLen: 48, HeadDim: 8}
	zeros := func() Tensor { return HostBHSD(make([]float16.Float16, 48*8), 1, 1, 48, 8) }
	in := Inputs{Q: zeros(), K: zeros(), V: zeros()}
	in.K.At(0, 0, 17)[0], in.K.At(0, 0, 20)[1] = half16(1), half16(1)
	in.Q.At(0, 0, 32)[0], in.Q.At(0, 0, 40)[1] = half16(8), half16(4)
	o, err := NewOracle(s, p, in.Q, in.K, in.V)
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
	o := twoRows(t, Params{Sample: Sample{Stride: 8, Weight: 12}})
	kept, margin := o.Choose(0, 0, 2)
	assert.Equal(t, []int{17}, keptKeys(kept), "the mean probability of key 20 is less than 12/32")
	assert.InDelta(t, math.Log((own32+1/sum40)/2/(12.0/32)), margin[17], 1e-12)
	assert.InDelta(t, math.Log((own40+1/sum32)/2/(12.0/32)), margin[20], 1e-12)
	assert.True(t, math.IsNaN(margin[15]), "a key of the sink")

	o.Params.Sample.Weight = 9
	kept, _ = o.Choose(0, 0, 2)
	assert.Equal(t, []int{17, 20}, keptKeys(kept))
	assert.Equal(t, kept, o.Select(0, 0, 2).Kept, "without a guard that is all")

	o.Params.Heads = []Head{{Mode: HeadAnchor, Weight: 12}}
	kept, _ = o.Choose(0, 0, 2)
	assert.Equal(t, []int{17}, keptKeys(kept), "the head's own weight")
	o.Params.Heads[0] = Head{Mode: HeadAnchor, Theta: 1}
	kept, _ = o.Choose(0, 0, 2)
	assert.Len(t, keptKeys(kept), 16, "a head with a theta is chosen by its pooled rows: scores of 0 and more, against an anchor of 0")

	o.Params.Heads = nil
	kept, margin = o.Choose(0, 0, 1)
	assert.Empty(t, keptKeys(kept), "no candidates")
	assert.True(t, math.IsNaN(margin[16]))
}

func TestPartOfTheCandidatesByHand(t *testing.T) {
	o := twoRows(t, Params{Sample: Sample{Stride: 8, Weight: 1, Part: 4}})
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
	o := twoRows(t, Params{Sample: Sample{Stride: 8, Weight: 9}, Guard: Guard{Stride: 8, Peak: 0.5, Limit: 0.4}})
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
	o := twoRows(t, Params{Sample: Sample{Stride: 8, Weight: 12}, Guard: Guard{Stride: 8, Peak: 0.5, Limit: 0.4, Look: 3}})
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
	o.Params.Guard = Guard{Stride: 8, Peak: 0.5, Limit: 0.4}
	assert.Len(t, keptKeys(o.Select(0, 0, 2).Kept), 16, "without a second look all candidates")
}

// A call that has a few rows of a group only, none of them at a multiple of the
// stride, takes the first of them.
func TestSomeRowIsAlwaysSampled(t *testing.T) {
	o := twoRows(t, Params{Sample: Sample{Stride: 64, Weight: 12}})
	kept, _ := o.Choose(0, 0, 2)
	assert.Equal(t, []int{17}, keptKeys(kept), "row 32")
	o.Params.Sample.Stride = 40
	kept, _ = o.Choose(0, 0, 2)
	assert.Equal(t, []int{20}, keptKeys(kept), "row 40")
	for _, c := range []struct{ from, to, stride, want int }{
		{0, 16, 8, 2}, {1, 16, 8, 1}, {0, 17, 8, 3}, {9, 16, 8, 1}, {9, 10, 8, 1}, {33, 48, 64, 1}, {5, 6, 1, 1},
	} {
		assert.Equal(t, c.want, sampled(c.from, c.to, c.stride), "%+v", c)
	}
}

func TestDeviceSampledRowsChooseAsTheOracle(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier string) {
		problem := sampling(4, 2, 521, 521)
		in := copying(problem.Shape, 4)
		got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
		o, err := NewOracle(problem.Shape, problem.Params, in.Q, in.K, in.V)
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
					require.Equal(t, s.Kept[j], got.stripes[(h*o.Groups()+g)*521+j] == 1, "head %d, group %d, key %d, margin %g", h, g, j, s.Margin[j])
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
		require.Less(t, compareRows(t, plan, in, Outputs{O: got.o, LSE: got.lse, Stripes: got.stripes}), tolerance(tier))
	})
}

func TestDeviceSampledRowsAreTheSameInChunksSlicesAndSlots(t *testing.T) {
	requireSameInChunksSlicesAndSlots(t, sampling(4, 2, 521, 521))
}

func TestDeviceLawsOfTheWeight(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier string) {
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
	eachTier(t, func(t *testing.T, e *Engine, tier string) {
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
				require.Equal(t, want.o.At(0, h, row), got.o.At(0, h, row), "head %d, row %d", h, row)
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
