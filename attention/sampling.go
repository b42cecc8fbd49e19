package attention

import (
	"math"

	"github.com/anchorvk/anchorvk/internal/ceil"
)

// guardRunKeys is how many keys an item of the sampled rows' sweeps walks:
// RUN_KEYS of include/guard.glsl.
const guardRunKeys = 2048

// keyRuns is the number of parts in which those sweeps walk the keys.
func (p *Plan) keyRuns() int { return ceil.Div(p.Shape.KVLen, guardRunKeys) }

// sumRuns is the same of the sweep that sums, which takes every part-th key.
func (p *Plan) sumRuns() int {
	return ceil.Div(ceil.Div(p.Shape.KVLen, p.Params.Sample.PartSize()), guardRunKeys)
}

// sampledRows is the room for a group's sampled rows at a stride.
func (p *Plan) sampledRows(stride int) int { return ceil.Div(p.Params.Group(), stride) }

// lookStrides are the strides of the sampled rows that some head of the plan
// needs; at most two.
func (p *Plan) lookStrides() (strides []int) {
	if p.samples() {
		strides = append(strides, p.Params.Sample.Stride)
	} else if p.guards() {
		strides = append(strides, p.Params.Guard.Stride)
	}
	if p.guards() && p.Params.Guard.Look > 0 {
		strides = append(strides, p.Params.Guard.Look)
	}
	return strides
}

// samples says whether sampled rows choose the stripes of some head of the plan.
func (p *Plan) samples() bool { return p.anyHead(Params.SamplesHead) }

// pools says whether pooled rows do.
func (p *Plan) pools() bool {
	return p.anyHead(func(p Params, h Head) bool { return !h.IsDense() && !p.SamplesHead(h) })
}

func (p *Plan) anyHead(is func(Params, Head) bool) bool {
	if p.Mode != ModeAnchor {
		return false
	}
	for h := range p.Shape.Heads {
		if is(p.Params, p.Params.Head(h)) {
			return true
		}
	}
	return false
}

// guards says whether the guard looks after some head of the plan.
func (p *Plan) guards() bool { return p.Params.Guard.On() && p.anyHead(Params.GuardsHead) }

// neverPeak is a probability that no key has.
const neverPeak = 2

// setSampled holds what the kernels of sampled rows need in the places of O's
// and V's views, as include/guard.glsl reads them. look is 0 except for the second
// look and for the verdict that it follows.
func (p *push) setSampled(params Params, h Head, stride, look int) {
	peak, limit := params.Guard.Peak, params.Guard.Limit
	if !params.Guard.On() {
		peak = neverPeak
	}
	p.o = view{base: uint32(stride), head: math.Float32bits(float32(peak)), row: math.Float32bits(float32(limit))}
	p.v = view{base: uint32(params.Sample.PartSize()), head: math.Float32bits(float32(params.WeightOf(h))), row: uint32(look)}
}
