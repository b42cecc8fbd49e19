package problem

import (
	"math"

	"github.com/anchorvk/anchorvk/internal/plural"
)

// Limits on a problem that hold on every device.
const (
	// MaxHeadDim is the largest head dimension.
	MaxHeadDim = 256
	// maxHeadElements bounds the elements of one head: kernels index within a
	// head with signed 32-bit integers.
	maxHeadElements = math.MaxInt32
)

// Shape is the size of one attention problem.
//
// Q and the output are [Batch, Heads, QLen, HeadDim]; K and V are
// [Batch, KVHeads, KVLen, HeadDim]. Row i of a call sits at the absolute
// position KVLen-QLen+i (bottom-right causal alignment), so QLen < KVLen means
// that the call extends a KV prefix. Query head h reads KV head
// h / (Heads/KVHeads).
//
// So a prompt may be prefilled in chunks, a call each. Chunks that end on
// multiples of Params.Group, except the last one, which may end anywhere, give
// the bits of one call over the whole prompt, where all calls run the same mode
// ([PlanOptions].NoFallback) on the same tier. A chunk that begins inside a
// group selects other stripes for the rest of that group, and its results
// differ; [Plan].Warnings and [Stats].Warnings say so. A small Step keeps chunks
// small: 512 rows with Step 4 and Block 128.
type Shape struct {
	Batch   int `json:"batch"`
	Heads   int `json:"heads"`
	KVHeads int `json:"kv_heads"`
	QLen    int `json:"q_len"`
	KVLen   int `json:"kv_len"`
	HeadDim int `json:"head_dim"`
}

// Prefix is the number of keys before the call's first row: KVLen-QLen.
func (s Shape) Prefix() int { return s.KVLen - s.QLen }

// HeadsPerKV is the number of query heads that share a KV head.
func (s Shape) HeadsPerKV() int { return s.Heads / s.KVHeads }

// KVHead is the KV head that query head h reads.
func (s Shape) KVHead(h int) int { return h / s.HeadsPerKV() }

// Validate returns an [*ArgumentError] for the first field out of range.
func (s Shape) Validate() error {
	for _, f := range []struct {
		field string
		value int
	}{
		{"Shape.Batch", s.Batch},
		{"Shape.Heads", s.Heads},
		{"Shape.KVHeads", s.KVHeads},
		{"Shape.QLen", s.QLen},
		{"Shape.KVLen", s.KVLen},
		{"Shape.HeadDim", s.HeadDim},
	} {
		if f.value < 1 {
			return Errorf(f.field, "use 1 or more", "is %d", f.value)
		}
		if f.value > MaxIndex {
			return Errorf(f.field, "split the problem", "is %d, more than the %d that a 32-bit index holds", f.value, MaxIndex)
		}
	}
	switch {
	case headDimTry(s.HeadDim) != "":
		return Errorf("Shape.HeadDim", headDimTry(s.HeadDim), "is %d, and a head dimension is a multiple of 8 up to %d", s.HeadDim, MaxHeadDim)
	case s.Heads%s.KVHeads != 0:
		return Errorf("Shape.Heads", "use a whole number of query heads for each KV head", "is %d, which %d KV heads do not divide", s.Heads, s.KVHeads)
	case s.QLen > s.KVLen:
		return Errorf("Shape.QLen", "pass the keys and values of every query position, or swap q and k if they are mixed up", "is %d, more than the %s", s.QLen, plural.Of(s.KVLen, "key", "keys"))
	case s.KVLen > maxHeadElements/s.HeadDim:
		return Errorf("Shape.KVLen", "prefill in shorter calls", "is %d, and at head_dim %d one head has more than the %d elements that a 32-bit index holds", s.KVLen, s.HeadDim, maxHeadElements)
	}
	heads, ok := product(s.Batch, s.Heads)
	if !ok || heads > MaxIndex {
		return Errorf("Shape.Batch", "split the batch", "is %d, and with %d heads there are more than the %d heads that a 32-bit index holds", s.Batch, s.Heads, MaxIndex)
	}
	// Heads >= KVHeads and KVLen >= QLen, so this bounds every tensor. Bytes,
	// counted in float64 (8), because the oracle makes such copies.
	if _, ok := product(s.Batch, s.Heads, s.KVLen, s.HeadDim, 8); !ok {
		return Errorf("Shape", "split the batch or the heads", "%d x %d x %d x %d overflows 64-bit sizes", s.Batch, s.Heads, s.KVLen, s.HeadDim)
	}
	return nil
}

// product multiplies positive numbers; ok is false when the result does not
// fit in an int.
func product(factors ...int) (result int, ok bool) {
	result = 1
	for _, f := range factors {
		if f != 0 && result > math.MaxInt/f {
			return 0, false
		}
		result *= f
	}
	return result, true
}
