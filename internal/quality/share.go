package quality

import (
	"context"
	"math"

	"github.com/anchorvk/anchorvk/internal/rivals"
)

// Curves gather which share of the pairs rivals compute at each setting of
// their grids, over all heads that are looked at, to find the knobs at which
// they compute the same.
type Curves struct {
	methods []rivals.Method
	shares  [][]float64
	heads   float64
}

// NewCurves returns empty curves.
func NewCurves(methods []rivals.Method) *Curves {
	c := &Curves{methods: methods, shares: make([][]float64, len(methods))}
	for i, m := range methods {
		c.shares[i] = make([]float64, len(m.Grid))
	}
	return c
}

// curveRows thins the sampled rows out: shares vary little.
const curveRows = 4

// Add looks at one head of an input, at about so many rows.
func (c *Curves) Add(ctx context.Context, in Input, scale float64, batch, head, rows int) error {
	h := rivals.NewHead(in.Shape, scale, in.Q, in.K, in.V, batch, head)
	sample := SampleRows(in.Shape, max(1, rows/curveRows))
	c.heads++
	return parallel(ctx, len(c.methods), func(i int) {
		m := c.methods[i]
		choose := m.Look(h, blocksOf(sample))
		choices := make([]rivals.Choice, len(m.Grid))
		for k, knob := range m.Grid {
			choices[k] = choose(knob)
		}
		for k, share := range countShares(ctx, h, sample, choices, m.Oracle) {
			c.shares[i][k] += share
		}
	})
}

// countShares is the share of each choice: kept pairs and their selection; of
// methods that score all pairs, kept pairs alone. Oracles are shown the
// probabilities.
func countShares(ctx context.Context, h *rivals.Head, rows []int, choices []rivals.Choice, oracle bool) []float64 {
	counted, causal := make([]float64, len(choices)), 0.0
	probs, kept := make([]float32, h.Keys), make([]bool, h.Keys)
	for _, p := range rows {
		if ctx.Err() != nil {
			return counted
		}
		causal += float64(p + 1)
		if oracle {
			h.Softmax(p, probs[:p+1])
		}
		for i, c := range choices {
			row := kept[:p+1]
			clear(row)
			c.Mark(p, probs[:p+1], row)
			for _, k := range row {
				if k {
					counted[i]++
				}
			}
		}
	}
	for i, c := range choices {
		counted[i] = counted[i]/causal + c.Selection/pairs(h.First, h.Keys)
	}
	return counted
}

// At returns the setting of a method's knob at which it computes a share of the
// pairs, in the mean over heads; the nearest end of its grid where none does.
func (c *Curves) At(method int, share float64) float64 {
	grid, shares := c.methods[method].Grid, c.shares[method]
	for k := range grid {
		high := shares[k] / c.heads
		if high < share {
			continue
		}
		if k == 0 {
			return grid[0]
		}
		low := shares[k-1] / c.heads
		if math.IsInf(grid[k], 1) {
			return grid[k-1]
		}
		return between(grid[k-1], grid[k], (share-low)/(high-low))
	}
	return grid[len(grid)-1]
}

// between interpolates, by ratio where both ends are positive and not near 1.
func between(a, b, t float64) float64 {
	if a > 0 && b > 0 && math.Abs(math.Log(b/a)) > math.Log(1.3) {
		return a * math.Pow(b/a, t)
	}
	return a + (b-a)*t
}
