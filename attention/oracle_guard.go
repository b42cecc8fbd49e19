package attention

import "math"

// Selection is which keys of a group are kept, and what the guard has to do
// with it.
type Selection struct {
	// Kept says of each key whether it is a stripe, after the guard.
	Kept []bool
	// Margin is what [Oracle.Stripes] says of each key, before the guard.
	Margin []float64
	// Missed is the mean over the group's sampled rows of the probability that
	// lies on peaks which are no stripes before the guard; 0 without a guard.
	Missed float64
	// Guarded says that Missed exceeds the limit, so that Kept has every candidate.
	Guarded bool
}

// Select selects the stripes of a group, with the guard of Params.
func (o *Oracle) Select(b, h, group int) Selection {
	var s Selection
	s.Kept, s.Margin = o.Stripes(b, h, group)
	if !o.Params.guardsHead(o.Params.Head(h)) {
		return s
	}
	s.Missed = o.Missed(b, h, group, s.Kept, o.Params.Guard.Peak)
	if s.Guarded = s.Missed > o.Params.Guard.Limit; s.Guarded {
		lo, hi := o.Candidates(group)
		for j := lo; j < hi; j++ {
			s.Kept[j] = true
		}
	}
	return s
}

// Missed is the mean, over the group's sampled rows that exist in the call, of
// the full softmax probability on candidates that are not kept and have at
// least the probability peak. A row whose log-sum-exp is not finite misses
// nothing. 0 without sampled rows.
func (o *Oracle) Missed(b, h, group int, kept []bool, peak float64) float64 {
	stride := o.Params.Guard.Stride
	first, last := o.GroupRows(group)
	lo, hi := o.Candidates(group)
	rows, missed := 0, 0.0
	for row := first; row < last; row++ {
		if o.Position(row)%stride != 0 {
			continue
		}
		rows++
		weights, top := softmaxWeights(o.scores(b, h, row, o.denseKeys(row)))
		total := 0.0
		for _, w := range weights {
			total += w
		}
		if lse := top + math.Log(total); math.IsNaN(lse) || math.IsInf(lse, 0) {
			continue
		}
		for j := lo; j < hi; j++ {
			if p := weights[j] / total; !kept[j] && p >= peak {
				missed += p
			}
		}
	}
	if rows == 0 {
		return 0
	}
	return missed / float64(rows)
}

// InTail says whether a row of the call attends every key because it is one of
// the last Params.Tail rows.
func (o *Oracle) InTail(row int) bool { return row >= o.Shape.QLen-o.Params.Tail }
