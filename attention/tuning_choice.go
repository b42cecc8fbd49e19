package attention

import (
	"fmt"

	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/vk"
)

// TuningChoice is what a tuning asks for, before it is fitted to a device and
// a head dimension. A zero field leaves its choice open.
type TuningChoice struct {
	// Way is how K and V are to be read, where the device and the tier can.
	Way string `json:"way,omitempty"`
	// SubgroupSize is the subgroup size to ask of the driver; 0 takes what it gives.
	SubgroupSize int `json:"subgroup_size,omitempty"`
	// Matrix is the product that matrix kernels are built from, one that the
	// device offers; zero takes the best.
	Matrix MatrixShape `json:"matrix,omitzero"`
	// Range is how many keys a dispatch of the attention kernels attends at most,
	// a multiple of 16; not for matrix kernels.
	Range int `json:"range,omitempty"`
	// Attend shapes the attention kernels.
	Attend ShapeChoice `json:"attend,omitzero"`
	// Identify shapes the stripe search; all zero: as Attend.
	Identify ShapeChoice `json:"identify,omitzero"`
}

// ShapeChoice asks for a [KernelShape].
type ShapeChoice struct {
	// Subgroups and Local, one of them, are the size of a workgroup in
	// subgroups and in invocations. It is halved until the device takes it.
	Subgroups int `json:"subgroups,omitempty"`
	Local     int `json:"local,omitempty"`
	// Lanes is the most invocations that share rows, but for matrix kernels,
	// where it is the subgroup. It is the largest power of two up to that
	// which the smallest subgroup holds and which divides head_dim / 8.
	Lanes int `json:"lanes,omitempty"`
	// Rows is how many query rows lanes hold; in matrix kernels at most four a
	// lane, at least four scores for a lane, and rounded up to what the device's product has.
	Rows int `json:"rows,omitempty"`
	// Elements, where above 0, halves Rows until an invocation holds at most so
	// many elements of them. Not for matrix kernels.
	Elements int `json:"elements,omitempty"`
	// Keys is how many keys are scored together; in matrix kernels rounded up
	// to what the device's product has.
	Keys int `json:"keys,omitempty"`
	// Slices is how many subgroups share rows, each with a slice of head_dim,
	// where a subgroup's registers hold no whole rows; a power of two, for the
	// attention kernels of coop and coop-f16.
	Slices int `json:"slices,omitempty"`
	// Lean is for the stripe search on matrix units where registers are few: it
	// reads pooled queries from shared memory, of one head a workgroup, and
	// fetches no keys ahead.
	Lean bool `json:"lean,omitempty"`
}

// resolve fits a choice to a device that passes the tier.
func (c TuningChoice) resolve(r *vk.Report, tier Tier, headDim int) Tuning {
	t := Tuning{Way: wayFor(r, tier, c.Way), Subgroup: c.SubgroupSize}
	identify := c.Identify
	if identify == (ShapeChoice{}) {
		identify = c.Attend
	}
	if tier.onMatrixUnits() {
		if t.Matrix = c.Matrix; t.Matrix == (MatrixShape{}) {
			t.Matrix, _ = bestProduct(r, tier)
		}
		if tier == TierCoop && !t.Matrix.isCube() {
			t.Way = wayUint // scores of other products do not fit the next one
		}
		if t.Subgroup == 0 {
			t.Subgroup = int(r.Subgroup.Size)
		}
		t.Attend = c.Attend.matrixShape(r, tier, kernelDense, headDim, t)
		t.Identify = identify.matrixShape(r, tier, kernelIdentify, headDim, t)
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
	for s.Local > largestGroup(r) {
		s.Local /= 2
	}
	return s
}

// matrixShape fits the shape of kernels on matrix units to the limits and
// shared memory: keys are halved down to 16 first, then subgroups.
func (c ShapeChoice) matrixShape(r *vk.Report, tier Tier, k kernel, headDim int, t Tuning) KernelShape {
	roundUp := func(n, multiple int) int { return max(1, ceil.Div(n, multiple)) * multiple }
	keyUnit := max(t.Matrix.N, t.Matrix.K, 1)
	keys := roundUp(c.Keys, keyUnit)
	rows := min(max(c.Rows, 4*t.Subgroup/keys), 4*t.Subgroup) // lanes that share a row take four scores each or more
	rows = roundUp(rows, max(t.Matrix.M, 1))
	slices := 0
	if c.Slices > 1 && k != kernelIdentify && !t.inRegisters() {
		slices = c.Slices
	}
	fewest, mostSubgroups := max(slices, 1), int(r.Subgroup.MaxPerGroup) // subgroups: one team at least; 0 is unknown
	for n := max(c.Subgroups, fewest); ; n /= 2 {
		s := KernelShape{Local: n * t.Subgroup, Lanes: t.Subgroup, Rows: rows, Keys: keys, Slices: slices, Lean: c.Lean && k == kernelIdentify}
		if k == kernelIdentify { // its subgroups may share out the keys
			s.Keys = max(roundUp(keys*n/max(c.Subgroups, 1), keyUnit), t.Matrix.N*n, rows)
		}
		fits := func() bool { return sharedBytes(tier, k, s, t, headDim) <= int(r.Limits.SharedMemory) }
		for k != kernelIdentify && s.Keys/2 >= max(16, keyUnit) && !fits() {
			s.Keys /= 2
		}
		if n <= fewest || s.Local <= largestGroup(r) && (mostSubgroups == 0 || n <= mostSubgroups) && s.Keys <= mostKeys(tier) && fits() {
			return s
		}
	}
}

// largestGroup is the most invocations of a workgroup.
func largestGroup(r *vk.Report) int {
	return int(min(r.Limits.MaxInvocations, r.Limits.MaxGroupSize[0]))
}

// wayFor is the way asked for, or the next best that device and tier can.
func wayFor(r *vk.Report, tier Tier, asked string) string {
	switch {
	case tier == TierCoop2 && asked == wayRows:
		return wayRows
	case tier == TierCoop2:
		return wayColumns
	case tier == TierCoop && (asked == wayRows || asked == wayColumns) && registersPossible(r):
		return asked
	case tier == TierUnpack || tier.onMatrixUnits():
		return wayUint
	case tier == TierScalarF16:
		return wayHalf
	case asked == wayUint:
		return wayUint
	case asked == wayAddress && r.Features.BufferAddress:
		return wayAddress
	}
	return wayHalf
}

// illegal says what of a tuning a device cannot do or a kernel cannot take, or "".
func illegal(r *vk.Report, tier Tier, headDim int, t Tuning) string {
	if size := uint32(max(t.Subgroup, 0)); size > 0 && !offersSubgroup(r, size) {
		return fmt.Sprintf("the device has no subgroups of %d", size)
	}
	if t.Way != wayFor(r, tier, t.Way) {
		return fmt.Sprintf("tier %s does not know the way %s here", tier, t.Way)
	}
	if t.Range < 0 || t.Range%16 != 0 {
		return fmt.Sprintf("a range of %d keys is no multiple of 16", t.Range)
	}
	for _, k := range []kernel{kernelDense, kernelIdentify} {
		if why := illegalShape(r, tier, k, headDim, t); why != "" {
			return why
		}
	}
	return ""
}

// mostKeys is how many keys the kernels of a tier can score together.
func mostKeys(tier Tier) int {
	if tier.onMatrixUnits() {
		return 64
	}
	return 32
}

func illegalShape(r *vk.Report, tier Tier, k kernel, headDim int, t Tuning) string {
	powerOfTwo := func(n int) bool { return n > 0 && n&(n-1) == 0 }
	s := t.shapeOf(k)
	switch {
	case s.Local < 1 || s.Lanes < 1 || s.Rows < 1 || s.Local%s.Lanes != 0:
		return fmt.Sprintf("%s: %d invocations do not divide into %d lanes that hold %d rows", k, s.Local, s.Lanes, s.Rows)
	case s.Local > largestGroup(r):
		return fmt.Sprintf("%s: a workgroup of %d invocations, the device takes %d", k, s.Local, largestGroup(r))
	case !powerOfTwo(s.Lanes) || !powerOfTwo(s.Keys) || s.Keys > mostKeys(tier):
		return fmt.Sprintf("%s: lanes (%d) and keys (%d) must be powers of two, keys at most %d", k, s.Lanes, s.Keys, mostKeys(tier))
	}
	if tier.onMatrixUnits() {
		return illegalMatrixShape(r, tier, k, headDim, t)
	}
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
	case t.Way == wayAddress && s.Lanes > 1:
		return fmt.Sprintf("%s: %d lanes share rows, and loads by address are for one", k, s.Lanes)
	}
	return ""
}

// shapeOf is the shape of a kernel.
func (t Tuning) shapeOf(k kernel) KernelShape {
	if k.searches() {
		return t.Identify
	}
	return t.Attend
}

// offersSubgroup says whether a kernel can have subgroups of a size for sure.
func offersSubgroup(r *vk.Report, size uint32) bool {
	s := r.Subgroup
	if s.SizeControl {
		return size >= s.Min && size <= s.Max && size&(size-1) == 0
	}
	return size == s.Size
}
