package rivals

import "math"

// flexTau is the distance up to which pooled queries are trusted.
const flexTau = 0.1

// FlexPrefill compares, for the last block of queries, the probability of each
// block of keys with what pooled vectors say of it. Where they are near (the
// root of the Jensen-Shannon divergence below 0.1) pooled queries and keys
// choose blocks: the smallest set of the whole map with a share gamma of it.
// Elsewhere the last block's columns and diagonals, of blocks, do: the smallest
// sets with a share gamma. First and own block are always kept. The published
// code's least budget is left out.
func FlexPrefill() Method {
	return Method{
		Name: "flexprefill", Knob: "gamma", Value: 0.95,
		Grid: []float64{0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 1},
		Look: func(h *Head, blocks []int) func(float64) Choice {
			last := h.blocks() - 1
			exact := h.lastBlockProbabilities(last)
			queries, keys := Pool(h.Q, h.Dim, h.First, block), Pool(h.K, h.Dim, 0, block)
			from, to := h.rowsOf(last)
			selection := float64(to-from)*float64(from+to+1)/4 + h.causalPairs()/block/block/2
			if jensenShannon(exact, pooledProbabilities(h, queries[last], keys)) < flexTau {
				weights := h.pooledMap(queries, keys)
				return func(gamma float64) Choice {
					return Choice{Mark: queryAware(weights, gamma, len(keys)).mark, Selection: selection}
				}
			}
			return func(gamma float64) Choice {
				return Choice{Mark: columnsAndDiagonals(exact, gamma, blocks).mark, Selection: selection}
			}
		},
	}
}

// lastBlockProbabilities returns the probability of each block of keys, as the
// mean over the rows of the last block.
func (h *Head) lastBlockProbabilities(last int) []float64 {
	sums := make([]float64, last+1)
	p := make([]float32, h.Keys)
	from, to := h.rowsOf(last)
	for row := from; row < to; row++ {
		h.Softmax(row, p[:row+1])
		for j, w := range p[:row+1] {
			sums[j/block] += float64(w) / float64(to-from)
		}
	}
	return sums
}

// pooledProbabilities is the softmax of a pooled query over pooled keys.
func pooledProbabilities(h *Head, query []float32, keys [][]float32) []float64 {
	scores := make([]float64, len(keys))
	for b, key := range keys {
		scores[b] = float64(Dot(query, key) * h.Scale)
	}
	softmax(scores)
	return scores
}

// pooledMap is the causal map of pooled probabilities, query blocks by key
// blocks in one list; blocks without queries hold zeros.
func (h *Head) pooledMap(queries, keys [][]float32) []float64 {
	weights := make([]float64, len(keys)*len(keys))
	for i, query := range queries {
		if query != nil {
			copy(weights[i*len(keys):], pooledProbabilities(h, query, keys[:i+1]))
		}
	}
	return weights
}

func queryAware(weights []float64, gamma float64, n int) blockMap {
	m := make(blockMap, n)
	for i := range n {
		m[i] = make([]bool, i+1)
		m[i][0], m[i][i] = true, true
	}
	for _, at := range heaviest(weights, gamma) {
		if i, b := at/n, at%n; b <= i {
			m[i][b] = true
		}
	}
	return m
}

// columnsAndDiagonals extends the last block's probabilities to all blocks.
func columnsAndDiagonals(exact []float64, gamma float64, blocks []int) blockMap {
	diagonals := make([]float64, len(exact))
	for b, w := range exact {
		diagonals[len(exact)-1-b] = w
	}
	columns, distances := heaviest(exact, gamma), heaviest(diagonals, gamma)
	m := make(blockMap, len(blocks))
	for _, i := range blocks {
		m[i] = make([]bool, i+1)
		m[i][0], m[i][i] = true, true
		for _, b := range columns {
			if b <= i {
				m[i][b] = true
			}
		}
		for _, distance := range distances {
			if distance <= i {
				m[i][i-distance] = true
			}
		}
	}
	return m
}

// jensenShannon is the root of the Jensen-Shannon divergence (natural log).
func jensenShannon(a, b []float64) float64 {
	divergence := 0.0
	for i := range a {
		mean := (a[i] + b[i]) / 2
		if a[i] > 0 {
			divergence += a[i] * math.Log(a[i]/mean) / 2
		}
		if b[i] > 0 {
			divergence += b[i] * math.Log(b[i]/mean) / 2
		}
	}
	return math.Sqrt(max(0, divergence))
}
