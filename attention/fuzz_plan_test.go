package attention

import (
	"errors"
	"maps"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/internal/testreports"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// FuzzPlan asks for plans of any size on every recorded device. What is refused
// is refused with a type of error; what is planned holds.
func FuzzPlan(f *testing.F) {
	reports := testreports.Recorded()
	names := slices.Sorted(maps.Keys(reports))
	add := func(device, tier uint8, s Shape, p Params, mode Mode, o PlanOptions, modes ...byte) {
		f.Add(device, tier, int64(mode), int64(s.Batch), int64(s.Heads), int64(s.KVHeads), int64(s.QLen), int64(s.KVLen), int64(s.HeadDim),
			int64(p.Step), int64(p.Block), int64(p.SinkBlocks), int64(p.WindowBlocks), p.Theta, p.Scale,
			o.SliceMS, o.StripeShare, o.ScratchBytes, o.MemoryBudget, o.NoFallback, "",
			int64(p.Tail), int64(p.Sample.Stride), int64(p.Sample.Part), int64(p.Guard.Stride), int64(p.Guard.Look),
			p.Sample.Weight, p.Guard.Peak, p.Guard.Limit, modes)
	}
	safe, err := Preset("safe")
	require.NoError(f, err)
	for i := range names {
		add(uint8(i), 0, llama(131_072).Shape, safe, ModeAnchor, PlanOptions{})
		add(uint8(i), 0, llama(9_000).Shape, safe, ModeAnchor, PlanOptions{NoFallback: true}, 0, 131, 2, 3, 1)
		add(uint8(i), 0, llama(131_072).Shape, DefaultParams(), ModeAnchor, PlanOptions{})
		add(uint8(i), 2, llama(70_000).Shape, DefaultParams(), ModeAnchor, PlanOptions{ScratchBytes: 1, NoFallback: true})
	}
	add(0, 0, Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 1, KVLen: 1, HeadDim: 8}, DefaultParams(), ModeDense, PlanOptions{})
	add(0, 0, Shape{Batch: math.MaxInt32, Heads: 1, KVHeads: 1, QLen: math.MaxInt32, KVLen: math.MaxInt32, HeadDim: 256}, DefaultParams(), ModeDense, PlanOptions{})
	add(0, 0, Shape{Batch: 1 << 20, Heads: 64, KVHeads: 1, QLen: 1, KVLen: 1 << 22, HeadDim: 128}, Params{Theta: 1, Step: 1, Block: 16}, ModeAnchor, PlanOptions{NoFallback: true})
	f.Fuzz(func(t *testing.T, device, tier uint8, mode, batch, heads, kvHeads, qLen, kvLen, dim, step, block, sink, window int64,
		theta, scale, sliceMS, share float64, scratch, budget uint64, noFallback bool, choices string,
		tail, sampleStride, part, guardStride, look int64, weight, peak, limit float64, modes []byte,
	) {
		report := reports[names[int(device)%len(names)]]
		problem := Problem{
			Shape: Shape{Batch: int(batch), Heads: int(heads), KVHeads: int(kvHeads), QLen: int(qLen), KVLen: int(kvLen), HeadDim: int(dim)},
			Mode:  Mode(mode),
			Params: Params{
				Theta: theta, Step: int(step), Block: int(block), SinkBlocks: int(sink), WindowBlocks: int(window), Scale: scale,
				Tail:   int(tail),
				Sample: Sample{Stride: int(sampleStride), Weight: weight, Part: int(part)},
				Guard:  Guard{Stride: int(guardStride), Peak: peak, Limit: limit, Look: int(look)},
			},
		}
		if len(modes) > 0 && heads > 0 && heads < 1<<12 {
			problem.Params.Heads = fuzzHeads(modes, int(heads), theta, weight)
		}
		options := PlanOptions{NoFallback: noFallback, SliceMS: sliceMS, StripeShare: share, ScratchBytes: scratch, MemoryBudget: budget}
		if i := int(tier) % (len(tuning.Order()) + 1); i > 0 {
			options.Tier = tuning.Order()[i-1]
		}
		choice, err := tuning.Parse("a fuzzer", choices)
		switch {
		case err != nil:
			requireTyped(t, err)
		case len(choices)%2 == 0:
			options.Tuning = choices
		default:
			options.Rules = []tuning.Rule{{Choice: choice, From: "a fuzzer", Why: choices}}
		}
		plan, err := NewPlan(report, problem, options)
		if err != nil {
			requireTyped(t, err)
			return
		}
		require.NotEmpty(t, plan.String())
		requirePlanHolds(t, plan, options)
	})
}

// fuzzHeads gives heads the modes of bytes, over and over.
func fuzzHeads(modes []byte, heads int, theta, weight float64) []Head {
	all := make([]Head, heads)
	for h := range all {
		kind := modes[h%len(modes)]
		if all[h].Mode = HeadMode(kind % 5); all[h].Mode != HeadAnchor { // one of them is none
			continue
		}
		if all[h].Theta = theta; kind >= 128 {
			all[h] = Head{Mode: HeadAnchor, Weight: weight}
		}
	}
	return all
}

func requireTyped(t *testing.T, err error) {
	t.Helper()
	var argument *ArgumentError
	var feature *vk.FeatureError
	var limit *vk.LimitError
	var budget *vk.MemoryBudgetError
	require.True(t, errors.As(err, &argument) || errors.As(err, &feature) || errors.As(err, &limit) || errors.As(err, &budget), "%T: %v", err, err)
	require.NotEmpty(t, err.Error())
}

// exact multiplies without overflow.
func exact(factors ...int) *big.Int {
	p := big.NewInt(1)
	for _, f := range factors {
		p.Mul(p, big.NewInt(int64(f)))
	}
	return p
}

// requirePlanHolds checks what kernels rely on, with numbers that cannot overflow.
func requirePlanHolds(t *testing.T, p *Plan, o PlanOptions) {
	t.Helper()
	s := p.Shape
	if o.MemoryBudget > 0 {
		require.LessOrEqual(t, p.Memory.Total, o.MemoryBudget)
	}
	require.Equal(t, p.Memory.Tensors+p.Memory.Staging+p.Memory.Scratch+p.Memory.Counts+p.Memory.LSE, p.Memory.Total)
	tensors := new(big.Int).Add(exact(4, s.Batch, s.Heads, s.QLen, s.HeadDim), exact(4, s.Batch, s.KVHeads, s.KVLen, s.HeadDim))
	require.Positive(t, new(big.Int).SetUint64(p.Memory.Tensors).Cmp(new(big.Int).Sub(tensors, big.NewInt(1))), "tensors need %v bytes, planned are %d", tensors, p.Memory.Tensors)
	for _, cost := range []float64{p.Cost.Dense, p.Cost.Anchor, p.Cost.Identify, p.Cost.Stripes} {
		require.False(t, math.IsNaN(cost) || math.IsInf(cost, 0) || cost < 0, "cost %+v", p.Cost)
	}
	if p.Mode == ModeDense {
		require.Zero(t, p.Units)
		requireTileStates(t, p, o)
		return
	}
	requireGroupsCovered(t, p)
	if p.Units == 0 {
		requireTileStates(t, p, o)
		return
	}
	requireScratchHolds(t, p, o)
}

// requireTileStates checks the scratch memory of dense attention alone: none,
// or with ranges of keys the state of one row tile at least, within the bound.
func requireTileStates(t *testing.T, p *Plan, o PlanOptions) {
	t.Helper()
	if p.Tuning.Range == 0 {
		require.Zero(t, p.ScratchBytes)
		return
	}
	acc, sums := p.tileStateBytes()
	require.Positive(t, p.tileStates())
	bound := o.ScratchBytes
	if bound == 0 {
		bound = defaultScratchBytes
	}
	require.LessOrEqual(t, p.ScratchBytes, max(bound, acc+sums)+2*scratchAlign)
}

// Every row is computed once: dense up to the first group with candidates, and
// from there on by units, of which each (head, group) has one.
func requireGroupsCovered(t *testing.T, p *Plan) {
	t.Helper()
	s, group := p.Shape, p.Params.Group()
	first := firstSparseGroup(s, p.Params)
	require.GreaterOrEqual(t, first, s.Prefix()/group)
	if first > s.Prefix()/group { // the group before has no candidates
		require.GreaterOrEqual(t, p.Params.Sink()+p.Params.Window(), (first-1)*group)
	}
	groups := 0
	if first <= (s.KVLen-1)/group {
		require.Greater(t, first*group, p.Params.Sink()+p.Params.Window(), "the first sparse group has candidates")
		groups = (s.KVLen-1)/group - first + 1
	}
	require.Zero(t, exact(s.Batch, p.sparseHeads(), groups).Cmp(big.NewInt(int64(p.Units))), "%d units of %d groups", p.Units, groups)
	for _, spanHeads := range []int{s.Heads, s.HeadsPerKV(), 1} {
		order := p.unitOrder(p.spans(nil, spanHeads))
		seen := map[[3]int]bool{}
		// All of few, else the first and the last ones.
		for unit := range p.Units {
			if unit > 500 && unit < p.Units-500 {
				break
			}
			b, h, g := order.at(unit)
			switch {
			case b < 0 || b >= s.Batch || h < 0 || h >= s.Heads || g < first || g*group >= s.KVLen:
				t.Fatalf("unit %d is batch %d head %d group %d", unit, b, h, g)
			case p.Params.Head(h).IsDense():
				t.Fatalf("unit %d is of a dense head", unit)
			case seen[[3]int{b, h, g}]:
				t.Fatalf("unit %d is there twice", unit)
			}
			seen[[3]int{b, h, g}] = true
		}
	}
}

// Regions have room for what the kernels write, and do not overlap.
func requireScratchHolds(t *testing.T, p *Plan, o PlanOptions) {
	t.Helper()
	s, l := p.Shape, p.scratch
	require.GreaterOrEqual(t, p.Slots, 1)
	require.LessOrEqual(t, p.Slots, p.Units/s.Batch, "no more slots than a batch entry has units")
	limit := o.ScratchBytes
	if limit == 0 {
		limit = defaultScratchBytes
	}
	if p.Slots > 1 {
		require.LessOrEqual(t, p.ScratchBytes, limit)
	}
	require.Equal(t, l.total, p.ScratchBytes)
	tileRows := p.Tuning.TileRows()
	require.Positive(t, tileRows)
	tiles := ceil.Div(p.Params.Group(), tileRows)
	end := uint64(0)
	pooled, sampled, guarded := 0, 0, 0
	if p.pools() {
		pooled = 1
	}
	for _, stride := range []int{p.Params.Sample.Stride, p.Params.Guard.Stride, p.Params.Guard.Look} {
		if stride > 0 && (p.samples() || p.guards()) {
			sampled = max(sampled, ceil.Div(p.Params.Group(), stride))
		}
	}
	if p.guards() {
		guarded = 1
	}
	for _, r := range []struct {
		name string
		region
		need *big.Int
	}{
		{"accumulators", l.acc, exact(p.Slots, tiles, tileRows, s.HeadDim, 4)},
		{"sums", l.sums, exact(p.Slots, p.Params.Group(), 8)},
		{"pooled queries", l.pooled, exact(pooled, p.Slots, p.Params.Step, s.HeadDim, 4)},
		{"anchors", l.anchors, exact(pooled, p.Slots, p.Params.Step, 4)},
		{"masks", l.mask, exact(p.Slots, ceil.Div(s.KVLen, 32), 4)},
		{"lists", l.list, exact(p.Slots, s.KVLen, 4)},
		{"sums of sampled rows", l.sampled, exact(p.Slots, sampled, p.sumRuns(), 8)},
		{"misses of sampled rows", l.misses, exact(min(sampled, 1), p.Slots, ceil.Div(s.KVLen, guardRunKeys), 4)},
		{"counts", l.counts, exact(p.Units, 4)},
		{"means of misses", l.missed, exact(guarded, p.Units, 4)},
	} {
		if r.size == 0 && r.need.Sign() == 0 {
			continue // it has no place
		}
		require.Zero(t, r.offset%scratchAlign, r.name)
		require.GreaterOrEqual(t, r.offset, end, "%s overlap what lies before", r.name)
		require.GreaterOrEqual(t, new(big.Int).SetUint64(r.size).Cmp(r.need), 0, "%s have %d bytes, and need %v", r.name, r.size, r.need)
		end = r.offset + r.size
		require.GreaterOrEqual(t, end, r.offset, "%s: overflow", r.name)
	}
	require.LessOrEqual(t, end, l.total)
}
