package oracle

import "math"

// Stripes selects the stripes of a group by its pooled rows, without the guard
// ([Oracle.Select] has it too). Both results have KVLen elements.
//
// kept[j] says that candidate j is a stripe; it is false for keys that are not
// candidates. margin[j] is the largest value over the group's blocks of
// score - (m̄ - Theta): at least 0 for stripes, NaN for keys that are not
// candidates, -Inf when every block's score is NaN. Near 0 a computation in
// lower precision may decide otherwise. For finite thetas, margin[j] + (t -
// Theta) is the margin that Theta = t would give, so that one call serves a
// sweep.
func (o *Oracle) Stripes(b, h, group int) (kept []bool, margin []float64) {
	kept = make([]bool, o.Shape.KVLen)
	margin = make([]float64, o.Shape.KVLen)
	lo, hi := o.Candidates(group)
	for j := range margin {
		margin[j] = math.NaN()
	}
	for j := lo; j < hi; j++ {
		margin[j] = math.Inf(-1)
	}
	if lo >= hi {
		return kept, margin
	}
	if o.Params.Head(h).IsDense() {
		return kept, margin
	}
	theta := o.Params.ThetaOf(o.Params.Head(h))
	if math.IsInf(theta, 0) {
		for j := lo; j < hi; j++ {
			kept[j], margin[j] = theta > 0, theta
		}
		return kept, margin
	}
	rows := o.head(b, o.Shape.KVHead(h))
	scale := o.Params.ScaleFor(o.Shape.HeadDim)
	for block := range o.Params.Step {
		query, anchor, ok := o.pool(b, h, group, block)
		if !ok {
			continue
		}
		threshold := anchor - theta
		for j := lo; j < hi; j++ {
			score := dot(query, rows.key(j)) * scale
			if score >= threshold {
				kept[j] = true
			}
			margin[j] = math.Max(margin[j], distance(score, threshold))
		}
	}
	return kept, margin
}

// distance is score - threshold, where equal infinities are 0 apart and NaN
// is as far below as can be.
func distance(score, threshold float64) float64 {
	switch d := score - threshold; {
	case score == threshold:
		return 0
	case math.IsNaN(d):
		return math.Inf(-1)
	default:
		return d
	}
}

// pool returns the means of the queries and of the anchor maxima over the rows
// of a block that exist in the call; ok is false when there are none.
func (o *Oracle) pool(b, h, group, block int) (query []float64, anchor float64, ok bool) {
	start := group*o.Params.Group() + block*o.Params.Block
	lo, hi := o.rowsBetween(start, start+o.Params.Block)
	if lo == hi {
		return nil, 0, false
	}
	query = make([]float64, o.Shape.HeadDim)
	q := make([]float64, o.Shape.HeadDim)
	for row := lo; row < hi; row++ {
		o.query(q, b, h, row)
		for d := range query {
			query[d] += q[d]
		}
		anchor += o.AnchorMax(b, h, row)
	}
	n := float64(hi - lo)
	for d := range query {
		query[d] /= n
	}
	return query, anchor / n, true
}

// AnchorMax returns x(p) of a row of the call: its largest score over sink and
// window, -Inf when all are NaN.
func (o *Oracle) AnchorMax(b, h, row int) float64 {
	top := math.Inf(-1)
	for _, s := range o.scores(b, h, row, o.anchorKeys(row, nil)) {
		if s > top {
			top = s
		}
	}
	return top
}
