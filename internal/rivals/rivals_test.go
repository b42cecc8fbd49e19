package rivals

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
)

const testDim = 8

// flat is a head whose first query element is 1 and whose keys' first element
// is a score by position; all else is zero.
func flat(first, keys int, score func(j int) float32) *Head {
	h := &Head{Dim: testDim, First: first, Keys: keys, Scale: 1, Q: make([]float32, (keys-first)*testDim), K: make([]float32, keys*testDim), V: make([]float32, keys*testDim)}
	for i := range keys - first {
		h.Q[i*testDim] = 1
	}
	for j := range keys {
		h.K[j*testDim] = score(j)
	}
	return h
}

// noise is a head of random vectors.
func noise(first, keys int) *Head {
	random := rand.New(rand.NewPCG(1, 2))
	h := flat(first, keys, func(int) float32 { return 0 })
	h.Scale = 2
	for _, x := range [][]float32{h.Q, h.K, h.V} {
		for i := range x {
			x[i] = float32(random.NormFloat64())
		}
	}
	return h
}

// keeps lists the keys that a row keeps.
func keeps(c Choice, h *Head, p int) []int {
	probs, kept := make([]float32, p+1), make([]bool, p+1)
	if h != nil {
		h.Softmax(p, probs)
	}
	c.Mark(p, probs, kept)
	list := []int{}
	for j, k := range kept {
		if k {
			list = append(list, j)
		}
	}
	return list
}

// keptBlocks lists the blocks of a row that are kept, all keys of each.
func keptBlocks(t *testing.T, c Choice, h *Head, p int) []int {
	t.Helper()
	blocks, count := []int{}, 0
	for _, j := range keeps(c, h, p) {
		if j%block == 0 {
			blocks = append(blocks, j/block)
		}
		count++
	}
	want := 0
	for _, b := range blocks {
		want += min((b+1)*block, p+1) - b*block
	}
	require.Equal(t, want, count, "whole blocks")
	return blocks
}

func TestStreaming(t *testing.T) {
	choose := Streaming(2, 1).Look(nil, nil)
	require.Equal(t, []int{0, 1, 6, 7, 8, 9}, keeps(choose(3), nil, 9))
	require.Equal(t, []int{0}, keeps(choose(3), nil, 0))
	steps := Streaming(2, 4).Look(nil, nil)
	require.Equal(t, []int{0, 1, 5, 6, 7, 8, 9, 10}, keeps(steps(3), nil, 10), "the window begins 3 before position 8")
	require.Zero(t, choose(3).Selection)
}

func TestVerticalSlash(t *testing.T) {
	// Every row looks at key 150, so the column is found. With no weight but
	// that, its diagonals in the last 64 rows are those of distance 436 to 499.
	h := flat(0, 650, func(j int) float32 {
		if j == 150 {
			return 50
		}
		return 0
	})
	choose := VerticalSlash().Look(h, nil)
	kept := keeps(choose(1), h, 600)
	require.Contains(t, kept, 150)
	require.Contains(t, kept, 29, "sure columns")
	require.NotContains(t, kept, 30)
	require.Contains(t, kept, 501, "sure diagonals")
	require.NotContains(t, kept, 500)
	require.Len(t, kept, 30+1+100+2)
	require.Contains(t, kept, 600-436, "the first of equal diagonals")
	require.Equal(t, 64*(587.0+650)/2/2, choose(1).Selection)
}

func TestHeaviest(t *testing.T) {
	weights := []float64{0.125, 0.5, 0.25, 0.125}
	require.Equal(t, []int{1}, heaviest(weights, 0.5))
	require.Equal(t, []int{1, 2}, heaviest(weights, 0.75))
	require.Equal(t, []int{1, 2, 0}, heaviest(weights, 0.76), "the first of equals")
	require.Equal(t, []int{1, 2, 0, 3}, heaviest(weights, 1))
	require.Len(t, heaviest([]float64{1, 0, 0}, 1), 3, "1 is everything, also what weighs nothing")
}

func TestJensenShannon(t *testing.T) {
	require.Zero(t, jensenShannon([]float64{0.5, 0.5, 0}, []float64{0.5, 0.5, 0}))
	require.InDelta(t, math.Sqrt(math.Ln2), jensenShannon([]float64{1, 0}, []float64{0, 1}), 1e-12)
}

func TestFlexPrefillExtendsTheLastBlock(t *testing.T) {
	m := columnsAndDiagonals([]float64{0.05, 0.8, 0.05, 0.1}, 0.8, []int{1, 2, 3})
	require.Equal(t, []bool{true, true}, m[1])
	require.Equal(t, []bool{true, true, true}, m[2], "column 1, the block two before, its own")
	require.Equal(t, []bool{true, true, false, true}, m[3])
}

func TestFlexPrefillTakesTheHeaviestOfTheWholeMap(t *testing.T) {
	m := queryAware([]float64{
		1, 0, 0, 0,
		0.5, 0.5, 0, 0,
		0.1, 0.8, 0.1, 0,
		0.1, 0.2, 0.3, 0.4,
	}, 0.7, 4) // 2.8 of 4: 1, 0.8, 0.5, 0.5 are enough
	require.Equal(t, []bool{true, true, true}, m[2])
	require.Equal(t, []bool{true, false, false, true}, m[3], "a diffuse block of queries gets what is sure only")
}

func TestFlexPrefillTrustsPooledQueriesWhereTheyAgree(t *testing.T) {
	// Blocks of equal keys: pooled and exact probabilities are the same. The last
	// rows look at block 1, those of block 3 at block 2.
	even := flat(0, 5*block, func(j int) float32 {
		if j/block == 1 {
			return 9
		}
		return 0
	})
	for j := range block {
		even.K[(2*block+j)*testDim+1] = 9
		copy(even.Q[(3*block+j)*testDim:], []float32{0, 1})
	}
	c := FlexPrefill().Look(even, []int{3, 4})(0.95)
	require.Equal(t, []int{0, 1, 4}, keptBlocks(t, c, even, 5*block-1))
	require.Equal(t, []int{0, 2, 3}, keptBlocks(t, c, even, 4*block-1), "by its own queries, not by the last ones'")
	// A spike that the mean of its block hides: block 2, of the last block's
	// columns, is found all the same.
	spike := flat(0, 4*block, func(j int) float32 {
		if j == 300 {
			return 12
		}
		return 0
	})
	c = FlexPrefill().Look(spike, []int{2, 3})(0.9)
	require.Equal(t, []int{0, 2, 3}, keptBlocks(t, c, spike, 4*block-1))
	require.InDelta(t, float64(block)*(3*block+1+4*block)/2/2+spike.causalPairs()/block/block/2, c.Selection, 1e-6)
}

func TestXAttentionWeights(t *testing.T) {
	// All scores alike: row group m, of 16 rows, spreads evenly over m+1 groups
	// of keys, 8 of them in each block.
	h := flat(0, 2*block, func(int) float32 { return 0 })
	want := 0.0
	for m := 8; m < 16; m++ {
		want += 8 / float64(m+1)
	}
	w := h.antiDiagonals(1, 16)
	require.InDelta(t, want, w[0], 1e-12)
	require.InDelta(t, 8-want, w[1], 1e-12)
}

func TestXAttentionPairsAlongTheAntiDiagonal(t *testing.T) {
	// Row i of a stride points along direction i. In key block 1 key r points
	// along 7-r, so that each pair of an anti-diagonal agrees; elsewhere along r,
	// so that none does, though every row has a key of its own direction.
	h := flat(0, 3*block, func(int) float32 { return 0 })
	clear(h.Q)
	clear(h.K)
	for p := range h.Keys {
		h.Q[p*testDim+p%8] = 20
		if p/block == 1 {
			h.K[p*testDim+7-p%8] = 1
		} else {
			h.K[p*testDim+p%8] = 1
		}
	}
	w := h.antiDiagonals(2, 8)
	require.InDelta(t, 16, w[1], 1e-4, "one softmax for each of 16 groups of rows: exp(20) against exp(0)")
	require.InDelta(t, 16, w[0]+w[1]+w[2], 1e-9)
	c := XAttention(8).Look(h, []int{2})(0.9)
	require.Equal(t, []int{0, 1, 2}, keptBlocks(t, c, h, 3*block-1))
	require.Equal(t, h.causalPairs()/16, c.Selection)
	clear(h.K)
	c = XAttention(8).Look(h, []int{2})(0.3)
	require.Equal(t, []int{0, 2}, keptBlocks(t, c, h, 3*block-1), "all alike: the first block has more than 0.3")
}

func TestFlashPrefill(t *testing.T) {
	require.Equal(t, []bool{true, true, true, false, true, true, true, true},
		flashKeeps([]float64{10, 0.5, 1, 0.9, 0, 0, 0, 0}, 0.1, false), "sink, at least alpha times the largest, window")
	require.Equal(t, []bool{true, true, true, true, true, true, true, true},
		flashKeeps([]float64{10, 0.5, 1, 0.9, 0, 0, 0, 0}, 0.1, true))
	h := flat(0, 3*block, func(j int) float32 { return []float32{0, 2, 0}[j/block] })
	scores := h.meanScores(2, Pool(h.K, h.Dim, 0, block))
	require.InDelta(t, block*math.Exp(-2), scores[0], 1e-3)
	require.InDelta(t, block, scores[1], 1e-9)
	require.Zero(t, scores[2], "not in the past of any row")
	require.Zero(t, FlashPrefill(false).Look(h, []int{2})(0.1).MeanOf)
	require.Equal(t, block, FlashPrefill(true).Look(h, []int{2})(0.1).MeanOf)
}

func TestBLASST(t *testing.T) {
	h := flat(0, 3*block, func(j int) float32 { return []float32{5, -3, 4}[j/block] })
	gaps := h.tileGaps(2)
	require.True(t, math.IsInf(float64(gaps[0]), -1))
	require.Equal(t, []float32{8, 1}, gaps[1:])
	choose := BLASST().Look(h, []int{2})
	require.Equal(t, []int{0, 2}, keptBlocks(t, choose(7), h, 3*block-1))
	require.Equal(t, []int{0, 1, 2}, keptBlocks(t, choose(8), h, 3*block-1), "more than the distance, not as much")
	require.Equal(t, []int{0}, keptBlocks(t, choose(0), h, 3*block-1))
	require.True(t, BLASST().ScoresAll)
}

func TestExact(t *testing.T) {
	probs := []float32{0.125, 0.5, 0.125, 0.25}
	keep := func(c Choice) []bool {
		kept := make([]bool, 4)
		c.Mark(3, probs, kept)
		return kept
	}
	require.Equal(t, []bool{false, true, false, true}, keep(ExactTopK().Look(nil, nil)(2)))
	require.Equal(t, []bool{true, true, false, true}, keep(ExactTopK().Look(nil, nil)(3)))
	require.Equal(t, []bool{true, true, true, true}, keep(ExactTopK().Look(nil, nil)(9)))
	require.Equal(t, []bool{false, true, false, true}, keep(ExactMass().Look(nil, nil)(0.75)))
	require.Equal(t, []bool{true, true, false, true}, keep(ExactMass().Look(nil, nil)(0.76)))
	require.Equal(t, []bool{true, true, true, true}, keep(ExactMass().Look(nil, nil)(1)))
}

func TestExactColumns(t *testing.T) {
	// Groups of 4, a sink and a window of 1: group 2 has the candidates 1 to 6. Row 8 looks at key 3 alone, rows 9 and 10 at key 4, all of them at 6 a little.
	h := flat(0, 11, func(int) float32 { return 0 })
	clear(h.Q)
	h.K[3*testDim+1], h.K[4*testDim+2], h.K[6*testDim+3] = 1, 1, 1
	h.Q[8*testDim+1], h.Q[9*testDim+2], h.Q[10*testDim+2] = 30, 30, 30
	for p := 8; p < 11; p++ {
		h.Q[p*testDim+3] = 27
	}
	small := math.Exp(-3) / (1 + math.Exp(-3))
	means := h.columnMeans(1, 1, 8, 4)
	require.InDeltaSlice(t, []float64{0, 0, (1 - small) / 3, (1 - small) * 2 / 3, 0, small}, means, 1e-6)
	choose := ExactColumns(1, 1, 4).Look(h, []int{0})
	require.Equal(t, []int{0, 4, 7, 8}, keeps(choose(0.5), h, 8), "a group shares its columns")
	require.Equal(t, []int{0, 3, 4, 7, 8, 9, 10}, keeps(choose(0.3), h, 10))
	require.Equal(t, []int{0, 3, 4, 6, 7, 8, 9}, keeps(choose(small-1e-6), h, 9))
	require.Equal(t, []int{0, 1, 2}, keeps(choose(1), h, 2))
	require.True(t, ExactColumns(1, 1, 4).ScoresAll)

	part := &Head{Dim: testDim, First: 9, Keys: 11, Scale: 1, Q: h.Q[9*testDim:], K: h.K, V: h.V}
	require.InDelta(t, 1-small, part.columnMeans(1, 1, 8, 4)[3], 1e-6, "over the rows that there are")
	require.Equal(t, []int{0, 4, 7, 8, 9}, keeps(ExactColumns(1, 1, 8).Look(part, []int{0})(0.1), part, 9))
}

// The groups are those of the presets that the oracle is a bound for.
func TestExactColumnsHasTheGroupsOfThePresets(t *testing.T) {
	for _, name := range []string{"safe", "lean"} {
		p, err := attention.Preset(name)
		require.NoError(t, err)
		require.Equal(t, [3]int{groupSink, groupWindow, groupSize}, [3]int{p.Sink(), p.Window(), p.Group()}, name)
	}
}

// Along its grid every method keeps more and more, whatever the prefix, and a
// row always attends itself.
func TestGridsGrow(t *testing.T) {
	for _, first := range []int{0, 200} {
		h := noise(first, 700)
		for _, m := range Methods() {
			choose := m.Look(h, []int{2, 3, 4, 5})
			rows := []int{300, 383, 384, 555, 699}
			before := make([]int, len(rows))
			for _, knob := range m.Grid {
				for i, p := range rows {
					kept := keeps(choose(knob), h, p)
					require.GreaterOrEqual(t, len(kept), before[i], "%s %v", m.Name, knob)
					require.LessOrEqual(t, len(kept), p+1)
					before[i] = len(kept)
					if m.Name != "vertical-slash" && m.Name != "blasst" && m.Name != "exact-topk" && m.Name != "exact-mass" {
						require.Equal(t, p, kept[len(kept)-1], m.Name)
					}
				}
			}
			for i, p := range rows {
				require.Equal(t, p+1, before[i], "%s: the end of the grid is dense", m.Name)
			}
			require.Contains(t, m.Grid, m.Value, m.Name)
		}
	}
}

func TestSoftmaxAndPool(t *testing.T) {
	h := flat(0, 3, func(j int) float32 { return float32(j) * math.Ln2 })
	p := make([]float32, 3)
	require.InDelta(t, math.Log(7), h.Softmax(2, p), 1e-6)
	require.InDeltaSlice(t, []float64{1. / 7, 2. / 7, 4. / 7}, []float64{float64(p[0]), float64(p[1]), float64(p[2])}, 1e-6)
	means := Pool([]float32{1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0}, 8, 3, 4)
	require.Len(t, means, 2)
	require.Equal(t, float32(1), means[0][0], "position 3 alone")
	require.Equal(t, float32(4), means[1][0], "positions 4 and 5")
}
