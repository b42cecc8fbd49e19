package rivals

import "math"

// BLASST walks the key tiles of a query tile in ascending order, as a kernel
// with an online softmax does, and skips the rest of a tile's work when all of
// its scores lie more than a distance below the maxima that their rows have
// reached so far. Every product q.k is computed.
func BLASST() Method {
	return Method{
		Name: "blasst", Knob: "distance", Value: 7,
		Grid:      []float64{0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, math.Inf(1)},
		ScoresAll: true,
		Look: func(h *Head, blocks []int) func(float64) Choice {
			gaps := make(map[int][]float32, len(blocks))
			for _, i := range blocks {
				gaps[i] = h.tileGaps(i)
			}
			return func(distance float64) Choice {
				m := make(blockMap, len(gaps))
				for i, tiles := range gaps {
					m[i] = make([]bool, len(tiles))
					for b, gap := range tiles {
						m[i][b] = !(float64(gap) > distance)
					}
				}
				return Choice{Mark: m.mark}
			}
		},
	}
}

// tileGaps returns, for each key tile of a query tile, the smallest distance
// by which the largest score of a row in it lies below the largest of the row
// in the tiles before; -Inf for the first. A skipped tile never holds a new
// maximum at a distance of 0 or more, so that gaps do not depend on what was
// skipped.
func (h *Head) tileGaps(queryBlock int) []float32 {
	infinity := float32(math.Inf(1))
	gaps := make([]float32, queryBlock+1)
	for b := range gaps {
		gaps[b] = infinity
	}
	from, to := h.rowsOf(queryBlock)
	for p := from; p < to; p++ {
		q, reached := h.Query(p), -infinity
		for b := range gaps {
			top := -infinity
			for j := b * block; j < min((b+1)*block, p+1); j++ {
				top = max(top, Dot(q, h.Key(j))*h.Scale)
			}
			gaps[b] = min(gaps[b], reached-top)
			reached = max(reached, top)
		}
	}
	return gaps
}
