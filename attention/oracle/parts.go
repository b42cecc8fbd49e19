package oracle

// Parts say which part of the definition each computed (row, key) pair is of,
// in pairs. A pair that several parts keep is counted at the first of them, in
// the order of the fields, so that Guard and Tail are what these two add. Parts
// of groups and heads add up.
type Parts struct {
	Sink    float64 // the first keys
	Window  float64 // the keys before the group
	Group   float64 // the group's own keys, up to the row
	Stripes float64 // stripes that sampled or pooled rows choose
	Guard   float64 // stripes that the guard adds: by its second look, or all candidates
	Tail    float64 // candidates that only the last rows attend
	Dense   float64 // all pairs of a dense head, which has no other part
}

// Parts returns the parts of one group of one head for the rows that exist in
// the call: chosen are the stripes before the guard, kept those after it, as
// [Selection] has them. Nil means none.
func (o *Oracle) Parts(h, group int, chosen, kept []bool) Parts {
	var p Parts
	lo, hi := o.Candidates(group)
	counts := [2]int{}
	for i, mask := range [][]bool{chosen, kept} {
		for j := lo; mask != nil && j < hi; j++ {
			if mask[j] {
				counts[i]++
			}
		}
	}
	start := group * o.Params.Group()
	first, last := o.GroupRows(group)
	for row := first; row < last; row++ {
		at := o.Position(row)
		if o.Params.Head(h).IsDense() {
			p.Dense += float64(at + 1)
			continue
		}
		sinkEnd, windowStart := o.anchorParts(at)
		own := max(start, windowStart) // the sink may reach into the group
		p.Sink += float64(sinkEnd)
		p.Window += float64(own - windowStart)
		p.Group += float64(at + 1 - own)
		p.Stripes += float64(counts[0])
		p.Guard += float64(counts[1] - counts[0])
		if o.InTail(row) {
			p.Tail += float64(hi - lo - counts[1])
		}
	}
	return p
}

// Total is all pairs that are computed, without their choice.
func (p Parts) Total() float64 {
	return p.Sink + p.Window + p.Group + p.Stripes + p.Guard + p.Tail + p.Dense
}

// Add returns the sum of both.
func (p Parts) Add(q Parts) Parts {
	return Parts{
		Sink: p.Sink + q.Sink, Window: p.Window + q.Window, Group: p.Group + q.Group, Stripes: p.Stripes + q.Stripes,
		Guard: p.Guard + q.Guard, Tail: p.Tail + q.Tail, Dense: p.Dense + q.Dense,
	}
}

// Times returns every part times a factor, such as 1 / causal pairs for shares.
func (p Parts) Times(x float64) Parts {
	return Parts{
		Sink: x * p.Sink, Window: x * p.Window, Group: x * p.Group, Stripes: x * p.Stripes,
		Guard: x * p.Guard, Tail: x * p.Tail, Dense: x * p.Dense,
	}
}
