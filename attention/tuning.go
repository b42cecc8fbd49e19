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
	// Local is the number of invocations of a workgroup.
	Local int `json:"local"`
	// Lanes is how many invocations share a query row; 1 needs no subgroup operations.
	Lanes int `json:"lanes"`
	// Rows is how many query rows an invocation holds.
	Rows int `json:"rows"`
	// Keys is how many keys are scored together.
	Keys int `json:"keys"`
	// IdentifyLocal is Local for the stripe search, whose rows are pooled blocks.
	IdentifyLocal int `json:"identify_local"`
	// Why is the reason of the choice.
	Why string `json:"why"`
}

// TileRows is how many query rows a workgroup computes.
func (t Tuning) TileRows() int { return t.Local / t.Lanes * t.Rows }

// Ways of reading K and V; they name shader modules.
const (
	wayUint    = "uint"
	wayHalf    = "half"
	wayAddress = "address"
)

// tune chooses the kernels' shape from the device's properties.
func tune(r *vk.Report, tier Tier, headDim int) Tuning {
	if r.Type == "cpu" {
		return tuneCPU(r, tier, headDim)
	}
	return tuneGPU(r, tier, headDim)
}

// tuneCPU: a lane is a row, so that K and V are read at the same address by
// all lanes, which CPU drivers turn into one scalar load; the workgroup is one
// subgroup, the width of their vectors.
func tuneCPU(r *vk.Report, tier Tier, headDim int) Tuning {
	local := 8
	if s := int(r.Subgroup.Size); s >= 4 && s <= 16 {
		local = s
	}
	t := Tuning{Way: wayOf(tier), Local: local, Lanes: 1, Rows: 2, Keys: 4, IdentifyLocal: local, Why: "CPU device: lane is row, one subgroup a workgroup"}
	if tier == TierScalar && r.Features.BufferAddress && !oldLavapipe(r) {
		t.Way = wayAddress
		t.Why += "; loads through addresses escape the driver's bounds checks"
	}
	if oldLavapipe(r) {
		t.Rows, t.Keys = 1, 2
		t.Why += "; little code, because this driver compiles slowly"
	}
	if headDim > 128 {
		t.Rows = 1
		t.Why += "; one row for a large head_dim"
	}
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
	t := Tuning{Way: wayOf(tier), Local: 128, Lanes: 1, Rows: 2, Keys: 4, Why: "GPU: lanes share a row to keep it in registers"}
	if tier == TierScalar {
		t.Way = wayUint
		t.Why += "; loads of 16 bytes (25.1 ms against 27.6 ms with loads of 8 on an H200, dense at 8k)"
	}
	smallest := subgroupFloor(r)
	for 2*t.Lanes <= min(smallest, 8) && headDim/8%(2*t.Lanes) == 0 {
		t.Lanes *= 2
	}
	if smallest == 0 {
		t.Why = "GPU without subgroup shuffles in compute: a lane is a row"
	}
	for t.Local > int(r.Limits.MaxInvocations) || t.Local > int(r.Limits.MaxGroupSize[0]) {
		t.Local /= 2
	}
	if headDim/t.Lanes > 64 {
		t.Rows = 1
	}
	t.IdentifyLocal = max(t.Lanes*8, min(t.Local, 64))
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
	if tier == TierUnpack {
		return wayUint
	}
	return wayHalf
}
