package rivals

import "sort"

// MInference looks at the last 64 queries, and always keeps the first 30
// columns and the 100 diagonals next to the row.
const (
	lookBack      = 64
	sureColumns   = 30
	sureDiagonals = 100
)

// VerticalSlash keeps the columns and the diagonals of keys that hold the most
// probability of the last 64 queries: so many columns, and twice as many
// diagonals. One choice serves all rows.
func VerticalSlash() Method {
	return Method{
		Name: "vertical-slash", Knob: "columns", Value: 1024,
		Grid: []float64{32, 64, 128, 256, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192, 16384, 32768},
		Look: func(h *Head, _ []int) func(float64) Choice {
			columns, diagonals := make([]float64, h.Keys), make([]float64, h.Keys)
			p := make([]float32, h.Keys)
			selection := 0.0
			for row := max(h.First, h.Keys-lookBack); row < h.Keys; row++ {
				h.Softmax(row, p[:row+1])
				for j, w := range p[:row+1] {
					columns[j] += float64(w)
					diagonals[row-j] += float64(w)
				}
				selection += float64(row+1) / 2
			}
			byColumn, byDiagonal := descending(columns), descending(diagonals)
			return func(count float64) Choice {
				n := int(count)
				column := chosen(byColumn, n, sureColumns)
				diagonal := chosen(byDiagonal, 2*n, sureDiagonals)
				return Choice{Selection: selection, Mark: func(p int, _ []float32, kept []bool) {
					for j := range kept {
						kept[j] = column[j] || diagonal[p-j]
					}
				}}
			}
		},
	}
}

// descending orders indices by weight, the first of equals first.
func descending(weights []float64) []int {
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return weights[order[a]] > weights[order[b]] })
	return order
}

// chosen marks the first n of an order, and the first indices themselves.
func chosen(order []int, n, sure int) []bool {
	marked := make([]bool, len(order))
	for _, i := range order[:min(n, len(order))] {
		marked[i] = true
	}
	fill(marked, 0, sure)
	return marked
}
