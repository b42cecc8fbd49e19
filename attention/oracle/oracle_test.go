package oracle

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

// smallParams makes groups of 32 positions, so that short inputs have many.
func smallParams(theta float64) problem.Params {
	return problem.Params{Theta: theta, Step: 2, Block: 16, SinkBlocks: 1, WindowBlocks: 1}
}

// randomOracle is an oracle on random data whose scores have a spread of about
// 4, so that softmax is neither flat nor a single key.
func randomOracle(t *testing.T, seed uint64, shape problem.Shape, params problem.Params) *Oracle {
	t.Helper()
	q, k, v := attentest.Spread(seed, shape)
	o, err := New(shape, params, q, k, v)
	require.NoError(t, err)
	return o
}

// requireSelective demands that a case keeps some candidates and drops some,
// so that the test exercises the selection.
func requireSelective(t *testing.T, o *Oracle, r *Result) {
	t.Helper()
	candidates := 0
	for group := o.FirstGroup(); group < o.Groups(); group++ {
		lo, hi := o.Candidates(group)
		candidates += o.Shape.Batch * o.Shape.Heads * (hi - lo)
	}
	require.Greater(t, attentest.Count(r.Stripes), candidates/20)
	require.Less(t, attentest.Count(r.Stripes), candidates*19/20)
}

var lawShapes = []problem.Shape{
	{Batch: 1, Heads: 1, KVHeads: 1, QLen: 1, KVLen: 1, HeadDim: 8},
	{Batch: 1, Heads: 2, KVHeads: 1, QLen: 97, KVLen: 97, HeadDim: 16},
	{Batch: 2, Heads: 3, KVHeads: 3, QLen: 64, KVLen: 64, HeadDim: 24},
	{Batch: 1, Heads: 4, KVHeads: 2, QLen: 50, KVLen: 131, HeadDim: 40},
	{Batch: 3, Heads: 2, KVHeads: 1, QLen: 1, KVLen: 129, HeadDim: 8},
	{Batch: 1, Heads: 1, KVHeads: 1, QLen: 161, KVLen: 161, HeadDim: 64},
}

func TestThetaPlusInfinityIsDense(t *testing.T) {
	for i, shape := range lawShapes {
		o := randomOracle(t, uint64(i), shape, smallParams(math.Inf(1)))
		anchor, dense := o.Forward(problem.ModeAnchor), o.Forward(problem.ModeDense)
		assert.Equal(t, dense.O, anchor.O, "%+v", shape)
		assert.Equal(t, dense.LSE, anchor.LSE, "%+v", shape)
	}
}

func TestHugeThetaKeepsEveryCandidateByComparison(t *testing.T) {
	o := randomOracle(t, 3, lawShapes[5], smallParams(1e9))
	assert.Equal(t, o.Forward(problem.ModeDense).O, o.Forward(problem.ModeAnchor).O)
}

func TestThetaMinusInfinityIsAnchorOnly(t *testing.T) {
	for i, shape := range lawShapes {
		o := randomOracle(t, uint64(i), shape, smallParams(math.Inf(-1)))
		got := o.Forward(problem.ModeAnchor)
		assert.Zero(t, attentest.Count(got.Stripes))
		out := make([]float64, shape.HeadDim)
		for b := range shape.Batch {
			for h := range shape.Heads {
				for row := range shape.QLen {
					lse := o.AnchorRow(b, h, row, nil, out)
					at := (b*shape.Heads+h)*shape.QLen + row
					if !slices.Equal(out, got.O[at*shape.HeadDim:(at+1)*shape.HeadDim]) || lse != got.LSE[at] {
						t.Fatalf("batch %d head %d row %d is not the row without stripes", b, h, row)
					}
				}
			}
		}
	}
	// And it differs from dense where there are candidates.
	o := randomOracle(t, 5, lawShapes[5], smallParams(math.Inf(-1)))
	assert.Greater(t, MaxAbs(o.Forward(problem.ModeAnchor).O, o.Forward(problem.ModeDense).O), 0.01)
}

func TestGroupAlignedChunksEqualOneCall(t *testing.T) {
	shape := problem.Shape{Batch: 2, Heads: 4, KVHeads: 2, QLen: 150, KVLen: 150, HeadDim: 16}
	whole := randomOracle(t, 11, shape, smallParams(7))
	want := whole.Forward(problem.ModeAnchor)
	requireSelective(t, whole, want)
	for _, bounds := range [][]int{{0, 32, 64, 96, 128, 150}, {0, 96, 150}, {0, 128, 150}} {
		for i := 1; i < len(bounds); i++ {
			from, to := bounds[i-1], bounds[i]
			part := shape
			part.QLen, part.KVLen = to-from, to
			chunk, err := New(part, whole.Params, attentest.SlicePositions(whole.Q, from, to),
				attentest.SlicePositions(whole.K, 0, to), attentest.SlicePositions(whole.V, 0, to))
			require.NoError(t, err)
			got := chunk.Forward(problem.ModeAnchor)
			d := shape.HeadDim
			for head := range shape.Batch * shape.Heads {
				assert.Equal(t, want.O[(head*shape.QLen+from)*d:(head*shape.QLen+to)*d],
					got.O[head*part.QLen*d:(head+1)*part.QLen*d], "rows %d to %d of head %d", from, to, head)
				assert.Equal(t, want.LSE[head*shape.QLen+from:head*shape.QLen+to],
					got.LSE[head*part.QLen:(head+1)*part.QLen])
			}
		}
	}
}

func TestCausalKeysArePartitioned(t *testing.T) {
	params := []problem.Params{smallParams(1), smallParams(1), smallParams(1), smallParams(1)}
	params[1].SinkBlocks, params[1].WindowBlocks = 0, 0
	params[2].SinkBlocks, params[2].WindowBlocks = 3, 0
	params[3].SinkBlocks, params[3].WindowBlocks = 0, 5
	for _, p := range params {
		for _, shape := range []problem.Shape{lawShapes[5], lawShapes[3]} {
			o := randomOracle(t, 1, shape, p)
			for row := range shape.QLen {
				seen := make([]int, shape.KVLen)
				for _, j := range o.anchorKeys(row, nil) {
					seen[j]++
				}
				lo, hi := o.Candidates(o.GroupOf(row))
				for j := lo; j < hi; j++ {
					seen[j]++
				}
				for j, n := range seen {
					want := 0
					if j <= o.Position(row) {
						want = 1
					}
					if n != want {
						t.Fatalf("key %d of row %d is there %d times, want %d: %+v", j, row, n, want, p)
					}
				}
				require.NotEmpty(t, o.anchorKeys(row, nil), "every row has an anchor")
			}
		}
	}
}

func TestGQAEqualsRepeatedHeads(t *testing.T) {
	shape := problem.Shape{Batch: 2, Heads: 6, KVHeads: 2, QLen: 100, KVLen: 140, HeadDim: 16}
	o := randomOracle(t, 21, shape, smallParams(7))
	requireSelective(t, o, o.Forward(problem.ModeAnchor))
	repeated := shape
	repeated.KVHeads = shape.Heads
	full, err := New(repeated, o.Params, o.Q, repeatHeads(o.K, 3), repeatHeads(o.V, 3))
	require.NoError(t, err)
	assert.Equal(t, full.Forward(problem.ModeAnchor), o.Forward(problem.ModeAnchor))
}

// repeatHeads copies each head of t n times, as PyTorch's repeat_interleave.
func repeatHeads(t problem.Tensor, n int) problem.Tensor {
	out := problem.HostBHSD(make([]float16.Float16, len(t.Host)*n), t.Shape[0], t.Shape[1]*n, t.Shape[2], t.Shape[3])
	for b := range out.Shape[0] {
		for h := range out.Shape[1] {
			for s := range out.Shape[2] {
				copy(out.At(b, h, s), t.At(b, h/n, s))
			}
		}
	}
	return out
}

func TestLayoutDoesNotMatter(t *testing.T) {
	shape := problem.Shape{Batch: 2, Heads: 2, KVHeads: 2, QLen: 80, KVLen: 80, HeadDim: 8}
	o := randomOracle(t, 31, shape, smallParams(7))
	requireSelective(t, o, o.Forward(problem.ModeAnchor))
	turned, err := New(shape, o.Params, attentest.ToBSHD(o.Q), attentest.ToBSHD(o.K), attentest.ToBSHD(o.V))
	require.NoError(t, err)
	assert.Equal(t, o.Forward(problem.ModeAnchor), turned.Forward(problem.ModeAnchor))
}

func TestScaleOfZeroIsOneOverRoot(t *testing.T) {
	shape := lawShapes[3]
	params := smallParams(2)
	byDefault := randomOracle(t, 41, shape, params).Forward(problem.ModeAnchor)
	params.Scale = 1 / math.Sqrt(float64(shape.HeadDim))
	assert.Equal(t, byDefault, randomOracle(t, 41, shape, params).Forward(problem.ModeAnchor))
	params.Scale *= 2
	assert.NotEqual(t, byDefault.O, randomOracle(t, 41, shape, params).Forward(problem.ModeAnchor).O)
}

func TestSampleRows(t *testing.T) {
	o := &Oracle{Shape: problem.Shape{QLen: 10}}
	assert.Equal(t, []int{0, 4, 9}, o.SampleRows(3))
	assert.Equal(t, []int{9}, o.SampleRows(1))
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, o.SampleRows(100))
}

func TestNewOracleRejects(t *testing.T) {
	shape := lawShapes[1]
	good := randomOracle(t, 1, shape, smallParams(1))
	for field, change := range map[string]func(o *Oracle){
		"Params.Theta":  func(o *Oracle) { o.Params.Theta = math.NaN() },
		"Shape.KVHeads": func(o *Oracle) { o.Shape.KVHeads = 0 },
		"K.Shape":       func(o *Oracle) { o.K = o.Q },
		"V":             func(o *Oracle) { o.V.Host = nil },
	} {
		bad := &Oracle{Shape: good.Shape, Params: good.Params, Q: good.Q, K: good.K, V: good.V}
		change(bad)
		_, err := New(bad.Shape, bad.Params, bad.Q, bad.K, bad.V)
		var argErr *problem.ArgumentError
		require.ErrorAs(t, err, &argErr, field)
		assert.Equal(t, field, argErr.Field)
	}
}

func BenchmarkOracleSampled(b *testing.B) {
	shape := problem.Shape{Batch: 1, Heads: 3, KVHeads: 1, QLen: 8192, KVLen: 8192, HeadDim: 64}
	o, err := New(shape, problem.DefaultParams(), attentest.Random(1, 1, 3, 8192, 64, 1),
		attentest.Random(2, 1, 1, 8192, 64, 1), attentest.Random(3, 1, 1, 8192, 64, 1))
	require.NoError(b, err)
	for b.Loop() {
		rows := o.SampleRows(300)
		o.EachGroup(func(batch, h, group int) {
			out := make([]float64, 64)
			kept, _ := o.Stripes(batch, h, group)
			for _, row := range rows {
				if o.GroupOf(row) == group {
					o.AnchorRow(batch, h, row, kept, out)
					o.DenseRow(batch, h, row, out)
				}
			}
		})
	}
	b.ReportMetric(float64(shape.Heads*300), "rows")
}

func ExampleOracle() {
	shape := problem.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 64, KVLen: 64, HeadDim: 8}
	zeros := problem.HostBHSD(make([]float16.Float16, 64*8), 1, 1, 64, 8)
	oracle, err := New(shape, problem.DefaultParams(), zeros, zeros, zeros)
	if err != nil {
		fmt.Println(err)
		return
	}
	out := make([]float64, shape.HeadDim)
	lse := oracle.DenseRow(0, 0, 63, out)
	fmt.Printf("%.4f\n", math.Exp(lse)) // 64 keys of score 0
	// Output: 64.0000
}
