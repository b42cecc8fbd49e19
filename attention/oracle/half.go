package oracle

import (
	"math"

	"github.com/x448/float16"
)

// HalfReference is attention as a plain fp16 implementation computes it, row
// by row: what PyTorch's unfused attention does with fp16 tensors. Its error
// against the [Oracle] is the yardstick for kernels ("at most twice a plain
// fp16 implementation's", the bound that the flash-attention project tests).
//
// Each tensor between two steps is rounded to fp16, each step works in fp32:
//
//	q'     = fp16(q * scale)
//	score  = fp16(sum of q'*k in fp32)
//	weight = fp16(exp(score - top) / sum), top, exp and sum in fp32
//	out    = fp16(sum of weight*v in fp32)
//
// The stripes are the oracle's, so that only arithmetic differs.
type HalfReference struct{ oracle *Oracle }

// Half returns the plain fp16 implementation of the same problem.
func (o *Oracle) Half() HalfReference { return HalfReference{o} }

// DenseRow is [Oracle.DenseRow] in plain fp16.
func (r HalfReference) DenseRow(b, h, row int, out []float64) (lse float64) {
	return r.attend(b, h, row, r.oracle.denseKeys(row), out)
}

// AnchorRow is [Oracle.AnchorRow] in plain fp16.
func (r HalfReference) AnchorRow(b, h, row int, kept []bool, out []float64) (lse float64) {
	return r.attend(b, h, row, r.oracle.anchorKeys(row, kept), out)
}

func (r HalfReference) attend(b, h, row int, keys []int, out []float64) (lse float64) {
	o := r.oracle
	rows := o.head(b, o.Shape.KVHead(h))
	scale := float32(o.Params.ScaleFor(o.Shape.HeadDim))
	q := make([]float32, o.Shape.HeadDim)
	for d, x := range o.Q.At(b, h, row) {
		q[d] = roundHalf(x.Float32() * scale)
	}

	weights := make([]float32, len(keys))
	top := float32(math.Inf(-1))
	for i, j := range keys {
		var sum float32
		for d, k := range rows.key(j) {
			sum += float32(q[d] * float32(k))
		}
		weights[i] = roundHalf(sum)
		if weights[i] > top {
			top = weights[i]
		}
	}
	var total float32
	for i, s := range weights {
		weights[i] = float32(math.Exp(float64(s - top)))
		total += weights[i]
	}

	sums := make([]float32, o.Shape.HeadDim)
	for i, j := range keys {
		w := roundHalf(weights[i] / total)
		for d, v := range rows.value(j) {
			sums[d] += float32(w * float32(v))
		}
	}
	for d, sum := range sums {
		out[d] = float64(roundHalf(sum))
	}
	return float64(top) + math.Log(float64(total))
}

// roundHalf rounds to the nearest fp16 value, ties to even; beyond the range
// to an infinity.
func roundHalf(x float32) float32 { return float16.Fromfloat32(x).Float32() }
