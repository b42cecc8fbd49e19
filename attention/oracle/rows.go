package oracle

import "math"

// DenseRow writes full causal attention of one row of the call to out, which
// has HeadDim elements, and returns the log-sum-exp of its scores (natural
// log).
func (o *Oracle) DenseRow(b, h, row int, out []float64) (lse float64) {
	return o.attend(b, h, row, o.denseKeys(row), out)
}

// AnchorRow writes anchor attention of one row of the call to out, which has
// HeadDim elements, and returns the log-sum-exp over the attended keys
// (natural log). kept are the stripes of the row's group, as [Oracle.Stripes]
// returns them; nil means none.
func (o *Oracle) AnchorRow(b, h, row int, kept []bool, out []float64) (lse float64) {
	return o.attend(b, h, row, o.attended(h, row, kept), out)
}

// RecallMass returns, for each list of stripes, the full-attention probability
// of the row that lies on the keys that anchor attention with those stripes
// attends: 1 when nothing is missed. The mean over rows is recall_mass.
func (o *Oracle) RecallMass(b, h, row int, kept ...[]bool) []float64 {
	dense := o.denseKeys(row)
	weights, _ := softmaxWeights(o.scores(b, h, row, dense))
	total := 0.0
	for _, w := range weights {
		total += w
	}
	recall := make([]float64, len(kept))
	for i := range kept {
		for _, j := range o.attended(h, row, kept[i]) {
			recall[i] += weights[j] // the dense keys are 0, 1, 2 ...: key j is weight j
		}
		recall[i] /= total
	}
	return recall
}

// attended lists the keys that a row attends in anchor attention, in ascending
// order: all of them in the tail, and in a head that is dense.
func (o *Oracle) attended(h, row int, kept []bool) []int {
	if o.InTail(row) || o.Params.Head(h).IsDense() {
		return o.denseKeys(row)
	}
	return o.anchorKeys(row, kept)
}

// denseKeys lists the causal keys of a row.
func (o *Oracle) denseKeys(row int) []int {
	keys := make([]int, o.Position(row)+1)
	for j := range keys {
		keys[j] = j
	}
	return keys
}

// anchorKeys lists the anchor keys of a row and the kept candidates, in
// ascending order.
func (o *Oracle) anchorKeys(row int, kept []bool) []int {
	p := o.Position(row)
	sinkEnd, windowStart := o.anchorParts(p)
	keys := make([]int, 0, sinkEnd+p+1-windowStart)
	for j := range sinkEnd {
		keys = append(keys, j)
	}
	if lo, hi := o.Candidates(o.GroupOf(row)); kept != nil {
		for j := lo; j < hi; j++ {
			if kept[j] {
				keys = append(keys, j)
			}
		}
	}
	for j := windowStart; j <= p; j++ {
		keys = append(keys, j)
	}
	return keys
}

// attend is softmax attention of one row over keys.
func (o *Oracle) attend(b, h, row int, keys []int, out []float64) (lse float64) {
	weights, top := softmaxWeights(o.scores(b, h, row, keys))
	rows := o.head(b, o.Shape.KVHead(h))
	out = out[:o.Shape.HeadDim]
	clear(out)
	total := 0.0
	for i, j := range keys {
		w := weights[i]
		total += w
		for d, v := range rows.value(j) {
			out[d] += w * v
		}
	}
	for d := range out {
		out[d] /= total
	}
	return top + math.Log(total)
}

// scores returns q.k*scale of one row for the given keys.
func (o *Oracle) scores(b, h, row int, keys []int) []float64 {
	q := make([]float64, o.Shape.HeadDim)
	o.query(q, b, h, row)
	rows := o.head(b, o.Shape.KVHead(h))
	scale := o.Params.ScaleFor(o.Shape.HeadDim)
	scores := make([]float64, len(keys))
	for i, j := range keys {
		scores[i] = dot(q, rows.key(j)) * scale
	}
	return scores
}

// softmaxWeights replaces scores by exp(score-top), where top is the largest,
// and returns both.
func softmaxWeights(scores []float64) (weights []float64, top float64) {
	top = math.Inf(-1)
	for _, s := range scores {
		if s > top {
			top = s
		}
	}
	for i, s := range scores {
		scores[i] = math.Exp(s - top)
	}
	return scores, top
}

// dot adds in four lanes, because one chain of additions would wait for
// itself. Lengths are multiples of 8.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	for i := 0; i+3 < len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	return (s0 + s1) + (s2 + s3)
}
