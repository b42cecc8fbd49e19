package attention

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

// guarded is a problem in which some groups look at single keys that their
// stripes miss, and others do not.
func guarded(heads, kvHeads, qLen, kvLen int) Problem {
	p := selective(1, heads, kvHeads, qLen, kvLen)
	p.Params.Guard = Guard{Stride: 8, Peak: 0.02, Limit: 0.15}
	return p
}

// copying are inputs in which every second group of 64 rows copies: each of its
// rows points at one key of its own, some way back.
func copying(s Shape, seed uint64) Inputs {
	in := selectiveInputs(s, seed)
	for unit := range s.Batch * s.Heads {
		b, h := unit/s.Heads, unit%s.Heads
		for i := range s.QLen {
			p := s.Prefix() + i
			if p/64%2 == 0 || p < 200 {
				continue
			}
			row, key := in.Q.At(b, h, i), in.K.At(b, s.KVHead(h), 17+(p*7)%(p-190))
			for d := range row {
				row[d] = half16(2.5 * key[d].Float32())
			}
		}
	}
	return in
}

func TestGuardByHand(t *testing.T) {
	// One head of 8 elements, groups of 16 rows. Row 32 points at key 17 and row 40 at key 20; no other row, and no mean, points anywhere.
	s := Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 48, KVLen: 48, HeadDim: 8}
	p := Params{Theta: 1, Step: 1, Block: 16, SinkBlocks: 1, Scale: 1, Guard: Guard{Stride: 8, Peak: 0.5, Limit: 0.4}}
	zeros := func() Tensor { return HostBHSD(make([]float16.Float16, 48*8), 1, 1, 48, 8) }
	in := Inputs{Q: zeros(), K: zeros(), V: zeros()}
	in.K.At(0, 0, 17)[0], in.K.At(0, 0, 20)[1] = half16(1), half16(1)
	in.Q.At(0, 0, 32)[0], in.Q.At(0, 0, 40)[1] = half16(8), half16(4)
	o, err := NewOracle(s, p, in.Q, in.K, in.V)
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
	problem := guarded(1, 1, 300, 300)
	problem.Params.Theta = math.Inf(-1)
	in := copying(problem.Shape, 1)
	o, err := NewOracle(problem.Shape, problem.Params, in.Q, in.K, in.V)
	require.NoError(t, err)
	before := o.Missed(0, 0, 3, make([]bool, 300), 0)
	require.Positive(t, before)
	in.Q.At(0, 0, 200)[0] = half16(float32(math.NaN()))
	after := o.Missed(0, 0, 3, make([]bool, 300), 0)
	assert.Less(t, after, before)
	assert.False(t, math.IsNaN(after))
}

func TestTailRowsAttendEverything(t *testing.T) {
	problem := selective(1, 2, 1, 300, 300)
	problem.Params.Tail = 70
	in := selectiveInputs(problem.Shape, 2)
	o, err := NewOracle(problem.Shape, problem.Params, in.Q, in.K, in.V)
	require.NoError(t, err)
	anchor, dense := o.Forward(ModeAnchor), o.Forward(ModeDense)
	plain := problem
	plain.Params.Tail = 0
	p, err := NewOracle(plain.Shape, plain.Params, in.Q, in.K, in.V)
	require.NoError(t, err)
	without := p.Forward(ModeAnchor)
	assert.Equal(t, without.Stripes, anchor.Stripes, "the choice of stripes does not depend on the tail")
	for h := range 2 {
		for row := range 300 {
			want := without.O
			if row >= 230 {
				want = dense.O
			}
			at := (h*300 + row) * testDim
			require.Equal(t, want[at:at+testDim], anchor.O[at:at+testDim], "row %d", row)
		}
	}
	require.NotEqual(t, without.O, anchor.O)
}

func TestDeviceTailHasTheBitsOfDenseRows(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier string) {
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
					require.Equal(t, want.o.At(0, h, row), got.o.At(0, h, row), "tail %d, head %d, row %d", tail, h, row)
					require.Equal(t, want.lse[h*400+row], got.lse[h*400+row])
				}
			}
			o, err := NewOracle(problem.Shape, Params{Theta: 3, Step: 4, Block: 16, SinkBlocks: 1, WindowBlocks: 1, Tail: tail}, in.Q, in.K, in.V)
			require.NoError(t, err)
			require.InDelta(t, counted(o, got.stripes).ComputedRatio(), got.stats.ComputedRatio, 1e-12)
		}
	})
}

// The tail's rows of Q are read when all other rows have been written.
func TestDeviceTailLetsOLieOverQ(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier string) {
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
func counted(o *Oracle, stripes []byte) (sum Counts) {
	for h := range o.Shape.Heads {
		for g := o.FirstGroup(); g < o.Groups(); g++ {
			kept := make([]bool, o.Shape.KVLen)
			for j := range kept {
				kept[j] = stripes[(h*o.Groups()+g)*o.Shape.KVLen+j] == 1
			}
			sum = sum.Add(o.Counts(0, h, g, kept))
		}
	}
	return sum
}

func TestDeviceGuardDecidesAsTheOracle(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier string) {
		problem := guarded(4, 2, 521, 521)
		in := copying(problem.Shape, 4)
		got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
		o, err := NewOracle(problem.Shape, problem.Params, in.Q, in.K, in.V)
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
		require.Less(t, compareRows(t, plan, in, Outputs{O: got.o, LSE: got.lse, Stripes: got.stripes}), tolerance(tier))
	})
}

func TestDeviceGuardIsTheSameInChunksSlicesAndSlots(t *testing.T) {
	requireSameInChunksSlicesAndSlots(t, guarded(4, 2, 521, 521))
}

// requireSameInChunksSlicesAndSlots compares a problem of groups of 64 rows, from position 0 on.
func requireSameInChunksSlicesAndSlots(t *testing.T, problem Problem) {
	t.Helper()
	eachTier(t, func(t *testing.T, e *Engine, tier string) {
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
				Q: slicePositions(in.Q, from, to), K: slicePositions(in.K, 0, to), V: slicePositions(in.V, 0, to),
			})
			requireSameRows(t, whole.o, chunk.o, from, "chunk")
		}
	})
}

func TestDeviceGuardLawsOfTheta(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier string) {
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

func TestBadGuardsAndTails(t *testing.T) {
	safe, err := Preset("safe")
	require.NoError(t, err)
	for _, bad := range []struct {
		field  string
		change func(*Params)
	}{
		{"Params.Tail", func(p *Params) { p.Tail = -1 }},
		{"Params.Guard.Stride", func(p *Params) { p.Guard.Stride = -32 }},
		{"Params.Guard.Stride", func(p *Params) { p.Guard.Stride = 32 }},
		{"Params.Guard.Stride", func(p *Params) { p.Guard.Stride = 0 }},
		{"Params.Guard.Peak", func(p *Params) { p.Guard.Peak = math.NaN() }},
		{"Params.Guard.Limit", func(p *Params) { p.Guard.Limit = 1.5 }},
		{"Params.Guard.Look", func(p *Params) { p.Guard.Look = -1 }},
		{"Params.Guard.Look", func(p *Params) { p.Guard.Look = 16 }},
		{"Params.Sample.Stride", func(p *Params) { p.Sample.Stride = -1 }},
		{"Params.Sample.Stride", func(p *Params) { p.Sample.Stride = 0 }},
		{"Params.Sample.Weight", func(p *Params) { p.Sample.Weight = 0 }},
		{"Params.Sample.Weight", func(p *Params) { p.Sample.Weight = math.Inf(1) }},
		{"Params.Sample.Weight", func(p *Params) { p.Sample.Weight = math.NaN() }},
		{"Params.Sample.Part", func(p *Params) { p.Sample.Part = 65 }},
		{"Params.Sample.Part", func(p *Params) { p.Sample.Part = -1 }},
		{"Params.Heads[0].Weight", func(p *Params) { p.Heads = []Head{{Mode: HeadAnchor, Theta: 10, Weight: 1}} }},
		{"Params.Heads[0].Weight", func(p *Params) { p.Heads = []Head{{Mode: HeadAnchor, Weight: -1}} }},
		{"Params.Heads[0].Weight", func(p *Params) { p.Heads = []Head{{Mode: HeadDense, Weight: 1}} }},
		{"Params.Heads[0].Weight", func(p *Params) {
			p.Sample, p.Heads = Sample{}, []Head{{Mode: HeadAnchor, Weight: 1}}
		}},
	} {
		p := safe
		bad.change(&p)
		var refused *ArgumentError
		require.ErrorAs(t, p.Validate(), &refused, bad.field)
		assert.Equal(t, bad.field, refused.Field)
	}
	p := safe
	p.Guard = Guard{}
	require.NoError(t, p.Validate(), "sampled rows need no guard")
	p = safe
	p.Sample = Sample{}
	require.NoError(t, p.Validate(), "a guard needs no sampled rows that choose")
	p = safe
	p.Heads = []Head{{Mode: HeadAnchor, Weight: 1}, {Mode: HeadAnchor, Theta: math.Inf(1)}, {Mode: HeadAnchor, Theta: 10}}
	require.NoError(t, p.Validate())
	for _, name := range Presets() {
		p, err := Preset(name)
		require.NoError(t, err)
		require.NoError(t, p.Validate())
	}
	_, err = Preset("fast")
	require.ErrorContains(t, err, "lean, paper, safe")
	paper, err := Preset("paper")
	require.NoError(t, err)
	require.Equal(t, DefaultParams(), paper)
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
