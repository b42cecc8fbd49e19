package oracle

// Counts says how much of the causal matrix is computed and how many
// candidates are kept. Counts of groups and heads add up.
type Counts struct {
	// Computed and Causal count (row, key) pairs: those in the softmax, and
	// all that causality allows.
	Computed, Causal int64
	// Stripes and Candidates count keys of groups: kept, and eligible.
	Stripes, Candidates int64
}

// Counts returns the counts of one group of one head for the rows that exist
// in the call, with the stripes kept.
func (o *Oracle) Counts(h, group int, kept []bool) Counts {
	dense := o.Params.Head(h).IsDense()
	var c Counts
	first, last := o.GroupRows(group)
	if first == last {
		return c
	}
	lo, hi := o.Candidates(group)
	if !dense {
		c.Candidates = int64(hi - lo)
	}
	if kept != nil && !dense {
		for j := lo; j < hi; j++ {
			if kept[j] {
				c.Stripes++
			}
		}
	}
	for row := first; row < last; row++ {
		p := o.Position(row)
		sinkEnd, windowStart := o.anchorParts(p)
		if dense || o.InTail(row) {
			c.Computed += int64(p + 1)
		} else {
			c.Computed += int64(sinkEnd+p+1-windowStart) + c.Stripes
		}
		c.Causal += int64(p + 1)
	}
	return c
}

// Add returns the sum of both counts.
func (c Counts) Add(other Counts) Counts {
	return Counts{
		Computed: c.Computed + other.Computed, Causal: c.Causal + other.Causal,
		Stripes: c.Stripes + other.Stripes, Candidates: c.Candidates + other.Candidates,
	}
}

// ComputedRatio is computed pairs / causal pairs; 0 without rows.
func (c Counts) ComputedRatio() float64 { return ratio(c.Computed, c.Causal) }

// Sparsity is 1 - ComputedRatio: the share of the causal matrix that is
// skipped, the anchor's part counted as computed.
func (c Counts) Sparsity() float64 { return 1 - c.ComputedRatio() }

// StripeRatio is kept stripes / candidates; 0 without candidates.
func (c Counts) StripeRatio() float64 { return ratio(c.Stripes, c.Candidates) }

func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
