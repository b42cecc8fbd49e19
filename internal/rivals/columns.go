package rivals

import "math"

// ExactColumns is an oracle of stripes: it attends every row of a group in full,
// and keeps the candidates whose mean probability over all of them is at least a
// number. Sink, window and the group itself are kept as AnchorAttention keeps
// them. At the share that it computes no choice of stripes for the same groups
// holds more probability, in the mean over rows and heads: every column costs
// its group as many pairs, and the heaviest are taken, wherever they lie.
func ExactColumns(sink, window, group int) Method {
	return Method{
		Name: "exact-columns", Knob: "probability", Value: 1e-4,
		Grid:      columnGrid(),
		ScoresAll: true,
		Look: func(h *Head, blocks []int) func(float64) Choice {
			means := map[int][]float64{} // of each group, of its candidates
			for _, b := range blocks {
				from, to := h.rowsOf(b)
				for g := from / group; from < to && g <= (to-1)/group; g++ {
					if means[g] == nil {
						means[g] = h.columnMeans(sink, window, g*group, group)
					}
				}
			}
			return func(least float64) Choice {
				return Choice{Mark: func(p int, _ []float32, kept []bool) {
					start := p / group * group
					fill(kept, 0, sink)
					fill(kept, start-window, p+1)
					for i, mean := range means[p/group] {
						if mean >= least {
							kept[sink+i] = true
						}
					}
				}}
			}
		},
	}
}

// columnGrid is finer than other grids: where all keys look alike the share goes
// from little to nearly all within a factor of two.
func columnGrid() (grid []float64) {
	for exponent := range 7 {
		for _, digits := range []float64{1, 0.75, 0.55, 0.4, 0.3, 0.23, 0.17, 0.13} {
			grid = append(grid, digits*math.Pow10(-exponent))
		}
	}
	return append(grid, 1e-7, 1e-9, 0)
}

// columnMeans returns the mean probability of each candidate over the rows of
// the group that begins at a position; empty, but not nil, where there is none.
func (h *Head) columnMeans(sink, window, start, size int) []float64 {
	means := make([]float64, max(0, start-window-sink))
	from, to := max(h.First, start), min(h.Keys, start+size)
	probs := make([]float32, h.Keys)
	for p := from; len(means) > 0 && p < to; p++ {
		h.Softmax(p, probs[:p+1])
		for i := range means {
			means[i] += float64(probs[sink+i]) / float64(to-from)
		}
	}
	return means
}
