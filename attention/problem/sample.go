package problem

import "math"

// Sample chooses the stripes of a group by some of its rows: those at positions
// that Stride divides, or where a call has none of these its first row of the
// group. Each of them has its softmax over all causal keys, and a
// candidate becomes a stripe when its mean probability over these rows is at
// least Weight/start, where start is the group's first position: so much of what
// each key would have if all had the same. The zero value leaves the choice to
// pooled rows and Theta, as published. oracle.Oracle has the definition.
//
// Sampled rows see what single rows look at, which their mean does not. It is
// not of the paper; docs/quality.md compares the two.
type Sample struct {
	// Stride is the number of positions from one sampled row to the next,
	// counted from position 0; 0 leaves the choice to pooled rows.
	Stride int `json:"stride"`
	// Weight is the least mean probability of a stripe, times the group's first
	// position; at least 2^-95, which keeps every key of some probability.
	Weight float64 `json:"weight"`
	// Part is how many candidates one of them stands for in the sum below a
	// row's softmax: those at positions that Part divides are taken, Part times
	// each; sink and window are summed exactly. 0 and 1 take all.
	Part int `json:"part"`
}

// On says whether sampled rows choose the stripes.
func (s Sample) On() bool { return s.Stride != 0 }

// PartSize is how many candidates one stands for in a softmax sum.
func (s Sample) PartSize() int { return max(s.Part, 1) }

// largestPart keeps an estimate of many candidates from resting on few.
const largestPart = 64

// validate returns an [*ArgumentError] for the first number out of range.
func (s Sample) validate() error {
	switch {
	case s.Stride < 0 || s.Stride > MaxIndex:
		return Errorf("Params.Sample.Stride", "use a number of positions such as 16, or 0 to leave the choice to pooled rows", "is %d", s.Stride)
	case !s.On() && (s.Weight != 0 || s.Part != 0):
		return Errorf("Params.Sample.Stride", "use a number of positions such as 16, or leave the other two 0 too", "is 0, which turns sampled rows off, beside a weight of %v and a part of %d", s.Weight, s.Part)
	case s.On() && !weightInRange(s.Weight):
		return Errorf("Params.Sample.Weight", "use a number such as 0.2", "is %v, outside of %.1e to %.1e", s.Weight, smallestWeight, math.MaxFloat32)
	case s.Part < 0 || s.Part > largestPart:
		return Errorf("Params.Sample.Part", "use 1 to take every candidate, or a number such as 8", "is %d, outside of 0 to %d", s.Part, largestPart)
	}
	return nil
}

// smallestWeight divided by any position is a number that fp32 holds in full
// precision: devices may take smaller ones for 0.
const smallestWeight = smallestNormal * 0x1p31

func weightInRange(w float64) bool { return w >= smallestWeight && w <= math.MaxFloat32 }

// SamplesHead says whether sampled rows choose the stripes of a head. A head with
// a theta of its own leaves them to pooled rows.
func (p Params) SamplesHead(h Head) bool {
	if h.Mode == HeadAnchor {
		return h.Weight != 0
	}
	return p.Sample.On() && h.Mode == HeadDefault && !math.IsInf(p.Theta, 0)
}
