package attention

// Times are GPU times in milliseconds, from timestamps; all zero where they are
// not known: on a device without them, and where its clock was found wrong,
// as Stats.Warnings says. Anchor covers the anchor keys and the pooling,
// Identify the search for stripes, the guard and the lists, Attention the
// stripes and all dense work, the tail too.
type Times struct {
	Total     float64 `json:"total"`
	Anchor    float64 `json:"anchor"`
	Identify  float64 `json:"identify"`
	Attention float64 `json:"attention"`
}

// Stats say what a run did.
type Stats struct {
	Mode     Mode    `json:"mode"` // that ran: dense after a fallback
	Tier     Tier    `json:"tier"`
	TimeMS   Times   `json:"time_ms"`
	HostMS   float64 `json:"host_ms"`     // wall time of the call, from its turn on
	OwnMS    float64 `json:"host_own_ms"` // its share outside of waiting for the device and moving host tensors
	PausedMS float64 `json:"paused_ms"`   // time in which the device was left to others, for RunOptions.DutyCycle
	Slices   int     `json:"slices"`      // submissions
	Fallback string  `json:"fallback"`    // why dense ran, or ""
	Refused  string  `json:"refused"`     // better tiers that the driver could not build, with the reason, or ""
	// Warnings are sentences about what the caller should know though the
	// result is right, from the plan, such as a chunk that begins inside a group,
	// and from the run.
	Warnings []string `json:"warnings,omitempty"`

	ComputedRatio float64 `json:"computed_ratio"` // computed (row, key) pairs / causal pairs
	Sparsity      float64 `json:"sparsity"`       // 1 - ComputedRatio
	StripeRatio   float64 `json:"stripe_ratio"`   // kept stripes / candidates; 0 without candidates
	ScratchBytes  uint64  `json:"scratch_bytes"`

	// SelectionRatio is what the choice of keys costs besides: products of
	// pooled and of sampled rows with keys, half a pair each, / causal pairs.
	SelectionRatio float64 `json:"selection_ratio"`
	// GuardedRatio is the share of the (head, group)s with candidates that failed
	// the guard, so that it kept all their candidates, or looked again.
	GuardedRatio float64 `json:"guarded_ratio"`
	// MissedMass estimates what the run lost: the probability that lies on
	// missed peaks, as the guard measured it on sampled rows (where these chose the
	// stripes, by what each half of them would have missed, which is more), in the mean over
	// the rows of the call, those that miss nothing included. Where a (head, group)
	// failed, what its further stripes still miss is not measured, and counts as
	// nothing. 0 without a guard.
	MissedMass float64 `json:"missed_mass"`
}

// countPairs fills in the ratios from the number of stripes of every unit.
// missed is what the guard found of each; empty without it.
func (s *Stats) countPairs(p *Plan, units unitOrder, counts []uint32, missed []float32) {
	s.ComputedRatio, s.Sparsity, s.StripeRatio = 1, 0, 0
	if len(counts) == 0 {
		return
	}
	skipped, stripes, candidates := 0.0, 0.0, 0.0
	tail := tailStart(p.Shape, p.Params)
	guarded, lost, looks := 0.0, 0.0, 0.0
	for i, count := range counts {
		_, _, group := units.at(i)
		start := group * p.Params.Group()
		rows := float64(max(0, min(start+p.Params.Group(), tail)-max(start, p.Shape.Prefix())))
		room := float64(start - p.Params.Window() - p.Params.Sink())
		skipped += rows * (room - float64(count))
		stripes += float64(count)
		candidates += room
		if len(missed) == 0 {
			continue
		}
		if missed[i] > float32(p.Params.Guard.Limit) {
			guarded++
			if p.Params.Guard.Look > 0 {
				looks += sweepFlops(p.Params, p.Shape.HeadDim, max(start, p.Shape.Prefix()), min(start+p.Params.Group(), p.Shape.KVLen), p.Params.Guard.Look)
			}
		} else {
			lost += rows * float64(missed[i])
		}
	}
	causal := float64(p.Shape.Batch*p.Shape.Heads) * trianglePairs(p.Shape.Prefix(), p.Shape.KVLen)
	s.ComputedRatio = 1 - skipped/causal
	s.Sparsity = skipped / causal
	s.StripeRatio = stripes / candidates
	s.SelectionRatio = (selectionFlops(p.Shape, p.Params) + looks) / p.Cost.Dense
	s.GuardedRatio = guarded / float64(len(counts))
	s.MissedMass = lost / float64(p.Shape.Batch*p.Shape.Heads*p.Shape.QLen)
}

// selectionFlops is the work of choosing keys without second looks.
func selectionFlops(s Shape, p Params) float64 {
	p.Guard.Look = 0
	c := predict(s, p, 0)
	return c.Identify + c.Guard
}

// unitOrder numbers the (head, group) pairs of a call as the kernels do: by
// batch entry, then by span of heads that are not dense, then late groups
// first, then by head.
type unitOrder struct {
	spans     []headSpan
	heads     int // of a batch entry, without dense ones
	groups    int // groups with candidates
	lastGroup int
}

func (p *Plan) unitOrder(spans []headSpan) unitOrder {
	last := (p.Shape.KVLen - 1) / p.Params.Group()
	return unitOrder{spans, p.sparseHeads(), last - firstSparseGroup(p.Shape, p.Params) + 1, last}
}

// at returns the batch entry, query head and group of a unit.
func (o unitOrder) at(unit int) (batch, head, group int) {
	batch, unit = unit/(o.heads*o.groups), unit%(o.heads*o.groups)
	for _, s := range o.spans {
		if s.head.IsDense() {
			continue
		}
		if unit < s.count*o.groups {
			return batch, s.first + unit%s.count, o.lastGroup - unit/s.count
		}
		unit -= s.count * o.groups
	}
	panic("attention: a unit past the last one")
}
