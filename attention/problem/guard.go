package problem

import (
	"fmt"
)

// Guard finds the (head, group)s whose rows look at single keys of their own,
// which no pooled query points at: copying and induction heads do so. Sampled
// rows of the group, those at positions that Stride divides, are attended in
// full; where the keys that the stripes miss hold too much of their
// probability, all candidates of this head and group become stripes, or what a
// second look finds. Where the rows chose the stripes themselves ([Sample]), each
// half of them is judged by what the other half would have chosen: a group with
// one sampled row has nobody to judge by, and fails where it has peaks. The zero
// value leaves the guard out. oracle.Oracle has the definition.
type Guard struct {
	// Stride is the number of positions from one sampled row to the next,
	// counted from position 0; 0 turns the guard off.
	Stride int `json:"stride"`
	// Peak is the probability from which a key counts as looked at on its own,
	// above 0 and up to 1. Many keys of little weight each are no loss.
	Peak float64 `json:"peak"`
	// Limit is the probability of missed peaks, as the mean over the sampled
	// rows, above which a (head, group) fails: 0 to 1.
	Limit float64 `json:"limit"`
	// Look is the stride of a second look at the (head, group)s that fail: each
	// candidate that has at least the probability Peak in a row at a position
	// that Look divides becomes a stripe, and Look candidates on each side of it,
	// because the rows in between look near by. 0 keeps all candidates instead.
	// At most 15.
	Look int `json:"look"`
}

// largestLook lets a peak and its neighbours lie in two words of the mask.
const largestLook = 15

// On says whether rows are sampled.
func (g Guard) On() bool { return g.Stride != 0 }

// validate returns an [*ArgumentError] for the first number out of range.
func (g Guard) validate(sample Sample) error {
	switch {
	case g.Stride < 0 || g.Stride > MaxIndex:
		return Errorf("Params.Guard.Stride", "use a number of positions such as 32, or 0 to turn the guard off", "is %d", g.Stride)
	case !g.On() && g != (Guard{}):
		return Errorf("Params.Guard.Stride", "use a number of positions such as 32, or leave the other numbers 0 too", "is 0, which turns the guard off, beside a peak of %v, a limit of %v and a look of %d", g.Peak, g.Limit, g.Look)
	case g.On() && sample.On() && g.Stride != sample.Stride:
		return Errorf("Params.Guard.Stride", fmt.Sprintf("use %d", sample.Stride), "is %d, but the rows that choose stripes, at a stride of %d, are the guard's too", g.Stride, sample.Stride)
	case g.On() && !(g.Peak >= smallestPeak && g.Peak <= 1):
		return Errorf("Params.Guard.Peak", "use a probability such as 0.01", "is %v, outside of %v to 1", g.Peak, smallestPeak)
	case g.On() && !(g.Limit >= 0 && g.Limit <= 1):
		return Errorf("Params.Guard.Limit", "use a probability such as 0.02", "is %v, outside of 0 to 1", g.Limit)
	case g.Look < 0 || g.Look > largestLook:
		return Errorf("Params.Guard.Look", "use a number of positions such as 4, or 0 to keep all candidates", "is %d, outside of 0 to %d", g.Look, largestLook)
	}
	return nil
}

// smallestPeak keeps probabilities within what fp32 tells apart.
const smallestPeak = 1e-6
