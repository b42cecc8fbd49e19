package tuning

import (
	"slices"
	"strings"

	"github.com/anchorvk/anchorvk/vk"
)

// Rule is a choice of tuning: for which devices, tiers and head dimensions,
// what to choose there, and why. The table is made of rules, and so are what a
// sweep has stored and what the environment asks for.
type Rule struct {
	When   When
	Choice Choice
	// From and Why go into the plan: where the choice comes from, and its
	// reason, with what was measured.
	From, Why string
}

// When is what a rule is for. Conditions that are left out always hold.
type When struct {
	// Architectures are families of devices; one that ends in * stands for all
	// that begin so.
	Architectures []Architecture
	Tiers         []Tier
	HeadDim       Span
	Subgroup      Span   // the subgroup size that kernels get: the choice's, or the driver's own
	Offers        uint32 // a subgroup size that the device can give
}

// Only is a single tier and head dimension.
func Only(tier Tier, headDim int) When {
	return When{Tiers: []Tier{tier}, HeadDim: Span{headDim, headDim}}
}

// Span is a range of numbers, ends included; zero ends are open.
type Span struct{ From, To int }

func (s Span) holds(n int) bool { return n >= s.From && (s.To == 0 || n <= s.To) }

// holds says whether the conditions are met, where kernels get a subgroup size.
func (w *When) holds(r *vk.Report, arch Architecture, tier Tier, headDim, subgroup int) bool {
	return (len(w.Tiers) == 0 || slices.Contains(w.Tiers, tier)) && w.isFor(arch) &&
		w.HeadDim.holds(headDim) && w.Subgroup.holds(subgroup) && (w.Offers == 0 || offersSubgroup(r, w.Offers))
}

func (w *When) isFor(arch Architecture) bool {
	return len(w.Architectures) == 0 || slices.ContainsFunc(w.Architectures, func(a Architecture) bool {
		family, many := strings.CutSuffix(string(a), "*")
		return a == arch || many && strings.HasPrefix(string(arch), family)
	})
}

// isFor says whether a rule is for a device, which passes the tier. A choice
// of a subgroup size is for devices that have it.
func (u *Rule) isFor(r *vk.Report, arch Architecture, tier Tier, headDim int) bool {
	size := int(r.Subgroup.Size)
	if wanted := u.Choice.subgroup(r); wanted > 0 {
		if !offersSubgroup(r, uint32(wanted)) {
			return false
		}
		size = wanted
	}
	return u.When.holds(r, arch, tier, headDim, size)
}
