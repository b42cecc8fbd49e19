package rivals

import (
	"math"
	"slices"

	"github.com/anchorvk/anchorvk/attention"
)

// Head is one query head with the KV head that it reads, in float32, row after
// row. Rows are named by their absolute position.
type Head struct {
	Dim     int
	First   int // position of the first query row
	Keys    int // number of keys; the last query row is at position Keys-1
	Q, K, V []float32
	Scale   float32
}

// NewHead converts a query head of host tensors.
func NewHead(s attention.Shape, scale float64, q, k, v attention.Tensor, batch, head int) *Head {
	return &Head{
		Dim: s.HeadDim, First: s.Prefix(), Keys: s.KVLen, Scale: float32(scale),
		Q: widen(q, batch, head), K: widen(k, batch, s.KVHead(head)), V: widen(v, batch, s.KVHead(head)),
	}
}

func widen(t attention.Tensor, b, h int) []float32 {
	seq, dim := t.Shape[2], t.Shape[3]
	out := make([]float32, 0, seq*dim)
	for s := range seq {
		for _, x := range t.At(b, h, s) {
			out = append(out, x.Float32())
		}
	}
	return out
}

// Query is the query at a position.
func (h *Head) Query(p int) []float32 { return h.Q[(p-h.First)*h.Dim:][:h.Dim] }

// Key is key j.
func (h *Head) Key(j int) []float32 { return h.K[j*h.Dim:][:h.Dim] }

// Value is value j.
func (h *Head) Value(j int) []float32 { return h.V[j*h.Dim:][:h.Dim] }

// Score is q.k*scale.
func (h *Head) Score(p, j int) float32 { return Dot(h.Query(p), h.Key(j)) * h.Scale }

// Softmax writes the probabilities of the causal keys of the row at a position
// to p, which has position+1 elements, and returns the log-sum-exp of its
// scores (natural log).
func (h *Head) Softmax(position int, p []float32) (lse float64) {
	q := h.Query(position)
	top := float32(math.Inf(-1))
	for j := range p {
		p[j] = Dot(q, h.Key(j)) * h.Scale
		top = max(top, p[j])
	}
	sum := 0.0
	for j, s := range p {
		w := math.Exp(float64(s - top))
		sum += w
		p[j] = float32(w)
	}
	inverse := float32(1 / sum)
	for j := range p {
		p[j] *= inverse
	}
	return float64(top) + math.Log(sum)
}

// softmax turns scores into probabilities.
func softmax(scores []float64) {
	top, sum := slices.Max(scores), 0.0
	for i, s := range scores {
		scores[i] = math.Exp(s - top)
		sum += scores[i]
	}
	for i := range scores {
		scores[i] /= sum
	}
}

// causalPairs counts the (row, key) pairs that causality allows.
func (h *Head) causalPairs() float64 {
	first, end := float64(h.First), float64(h.Keys)
	return (end*(end+1) - first*(first+1)) / 2
}

// blocks is the number of blocks of positions.
func (h *Head) blocks() int { return (h.Keys + block - 1) / block }

// rowsOf returns the positions [from, to) of the rows in a block.
func (h *Head) rowsOf(b int) (from, to int) {
	return max(h.First, b*block), min(h.Keys, (b+1)*block)
}

// Pool returns the means of neighbouring vectors: those of positions
// [first, first+len/dim) in blocks counted from position 0. Blocks without any
// are nil.
func Pool(vectors []float32, dim, first, size int) [][]float32 {
	count := len(vectors) / dim
	means := make([][]float32, (first+count+size-1)/size)
	n := make([]float32, len(means))
	for i := range count {
		b := (first + i) / size
		if means[b] == nil {
			means[b] = make([]float32, dim)
		}
		for d, x := range vectors[i*dim : (i+1)*dim] {
			means[b][d] += x
		}
		n[b]++
	}
	for b, mean := range means {
		for d := range mean {
			mean[d] /= n[b]
		}
	}
	return means
}

// Dot is the product of two vectors. It adds in four lanes. Lengths are multiples of 8.
func Dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	for len(a) >= 8 && len(b) >= 8 {
		x, y := (*[8]float32)(a), (*[8]float32)(b)
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
		s0 += x[4] * y[4]
		s1 += x[5] * y[5]
		s2 += x[6] * y[6]
		s3 += x[7] * y[7]
		a, b = a[8:], b[8:]
	}
	return (s0 + s1) + (s2 + s3)
}
