package oracle

import (
	"math"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

// nanShape has groups of 32: 0 and 1 are dense or nearly so, 2 and 3 select.
var nanShape = problem.Shape{Batch: 1, Heads: 2, KVHeads: 2, QLen: 128, KVLen: 128, HeadDim: 8}

// spoilt is a problem before and after one element of Q, K or V is replaced.
type spoilt struct {
	oracle        *Oracle
	before, after *Result
}

func spoil(t *testing.T, mode problem.Mode, theta float64, pick func(o *Oracle) []float16.Float16, value float64) spoilt {
	t.Helper()
	clean := randomOracle(t, 91, nanShape, smallParams(theta))
	o := randomOracle(t, 91, nanShape, smallParams(theta))
	pick(o)[3] = float16.Fromfloat32(float32(value))
	return spoilt{o, clean.Forward(mode), o.Forward(mode)}
}

// row returns the outputs of one row of head 0, before and after.
func (s spoilt) row(p int) (before, after []float64) {
	d := nanShape.HeadDim
	return s.before.O[p*d : (p+1)*d], s.after.O[p*d : (p+1)*d]
}

func allNaN(row []float64) bool {
	for _, x := range row {
		if !math.IsNaN(x) {
			return false
		}
	}
	return true
}

func (s spoilt) requireOtherHeadUntouched(t *testing.T) {
	t.Helper()
	half := len(s.before.O) / 2
	require.Equal(t, s.before.O[half:], s.after.O[half:])
}

func TestNaNInQueryStaysInItsRow(t *testing.T) {
	const at = 70
	pick := func(o *Oracle) []float16.Float16 { return o.Q.At(0, 0, at) }
	for _, mode := range []problem.Mode{problem.ModeDense, problem.ModeAnchor} {
		s := spoil(t, mode, 8, pick, math.NaN())
		s.requireOtherHeadUntouched(t)
		for p := range nanShape.QLen {
			before, after := s.row(p)
			switch {
			case p == at:
				assert.True(t, allNaN(after))
			case mode == problem.ModeAnchor && p/32 == at/32:
				// The block of row 70 selects nothing, so that stripes may be lost.
				assert.False(t, math.IsNaN(after[0]))
			default:
				assert.Equal(t, before, after, "%v row %d", mode, p)
			}
		}
		if mode == problem.ModeAnchor {
			query, _, ok := s.oracle.pool(0, 0, 2, 0)
			require.True(t, ok)
			assert.True(t, math.IsNaN(query[3]))
			kept, _ := s.oracle.Stripes(0, 0, 2)
			blockless := randomOracle(t, 91, nanShape, smallParams(8))
			for j := range kept {
				if kept[j] { // only the other block can have kept it
					query, anchor, _ := blockless.pool(0, 0, 2, 1)
					score := dot(query, blockless.head(0, 0).key(j)) * blockless.Params.ScaleFor(8)
					assert.GreaterOrEqual(t, score, anchor-8)
				}
			}
		}
	}
}

func TestNaNInKeySpoilsRowsThatAttendIt(t *testing.T) {
	for _, c := range []struct {
		name string
		at   int
		mode problem.Mode
		hit  func(p int) bool
	}{
		{"dense", 40, problem.ModeDense, func(p int) bool { return p >= 40 }},
		{"sink", 5, problem.ModeAnchor, func(p int) bool { return p >= 5 }},
		// Key 20 lies in group 0, before the window of group 1 (from 16) is
		// over, and is a candidate, so never a stripe, of groups 2 and 3.
		{"window then candidate", 20, problem.ModeAnchor, func(p int) bool { return p >= 20 && p < 64 }},
		{"own group", 127, problem.ModeAnchor, func(p int) bool { return p == 127 }},
	} {
		s := spoil(t, c.mode, 8, func(o *Oracle) []float16.Float16 { return o.K.At(0, 0, c.at) }, math.NaN())
		s.requireOtherHeadUntouched(t)
		for p := range nanShape.QLen {
			before, after := s.row(p)
			if c.hit(p) {
				assert.True(t, allNaN(after), "%s: row %d", c.name, p)
				continue
			}
			assert.False(t, math.IsNaN(after[0]), "%s: row %d", c.name, p)
			if p < c.at {
				assert.Equal(t, before, after, "%s: row %d", c.name, p)
			}
		}
	}
}

func TestNaNInValueSpoilsItsElement(t *testing.T) {
	s := spoil(t, problem.ModeDense, 8, func(o *Oracle) []float16.Float16 { return o.V.At(0, 0, 30) }, math.NaN())
	s.requireOtherHeadUntouched(t)
	for p := range nanShape.QLen {
		before, after := s.row(p)
		for d := range after {
			if spoilt := p >= 30 && d == 3; spoilt != math.IsNaN(after[d]) || !spoilt && before[d] != after[d] {
				t.Fatalf("row %d element %d is %v, and was %v", p, d, after[d], before[d])
			}
		}
	}
}

func TestLawsHoldWithNaN(t *testing.T) {
	pick := func(o *Oracle) []float16.Float16 { return o.K.At(0, 0, 20) }
	anchor := spoil(t, problem.ModeAnchor, math.Inf(1), pick, math.NaN())
	dense := spoil(t, problem.ModeDense, 8, pick, math.NaN())
	for p := range nanShape.QLen {
		_, a := anchor.row(p)
		_, d := dense.row(p)
		if p < 20 {
			assert.Equal(t, d, a)
		} else {
			assert.True(t, allNaN(a) && allNaN(d))
		}
	}
	none := spoil(t, problem.ModeAnchor, math.Inf(-1), pick, math.Inf(1))
	assert.Zero(t, attentest.Count(none.after.Stripes), "an infinite score is no stripe at theta -Inf")
}

func TestInfiniteScores(t *testing.T) {
	shape := problem.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 2, KVLen: 2, HeadDim: 8}
	rows := func(first0, first1 float32) problem.Tensor {
		data := make([]float16.Float16, 16)
		data[0], data[8] = float16.Fromfloat32(first0), float16.Fromfloat32(first1)
		return problem.HostBHSD(data, 1, 1, 2, 8)
	}
	run := func(k problem.Tensor) *Result {
		o, err := New(shape, problem.DefaultParams(), rows(1, 1), k, rows(3, 5))
		require.NoError(t, err)
		return o.Forward(problem.ModeDense)
	}
	inf := float32(math.Inf(1))
	got := run(rows(1, -inf))
	assert.Equal(t, 3.0, got.O[8], "a key of score -Inf has weight zero")
	got = run(rows(1, inf))
	assert.Equal(t, 3.0, got.O[0])
	assert.True(t, allNaN(got.O[8:]), "a score of +Inf gives NaN")
	got = run(rows(-inf, -inf))
	assert.True(t, allNaN(got.O), "a row without a score above -Inf gives NaN")
}
