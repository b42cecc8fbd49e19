package attention

import (
	"slices"
	"strings"

	"github.com/anchorvk/anchorvk/vk"
)

// tuningEntry is a line of the tuning table: for which devices and heads, what
// to choose there, and why. Conditions that are left out always hold.
type tuningEntry struct {
	name string
	// archs are families of devices; one that ends in * stands for all that
	// begin so.
	archs    []Architecture
	tiers    []Tier
	headDim  span
	subgroup span // the subgroup size that kernels get: choice.SubgroupSize, or the driver's own
	shared   int  // bytes of shared memory that the device must have

	choice TuningChoice
	refuse string // the tier is not for these; what the user reads
	why    string // the reason, with what was measured
}

// span is a range of numbers, ends included; zero ends are open.
type span struct{ from, to int }

func (s span) holds(n int) bool { return n >= s.from && (s.to == 0 || n <= s.to) }

// fits says whether an entry is for a device, which passes the tier.
func (e *tuningEntry) fits(r *vk.Report, arch Architecture, tier Tier, headDim int) bool {
	size := r.Subgroup.Size
	if wanted := uint32(max(e.choice.SubgroupSize, 0)); wanted > 0 {
		if !offersSubgroup(r, wanted) {
			return false
		}
		size = wanted
	}
	return (len(e.tiers) == 0 || slices.Contains(e.tiers, tier)) && e.isFor(arch) &&
		e.headDim.holds(headDim) && e.subgroup.holds(int(size)) && int(r.Limits.SharedMemory) >= e.shared
}

func (e *tuningEntry) isFor(arch Architecture) bool {
	return len(e.archs) == 0 || slices.ContainsFunc(e.archs, func(a Architecture) bool {
		family, many := strings.CutSuffix(string(a), "*")
		return a == arch || many && strings.HasPrefix(string(arch), family)
	})
}

// lookUp returns the first entry of the table that fits.
func lookUp(r *vk.Report, tier Tier, headDim int) *tuningEntry {
	arch := DetectArchitecture(r)
	for i := range tuningTable {
		if tuningTable[i].fits(r, arch, tier, headDim) {
			return &tuningTable[i]
		}
	}
	panic("attention: no tuning for tier " + string(tier)) // the table ends with an entry for every tier; a test sees to it
}
