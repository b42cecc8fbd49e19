package attention

import (
	"math"

	"github.com/anchorvk/anchorvk/internal/ceil"
)

// Cost is the predicted work of a plan, in floating-point operations.
type Cost struct {
	Dense    float64 `json:"dense"`    // dense attention on the same shape
	Anchor   float64 `json:"anchor"`   // sink and window, and the state that is saved
	Identify float64 `json:"identify"` // pooled queries, or sampled ones in two sweeps, times candidates
	Stripes  float64 `json:"stripes"`  // stripes, at the expected share
	Guard    float64 `json:"guard"`    // rows that the guard samples besides times candidates, in two sweeps, and its second looks, at the expected share
	Tail     float64 `json:"tail"`     // the last rows, and heads that are dense, over all keys
}

// Sparse is the predicted work of the anchor path.
func (c Cost) Sparse() float64 { return c.Anchor + c.Identify + c.Stripes + c.Guard + c.Tail }

// stateFlops is what saving and reading back one accumulator element costs,
// in operations: eight bytes, on devices that do some ten operations a byte.
const stateFlops = 80

// predict counts pairs exactly and takes the share of candidates that become
// stripes as given, where a head's theta does not say it.
func predict(s Shape, p Params, stripeShare float64) Cost {
	var total, c Cost
	for h := range s.Heads {
		if head := p.Head(h); h == 0 || head != p.Head(h-1) {
			c = predictHead(s, p, head, stripeShare)
		}
		total.add(c)
	}
	return total
}

func (c *Cost) add(other Cost) {
	c.Dense += other.Dense
	c.Anchor += other.Anchor
	c.Identify += other.Identify
	c.Stripes += other.Stripes
	c.Guard += other.Guard
	c.Tail += other.Tail
}

// predictHead is predict for one query head of every batch entry.
func predictHead(s Shape, p Params, head Head, share float64) Cost {
	batch := float64(s.Batch)
	pair := 4 * float64(s.HeadDim) * batch // q.k and p.v, a multiplication and an addition each
	c := Cost{Dense: pair * trianglePairs(s.Prefix(), s.KVLen)}
	if head.IsDense() {
		c.Tail = c.Dense // it is all tail
		return c
	}
	if theta := p.ThetaOf(head); math.IsInf(theta, 0) {
		share = max(0, math.Copysign(1, theta))
	}
	for g := s.Prefix() / p.Group(); g*p.Group() < s.KVLen; g++ {
		start := g * p.Group()
		from, to := max(start, s.Prefix()), min(start+p.Group(), s.KVLen)
		candidates := float64(max(0, start-p.Window()-p.Sink()))
		rows := float64(to - from)
		if candidates == 0 {
			c.Anchor += pair * trianglePairs(from, to)
			continue
		}
		c.Anchor += pair*(trianglePairs(from, to)-rows*candidates) + stateFlops*batch*rows*float64(s.HeadDim)
		c.Stripes += pair * rows * candidates * share
		if p.SamplesHead(head) {
			c.Identify += batch * sweepFlops(p, s.HeadDim, from, to, p.Sample.Stride)
		} else {
			c.Identify += 2 * float64(s.HeadDim) * batch * float64(p.Step) * candidates
			if p.GuardsHead(head) {
				c.Guard += batch * sweepFlops(p, s.HeadDim, from, to, p.Guard.Stride)
			}
		}
		if p.GuardsHead(head) && p.Guard.Look > 0 {
			c.Guard += batch * failingShare * sweepFlops(p, s.HeadDim, from, to, p.Guard.Look)
		}
	}
	if from := tailStart(s, p); from < s.KVLen {
		c.Tail = pair * trianglePairs(from, s.KVLen)
	}
	return c
}

// failingShare is the share of the (head, group)s that a plan expects to fail
// the guard: 5 to 10 % did on a real model.
const failingShare = 0.08

// sweepFlops is the work of the sampled rows among those of one group and head,
// at positions [from, to): products with the candidates that stand for others in
// the softmax sums, then with all candidates.
func sweepFlops(p Params, headDim, from, to, stride int) float64 {
	candidates := max(0, from/p.Group()*p.Group()-p.Window()-p.Sink())
	return 2 * float64(headDim) * float64(sampled(from, to, stride)) * (float64(candidates) + float64(ceil.Div(candidates, p.Sample.PartSize())))
}

// tailStart is the position of the first row that is in the tail and in a group
// with candidates; the groups before are dense anyway.
func tailStart(s Shape, p Params) int {
	return max(s.Prefix(), s.KVLen-p.Tail, min(firstSparseGroup(s, p)*p.Group(), s.KVLen))
}

// trianglePairs is the number of causal pairs of the rows at positions [from, to).
func trianglePairs(from, to int) float64 {
	a, b := float64(from), float64(to)
	return (b*(b+1) - a*(a+1)) / 2
}

// sampled counts the sampled rows among those at positions [from, to) of one
// group, which are not none: those at positions that a stride divides, or the
// first where there are none.
func sampled(from, to, stride int) int {
	return max(1, (to+stride-1)/stride-(from+stride-1)/stride)
}
