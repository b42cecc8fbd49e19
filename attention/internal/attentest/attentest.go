// Package attentest has what the tests of attention and its leaves share:
// tensors to compute with, and checks of errors.
package attentest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention/problem"
)

// Half is the F16 nearest to x.
func Half(x float32) float16.Float16 { return float16.Fromfloat32(x) }

// Random draws [batch, heads, seq, dim] from N(0, spread²) with a seed.
func Random(seed uint64, batch, heads, seq, dim int, spread float64) problem.Tensor {
	rng := rand.New(rand.NewPCG(seed, 7))
	data := make([]float16.Float16, batch*heads*seq*dim)
	for i := range data {
		data[i] = Half(float32(rng.NormFloat64() * spread))
	}
	return problem.HostBHSD(data, batch, heads, seq, dim)
}

// Spread is random q, k and v whose scores have a spread of about 4, so that
// softmax is neither flat nor a single key.
func Spread(seed uint64, s problem.Shape) (q, k, v problem.Tensor) {
	return Random(seed, s.Batch, s.Heads, s.QLen, s.HeadDim, 2),
		Random(seed+1, s.Batch, s.KVHeads, s.KVLen, s.HeadDim, 2),
		Random(seed+2, s.Batch, s.KVHeads, s.KVLen, s.HeadDim, 1)
}

// SlicePositions views positions [from, to) of t, which is on the host.
func SlicePositions(t problem.Tensor, from, to int) problem.Tensor {
	t.Host = t.Host[from*t.Strides[2]:]
	t.Shape[2] = to - from
	return t
}

// ToBSHD copies t, which is on the host, into the layout [batch, positions, heads, dim].
func ToBSHD(t problem.Tensor) problem.Tensor {
	out := problem.HostBSHD(make([]float16.Float16, len(t.Host)), t.Shape[0], t.Shape[2], t.Shape[1], t.Shape[3])
	for b := range t.Shape[0] {
		for h := range t.Shape[1] {
			for s := range t.Shape[2] {
				copy(out.At(b, h, s), t.At(b, h, s))
			}
		}
	}
	return out
}

// Count is the number of true values.
func Count(flags []bool) (n int) {
	for _, f := range flags {
		if f {
			n++
		}
	}
	return n
}

// Near says whether two numbers differ by at most tolerance. NaN is near NaN
// alone, and an infinity near the same one.
func Near[W, G float32 | float64](want W, got G, tolerance float64) bool {
	w, g := float64(want), float64(got)
	return w == g || math.Abs(w-g) <= tolerance || math.IsNaN(w) && math.IsNaN(g)
}

// RequireNear demands that numbers are near one by one: what names them.
func RequireNear[W, G float32 | float64](t testing.TB, want []W, got []G, tolerance float64, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	for i, w := range want {
		if !Near(w, got[i], tolerance) {
			t.Fatalf("%s: number %d of %d is %v, which is not within %g of %v", what, i, len(want), got[i], tolerance, w)
		}
	}
}

// RequireArgument demands an ArgumentError on a field that names its way out.
func RequireArgument(t *testing.T, err error, field string) {
	t.Helper()
	var argErr *problem.ArgumentError
	require.ErrorAs(t, err, &argErr, "an error on %s", field)
	assert.Equal(t, field, argErr.Field)
	assert.NotEmpty(t, argErr.Problem)
	assert.NotEmpty(t, argErr.Try)
	assert.Equal(t, "attention: "+argErr.Field+" "+argErr.Problem+"; "+argErr.Try, err.Error())
}

// Lengthy is normal q, k and v, of which every 61st key is longer, so that
// stripes stand out.
func Lengthy(s problem.Shape, seed uint64) (q, k, v problem.Tensor) {
	random := rand.New(rand.NewPCG(seed, 7))
	fill := func(heads, seq int, scale func(i int) float64) problem.Tensor {
		data := make([]float16.Float16, s.Batch*heads*seq*s.HeadDim)
		for i := range data {
			data[i] = Half(float32(scale(i/s.HeadDim%seq) * random.NormFloat64()))
		}
		return problem.HostBHSD(data, s.Batch, heads, seq, s.HeadDim)
	}
	one := func(int) float64 { return 1 }
	long := func(i int) float64 {
		if i%61 == 30 {
			return 3
		}
		return 1
	}
	return fill(s.Heads, s.QLen, one), fill(s.KVHeads, s.KVLen, long), fill(s.KVHeads, s.KVLen, one)
}

// SelectiveParams make groups of 64 positions whose stripes are neither none nor
// all of what [Selective] gives.
func SelectiveParams() problem.Params {
	return problem.Params{Theta: 3, Step: 4, Block: 16, SinkBlocks: 1, WindowBlocks: 1}
}

// Selective is the same with queries of 64 positions that have a direction in
// common, without which their mean would vanish.
func Selective(s problem.Shape, seed uint64) (q, k, v problem.Tensor) {
	q, k, v = Lengthy(s, seed)
	for b := range s.Batch {
		for h := range s.Heads {
			for i := range s.QLen {
				row, leader := q.At(b, h, i), q.At(b, h, i/64*64)
				for d := range row {
					row[d] = Half(0.6*row[d].Float32() + leader[d].Float32())
				}
			}
		}
	}
	return q, k, v
}

// Copying is Selective in which every second group of 64 rows copies: each of
// its rows points at one key of its own, some way back.
func Copying(s problem.Shape, seed uint64) (q, k, v problem.Tensor) {
	q, k, v = Selective(s, seed)
	for unit := range s.Batch * s.Heads {
		b, h := unit/s.Heads, unit%s.Heads
		for i := range s.QLen {
			p := s.Prefix() + i
			if p/64%2 == 0 || p < 200 {
				continue
			}
			row, key := q.At(b, h, i), k.At(b, s.KVHead(h), 17+(p*7)%(p-190))
			for d := range row {
				row[d] = Half(2.5 * key[d].Float32())
			}
		}
	}
	return q, k, v
}
