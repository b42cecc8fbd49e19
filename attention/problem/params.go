package problem

import (
	"math"

	"github.com/anchorvk/anchorvk/internal/ceil"
)

// MaxIndex is the largest length, in positions, that is accepted anywhere:
// kernels count positions in signed 32-bit integers.
const MaxIndex = math.MaxInt32

// smallestNormal is the smallest number that fp32 holds in full precision.
const smallestNormal = 0x1p-126

// Params are the knobs of AnchorAttention (arXiv 2505.23520). The zero value
// is not valid; start from [DefaultParams].
type Params struct {
	// Theta is the largest allowed distance below the anchor, in natural-log
	// score units (score = q.k*scale). A candidate key becomes a stripe when
	// its pooled score is at least the pooled anchor minus Theta. +Inf keeps
	// every candidate (dense attention), -Inf keeps none (without Guard the
	// anchor only), whatever the scores are. NaN is rejected.
	Theta float64 `json:"theta"`
	// Step is the number of blocks in a group; a group shares one stripe list.
	Step int `json:"step"`
	// Block is the number of query positions that are pooled together, and the
	// unit of SinkBlocks and WindowBlocks. A positive multiple of 16.
	Block int `json:"block"`
	// SinkBlocks is how many blocks of first keys every row attends. Zero is
	// allowed: the group's own rows are always attended, so no row is left
	// without an anchor.
	SinkBlocks int `json:"sink_blocks"`
	// WindowBlocks is how many blocks before the group's first position every
	// row of the group attends. Zero is allowed, for the same reason.
	WindowBlocks int `json:"window_blocks"`
	// Scale multiplies q.k. Zero means 1/sqrt(head_dim).
	Scale float64 `json:"scale"`
	// Tail is how many of the call's last rows attend every key, whatever their
	// group keeps: the rows that answer a prompt's question. 0 for none. Rows of
	// the tail take part in the choice of stripes like others, so that all other
	// rows are what they would be without it. In a prompt that is prefilled in
	// chunks only the last chunk's tail counts.
	Tail int `json:"tail"`
	// Sample chooses stripes by sampled rows, in place of pooled ones and Theta.
	Sample Sample `json:"sample"`
	// Guard looks after the (head, group)s whose stripes are not enough.
	Guard Guard `json:"guard"`
	// Heads are modes and thetas of single query heads, one entry for each, or
	// nil. Not to be changed while a plan or an oracle uses it.
	Heads []Head `json:"heads,omitempty"`
}

// DefaultParams returns the values of the paper: theta 12, groups of 16 blocks
// of 128 rows, one sink block, one window block, scale 1/sqrt(head_dim).
func DefaultParams() Params {
	return Params{Theta: 12, Step: 16, Block: 128, SinkBlocks: 1, WindowBlocks: 1}
}

// Group is the number of positions that share a stripe list: Block*Step.
func (p Params) Group() int { return p.Block * p.Step }

// Groups is the number of groups up to the last of so many keys, counted from
// position 0: ceil(keys/Group). The rows of a call may begin in a later one.
func (p Params) Groups(keys int) int { return ceil.Div(keys, p.Group()) }

// Sink is the number of first keys that every row attends: SinkBlocks*Block.
func (p Params) Sink() int { return p.SinkBlocks * p.Block }

// Window is the number of keys before the group that its rows attend:
// WindowBlocks*Block.
func (p Params) Window() int { return p.WindowBlocks * p.Block }

// ScaleFor is the factor applied to q.k for heads of headDim elements.
func (p Params) ScaleFor(headDim int) float64 {
	if p.Scale != 0 {
		return p.Scale
	}
	return 1 / math.Sqrt(float64(headDim))
}

// Validate returns an [*ArgumentError] for the first parameter out of range.
func (p Params) Validate() error {
	switch {
	case math.IsNaN(p.Theta):
		return Errorf("Params.Theta", "use a number such as 12, +Inf for dense attention or -Inf for the anchor only", "is NaN")
	case p.Block < 16 || p.Block%16 != 0:
		return Errorf("Params.Block", "use a positive multiple of 16, such as 128", "is %d", p.Block)
	case p.Step < 1:
		return Errorf("Params.Step", "use 1 or more, such as 16", "is %d", p.Step)
	case p.SinkBlocks < 0:
		return Errorf("Params.SinkBlocks", "use 0 or more, such as 1", "is %d", p.SinkBlocks)
	case p.WindowBlocks < 0:
		return Errorf("Params.WindowBlocks", "use 0 or more, such as 1", "is %d", p.WindowBlocks)
	case math.IsNaN(p.Scale) || math.IsInf(p.Scale, 0) || p.Scale < 0:
		return Errorf("Params.Scale", "use a positive finite number, or 0 for 1/sqrt(head_dim)", "is %v", p.Scale)
	case p.Scale > 0 && p.Scale*math.Log2E < smallestNormal: // a GPU may take it for zero, which times the -inf of hidden scores is NaN
		return Errorf("Params.Scale", "use a larger number, or 0 for 1/sqrt(head_dim)", "is %v, less than fp32 holds in units of log2", p.Scale)
	case p.Scale > math.MaxFloat32/math.Log2E: // kernels hold Scale*log2(e) in fp32
		return Errorf("Params.Scale", "use a smaller number, or 0 for 1/sqrt(head_dim)", "is %v, more than fp32 holds in units of log2", p.Scale)
	case p.Tail < 0 || p.Tail > MaxIndex:
		return Errorf("Params.Tail", "use a number of rows such as 128, or 0 for none", "is %d", p.Tail)
	}
	for _, span := range []struct {
		field  string
		blocks int
	}{
		{"Params.Step", p.Step}, {"Params.SinkBlocks", p.SinkBlocks}, {"Params.WindowBlocks", p.WindowBlocks},
	} {
		if span.blocks > MaxIndex/p.Block {
			return Errorf(span.field, "use a smaller value", "is %d, which at block %d spans more than %d positions", span.blocks, p.Block, MaxIndex)
		}
	}
	if err := p.Sample.validate(); err != nil {
		return err
	}
	for i, h := range p.Heads {
		if err := h.validate(i, p.Sample); err != nil {
			return err
		}
	}
	return p.Guard.validate(p.Sample)
}
