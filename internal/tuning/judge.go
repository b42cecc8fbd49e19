package tuning

import (
	"fmt"
	"slices"

	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/internal/drivers"
	"github.com/anchorvk/anchorvk/vk"
)

// illegal says what of a tuning the device cannot do or a kernel cannot take,
// or "".
func (t Tuning) illegal(r *vk.Report, tier Tier, headDim int) string {
	if n := r.Limits.LoopRounds; n > 0 && tier.OnMatrixUnits() {
		return fmt.Sprintf("the driver ends loops after %d rounds, and the rounds of matrix kernels are not bounded", n)
	}
	if size := uint32(max(t.Subgroup, 0)); size > 0 && !offersSubgroup(r, size) {
		return fmt.Sprintf("the device has no subgroups of %d", size)
	}
	if !t.Way.CanBe(r, tier) {
		return fmt.Sprintf("tier %s does not know the way %s here", tier, t.Way)
	}
	if t.Range < 0 || t.Range%16 != 0 {
		return fmt.Sprintf("a range of %d keys is no multiple of 16", t.Range)
	}
	for _, kernels := range []string{Attend, Identify} {
		why := t.illegalShape(r, tier, kernels)
		switch {
		case why != "":
		case tier.OnMatrixUnits():
			why = t.illegalMatrix(r, tier, headDim, kernels)
		default:
			why = t.illegalScalar(r, tier, headDim, kernels)
		}
		if why != "" {
			return why
		}
	}
	return ""
}

// largest is the kernel that messages name, of those that share a shape the
// one that asks the most.
func largest(kernels string) string {
	if kernels == Attend {
		return "dense"
	}
	return kernels
}

// mostKeys is how many keys the kernels of a tier can score together.
func mostKeys(tier Tier) int {
	if tier.OnMatrixUnits() {
		return 64
	}
	return 32
}

func powerOfTwo(n int) bool { return n > 0 && n&(n-1) == 0 }

// illegalShape is what holds for every kernel.
func (t Tuning) illegalShape(r *vk.Report, tier Tier, kernels string) string {
	s, k := t.shapeOf(kernels), largest(kernels)
	switch {
	case s.Local < 1 || s.Lanes < 1 || s.Rows < 1 || s.Local%s.Lanes != 0:
		return fmt.Sprintf("%s: %d invocations do not divide into %d lanes that hold %d rows", k, s.Local, s.Lanes, s.Rows)
	case s.Local > LargestGroup(r):
		return fmt.Sprintf("%s: a workgroup of %d invocations, the device takes %d", k, s.Local, LargestGroup(r))
	case !powerOfTwo(s.Lanes) || !powerOfTwo(s.Keys) || s.Keys > mostKeys(tier):
		return fmt.Sprintf("%s: lanes (%d) and keys (%d) must be powers of two, keys at most %d", k, s.Lanes, s.Keys, mostKeys(tier))
	}
	return ""
}

// illegalScalar is what holds for kernels without matrices.
func (t Tuning) illegalScalar(r *vk.Report, tier Tier, headDim int, kernels string) string {
	s, k := t.shapeOf(kernels), largest(kernels)
	floor := subgroupFloor(r)
	if t.Subgroup > 0 && floor > 0 {
		floor = t.Subgroup
	}
	switch {
	case s.Lanes > max(floor, 1):
		return fmt.Sprintf("%s: %d lanes share rows, a subgroup has %d", k, s.Lanes, floor)
	case headDim/8%s.Lanes != 0:
		return fmt.Sprintf("%s: %d lanes do not divide head_dim %d into chunks of 8", k, s.Lanes, headDim)
	case s.Keys > 16: // sink and window are multiples of 16, which no batch of keys may straddle
		return fmt.Sprintf("%s: %d keys at a time, at most 16 can be", k, s.Keys)
	case t.Way.Load == LoadAddress && s.Lanes > 1:
		return fmt.Sprintf("%s: %d lanes share rows, and loads by address are for one", k, s.Lanes)
	case kernels == Attend && t.Way.Load == LoadHalf && tier == TierScalar && s.Lanes > 1:
		return fmt.Sprintf("%s: %d lanes share rows, and loads of halves are for one in tier %s; lanes share what is read as %s", k, s.Lanes, tier, LoadUint)
	}
	return ""
}

// illegalMatrix is what holds for kernels on matrix units. That lavapipe takes
// a barrier of a subgroup for one of the workgroup rules out shapes, and no
// feature, so that it stands here and not among the quirks of package vk.
func (t Tuning) illegalMatrix(r *vk.Report, tier Tier, headDim int, kernels string) string {
	s, m, k := t.shapeOf(kernels), t.Matrix, largest(kernels)
	attend, lavapipe := kernels == Attend, r.DriverID == drivers.Lavapipe
	shared := sharedBytes(tier, kernels, s, t, headDim)
	switch {
	case !slices.Contains(products(r, tier), m):
		return fmt.Sprintf("the device multiplies halves as %v, not as %v", products(r, tier), m)
	case s.Rows%m.M != 0 || s.Keys%m.N != 0 || s.Keys%m.K != 0:
		return fmt.Sprintf("%s: %d rows and %d keys are no multiples of the product %v", k, s.Rows, s.Keys, m)
	case s.Lanes != t.Subgroup:
		return fmt.Sprintf("%s: %d lanes share rows, in a subgroup of %d", k, s.Lanes, t.Subgroup)
	case t.inRegisters() && (!m.isCube() || !slices.Contains(products(r, TierCoopF16), m) && tier != TierCoop2):
		return fmt.Sprintf("softmax in registers takes a product with equal sides, and in tier coop fp16 sums, not %v", m)
	case attend && tier != TierCoop2 && t.inRegisters() && lavapipe && s.Local > s.Lanes:
		return fmt.Sprintf("%s: lavapipe takes a barrier of a subgroup for one of the workgroup, which then must be one subgroup", k)
	case s.Slices > 1 && lavapipe && ceil.Div(ceil.Div(headDim, 16)*16/m.N, s.Slices)*m.N > s.Keys:
		return fmt.Sprintf("%s: lavapipe takes a barrier of a subgroup for one of the workgroup, so that slices must be written at once: have %d keys or fewer elements", k, s.Keys)
	case attend && !t.inRegisters() && !powerOfTwo(s.Rows):
		return fmt.Sprintf("%s: %d rows are shared out among lanes, and must be a power of two", k, s.Rows)
	case r.Subgroup.MaxPerGroup > 0 && s.Local/s.Lanes > int(r.Subgroup.MaxPerGroup):
		return fmt.Sprintf("%s: %d subgroups of %d in a workgroup, the device takes %d", k, s.Local/s.Lanes, s.Lanes, r.Subgroup.MaxPerGroup)
	case s.Slices > 1 && (!powerOfTwo(s.Slices) || s.Slices > 16 || s.Local/s.Lanes%s.Slices != 0 || !attend || t.inRegisters()):
		return fmt.Sprintf("%s: %d subgroups share no rows in %d slices", k, s.Local/s.Lanes, s.Slices)
	case attend && !t.inRegisters() && s.Lanes > s.Rows && s.Keys%(4*s.Lanes/s.Rows) != 0:
		return fmt.Sprintf("%s: %d lanes share a row's %d scores, which come in fours", k, s.Lanes/s.Rows, s.Keys)
	case s.Rows > 4*s.Lanes:
		return fmt.Sprintf("%s: %d rows a subgroup of %d, at most 4 a lane can be", k, s.Rows, s.Lanes)
	case !attend && s.Keys/m.N%(s.Local/s.Lanes) != 0:
		return fmt.Sprintf("%s: %d keys are no %d products for each of %d subgroups", k, s.Keys, m.N, s.Local/s.Lanes)
	case !attend && s.Rows > s.Keys:
		return fmt.Sprintf("%s: %d rows pass through the room of %d keys", k, s.Rows, s.Keys)
	case shared > int(r.Limits.SharedMemory):
		return fmt.Sprintf("it needs %d bytes of shared memory at head_dim %d, the device has %d", shared, headDim, r.Limits.SharedMemory)
	}
	return ""
}

// differsFrom says what a choice names and a tuning made from it does not
// have, or "".
func (c Choice) differsFrom(t Tuning, tier Tier) string {
	switch {
	case c.Way != (Way{}) && c.Way.Load != t.Way.Load:
		return fmt.Sprintf("tier %s reads K and V as %s here, not as %s", tier, t.Way.Load, c.Way.Load)
	case c.Way != (Way{}) && c.Way.Layout != t.Way.Layout:
		return fmt.Sprintf("tier %s has queries as %s, not as %s", tier, t.Way.Layout.place(), c.Way.Layout.place())
	case c.Range != t.Range && c.Range != 0:
		return fmt.Sprintf("tier %s attends all keys at once, not %d at a time", tier, c.Range)
	}
	for _, k := range []struct {
		kernels string
		asked   ShapeChoice
	}{{Attend, c.Attend}, {Identify, c.Identify}} {
		got := t.shapeOf(k.kernels)
		local := k.asked.Local
		if k.asked.Subgroups > 0 && t.Subgroup > 0 {
			local = k.asked.Subgroups * t.Subgroup
		}
		for _, f := range []struct {
			name       string
			asked, got int
		}{
			{"rows", k.asked.Rows, got.Rows},
			{"keys", k.asked.Keys, got.Keys},
			{"lanes", k.asked.Lanes, got.Lanes},
			{"slices", k.asked.Slices, max(got.Slices, 1)},
			{"invocations a workgroup", local, got.Local},
		} {
			if f.asked != 0 && f.asked != f.got {
				return fmt.Sprintf("%d %s is not possible for tier %s (%s), %d is", f.asked, f.name, tier, k.kernels, f.got)
			}
		}
	}
	return ""
}
