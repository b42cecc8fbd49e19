package tuning

import (
	"slices"

	"github.com/anchorvk/anchorvk/vk"
)

// Neighbours are the choices one step away from a choice that the device, the
// tier's kernels and the head dimension allow: one of a kernel's
// rows, keys, lanes and workgroup halved or doubled; for the attention
// kernels also another way of reading, a subgroup size, or a matrix product.
func Neighbours(r *vk.Report, tier Tier, headDim int, from Choice, kernels string) []Choice {
	var all []Choice
	add := func(edit func(*Choice)) {
		next := from
		edit(&next)
		if next == from || slices.Contains(all, next) {
			return
		}
		if _, why := fit(r, tier, headDim, next, next); why == "" {
			all = append(all, next)
		}
	}
	shape := (*Choice).attendShape
	if kernels == Identify {
		shape = (*Choice).identifyShape
	}
	for _, field := range []func(*ShapeChoice) *int{
		func(s *ShapeChoice) *int { return &s.Rows },
		func(s *ShapeChoice) *int { return &s.Keys },
		func(s *ShapeChoice) *int { return &s.Lanes },
		func(s *ShapeChoice) *int { return &s.Local },
		func(s *ShapeChoice) *int { return &s.Subgroups },
		func(s *ShapeChoice) *int { return &s.Slices },
	} {
		add(func(c *Choice) { *field(shape(c)) *= 2 })
		if n := *field(shape(&from)); n > 1 {
			add(func(c *Choice) { *field(shape(c)) = n / 2 })
		}
	}
	if kernels == Identify {
		return all // the way and the subgroup size are common to both
	}
	for _, way := range Ways() {
		if way.CanBe(r, tier) {
			add(func(c *Choice) { c.Way = way })
		}
	}
	if from.SubgroupSize > 0 {
		add(func(c *Choice) { c.SubgroupSize *= 2 })
		add(func(c *Choice) { c.SubgroupSize /= 2 })
	}
	for _, m := range products(r, tier) {
		if tier.OnMatrixUnits() {
			add(func(c *Choice) {
				if c.Matrix = m; tier == TierCoop && !m.isCube() {
					c.Way = wayUint
				}
			})
		}
	}
	return all
}

func (c *Choice) attendShape() *ShapeChoice   { return &c.Attend }
func (c *Choice) identifyShape() *ShapeChoice { return &c.Identify }
