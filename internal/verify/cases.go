package verify

import (
	"fmt"
	"math"

	"github.com/anchorvk/anchorvk/attention"
)

// Case is one problem with generated inputs.
type Case struct {
	Name   string
	Mode   attention.Mode
	Shape  attention.Shape
	Params attention.Params
	BSHD   bool // tensors are [batch, seq, heads, dim] instead of [batch, heads, seq, dim]
	Data   Data
	Tier   attention.Tier // that runs it; "" where it does not matter
	// Tuning, as PlanOptions.Tuning has it, is taken instead of other choices; "" leaves them.
	Tuning string
	Kernels
}

// Kernels are the tiers that a case is for.
type Kernels int

// A tuning is for one kind, if any.
const (
	AllKernels    Kernels = iota
	ScalarKernels         // without matrix units
	MatrixKernels
)

// Takes says whether a case is for a tier.
func (k Kernels) Takes(tier attention.Tier) bool {
	matrix := tier == attention.TierCoop || tier == attention.TierCoop2 || tier == attention.TierCoopF16
	return k == AllKernels || matrix == (k == MatrixKernels)
}

// Data says how a case's inputs are generated.
type Data struct {
	// Amplitude of the queries: scores have about this standard deviation.
	Amplitude float64
	// Plant puts one non-finite value into the inputs: "" or one of q, k, v
	// followed by nan, inf or -inf, as in "k nan".
	Plant string
	// Scores is how the scores of a row go: "" as they come, "zero" for keys of
	// zero, so that a log-sum-exp is the logarithm of the number of keys,
	// "stairs" for a maximum that grows in so many steps, each of them after
	// thousands of keys, or "late" for one that grows once in each row, after
	// thousands of keys, and in neighbouring rows at different keys.
	Scores string
}

// stairs are the steps of Data.Scores: from one to the next a score grows by 1.
const stairs = 12

// plain is the data of most cases. At theta 4 it keeps some candidates.
var plain = Data{Amplitude: 2}

// mixed keeps some candidates of the plain data and drops others.
const mixed = 4

// Cases returns every case, in the order in which they are run. Names are
// unique and made of the words that differ, for `verify -p`.
func Cases() []Case {
	var all []Case
	add := func(c Case) { all = append(all, c) }

	// Lengths around tile, block and group boundaries, with the paper's groups.
	for _, n := range []int{1, 97, 1025, 2047, 2048, 2049, 4097} {
		add(build("length", shape(2, 1, n, n, 64), paper(mixed)))
		add(dense(build("length", shape(2, 1, n, n, 64), paper(mixed))))
	}
	// Head dimensions, with groups of 64 so that short inputs have candidates.
	for _, d := range []int{8, 40, 64, 80, 128, 256} {
		theta := float64(mixed)
		if d == 8 {
			theta = 2 // scores of so few dimensions spread less
		}
		add(build("head_dim", shape(2, 1, 521, 521, d), small(theta)))
		add(dense(build("head_dim", shape(2, 1, 521, 521, d), small(mixed))))
	}
	add(build("head_dim", shape(1, 1, 4097, 4097, 128), paper(mixed)))
	// Query heads that share a KV head.
	for _, gqa := range []int{1, 3, 4, 8} {
		add(build("gqa", shape(2*gqa, 2, 333, 333, 64), small(mixed)))
		add(dense(build("gqa", shape(2*gqa, 2, 333, 333, 64), small(mixed))))
	}
	// KV prefixes: one row, a start inside a block, at a group's start.
	for _, p := range [][2]int{{1, 1025}, {1, 2048}, {97, 1025}, {257, 704}, {128, 2305}} {
		add(build("prefix", shape(4, 2, p[0], p[1], 64), small(mixed)))
		add(dense(build("prefix", shape(4, 2, p[0], p[1], 64), small(mixed))))
	}
	add(build("prefix", shape(2, 1, 1537, 4097, 64), paper(mixed)))
	// Batch and layouts.
	for _, bshd := range []bool{false, true} {
		c := build("batch", attention.Shape{Batch: 3, Heads: 4, KVHeads: 2, QLen: 200, KVLen: 300, HeadDim: 40}, small(mixed))
		c.BSHD = bshd
		add(c)
		add(dense(c))
	}
	// Thetas: the two laws' ends, the default, one that keeps some, and a negative one.
	for _, theta := range []float64{math.Inf(1), math.Inf(-1), 12, mixed, 2, -1} {
		add(build("theta", shape(2, 1, 521, 521, 64), small(theta)))
	}
	for _, theta := range []float64{math.Inf(1), math.Inf(-1), 12} {
		add(build("theta", shape(1, 1, 2305, 2305, 64), paper(theta)))
	}
	// Parameters off the paper's.
	for _, p := range []attention.Params{
		{Theta: mixed, Step: 1, Block: 16, SinkBlocks: 1, WindowBlocks: 1},
		{Theta: mixed, Step: 3, Block: 48, SinkBlocks: 0, WindowBlocks: 0},
		{Theta: mixed, Step: 2, Block: 32, SinkBlocks: 3, WindowBlocks: 2},
		{Theta: mixed, Step: 2, Block: 256, SinkBlocks: 1, WindowBlocks: 0},
		{Theta: mixed, Step: 20, Block: 16, SinkBlocks: 1, WindowBlocks: 1}, // more blocks than the stripe search compares at a time
		{Theta: mixed, Step: 4, Block: 16, SinkBlocks: 100, WindowBlocks: 1},
		{Theta: 2 * mixed, Step: 4, Block: 16, SinkBlocks: 1, WindowBlocks: 1, Scale: 0.25},
	} {
		add(build("params", shape(2, 1, 777, 777, 64), p))
	}
	// Tails within a group, over several, and of the whole call; guards that keep
	// the candidates of some groups, of all and of none, with strides that divide
	// neither group nor block, over more rows than a kernel takes at a time, and
	// over more keys than one of its runs.
	for _, c := range []struct {
		tail  int
		guard attention.Guard
		theta float64
		n, q  int
	}{
		{tail: 16, theta: mixed, n: 777, q: 777},
		{tail: 150, theta: mixed, n: 777, q: 777},
		{tail: 5000, theta: mixed, n: 777, q: 777},
		{tail: 33, theta: mixed, n: 704, q: 257},
		{guard: attention.Guard{Stride: 8, Peak: 0.05, Limit: 0.12}, theta: mixed, n: 777, q: 777},
		{guard: attention.Guard{Stride: 7, Peak: 0.05, Limit: 0.12}, theta: mixed, n: 704, q: 257},
		{guard: attention.Guard{Stride: 1, Peak: 0.01, Limit: 0}, theta: mixed, n: 521, q: 521},
		{guard: attention.Guard{Stride: 100, Peak: 0.3, Limit: 1}, theta: mixed, n: 521, q: 521},
		{guard: attention.Guard{Stride: 16, Peak: 0.05, Limit: 0.4}, theta: math.Inf(-1), n: 777, q: 777},
		{guard: attention.Guard{Stride: 32, Peak: 0.05, Limit: 0.04}, theta: mixed, n: 4500, q: 97},
		{guard: attention.Guard{Stride: 8, Peak: 0.05, Limit: 0.12}, tail: 20, theta: mixed, n: 777, q: 777},
	} {
		p := small(c.theta)
		p.Tail, p.Guard = c.tail, c.guard
		guarded := build("guard", shape(4, 2, c.q, c.n, 64), p)
		if c.guard.On() {
			guarded.Data.Amplitude = 5 // single keys stand out
		}
		add(guarded)
	}
	// Sampled rows that choose: all candidates and few, by one row and by more
	// than a kernel takes at a time, at strides that divide neither group nor
	// block, with sums over parts of the candidates, over more keys than one of
	// their runs, with a guard that never fails, always, and now and then, with
	// second looks of each reach; calls that begin inside a group; and second looks
	// after pooled rows.
	for _, c := range []struct {
		sample attention.Sample
		guard  attention.Guard
		block  int
		step   int
		n, q   int
	}{
		{sample: attention.Sample{Stride: 8, Weight: 0.5}, block: 16, step: 4, n: 777, q: 777},
		{sample: attention.Sample{Stride: 8, Weight: 0.01, Part: 4}, block: 16, step: 4, n: 777, q: 777},
		{sample: attention.Sample{Stride: 64, Weight: 2}, block: 16, step: 4, n: 521, q: 521},
		{sample: attention.Sample{Stride: 100, Weight: 1}, block: 16, step: 4, n: 521, q: 400},
		{sample: attention.Sample{Stride: 1, Weight: 0.5, Part: 8}, block: 16, step: 3, n: 521, q: 521},
		{sample: attention.Sample{Stride: 7, Weight: 0.7, Part: 3}, guard: attention.Guard{Stride: 7, Peak: 0.05, Limit: 0.1}, block: 16, step: 4, n: 704, q: 257},
		{sample: attention.Sample{Stride: 8, Weight: 1, Part: 2}, guard: attention.Guard{Stride: 8, Peak: 0.05, Limit: 0.3, Look: 4}, block: 16, step: 4, n: 777, q: 777},
		{sample: attention.Sample{Stride: 16, Weight: 3, Part: 8}, guard: attention.Guard{Stride: 16, Peak: 0.1, Limit: 0, Look: 15}, block: 16, step: 8, n: 777, q: 600},
		{sample: attention.Sample{Stride: 16, Weight: 1, Part: 8}, guard: attention.Guard{Stride: 16, Peak: 0.05, Limit: 0.02, Look: 1}, block: 16, step: 16, n: 4500, q: 97},
		{sample: attention.Sample{Stride: 16, Weight: 2}, guard: attention.Guard{Stride: 16, Peak: 0.05, Limit: 0.05, Look: 5}, block: 16, step: 16, n: 4500, q: 97},
		{guard: attention.Guard{Stride: 8, Peak: 0.05, Limit: 0.12, Look: 3}, block: 16, step: 4, n: 777, q: 777},
	} {
		p := attention.Params{Theta: mixed, Step: c.step, Block: c.block, SinkBlocks: 1, WindowBlocks: 1, Sample: c.sample, Guard: c.guard}
		sampled := build("sample", shape(4, 2, c.q, c.n, 64), p)
		sampled.Data.Amplitude = 5
		add(sampled)
	}
	// Pooled heads beside sampled ones, whose guard counts keys that the sums leave out, and the smallest weight.
	besides := small(1)
	besides.Sample, besides.Guard = attention.Sample{Stride: 8, Weight: 0x1p-95, Part: 8}, attention.Guard{Stride: 8, Peak: 0.01, Limit: 0.6, Look: 4}
	besides.Heads = []attention.Head{{Mode: attention.HeadAnchor, Theta: math.Inf(-1)}, {Mode: attention.HeadAnchor, Theta: 1}, {}, {Mode: attention.HeadAnchor, Weight: 1}}
	pooledBeside := build("sample", shape(4, 1, 600, 777, 40), besides)
	pooledBeside.Data.Amplitude = 12 // single keys hold whole rows
	add(pooledBeside)
	for _, name := range []string{"safe", "lean"} {
		p, _ := attention.Preset(name)
		wide := build("sample", shape(4, 1, 700, 1100, 128), p)
		wide.Data.Amplitude = 3
		add(wide)
		p.Heads = []attention.Head{{Mode: attention.HeadDense}, {}, {}, {Mode: attention.HeadAnchorOnly}, {Mode: attention.HeadAnchor, Theta: mixed}, {Mode: attention.HeadAnchor, Weight: 1.5}}
		mixedHeads := build("sample", shape(6, 2, 400, 777, 40), p)
		mixedHeads.Data.Amplitude = 5
		add(mixedHeads)
	}
	// A dense head, so that the others of two KV heads are no whole workgroups of a
	// search on matrices, whose slots then are of several KV heads and groups.
	for _, at := range []int{1, 3} {
		p := small(mixed)
		p.Sample = attention.Sample{Stride: 4, Weight: 1, Part: 2}
		p.Guard = attention.Guard{Stride: 4, Peak: 0.05, Limit: 0.1, Look: 3}
		p.Heads = make([]attention.Head, 4)
		p.Heads[at].Mode = attention.HeadDense
		apart := build("sample", shape(4, 2, 623, 623+at, 64), p)
		apart.Data.Amplitude = 5
		add(apart)
	}
	// Heads that are each computed in their own way.
	own := small(mixed)
	own.Guard = attention.Guard{Stride: 8, Peak: 0.05, Limit: 0.12}
	own.Heads = []attention.Head{
		{Mode: attention.HeadAnchor, Theta: 2}, {}, {Mode: attention.HeadDense}, {Mode: attention.HeadAnchorOnly}, {}, {},
	}
	heads := build("heads", shape(6, 2, 400, 777, 64), own)
	heads.Data.Amplitude = 5
	add(heads)
	add(build("guard", shape(4, 1, 700, 1100, 128), attention.Params{
		Theta: mixed, Step: 2, Block: 128, SinkBlocks: 1, WindowBlocks: 1, Tail: 128, Guard: attention.Guard{Stride: 32, Peak: 0.01, Limit: 0.02},
	}))
	// Scores so large that a softmax without its maximum would overflow.
	for _, c := range []Case{build("large", shape(2, 1, 521, 521, 128), small(40)), dense(build("large", shape(2, 1, 521, 521, 128), small(40)))} {
		c.Data.Amplitude = 30
		add(c)
	}
	// One NaN or infinity in the inputs.
	for _, plant := range []string{"q nan", "k nan", "v nan", "q inf", "k inf", "v inf", "k -inf", "v -inf"} {
		c := build("nonfinite", shape(2, 1, 521, 521, 64), small(mixed))
		c.Data.Plant = plant
		add(c)
		add(dense(c))
	}
	// Sequences of more keys than loops of some drivers go round, of which the last rows are computed.
	for _, n := range []int{70_000, 140_000, 300_000} {
		for _, scores := range []string{"zero", "stairs"} {
			c := build("long", shape(1, 1, longRows, n, 16), paper(5.5)) // between two stairs: some keys are kept
			c.Data.Scores = scores
			add(c)
			add(dense(c))
		}
	}
	// Row tiles that do not divide a group, and keys attended a range at a time,
	// whatever the device would choose.
	for _, tuning := range []struct {
		text string
		Kernels
	}{{"local=32,lanes=1,rows=1", ScalarKernels}, {"subgroups=4", MatrixKernels}, {"range=64", ScalarKernels}} {
		c := build("tuning", shape(2, 1, 521, 521, 16), attention.Params{Theta: mixed, Step: 3, Block: 48, SinkBlocks: 1, WindowBlocks: 1})
		c.Tuning, c.Kernels = tuning.text, tuning.Kernels
		add(c)
		add(dense(c))
	}
	// Rows of a tile whose maxima grow one at a time: a kernel must look at each.
	// Devices that need no GPU have one row a lane by themselves.
	for _, tuning := range []struct {
		text string
		Kernels
	}{{}, {"rows=16", MatrixKernels}} {
		c := build("late", shape(1, 1, 2900, 2900, 40), small(math.Inf(1)))
		c.Data.Scores = "late"
		c.Tuning, c.Kernels = tuning.text, tuning.Kernels
		if tuning.text == "" {
			add(c)
		}
		add(dense(c))
	}
	for i := range all {
		all[i].Name = all[i].name()
	}
	return all
}

// longRows are the rows of long sequences: no whole number of tiles or blocks.
const longRows = 40

func shape(heads, kvHeads, qLen, kvLen, dim int) attention.Shape {
	return attention.Shape{Batch: 1, Heads: heads, KVHeads: kvHeads, QLen: qLen, KVLen: kvLen, HeadDim: dim}
}

func paper(theta float64) attention.Params {
	p := attention.DefaultParams()
	p.Theta = theta
	return p
}

// small groups of 4 blocks of 16 rows.
func small(theta float64) attention.Params {
	return attention.Params{Theta: theta, Step: 4, Block: 16, SinkBlocks: 1, WindowBlocks: 1}
}

func build(topic string, s attention.Shape, p attention.Params) Case {
	return Case{Name: topic, Mode: attention.ModeAnchor, Shape: s, Params: p, Data: plain}
}

func dense(c Case) Case {
	c.Mode = attention.ModeDense
	return c
}

// name spells out the case after its topic.
func (c Case) name() string {
	s, p := c.Shape, c.Params
	text := fmt.Sprintf("%s/%s n=%d", c.Name, c.Mode, s.KVLen)
	if s.QLen != s.KVLen {
		text += fmt.Sprintf(" q=%d", s.QLen)
	}
	text += fmt.Sprintf(" heads=%d/%d d=%d", s.Heads, s.KVHeads, s.HeadDim)
	if s.Batch > 1 {
		text += fmt.Sprintf(" batch=%d", s.Batch)
	}
	if c.BSHD {
		text += " bshd"
	}
	if c.Mode == attention.ModeAnchor && p.Tail > 0 {
		text += fmt.Sprintf(" tail=%d", p.Tail)
	}
	if c.Mode == attention.ModeAnchor && p.Guard.On() {
		text += fmt.Sprintf(" guard=%d,%g,%g", p.Guard.Stride, p.Guard.Peak, p.Guard.Limit)
		if p.Guard.Look > 0 {
			text += fmt.Sprintf(",%d", p.Guard.Look)
		}
	}
	if c.Mode == attention.ModeAnchor && p.Sample.On() {
		text += fmt.Sprintf(" sample=%d,%g,%d", p.Sample.Stride, p.Sample.Weight, max(p.Sample.Part, 1))
	}
	if c.Mode == attention.ModeAnchor {
		text += fmt.Sprintf(" theta=%g group=%dx%d", p.Theta, p.Step, p.Block)
		if p.SinkBlocks != 1 || p.WindowBlocks != 1 {
			text += fmt.Sprintf(" sink=%d window=%d", p.SinkBlocks, p.WindowBlocks)
		}
	}
	if p.Scale != 0 {
		text += fmt.Sprintf(" scale=%g", p.Scale)
	}
	if c.Data.Amplitude != plain.Amplitude {
		text += fmt.Sprintf(" amplitude=%g", c.Data.Amplitude)
	}
	if c.Data.Scores != "" {
		text += " scores=" + c.Data.Scores
	}
	if c.Tuning != "" {
		text += " with " + c.Tuning
	}
	if c.Data.Plant != "" {
		text += " (" + c.Data.Plant + ")"
	}
	return text
}
