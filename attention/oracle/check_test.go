package oracle

import (
	"fmt"
	"math"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/stretchr/testify/assert"
)

// naive is a second formulation, written from the paper's equations and not
// from the oracle: it asks of every key of every row whether it is attended,
// and sums exp(score) without subtracting a maximum.
type naive struct{ o *Oracle }

func (n naive) score(b, h, row, key int) float64 {
	s := 0.0
	k := n.o.K.At(b, h*n.o.Shape.KVHeads/n.o.Shape.Heads, key)
	for d, q := range n.o.Q.At(b, h, row) {
		s += float64(q.Float32()) * float64(k[d].Float32())
	}
	return s * n.o.Params.ScaleFor(n.o.Shape.HeadDim)
}

func (n naive) isAnchor(p, key int) bool {
	params := n.o.Params
	groupStart := p - p%(params.Block*params.Step)
	return key <= p && (key < params.SinkBlocks*params.Block || key >= groupStart-params.WindowBlocks*params.Block)
}

// stripe is the definition, score by score: the mean over a block's rows of
// (score - anchor) is at least -theta for some block. Means are linear, so
// that pooling q first must agree.
func (n naive) stripe(b, h, row, key int) bool {
	s, params := n.o.Shape, n.o.Params
	g := params.Block * params.Step
	group := (s.KVLen - s.QLen + row) / g
	sums, counts := map[int]float64{}, map[int]int{}
	for r := range s.QLen {
		p := s.KVLen - s.QLen + r
		if p/g != group {
			continue
		}
		anchor := math.Inf(-1)
		for j := range s.KVLen {
			if n.isAnchor(p, j) {
				anchor = math.Max(anchor, n.score(b, h, r, j))
			}
		}
		sums[p/params.Block] += n.score(b, h, r, key) - anchor
		counts[p/params.Block]++
	}
	for block, sum := range sums {
		if sum/float64(counts[block]) >= -params.Theta {
			return true
		}
	}
	return false
}

func (n naive) row(b, h, row int, attended func(key int) bool) (out []float64, lse float64) {
	out = make([]float64, n.o.Shape.HeadDim)
	total := 0.0
	for key := range n.o.Shape.KVLen {
		if !attended(key) {
			continue
		}
		w := math.Exp(n.score(b, h, row, key))
		total += w
		for d, v := range n.o.V.At(b, h*n.o.Shape.KVHeads/n.o.Shape.Heads, key) {
			out[d] += w * float64(v.Float32())
		}
	}
	for d := range out {
		out[d] /= total
	}
	return out, math.Log(total)
}

func TestOracleAgreesWithASecondFormulation(t *testing.T) {
	for i, shape := range []problem.Shape{
		{Batch: 1, Heads: 2, KVHeads: 1, QLen: 97, KVLen: 97, HeadDim: 8},
		{Batch: 2, Heads: 2, KVHeads: 2, QLen: 37, KVLen: 85, HeadDim: 16}, // begins inside a block
		{Batch: 1, Heads: 3, KVHeads: 1, QLen: 1, KVLen: 90, HeadDim: 8},
	} {
		o := randomOracle(t, uint64(50+i), shape, smallParams(6))
		n := naive{o}
		stripes, candidates := 0, 0
		for b := range shape.Batch {
			for h := range shape.Heads {
				for row := range shape.QLen {
					p := o.Position(row)
					kept, _ := o.Stripes(b, h, o.GroupOf(row))
					want := func(key int) bool {
						return n.isAnchor(p, key) || key <= p && n.stripe(b, h, row, key)
					}
					if row%7 != 0 && shape.QLen > 40 { // the naive form is cubic
						continue
					}
					got := make([]float64, shape.HeadDim)
					lse := o.AnchorRow(b, h, row, kept, got)
					out, wantLSE := n.row(b, h, row, want)
					what := fmt.Sprintf("batch %d head %d row %d", b, h, row)
					attentest.RequireNear(t, append(out, wantLSE), append(got[:len(got):len(got)], lse), 1e-12, what)
					lse = o.DenseRow(b, h, row, got)
					out, wantLSE = n.row(b, h, row, func(key int) bool { return key <= p })
					attentest.RequireNear(t, append(out, wantLSE), append(got[:len(got):len(got)], lse), 1e-12, what+", dense")
					c := o.Counts(h, o.GroupOf(row), kept)
					stripes, candidates = stripes+int(c.Stripes), candidates+int(c.Candidates)
				}
			}
		}
		assert.Positive(t, stripes, "the case must keep some candidates")
		assert.Less(t, stripes, candidates, "the case must drop some candidates")
	}
}

func TestMarginsDecideStripes(t *testing.T) {
	o := randomOracle(t, 61, problem.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 160, KVLen: 160, HeadDim: 16}, smallParams(5))
	wider := randomOracle(t, 61, o.Shape, smallParams(7))
	for group := range o.Groups() {
		kept, margin := o.Stripes(0, 0, group)
		_, wide := wider.Stripes(0, 0, group)
		lo, hi := o.Candidates(group)
		for j := range margin {
			if j < lo || j >= hi {
				if !math.IsNaN(margin[j]) || kept[j] {
					t.Fatalf("key %d is no candidate of group %d", j, group)
				}
				continue
			}
			if kept[j] != (margin[j] >= 0) || !attentest.Near(margin[j]+2, wide[j], 1e-12) {
				t.Fatalf("key %d of group %d: kept is %v with a margin of %g, and the margin of a theta that is larger by 2 is %g", j, group, kept[j], margin[j], wide[j])
			}
		}
	}
}

func TestCountsCountWhatRowsAttend(t *testing.T) {
	o := randomOracle(t, 71, problem.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 100, KVLen: 150, HeadDim: 8}, smallParams(5))
	var sum Counts
	var computed, causal int64
	for group := range o.Groups() {
		kept, _ := o.Stripes(0, 0, group)
		sum = sum.Add(o.Counts(0, group, kept))
		lo, hi := o.GroupRows(group)
		for row := lo; row < hi; row++ {
			computed += int64(len(o.anchorKeys(row, kept)))
			causal += int64(o.Position(row) + 1)
		}
	}
	assert.Equal(t, computed, sum.Computed)
	assert.Equal(t, causal, sum.Causal)
	assert.Equal(t, int64(100*(51+150)/2), sum.Causal)
	// Groups 2, 3 and 4 have rows; a window before them and a sink are cut off.
	// Group 1 has rows 50 to 63 and no candidates.
	assert.Equal(t, int64(32+64+96), sum.Candidates)
	assert.InDelta(t, 1, sum.ComputedRatio()+sum.Sparsity(), 1e-15)
	assert.Greater(t, sum.Sparsity(), 0.0)
	assert.Zero(t, Counts{}.StripeRatio())
}

func TestRecallMass(t *testing.T) {
	o := randomOracle(t, 81, problem.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 120, KVLen: 120, HeadDim: 8}, smallParams(4))
	n := naive{o}
	for row := 64; row < 120; row += 11 {
		kept, _ := o.Stripes(0, 0, o.GroupOf(row))
		all := make([]bool, 120)
		for j := range all {
			all[j] = true
		}
		got := o.RecallMass(0, 0, row, kept, nil, all)
		_, dense := n.row(0, 0, row, func(key int) bool { return key <= row })
		_, part := n.row(0, 0, row, func(key int) bool { return key <= row && (n.isAnchor(row, key) || kept[key]) })
		_, anchor := n.row(0, 0, row, func(key int) bool { return n.isAnchor(row, key) })
		assert.InDelta(t, math.Exp(part-dense), got[0], 1e-12)
		assert.InDelta(t, math.Exp(anchor-dense), got[1], 1e-12)
		assert.Equal(t, 1.0, got[2])
	}
}
