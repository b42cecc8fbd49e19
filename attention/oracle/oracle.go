package oracle

import (
	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/anchorvk/anchorvk/internal/plural"
)

// Oracle computes dense and anchor attention in float64 with plain loops. It
// defines what is correct: every kernel is compared with it.
//
// # The causal matrix
//
// Rows are queries, columns are keys, both by absolute position. This is one
// group of rows, s <= p < s+G, with b = Block, G = Block*Step, and the keys of
// every row p cut into three parts:
//
//	          sink        candidates          window     the group itself
//	key       0 .. sink-1 sink .. s-window-1  s-window .. s-1  s .. s+G-1
//	          ┌──────────┬───────────────────┬───────────────┬───────────┐
//	row s     │##########│··|···|·······|··|·│###############│#          │ ┐
//	row s+1   │##########│··|···|·······|··|·│###############│##         │ │ block 0
//	...       │##########│··|···|·······|··|·│###############│###        │ ┘
//	row s+b   │##########│··|···|·······|··|·│###############│####       │ ┐ block 1
//	...       │##########│··|···|·······|··|·│###############│#####      │ ┘
//	          └──────────┴───────────────────┴───────────────┴───────────┘
//	# anchor key, always attended     | stripe, kept for the whole group
//	· candidate not kept              (blank) the future
//
// The three parts partition the causal keys [0, p] of every row:
//
//	anchor      [0, min(sink, p+1)) and [max(sink, s-window), p]
//	candidates  [sink, s-window), empty for the first groups
//
// x(p) is the largest score q.k*scale of row p over its anchor keys. For each
// block r of the group, q̄ and m̄ are the means of q and x over the rows of the
// block that exist in the call; a call that begins or ends inside a block
// pools what it has. Candidate j is a stripe of the group when some block has
// q̄.k_j*scale >= m̄ - Theta. The row's output is the softmax over its anchor
// keys and the group's stripes together.
//
// # Tail and guard
//
// Two additions that Params switches on. The last Tail rows of the call attend
// every key; the choice of stripes is the same as without them.
//
// The guard looks at the sampled rows of each group that has candidates, those
// at positions p with p mod Stride = 0. Let P_j be such a row's softmax over all
// its causal keys. What it misses is the sum of P_j over the candidates j that
// are no stripes and have P_j >= Peak. Where the mean of that over the group's
// sampled rows exceeds Limit, all candidates of this head and group are
// stripes. It depends on nothing but the group's own rows and the keys before
// them. With Theta = +Inf there is nothing to miss, and the guard is left out.
//
// Params.Heads gives single heads a theta of their own, no stripes at all
// without a guard (HeadAnchorOnly), or every key (HeadDense).
//
// Keys are visited in ascending order in every mode. With every candidate kept
// a row therefore gives the bits of the dense row, and the same row computed
// in another call with the same keys gives the same bits.
//
// # NaN and infinities
//
// Comparisons with NaN are false, so that NaN selects nothing: a maximum
// passes over a NaN score (the maximum of NaN scores only is -Inf), a block
// with NaN in its pooled query keeps no candidate, and a candidate with NaN in
// its key is not a stripe. NaN in a query gives NaN in its whole row. NaN in a
// key gives NaN in the whole of each row that attends the key. NaN in a value
// gives NaN in that element of each row that attends it, even with weight
// zero. All other rows are those that the surviving selection gives;
// rows of other groups, batches and heads are untouched unless they attend the
// key or value. Infinities follow IEEE 754: a score of -Inf has weight zero, a
// score of +Inf makes the row NaN, and so does a row with no score above -Inf.
// Theta = +Inf and -Inf keep all and no candidates without a comparison, so
// that both laws hold for any input.
//
// An Oracle may be used by several goroutines. Make it with [New].
type Oracle struct {
	Shape   problem.Shape
	Params  problem.Params
	Q, K, V problem.Tensor // in host memory

	wide  *[3][]float32 // numbers that stand for those of Q, K and V, see OfF32
	cache kvCache
}

// New checks its arguments and returns an oracle for them. The tensors
// must be in host memory and must not change while the oracle is used. Errors
// are [*problem.ArgumentError].
func New(shape problem.Shape, params problem.Params, q, k, v problem.Tensor) (*Oracle, error) {
	if err := shape.Validate(); err != nil {
		return nil, err
	}
	if err := params.ValidateFor(shape); err != nil {
		return nil, err
	}
	for _, t := range []struct {
		name       string
		tensor     problem.Tensor
		heads, seq int
	}{
		{"Q", q, shape.Heads, shape.QLen}, {"K", k, shape.KVHeads, shape.KVLen}, {"V", v, shape.KVHeads, shape.KVLen},
	} {
		if err := t.tensor.ValidateFor(t.name, shape.Batch, t.heads, t.seq, shape.HeadDim); err != nil {
			return nil, err
		}
		if t.tensor.Host == nil {
			return nil, problem.Errorf(t.name, "download it first", "is on a device, where the oracle cannot read it")
		}
	}
	return &Oracle{Shape: shape, Params: params, Q: q, K: k, V: v}, nil
}

// OfF32 returns an oracle of the same problem whose numbers are q, k and v,
// contiguous [batch, heads, positions, head_dim], instead of the tensors' F16:
// what the problem was before its conversion. Errors are [*problem.ArgumentError].
func (o *Oracle) OfF32(q, k, v []float32) (*Oracle, error) {
	s := o.Shape
	for _, t := range []struct {
		name       string
		data       []float32
		heads, seq int
	}{{"q", q, s.Heads, s.QLen}, {"k", k, s.KVHeads, s.KVLen}, {"v", v, s.KVHeads, s.KVLen}} {
		if need := s.Batch * t.heads * t.seq * s.HeadDim; len(t.data) != need {
			return nil, problem.Errorf(t.name, "pass the whole tensor", "has %s where the shape needs %d", plural.Of(len(t.data), "element", "elements"), need)
		}
	}
	return &Oracle{Shape: s, Params: o.Params, Q: o.Q, K: o.K, V: o.V, wide: &[3][]float32{q, k, v}}, nil
}

// query writes a row of Q to dst.
func (o *Oracle) query(dst []float64, b, h, row int) {
	if o.wide == nil {
		widen(dst, o.Q.At(b, h, row))
		return
	}
	at := ((b*o.Shape.Heads+h)*o.Shape.QLen + row) * o.Shape.HeadDim
	for d, x := range o.wide[0][at : at+o.Shape.HeadDim] {
		dst[d] = float64(x)
	}
}

// Position is the absolute position of a row of the call.
func (o *Oracle) Position(row int) int { return o.Shape.Prefix() + row }

// Groups is the number of groups up to the last key, counted from position 0:
// ceil(KVLen/G). The call's rows may begin in a later one.
func (o *Oracle) Groups() int { return o.Params.Groups(o.Shape.KVLen) }

// FirstGroup is the group of the call's first row.
func (o *Oracle) FirstGroup() int { return o.GroupOf(0) }

// GroupOf is the group of a row of the call.
func (o *Oracle) GroupOf(row int) int { return o.Position(row) / o.Params.Group() }

// GroupRows returns the rows [lo, hi) of the call that lie in a group; lo == hi
// when there are none.
func (o *Oracle) GroupRows(group int) (lo, hi int) {
	start := group * o.Params.Group()
	return o.rowsBetween(start, start+o.Params.Group())
}

// rowsBetween returns the rows [lo, hi) of the call at positions [from, to).
func (o *Oracle) rowsBetween(from, to int) (lo, hi int) {
	lo = max(from-o.Shape.Prefix(), 0)
	hi = min(to-o.Shape.Prefix(), o.Shape.QLen)
	return lo, max(lo, hi)
}

// Candidates returns the keys [lo, hi) that a group may keep as stripes; lo ==
// hi when there are none.
func (o *Oracle) Candidates(group int) (lo, hi int) {
	lo = o.Params.Sink()
	return lo, max(lo, group*o.Params.Group()-o.Params.Window())
}

// anchorParts returns the end of the sink and the start of the window for the
// row at position p: its anchor keys are [0, sinkEnd) and [windowStart, p].
func (o *Oracle) anchorParts(p int) (sinkEnd, windowStart int) {
	groupStart := p / o.Params.Group() * o.Params.Group()
	sinkEnd = min(o.Params.Sink(), p+1)
	windowStart = max(o.Params.Sink(), groupStart-o.Params.Window())
	return sinkEnd, min(windowStart, p+1)
}
