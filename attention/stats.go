package attention

// Times are GPU times in milliseconds, from timestamps; all zero where they are
// not known: on a device without them, and where its clock was found wrong,
// which Stats.Warnings tells. Anchor covers the anchor keys and the pooling, Identify the
// search for stripes and their lists, Attention the stripes and all dense work.
type Times struct {
	Total     float64 `json:"total"`
	Anchor    float64 `json:"anchor"`
	Identify  float64 `json:"identify"`
	Attention float64 `json:"attention"`
}

// Stats say what a run did.
type Stats struct {
	Mode     string  `json:"mode"` // as asked for
	Tier     string  `json:"tier"`
	TimeMS   Times   `json:"time_ms"`
	HostMS   float64 `json:"host_ms"`     // wall time of the call, from its turn on
	OwnMS    float64 `json:"host_own_ms"` // its share outside of waiting for the device and moving host tensors
	PausedMS float64 `json:"paused_ms"`   // time in which the device was left to others, for RunOptions.DutyCycle
	Slices   int     `json:"slices"`      // submissions
	Fallback string  `json:"fallback"`    // why dense ran, or ""
	Refused  string  `json:"refused"`     // better tiers that the driver could not build, with the reason, or ""
	// Warnings are sentences about what the caller should know though the
	// result is right: those of the plan, such as a chunk that begins inside a
	// group, and those of the run.
	Warnings []string `json:"warnings,omitempty"`

	ComputedRatio float64 `json:"computed_ratio"` // computed (row, key) pairs / causal pairs
	Sparsity      float64 `json:"sparsity"`       // 1 - ComputedRatio
	StripeRatio   float64 `json:"stripe_ratio"`   // kept stripes / candidates; 0 without candidates
	ScratchBytes  uint64  `json:"scratch_bytes"`
}

// countPairs fills in the ratios from the number of stripes of every unit.
func (s *Stats) countPairs(p *Plan, units unitOrder, counts []uint32) {
	s.ComputedRatio, s.Sparsity, s.StripeRatio = 1, 0, 0
	if len(counts) == 0 {
		return
	}
	skipped, stripes, candidates := 0.0, 0.0, 0.0
	for i, count := range counts {
		_, _, group := units.at(i)
		start := group * p.Params.Group()
		rows := float64(min(start+p.Params.Group(), p.Shape.KVLen) - max(start, p.Shape.Prefix()))
		room := float64(start - p.Params.Window() - p.Params.Sink())
		skipped += rows * (room - float64(count))
		stripes += float64(count)
		candidates += room
	}
	causal := float64(p.Shape.Batch*p.Shape.Heads) * trianglePairs(p.Shape.Prefix(), p.Shape.KVLen)
	s.ComputedRatio = 1 - skipped/causal
	s.Sparsity = skipped / causal
	s.StripeRatio = stripes / candidates
}

// unitOrder numbers the (head, group) pairs of a call as the kernels do: by
// batch entry, then by span of heads, then late groups first, then by head.
type unitOrder struct {
	heads     int // of a batch entry
	spanHeads int // query heads of a span
	groups    int // groups with candidates
	lastGroup int
}

func (p *Plan) unitOrder(spanHeads int) unitOrder {
	last := (p.Shape.KVLen - 1) / p.Params.Group()
	return unitOrder{p.Shape.Heads, spanHeads, last - firstSparseGroup(p.Shape, p.Params) + 1, last}
}

// at returns the batch entry, query head and group of a unit.
func (o unitOrder) at(unit int) (batch, head, group int) {
	batch, unit = unit/(o.heads*o.groups), unit%(o.heads*o.groups)
	span, unit := unit/(o.spanHeads*o.groups), unit%(o.spanHeads*o.groups)
	return batch, span*o.spanHeads + unit%o.spanHeads, o.lastGroup - unit/o.spanHeads
}
