package attention

import (
	"strings"

	"github.com/anchorvk/anchorvk/vk"
)

// Tuning is the shape of the kernels for one device and head dimension. It
// changes speed and the last bits of results, never their meaning.
type Tuning struct {
	// Way is how kernels read K and V: "uint", "half" or "address".
	Way string `json:"way"`
	// Attend shapes the attention kernels.
	Attend KernelShape `json:"attend"`
	// Identify shapes the stripe search, whose rows are pooled blocks.
	Identify KernelShape `json:"identify"`
	// Matrix is the product that the matrix kernels are built from; zero in other tiers.
	Matrix MatrixShape `json:"matrix"`
	// Subgroup is the subgroup size that the matrix kernels need; 0 in other tiers.
	Subgroup int `json:"subgroup"`
	// Why is the reason of the choice.
	Why string `json:"why"`
}

// KernelShape is how a kernel divides its work.
type KernelShape struct {
	// Local is the number of invocations of a workgroup.
	Local int `json:"local"`
	// Lanes is how many invocations share Rows query rows: in matrix kernels a
	// subgroup; elsewhere 1 needs no subgroup operations.
	Lanes int `json:"lanes"`
	// Rows is how many query rows those lanes hold.
	Rows int `json:"rows"`
	// Keys is how many keys are scored together.
	Keys int `json:"keys"`
}

// MatrixShape is a product of M x K and K x N matrices.
type MatrixShape struct {
	M int `json:"m"`
	N int `json:"n"`
	K int `json:"k"`
}

// TileRows is how many query rows a workgroup computes.
func (s KernelShape) TileRows() int { return s.Local / s.Lanes * s.Rows }

// TileRows is how many query rows a workgroup of the attention kernels computes.
func (t Tuning) TileRows() int { return t.Attend.TileRows() }

// Ways of reading K and V; they name shader modules.
const (
	wayUint    = "uint"
	wayHalf    = "half"
	wayAddress = "address"
)

// tune chooses the kernels' shape from the device's properties.
func tune(r *vk.Report, tier Tier, headDim int) Tuning {
	t := tuneGPU(r, tier, headDim)
	if r.Type == "cpu" {
		t = tuneCPU(r, tier, headDim)
	}
	if tier == TierCoop {
		t.matrixKernels(r, headDim)
	}
	return t
}

// tuneCPU: a lane is a row, so that K and V are read at the same address by
// all lanes, which CPU drivers turn into one scalar load; the workgroup is one
// subgroup, the width of their vectors.
func tuneCPU(r *vk.Report, tier Tier, headDim int) Tuning {
	local := 8
	if s := int(r.Subgroup.Size); s >= 4 && s <= 16 {
		local = s
	}
	shape := KernelShape{Local: local, Lanes: 1, Rows: 2, Keys: 4}
	t := Tuning{Way: wayOf(tier), Why: "CPU device: lane is row, one subgroup a workgroup"}
	if tier == TierScalar && r.Features.BufferAddress && !oldLavapipe(r) {
		t.Way = wayAddress
		t.Why += "; loads through addresses escape the driver's bounds checks"
	}
	if oldLavapipe(r) {
		shape.Rows, shape.Keys = 1, 2
		t.Why += "; little code, because this driver compiles slowly"
	}
	if headDim > 128 {
		shape.Rows = 1
		t.Why += "; one row for a large head_dim"
	}
	t.Attend, t.Identify = shape, shape
	return t
}

// oldLavapipe: before Vulkan 1.4 (Mesa 25) lavapipe gathers lane by lane where
// later ones load once, and takes ten times as long to compile such code.
func oldLavapipe(r *vk.Report) bool {
	const driverLavapipe = 13 // VK_DRIVER_ID_MESA_LLVMPIPE
	return r.DriverID == driverLavapipe && (strings.HasPrefix(r.API, "1.3.") || strings.HasPrefix(r.API, "1.2."))
}

// tuneGPU: lanes share a row so that its query and accumulators fit in
// registers: at most 32 elements of each an invocation where head_dim allows.
func tuneGPU(r *vk.Report, tier Tier, headDim int) Tuning {
	shape := KernelShape{Local: 128, Lanes: 1, Rows: 2, Keys: 4}
	t := Tuning{Way: wayOf(tier), Why: "GPU: lanes share a row to keep it in registers"}
	if tier == TierScalar {
		t.Way = wayUint
		t.Why += "; loads of 16 bytes (25.1 ms against 27.6 ms with loads of 8 on an H200, dense at 8k)"
	}
	smallest := subgroupFloor(r)
	for 2*shape.Lanes <= min(smallest, 8) && headDim/8%(2*shape.Lanes) == 0 {
		shape.Lanes *= 2
	}
	if smallest == 0 {
		t.Why = "GPU without subgroup shuffles in compute: a lane is a row"
	}
	for shape.Local > int(min(r.Limits.MaxInvocations, r.Limits.MaxGroupSize[0])) {
		shape.Local /= 2
	}
	if headDim/shape.Lanes > 64 {
		shape.Rows = 1
	}
	t.Attend, t.Identify = shape, shape
	t.Identify.Local = max(shape.Lanes*8, min(shape.Local, 64)) // a group of 16 blocks fills it
	return t
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

func wayOf(tier Tier) string {
	if tier == TierUnpack || tier == TierCoop {
		return wayUint
	}
	return wayHalf
}
