package rivals

import "math"

// FlashPrefill always keeps two blocks of first keys, the block itself with
// three before it, and every key for the last two blocks of queries.
const (
	flashSink   = 2
	flashWindow = 4
	flashFull   = 2
)

// FlashPrefill scores a block of keys by their mean: the sum, over the rows of
// the query block, of exp(q.mean*scale). A block is kept when that is at least
// alpha times the largest of the query block. With the mean correction of its
// second version every dropped block is attended as one key.
func FlashPrefill(correction bool) Method {
	m := Method{
		Name: "flashprefill", Knob: "alpha", Value: 0.01,
		Grid: []float64{1, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 1e-4, 1e-5, 0},
		Look: func(h *Head, blocks []int) func(float64) Choice {
			keys := Pool(h.K, h.Dim, 0, block)
			scores := make(map[int][]float64, len(blocks))
			for _, i := range blocks {
				scores[i] = h.meanScores(i, keys)
			}
			selection := h.causalPairs() / block / 2
			return func(alpha float64) Choice {
				m := make(blockMap, len(scores))
				for i, s := range scores {
					m[i] = flashKeeps(s, alpha, i >= len(keys)-flashFull)
				}
				c := Choice{Mark: m.mark, Selection: selection}
				if correction {
					c.MeanOf = block
				}
				return c
			}
		},
	}
	if correction {
		m.Name += "-mean"
	}
	return m
}

// meanScores returns the score of each key block for a query block, relative
// to the largest product. Blocks that are not wholly in a row's past have none
// of it.
func (h *Head) meanScores(queryBlock int, keys [][]float32) []float64 {
	from, to := h.rowsOf(queryBlock)
	products := make([]float64, 0, (to-from)*queryBlock)
	top := math.Inf(-1)
	for p := from; p < to; p++ {
		for b := range queryBlock {
			s := float64(Dot(h.Query(p), keys[b]) * h.Scale)
			products = append(products, s)
			top = max(top, s)
		}
	}
	scores := make([]float64, queryBlock+1)
	for i, s := range products {
		scores[i%queryBlock] += math.Exp(s - top)
	}
	return scores
}

func flashKeeps(scores []float64, alpha float64, full bool) []bool {
	largest := 0.0
	for _, s := range scores {
		largest = max(largest, s)
	}
	keep := make([]bool, len(scores))
	for b, s := range scores {
		keep[b] = full || b < flashSink || len(scores)-1-b < flashWindow || s >= alpha*largest
	}
	return keep
}
