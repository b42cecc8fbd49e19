package verify

import (
	"fmt"
	"math"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// choices turns bytes into numbers. Where the bytes end every choice is 0, so
// that a fuzzer may cut and change them at will.
type choices struct{ data []byte }

// below is a number from 0 to n-1.
func (c *choices) below(n int) int {
	value := 0
	for most := 1; most < n; most <<= 8 {
		value <<= 8
		if len(c.data) > 0 {
			value |= int(c.data[0])
			c.data = c.data[1:]
		}
	}
	return value % n
}

func one[T any](c *choices, of ...T) T { return of[c.below(len(of))] }

// length is one around a multiple of a tile, a block or a group, or any.
func (c *choices) length(around, most int) int {
	if c.below(3) > 0 {
		return 1 + c.below(most)
	}
	n := around*(1+c.below(max(most/around, 1))) + c.below(3) - 1
	return min(max(n, 1), most)
}

// problem is a case, and another way of computing it that must give the same bits.
type problem struct {
	Case
	plan   attention.PlanOptions // of both: tier and tuning
	second attention.PlanOptions // slices and scratch memory of the second
	gaps   bool                  // tensors of the second have gaps on every axis
	device bool                  // and lie in device buffers
	chunks []int                 // where the second is cut into calls, by position
}

func (p problem) String() string {
	return fmt.Sprintf("%s: %s, heads %v, tier %s %v, amplitude %g, plant %q; second: slices of %g ms, %d bytes of scratch, gaps %v, device %v, cut at %v",
		p.Name, p.name(), p.Params.Heads, p.plan.Tier, p.plan.Rules, p.Data.Amplitude, p.Data.Plant, p.second.SliceMS, p.second.ScratchBytes, p.gaps, p.device, p.chunks)
}

// Few head dimensions and tunings, as each costs seconds of compiling.
var (
	fuzzDims    = []int{40, 8, 64}
	fuzzTunings = []string{"", "", "", "", "local=32", "rows=1", "way=uint", "way=address"}
)

// draw makes a problem of bytes, that a device of the report can take.
func draw(data []byte, report *vk.Report) problem {
	c := &choices{data}
	p := problem{Case: Case{Mode: attention.ModeAnchor, Data: Data{Amplitude: one(c, 2.0, 0.5, 8, 30)}}}
	if c.below(4) == 3 {
		p.Mode = attention.ModeDense
	}
	p.Params = attention.Params{
		Theta: one(c, 4, 2, 1, 0, -1, 12, 40, math.Inf(1), math.Inf(-1)),
		Step:  1 + c.below(6), Block: 16 * (1 + c.below(4)),
		SinkBlocks: c.below(4), WindowBlocks: c.below(4),
		Scale: one(c, 0, 0, 0.25, 1),
	}
	kvHeads := 1 + c.below(2)
	p.Shape = attention.Shape{Batch: 1 + c.below(2), KVHeads: kvHeads, Heads: kvHeads * (1 + c.below(3)), HeadDim: one(c, fuzzDims...)}
	p.Shape.KVLen = c.length(p.Params.Group(), 700)
	p.Shape.QLen = p.Shape.KVLen
	if c.below(2) == 1 {
		p.Shape.QLen = c.length(p.Params.Block, p.Shape.KVLen)
	}
	if c.below(4) == 3 {
		p.Data.Plant = one(c, "q nan", "k nan", "v nan", "q inf", "k inf", "v inf", "k -inf", "v -inf")
	}
	p.BSHD = c.below(2) == 1
	p.Name = fmt.Sprintf("seed %d", c.below(1<<16)) // the inputs follow from the name

	var tiers []attention.Tier
	for _, t := range attention.Tiers(report) {
		if t.OK {
			tiers = append(tiers, t.Name)
		}
	}
	p.plan = attention.PlanOptions{Tier: one(c, tiers...), NoFallback: true}
	p.Tier = p.plan.Tier
	// A weight that fp32 cannot hold is 0 on the device, whose product with an
	// infinity is NaN; in float64 it is more, and the product infinite.
	infinite := strings.HasSuffix(p.Data.Plant, "inf") && strings.HasPrefix(p.Data.Plant, "v")
	// Its products are rounded to fp16, by more than the weights of close keys
	// differ where scores are in the hundreds.
	if infinite || p.Tier == attention.TierScalarF16 {
		p.Data.Amplitude, p.Params.Scale = math.Min(p.Data.Amplitude, 2), 0
	}
	// The other tiers hold weights in fp16, which makes more of them 0.
	if infinite && p.Tier != attention.TierScalar && p.Tier != attention.TierUnpack {
		p.Data.Amplitude = 0.5
	}
	if text := one(c, fuzzTunings...); text != "" {
		if choice, err := tuning.Parse("a fuzzer", text); err == nil { // the plan leaves out what the device cannot take
			p.plan.Rules = []tuning.Rule{{Choice: choice, From: text}}
		}
	}
	p.second = p.plan
	p.second.SliceMS = one(c, 0, 1e-9, 0.05, 1)
	p.second.ScratchBytes = one[uint64](c, 0, 1, 100_000, 1_000_000)
	p.gaps, p.device = c.below(2) == 1, c.below(2) == 1
	for range c.below(3) {
		group := p.Params.Group()
		if cut := group * c.below(p.Shape.KVLen/group+1); cut > p.Shape.Prefix() && cut < p.Shape.KVLen {
			p.chunks = append(p.chunks, cut)
		}
	}
	// Last, so that bytes that were found before these were drawn still mean what they did.
	c.selection(&p.Params, p.Shape.Heads)
	return p
}

// selection draws what is not of the paper: nothing of it where the bytes end.
func (c *choices) selection(p *attention.Params, heads int) {
	p.Tail = one(c, 0, 0, 0, 1, 16, 33, 150, 5000)
	if c.below(2) == 1 {
		p.Sample = attention.Sample{
			Stride: one(c, 8, 1, 3, 16, 64, 100),
			Weight: one(c, 0.5, 1, 0.01, 2, 10, 1e-28, 1e30),
			Part:   one(c, 0, 1, 2, 3, 8, 64),
		}
	}
	if c.below(2) == 1 {
		p.Guard = attention.Guard{
			Stride: one(c, 8, 1, 3, 16, 64, 100),
			Peak:   one(c, 0.05, 0.01, 0.3, 1, 1e-6),
			Limit:  one(c, 0.1, 0.02, 0, 0.4, 1),
			Look:   one(c, 0, 4, 1, 2, 15),
		}
		if p.Sample.On() {
			p.Guard.Stride = p.Sample.Stride // of one sampled row for both
		}
	}
	if c.below(3) != 2 {
		return
	}
	p.Heads = make([]attention.Head, heads)
	for i := range p.Heads {
		h := &p.Heads[i]
		h.Mode = one(c, attention.HeadDefault, attention.HeadAnchor, attention.HeadDense, attention.HeadAnchorOnly)
		switch {
		case h.Mode != attention.HeadAnchor:
		case p.Sample.On() && c.below(2) == 1:
			h.Weight = one(c, 1.5, 0.2, 5)
		default:
			h.Theta = one(c, 4, 2, 0, -3, 12, math.Inf(1), math.Inf(-1))
		}
	}
}

// tailOf is the tail of a call that ends before the problem's last rows: those
// of its rows that are in the tail of the whole.
func (p problem) tailOf(end int) int { return max(0, p.Params.Tail-(p.Shape.KVLen-end)) }
