package oracle

import (
	"math"

	"github.com/anchorvk/anchorvk/internal/ceil"
)

// Selection is which keys of a group are kept, and what the guard has to do
// with it.
type Selection struct {
	// Kept says of each key whether it is a stripe, after the guard.
	Kept []bool
	// Chosen is the same before the guard.
	Chosen []bool
	// Margin is what [Oracle.Choose] says of each key, or the guard's second look
	// where that says more.
	Margin []float64
	// Missed is the mean over the group's sampled rows of the probability that
	// lies on peaks which are missed before the guard; 0 without a guard.
	Missed float64
	// Guarded says that Missed exceeds the limit: Kept has every candidate, or
	// what the second look adds.
	Guarded bool
}

// Select selects the stripes of a group, with the guard of Params.
func (o *Oracle) Select(b, h, group int) Selection {
	var s Selection
	s.Kept, s.Margin = o.Choose(b, h, group)
	s.Chosen = s.Kept
	if !o.Params.GuardsHead(o.Params.Head(h)) {
		return s
	}
	s.Missed = o.Missed(b, h, group, s.Kept, 0)
	if s.Guarded = s.Missed > o.Params.Guard.Limit; s.Guarded {
		s.Kept, s.Margin = o.Keep(b, h, group, s.Kept, s.Margin)
	}
	return s
}

// Choose selects the stripes of a group without the guard, by pooled rows
// ([Oracle.Stripes]) or, where Params.Sample is on, by sampled ones. Both
// results have KVLen elements: whether a key is a stripe, and how far it is from
// being decided otherwise, below 0 when it is none; NaN for keys that are no
// candidates. By sampled rows the margin is the natural logarithm of the mean
// probability, divided by the least that a stripe has.
func (o *Oracle) Choose(b, h, group int) (kept []bool, margin []float64) {
	if !o.Params.SamplesHead(o.Params.Head(h)) {
		return o.Stripes(b, h, group)
	}
	kept = make([]bool, o.Shape.KVLen)
	margin = make([]float64, o.Shape.KVLen)
	for j := range margin {
		margin[j] = math.NaN()
	}
	lo, hi := o.Candidates(group)
	if lo >= hi {
		return kept, margin
	}
	rows := o.sampledRows(b, h, group, o.Params.Sample.Stride)
	need := o.Params.WeightOf(o.Params.Head(h)) / float64(group*o.Params.Group()) * float64(len(rows))
	for j := lo; j < hi; j++ {
		sum := 0.0
		for _, r := range rows {
			sum += r.p[j-lo]
		}
		kept[j], margin[j] = need > 0 && sum >= need, math.Inf(-1)
		if need > 0 {
			margin[j] = math.Log(sum / need)
		}
	}
	return kept, margin
}

// Keep is what a group that failed the guard keeps: all candidates, or with
// Params.Guard.Look the stripes that it has, the candidates of at least the
// probability Peak in a row at a position that Look divides, and Look candidates
// on each side of those. The results are new.
func (o *Oracle) Keep(b, h, group int, kept []bool, margin []float64) ([]bool, []float64) {
	kept, margin = append([]bool(nil), kept...), append([]float64(nil), margin...)
	lo, hi := o.Candidates(group)
	look := o.Params.Guard.Look
	if look == 0 {
		for j := lo; j < hi; j++ {
			kept[j] = true
		}
		return kept, margin
	}
	for _, r := range o.sampledRows(b, h, group, look) {
		for i, p := range r.p {
			far := math.Log(p / o.Params.Guard.Peak)
			for j := max(lo, lo+i-look); j < min(hi, lo+i+look+1); j++ {
				kept[j] = kept[j] || p >= o.Params.Guard.Peak
				margin[j] = math.Max(margin[j], far)
			}
		}
	}
	return kept, margin
}

// Missed is the mean, over the group's sampled rows that exist in the call, of
// the probability on candidates that have at least the probability Peak and are
// missed: those that are not kept, or by sampled rows those that the other half
// of the rows would not have kept.
//
// doubt is how far, relatively, a probability may be from what it seems: with a
// positive one the result is the least that a computation with such errors may
// find, with a negative one the most.
func (o *Oracle) Missed(b, h, group int, kept []bool, doubt float64) float64 {
	lo, _ := o.Candidates(group)
	peak := o.Params.Guard.Peak * (1 + doubt)
	rows := o.sampledRows(b, h, group, o.Params.Guard.Stride)
	chosen := func(int, bool) bool { return false }
	if o.Params.SamplesHead(o.Params.Head(h)) {
		chosen = o.halves(h, rows, group, doubt)
	} else if kept != nil {
		chosen = func(i int, _ bool) bool { return kept[lo+i] }
	}
	missed := 0.0
	for _, r := range rows {
		for i, p := range r.p {
			if p >= peak && !chosen(i, !r.odd) {
				missed += p
			}
		}
	}
	return missed / float64(len(rows))
}

// halves says of each candidate whether the odd or the even half of the sampled
// rows would choose it by itself. A half without rows chooses nothing.
func (o *Oracle) halves(h int, rows []sampledRow, group int, doubt float64) func(i int, odd bool) bool {
	lo, hi := o.Candidates(group)
	sums := [2][]float64{make([]float64, max(0, hi-lo)), make([]float64, max(0, hi-lo))}
	var counts [2]int
	half := func(odd bool) int {
		if odd {
			return 1
		}
		return 0
	}
	for _, r := range rows {
		counts[half(r.odd)]++
		for i, p := range r.p {
			sums[half(r.odd)][i] += p
		}
	}
	need := o.Params.WeightOf(o.Params.Head(h)) / float64(group*o.Params.Group()) * (1 - doubt)
	return func(i int, odd bool) bool {
		return counts[half(odd)] > 0 && sums[half(odd)][i] >= need*float64(counts[half(odd)])
	}
}

// sampledRow is what a sampled row of a group says of its candidates.
type sampledRow struct {
	odd bool      // which half it is of, by its position/stride
	p   []float64 // probability of each candidate, at most 1
}

// sampledRows are the rows of a group at positions that a stride divides, or
// where the call has none of them its first row of the group. The sum below the softmax takes the candidates at positions that Sample.Part
// divides, as often as that. A row whose log-sum-exp is not finite has only
// zeros; a score of NaN or +Inf that the sum does not hold counts as
// probability 1.
func (o *Oracle) sampledRows(b, h, group, stride int) (rows []sampledRow) {
	part := o.Params.Sample.PartSize()
	first, last := o.GroupRows(group)
	lo, hi := o.Candidates(group)
	if next := ceil.Div(o.Position(first), stride) * stride; next < o.Position(last) {
		first += next - o.Position(first)
	}
	for row := first; row < last; row += stride {
		scores := o.scores(b, h, row, o.denseKeys(row))
		times := func(j int) float64 { // how often the sum has a key
			switch candidate := j >= lo && j < hi; {
			case !candidate:
				return 1
			case j%part == 0:
				return float64(part)
			}
			return 0
		}
		top, total := math.Inf(-1), 0.0
		for j, s := range scores {
			if s > top && times(j) > 0 { // another key may be infinite
				top = s
			}
		}
		weights := scores
		for j, s := range scores {
			weights[j] = math.Exp(s - top)
			if n := times(j); n > 0 {
				total += n * weights[j]
			}
		}
		r := sampledRow{odd: o.Position(row)/stride%2 == 1, p: make([]float64, max(0, hi-lo))}
		if lse := top + math.Log(total); !math.IsNaN(lse) && !math.IsInf(lse, 0) {
			for j := lo; j < hi; j++ {
				r.p[j-lo] = 1
				if p := weights[j] / total; p < 1 {
					r.p[j-lo] = p
				}
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// InTail says whether a row of the call attends every key because it is one of
// the last Params.Tail rows.
func (o *Oracle) InTail(row int) bool { return row >= o.Shape.QLen-o.Params.Tail }
