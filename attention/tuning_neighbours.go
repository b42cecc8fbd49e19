package attention

import (
	"slices"

	"github.com/anchorvk/anchorvk/vk"
)

// Kernels that a tuning shapes.
const (
	TuneAttend   = "attend"   // the attention kernels
	TuneIdentify = "identify" // the stripe search
)

// Choice is the tuning as a choice that gives it again on the same device, but
// for Range, which lengths may demand.
func (p *Plan) Choice() TuningChoice { return p.Tuning.choice(p.Tier) }

func (t Tuning) choice(tier Tier) TuningChoice {
	shape := func(s KernelShape) ShapeChoice {
		if tier.onMatrixUnits() {
			return ShapeChoice{Subgroups: s.Local / s.Lanes, Rows: s.Rows, Keys: s.Keys, Slices: s.Slices, Lean: s.Lean}
		}
		return ShapeChoice{Local: s.Local, Lanes: s.Lanes, Rows: s.Rows, Keys: s.Keys}
	}
	return TuningChoice{Way: t.Way, SubgroupSize: t.Subgroup, Matrix: t.Matrix, Attend: shape(t.Attend), Identify: shape(t.Identify)}
}

// TuningNeighbours are the choices one step away from a choice that the
// device, the tier's kernels and the head dimension allow: one of a kernel's
// rows, keys, lanes and workgroup halved or doubled; for the attention
// kernels also another way of reading, a subgroup size, or a matrix product.
func TuningNeighbours(r *vk.Report, tier Tier, headDim int, from TuningChoice, kernels string) []TuningChoice {
	var all []TuningChoice
	add := func(edit func(*TuningChoice)) {
		next := from
		edit(&next)
		tuned := next.resolve(r, tier, headDim)
		if next != from && illegal(r, tier, headDim, tuned) == "" && next.unmet(tier, tuned) == "" && !slices.Contains(all, next) {
			all = append(all, next)
		}
	}
	shape := (*TuningChoice).attendShape
	if kernels == TuneIdentify {
		shape = (*TuningChoice).identifyShape
	}
	for _, field := range []func(*ShapeChoice) *int{
		func(s *ShapeChoice) *int { return &s.Rows },
		func(s *ShapeChoice) *int { return &s.Keys },
		func(s *ShapeChoice) *int { return &s.Lanes },
		func(s *ShapeChoice) *int { return &s.Local },
		func(s *ShapeChoice) *int { return &s.Subgroups },
		func(s *ShapeChoice) *int { return &s.Slices },
	} {
		add(func(c *TuningChoice) { *field(shape(c)) *= 2 })
		if n := *field(shape(&from)); n > 1 {
			add(func(c *TuningChoice) { *field(shape(c)) = n / 2 })
		}
	}
	if kernels == TuneIdentify {
		return all // the way and the subgroup size are common to both
	}
	for _, way := range allWays {
		if way == wayFor(r, tier, way) {
			add(func(c *TuningChoice) { c.Way = way })
		}
	}
	if from.SubgroupSize > 0 {
		add(func(c *TuningChoice) { c.SubgroupSize *= 2 })
		add(func(c *TuningChoice) { c.SubgroupSize /= 2 })
	}
	for _, m := range products(r, tier) {
		if tier.onMatrixUnits() {
			add(func(c *TuningChoice) {
				if c.Matrix = m; tier == TierCoop && !m.isCube() {
					c.Way = wayUint
				}
			})
		}
	}
	return all
}

func (c *TuningChoice) attendShape() *ShapeChoice   { return &c.Attend }
func (c *TuningChoice) identifyShape() *ShapeChoice { return &c.Identify }
