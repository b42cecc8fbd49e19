package tuning

import (
	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/vk"
)

// fit makes the tuning of a choice for a device that passes the tier. Its
// numbers are lowered to what the device takes, but those that exact names
// must come out as they are. why says what cannot be, or is "".
func fit(r *vk.Report, tier Tier, headDim int, c, exact Choice) (t Tuning, why string) {
	t = c.resolve(r, tier, headDim)
	if why = t.illegal(r, tier, headDim); why == "" {
		why = exact.differsFrom(t, tier)
	}
	return t, why
}

// resolve lowers a choice to what the device and the kernels take.
func (c Choice) resolve(r *vk.Report, tier Tier, headDim int) Tuning {
	t := Tuning{Way: c.Way.fit(r, tier), Subgroup: c.subgroup(r)}
	identify := c.Identify
	if identify == (ShapeChoice{}) {
		identify = c.Attend
	}
	if tier.OnMatrixUnits() {
		if t.Matrix = c.Matrix; t.Matrix == (MatrixShape{}) {
			t.Matrix, _ = BestProduct(r, tier)
		}
		if tier == TierCoop && !t.Matrix.isCube() {
			t.Way = wayUint // scores of other products do not fit the next one
		}
		if t.Subgroup == 0 {
			t.Subgroup = int(r.Subgroup.Size)
		}
		t.Attend = c.Attend.matrixShape(r, tier, Attend, headDim, t)
		t.Identify = identify.matrixShape(r, tier, Identify, headDim, t)
		t.SearchHeads = t.Identify.Local / t.Identify.Lanes
		if t.Identify.Lean {
			t.SearchHeads = 1
		}
		return t
	}
	t.Range = c.Range
	t.Attend = c.Attend.scalarShape(r, headDim, t.Subgroup)
	t.Identify = identify.scalarShape(r, headDim, t.Subgroup)
	return t
}

// fit is the way asked for, or the next best that device and tier can.
func (w Way) fit(r *vk.Report, tier Tier) Way {
	switch {
	case tier == TierCoop2 && w.Layout == LayoutRows:
		return wayRows
	case tier == TierCoop2:
		return wayColumns
	case tier == TierCoop && w.Layout != "" && registersPossible(r):
		return w
	case tier == TierUnpack || tier.OnMatrixUnits():
		return wayUint
	case tier == TierScalarF16:
		return wayHalf
	case w == wayUint:
		return wayUint
	case w.Load == LoadAddress && r.Features.BufferAddress:
		return wayAddress
	}
	return wayHalf
}

// CanBe says whether a device that passes the tier can take its tensors in
// this way.
func (w Way) CanBe(r *vk.Report, tier Tier) bool { return w.fit(r, tier) == w }

// subgroup is the subgroup size that a choice asks for, 0 where it takes the
// driver's own.
func (c Choice) subgroup(r *vk.Report) int {
	if c.SubgroupSize != SmallestSubgroup {
		return c.SubgroupSize
	}
	for size := 8; size <= 64; size *= 2 {
		if offersSubgroup(r, uint32(size)) {
			return size
		}
	}
	return 0
}

// scalarShape fits the shape of kernels without matrices.
func (c ShapeChoice) scalarShape(r *vk.Report, headDim, subgroup int) KernelShape {
	floor := subgroupFloor(r)
	if floor > 0 && subgroup > 0 {
		floor = subgroup
	}
	s := KernelShape{Local: c.Local, Lanes: 1, Rows: max(c.Rows, 1), Keys: max(c.Keys, 1)}
	if s.Local == 0 {
		size := int(r.Subgroup.Size)
		if size == 0 {
			size = 8 // subgroups are switched off
		}
		s.Local = max(c.Subgroups, 1) * size
	}
	for 2*s.Lanes <= min(floor, c.Lanes) && headDim/8%(2*s.Lanes) == 0 {
		s.Lanes *= 2
	}
	for c.Elements > 0 && s.Rows > 1 && s.Rows*headDim/s.Lanes > c.Elements {
		s.Rows /= 2
	}
	for s.Local > LargestGroup(r) {
		s.Local /= 2
	}
	return s
}

// matrixShape fits the shape of kernels on matrix units to the limits and
// shared memory: keys are halved down to 16 first, then subgroups.
func (c ShapeChoice) matrixShape(r *vk.Report, tier Tier, kernels string, headDim int, t Tuning) KernelShape {
	roundUp := func(n, multiple int) int { return max(1, ceil.Div(n, multiple)) * multiple }
	keyUnit := max(t.Matrix.N, t.Matrix.K, 1)
	for kernels == Attend && c.KeyElements > 0 && c.Keys > 1 && c.Keys*headDim > c.KeyElements {
		c.Keys /= 2
	}
	keys := roundUp(c.Keys, keyUnit)
	rows := min(max(c.Rows, 4*t.Subgroup/keys), 4*t.Subgroup) // lanes that share a row take four scores each or more
	rows = roundUp(rows, max(t.Matrix.M, 1))
	slices := 0
	if c.Slices > 1 && kernels == Attend && !t.inRegisters() {
		for slices = c.Slices; c.SliceElements > 0 && slices*c.SliceElements < headDim; {
			slices *= 2
		}
	}
	fewest, mostSubgroups := max(slices, 1), int(r.Subgroup.MaxPerGroup) // subgroups: one team at least; 0 is unknown
	for n := max(c.Subgroups, fewest); ; n /= 2 {
		s := KernelShape{Local: n * t.Subgroup, Lanes: t.Subgroup, Rows: rows, Keys: keys, Slices: slices, Lean: c.Lean && kernels == Identify}
		if kernels == Identify { // its subgroups may share out the keys
			s.Keys = max(roundUp(keys*n/max(c.Subgroups, 1), keyUnit), t.Matrix.N*n, rows)
		}
		fits := func() bool { return sharedBytes(tier, kernels, s, t, headDim) <= int(r.Limits.SharedMemory) }
		for kernels == Attend && s.Keys/2 >= max(16, keyUnit) && !fits() {
			s.Keys /= 2
		}
		if n <= fewest || s.Local <= LargestGroup(r) && (mostSubgroups == 0 || n <= mostSubgroups) && s.Keys <= mostKeys(tier) && fits() {
			return s
		}
	}
}

// LargestGroup is the most invocations of a workgroup.
func LargestGroup(r *vk.Report) int {
	return int(min(r.Limits.MaxInvocations, r.Limits.MaxGroupSize[0]))
}

// subgroupFloor is the smallest subgroup that a kernel may get, or 0 when
// kernels must do without subgroup shuffles.
func subgroupFloor(r *vk.Report) int {
	s := r.Subgroup
	switch {
	case !s.Shuffle || !s.ComputeStage || s.Size == 0:
		return 0
	case s.Min > 0:
		return int(s.Min)
	}
	return int(s.Size)
}

// offersSubgroup says whether a kernel can have subgroups of a size for sure.
func offersSubgroup(r *vk.Report, size uint32) bool {
	s := r.Subgroup
	if s.SizeControl {
		return size >= s.Min && size <= s.Max && size&(size-1) == 0
	}
	return size == s.Size
}
