package attention

import "math"

// Guard finds the (head, group)s whose rows look at single keys of their own,
// which no pooled query points at: copying and induction heads do so. Sampled
// rows of the group, those at positions that Stride divides, are attended in
// full; where the keys that the stripes miss hold too much of their
// probability, all candidates of this head and group become stripes. The zero
// value leaves it out. [Oracle] has the definition.
type Guard struct {
	// Stride is the number of positions from one sampled row to the next,
	// counted from position 0; 0 turns the guard off.
	Stride int `json:"stride"`
	// Peak is the probability from which a key counts as looked at on its own,
	// above 0 and up to 1. Many keys of little weight each are no loss.
	Peak float64 `json:"peak"`
	// Limit is the probability of missed peaks, as the mean over the sampled
	// rows, above which all candidates are kept: 0 to 1.
	Limit float64 `json:"limit"`
}

// On says whether rows are sampled.
func (g Guard) On() bool { return g.Stride != 0 }

// validate returns an [*ArgumentError] for the first number out of range.
func (g Guard) validate() error {
	switch {
	case g.Stride < 0 || g.Stride > maxIndex:
		return argument("Params.Guard.Stride", "use a number of positions such as 32, or 0 to turn the guard off", "is %d", g.Stride)
	case !g.On() && (g.Peak != 0 || g.Limit != 0):
		return argument("Params.Guard.Stride", "use a number of positions such as 32, or leave Peak and Limit 0 too", "is 0, which turns the guard off, with Peak %v and Limit %v", g.Peak, g.Limit)
	case g.On() && !(g.Peak >= smallestPeak && g.Peak <= 1):
		return argument("Params.Guard.Peak", "use a probability such as 0.01", "is %v, outside of %v to 1", g.Peak, smallestPeak)
	case g.On() && !(g.Limit >= 0 && g.Limit <= 1):
		return argument("Params.Guard.Limit", "use a probability such as 0.02", "is %v, outside of 0 to 1", g.Limit)
	}
	return nil
}

// smallestPeak keeps probabilities within what fp32 tells apart.
const smallestPeak = 1e-6

const (
	// guardRunKeys is how many keys an item of the guard's sweeps walks:
	// RUN_KEYS of include/guard.glsl.
	guardRunKeys = 2048
	guardSweeps  = 2
)

// guardRuns is the number of parts in which the guard's sweeps walk the keys.
func (p *Plan) guardRuns() int { return ceilDiv(p.Shape.KVLen, guardRunKeys) }

// guardRows is the room for sampled rows of a group.
func (p *Plan) guardRows() int { return ceilDiv(p.Params.Group(), p.Params.Guard.Stride) }

// guards says whether the guard looks after some head of the plan.
func (p *Plan) guards() bool {
	if p.Runs != ModeAnchor || !p.Params.Guard.On() {
		return false
	}
	for h := range p.Shape.Heads {
		if p.Params.guardsHead(p.Params.Head(h)) {
			return true
		}
	}
	return false
}

// guardView holds the guard's numbers in the place of O's view, as
// include/guard.glsl reads them.
func guardView(g Guard) view {
	return view{base: uint32(g.Stride), head: math.Float32bits(float32(g.Peak)), row: math.Float32bits(float32(g.Limit))}
}

// sampled counts the positions in [from, to) that a stride divides.
func sampled(from, to, stride int) int {
	return max(0, (to+stride-1)/stride-(from+stride-1)/stride)
}
