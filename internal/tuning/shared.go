package tuning

import "github.com/anchorvk/anchorvk/internal/ceil"

// SharedBytes is the most shared memory that the kernels Attend or Identify declare,
// in bytes.
func (t Tuning) SharedBytes(tier Tier, kernels string, headDim int) int {
	return sharedBytes(tier, kernels, t.shapeOf(kernels), t, headDim)
}

// sharedBytes is the shared memory that a kernel declares.
func sharedBytes(tier Tier, kernels string, s KernelShape, t Tuning, headDim int) int {
	m := t.Matrix
	switch {
	case !tier.OnMatrixUnits():
		return 0
	case kernels == Identify:
		return max(matrixIdentifyShared(s, headDim), matrixSampleShared(s, m, headDim))
	case t.inRegisters():
		return stagedShared(s, t.Way.Layout, headDim) + s.Local/s.Lanes*m.M*((m.N/4+1)*16+4) + 16*4 // include/registers_pass.glsl
	}
	return matrixShared(s, headDim)
}

// stagedShared is the shared memory of include/matrix_stage.glsl: tiles of K and V.
func stagedShared(s KernelShape, layout Layout, headDim int) int {
	padded := ceil.Div(headDim, 16) * 16
	if layout == LayoutRows {
		return 2*s.Keys*(padded/8+1)*16 + 16
	}
	return s.Keys*(padded/8+1)*16 + padded*(s.Keys/2+4)*4 + 16
}

// matrixShared is the shared memory of the matrix kernels in bytes, as
// include/shared_tile.glsl declares it.
func matrixShared(s KernelShape, headDim int) int {
	rows := s.TileRows()
	scores := rows * (s.Keys/4 + 1) * 16
	weights := rows * (s.Keys/8 + 1) * 16
	queries := 16
	if s.Slices > 1 {
		queries = rows * (ceil.Div(headDim, 16)*2 + 1) * 16
	}
	return stagedShared(s, "", headDim) + queries + scores + weights + 4*rows
}

// matrixIdentifyShared is the same of identify_coop.comp.
func matrixIdentifyShared(s KernelShape, headDim int) int {
	padded := ceil.Div(headDim, 16) * 16
	queries := 16
	if s.Lean {
		queries = 2 * s.Rows * (padded/8 + 1) * 16
	}
	return s.Keys*(padded/8+1)*16 + (s.Local/s.Lanes*s.Rows/4+4)*16 + queries
}

// matrixSampleShared is the same of sample_coop.comp, the larger of the guard's.
func matrixSampleShared(s KernelShape, m MatrixShape, headDim int) int {
	padded := ceil.Div(headDim, 16) * 16
	rows := s.Local / s.Lanes * s.Rows
	queries := 16
	if s.Lean {
		queries = s.Rows * (padded/8 + 1) * 16
	}
	return s.Keys*(padded/8+1)*16 + (rows/4+4)*16 + queries + rows*m.N*4 + rows*4
}
