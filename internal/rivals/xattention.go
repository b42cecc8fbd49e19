package rivals

import "fmt"

// XAttention scores blocks by sums along anti-diagonals: stride rows and stride
// keys make one score, the mean of the products of the first query with the
// last key, the second with the last but one, and so on. The softmax of these
// over the keys, summed within a block, is the block's weight. A query block
// keeps its smallest set with a share tau, its first and its own block.
func XAttention(stride int) Method {
	return Method{
		Name: fmt.Sprintf("xattention-%d", stride), Knob: "tau", Value: 0.95,
		Grid: []float64{0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 1},
		Look: func(h *Head, blocks []int) func(float64) Choice {
			weights := make(map[int][]float64, len(blocks))
			for _, i := range blocks {
				weights[i] = h.antiDiagonals(i, stride)
			}
			selection := h.causalPairs() / float64(stride) / 2
			return func(tau float64) Choice {
				m := make(blockMap, len(weights))
				for i, w := range weights {
					m[i] = make([]bool, i+1)
					m[i][0], m[i][i] = true, true
					for _, b := range heaviest(w, tau) {
						m[i][b] = true
					}
				}
				return Choice{Mark: m.mark, Selection: selection}
			}
		},
	}
}

// antiDiagonals returns the weights of the key blocks of a query block.
func (h *Head) antiDiagonals(queryBlock, stride int) []float64 {
	weights := make([]float64, queryBlock+1)
	from, to := h.rowsOf(queryBlock)
	for m := from / stride; m*stride < to; m++ {
		scores := make([]float64, m+1)
		for n := range scores {
			sum := float32(0)
			for r := range stride {
				p, j := m*stride+stride-1-r, n*stride+r
				if p >= from && p < to && j < h.Keys {
					sum += Dot(h.Query(p), h.Key(j))
				}
			}
			scores[n] = float64(sum * h.Scale / float32(stride))
		}
		softmax(scores)
		for n, p := range scores {
			weights[n*stride/block] += p
		}
	}
	return weights
}
