package attention

import (
	"fmt"

	"github.com/anchorvk/anchorvk/vk"
)

// matrixShape returns the device's product of halves with fp32 sums at
// subgroup scope: the one with the most rows, then the most work, which
// leaves the fewest instructions. ok is false when there is none.
func matrixShape(r *vk.Report) (best MatrixShape, ok bool) {
	for _, s := range r.CoopMatrix {
		if s.A != "f16" || s.B != "f16" || s.C != "f32" || s.Out != "f32" || s.Scope != "subgroup" || s.Saturating {
			continue
		}
		// What the kernels' tiles are multiples of, and what starts on 16 bytes in them.
		if s.M > 16 || s.N > 16 || s.K > 16 || 16%s.M != 0 || 16%s.N != 0 || 16%s.K != 0 || s.N%4 != 0 || s.K%8 != 0 {
			continue
		}
		m := MatrixShape{int(s.M), int(s.N), int(s.K)}
		if !ok || m.M > best.M || m.M == best.M && m.N*m.K > best.N*best.K {
			best, ok = m, true
		}
	}
	return best, ok
}

const vendorNVIDIA = 0x10de

// matrixKernels shapes the matrix kernels: 16 keys at a time, four subgroups a
// workgroup, and 16 query rows a subgroup, or 32 where there are registers for
// them. Measured on an H200, dense at 8k, head_dim 128, in Tflop/s: 32 rows
// 120, with eight subgroups 114; 16 rows 90 and 98. With 32 keys at a time, the
// compiler keeps the accumulators in memory and falls to 54.
func (t *Tuning) matrixKernels(r *vk.Report, headDim int) {
	t.Matrix, _ = matrixShape(r)
	t.Subgroup = int(r.Subgroup.Size)
	subgroups, rows := 4, 16
	t.Why = "matrix units: a subgroup owns 16 rows, four share each tile of keys"
	switch {
	case r.Type == "cpu":
		subgroups, rows = 2, t.Matrix.M
		t.Why = "emulated matrix units: little code, because each product is unrolled when it is compiled"
	case r.VendorID == vendorNVIDIA && headDim <= 128:
		rows = 32
		t.Why = "matrix units of NVIDIA: a subgroup owns 32 rows, which fill its registers up to head_dim 128"
	}
	fit := func(rows int, shared func(KernelShape, int) int) KernelShape {
		for n := subgroups; ; n /= 2 {
			shape := KernelShape{Local: n * t.Subgroup, Lanes: t.Subgroup, Rows: rows, Keys: 16}
			if n == 1 || shape.Local <= int(min(r.Limits.MaxInvocations, r.Limits.MaxGroupSize[0])) && shared(shape, headDim) <= int(r.Limits.SharedMemory) {
				return shape
			}
		}
	}
	t.Attend = fit(rows, matrixShared)
	t.Identify = fit(16, matrixIdentifyShared) // a group has 16 blocks by default
}

// matrixTooLarge says why the matrix kernels do not do for a head dimension, or "".
func matrixTooLarge(r *vk.Report, headDim int) string {
	var t Tuning
	t.matrixKernels(r, headDim)
	switch shared := max(matrixShared(t.Attend, headDim), matrixIdentifyShared(t.Identify, headDim)); {
	case r.Type == "cpu" && headDim > 128:
		return "a CPU driver takes minutes to compile them for a head_dim above 128"
	case shared > int(r.Limits.SharedMemory):
		return fmt.Sprintf("they need %d bytes of shared memory at head_dim %d, the device has %d", shared, headDim, r.Limits.SharedMemory)
	}
	return ""
}

// matrixShared is the shared memory of the matrix kernels in bytes, as
// include/coop_tile.glsl declares it.
func matrixShared(s KernelShape, headDim int) int {
	padded := (headDim + 15) / 16 * 16
	rows := s.TileRows()
	tiles := s.Keys*(padded/8+1)*16 + padded*(s.Keys/2+4)*4
	scores := rows * (s.Keys/4 + 1) * 16
	weights := rows * (s.Keys/8 + 1) * 16
	return tiles + scores + weights + 4*rows + 4
}

// matrixIdentifyShared is the same of identify_coop.comp: each subgroup has
// tiles of its own.
func matrixIdentifyShared(s KernelShape, headDim int) int {
	padded := (headDim + 15) / 16 * 16
	return s.Local / s.Lanes * (s.Keys*(padded/8+1)*16 + s.Rows*(s.Keys+4)*4)
}
