package attention

import (
	"fmt"
	"slices"

	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/vk"
)

// products returns the device's products of halves at subgroup scope that the
// kernels of a tier can be built from, with the sums that it needs.
func products(r *vk.Report, tier Tier) (all []MatrixShape) {
	for _, s := range r.CoopMatrix {
		same := func(other vk.CoopShape) bool {
			return multipliesHalves(other, "f16") && other.M == s.M && other.N == s.N && other.K == s.K
		}
		switch {
		case !multipliesHalves(s, "f32"), tier == TierCoopF16 && !slices.ContainsFunc(r.CoopMatrix, same):
		// What the kernels' tiles are multiples of, and what starts on 16 bytes in them.
		case s.M > 16 || s.N > 16 || s.K > 16 || 16%s.M != 0 || 16%s.N != 0 || 16%s.K != 0 || s.N%4 != 0 || s.K%8 != 0:
		// What a product gives, the next one takes.
		case tier == TierCoop2 && (s.M != s.N || s.M != s.K):
		default:
			all = append(all, MatrixShape{int(s.M), int(s.N), int(s.K)})
		}
	}
	return all
}

// bestProduct is the one with the most rows, then the most work, which leaves
// the fewest instructions. ok is false when there is none.
func bestProduct(r *vk.Report, tier Tier) (best MatrixShape, ok bool) {
	for _, m := range products(r, tier) {
		if !ok || m.M > best.M || m.M == best.M && m.N*m.K > best.N*best.K {
			best, ok = m, true
		}
	}
	return best, ok
}

func multipliesHalves(s vk.CoopShape, sums string) bool {
	return s.A == "f16" && s.B == "f16" && s.C == sums && s.Out == sums && s.Scope == "subgroup" && !s.Saturating
}

func (m MatrixShape) isCube() bool { return m.M == m.N && m.N == m.K }

// inRegisters tells the ways that keep scores in registers. What a product
// gives, the next one takes, so that its sides are equal.
func (t Tuning) inRegisters() bool { return t.Way == wayRows || t.Way == wayColumns }

// registersPossible says whether tier coop can keep scores in registers:
// weights then pass as matrices of halves.
func registersPossible(r *vk.Report) bool {
	m, ok := bestProduct(r, TierCoop)
	return ok && m.isCube() && slices.Contains(products(r, TierCoopF16), m)
}

// illegalMatrixShape is illegal for a kernel on matrix units.
func illegalMatrixShape(r *vk.Report, tier Tier, k kernel, headDim int, t Tuning) string {
	s, m := t.shapeOf(k), t.Matrix
	shared := sharedBytes(tier, k, s, t, headDim)
	switch {
	case !slices.Contains(products(r, tier), m):
		return fmt.Sprintf("the device multiplies halves as %v, not as %v", products(r, tier), m)
	case s.Rows%m.M != 0 || s.Keys%m.N != 0 || s.Keys%m.K != 0:
		return fmt.Sprintf("%s: %d rows and %d keys are no multiples of the product %v", k, s.Rows, s.Keys, m)
	case s.Lanes != t.Subgroup:
		return fmt.Sprintf("%s: %d lanes share rows, in a subgroup of %d", k, s.Lanes, t.Subgroup)
	case t.inRegisters() && (!m.isCube() || !slices.Contains(products(r, TierCoopF16), m) && tier != TierCoop2):
		return fmt.Sprintf("softmax in registers takes a product with equal sides, and in tier coop fp16 sums, not %v", m)
	case k != kernelIdentify && tier != TierCoop2 && t.inRegisters() && r.DriverID == driverLavapipe && s.Local > s.Lanes:
		return fmt.Sprintf("%s: lavapipe takes a barrier of a subgroup for one of the workgroup, which then must be one subgroup", k)
	case s.Slices > 1 && r.DriverID == driverLavapipe && ceil.Div(ceil.Div(headDim, 16)*16/m.N, s.Slices)*m.N > s.Keys:
		return fmt.Sprintf("%s: lavapipe takes a barrier of a subgroup for one of the workgroup, so that slices must be written at once: have %d keys or fewer elements", k, s.Keys)
	case k != kernelIdentify && !t.inRegisters() && s.Rows&(s.Rows-1) != 0:
		return fmt.Sprintf("%s: %d rows are shared out among lanes, and must be a power of two", k, s.Rows)
	case r.Subgroup.MaxPerGroup > 0 && s.Local/s.Lanes > int(r.Subgroup.MaxPerGroup):
		return fmt.Sprintf("%s: %d subgroups of %d in a workgroup, the device takes %d", k, s.Local/s.Lanes, s.Lanes, r.Subgroup.MaxPerGroup)
	case s.Slices > 1 && (s.Slices&(s.Slices-1) != 0 || s.Slices > 16 || s.Local/s.Lanes%s.Slices != 0 || k == kernelIdentify || t.inRegisters()):
		return fmt.Sprintf("%s: %d subgroups share no rows in %d slices", k, s.Local/s.Lanes, s.Slices)
	case k != kernelIdentify && !t.inRegisters() && s.Lanes > s.Rows && s.Keys%(4*s.Lanes/s.Rows) != 0:
		return fmt.Sprintf("%s: %d lanes share a row's %d scores, which come in fours", k, s.Lanes/s.Rows, s.Keys)
	case s.Rows > 4*s.Lanes:
		return fmt.Sprintf("%s: %d rows a subgroup of %d, at most 4 a lane can be", k, s.Rows, s.Lanes)
	case k == kernelIdentify && s.Keys/m.N%(s.Local/s.Lanes) != 0:
		return fmt.Sprintf("%s: %d keys are no %d products for each of %d subgroups", k, s.Keys, m.N, s.Local/s.Lanes)
	case k == kernelIdentify && s.Rows > s.Keys:
		return fmt.Sprintf("%s: %d rows pass through the room of %d keys", k, s.Rows, s.Keys)
	case shared > int(r.Limits.SharedMemory):
		return fmt.Sprintf("it needs %d bytes of shared memory at head_dim %d, the device has %d", shared, headDim, r.Limits.SharedMemory)
	}
	return ""
}

// sharedBytes is the shared memory that a kernel declares.
func sharedBytes(tier Tier, k kernel, s KernelShape, t Tuning, headDim int) int {
	m := t.Matrix
	switch {
	case !tier.onMatrixUnits():
		return 0
	case k == kernelIdentify:
		return max(matrixIdentifyShared(s, headDim), matrixSampleShared(s, m, headDim))
	case t.inRegisters():
		return stagedShared(s, t.Way, headDim) + s.Local/s.Lanes*m.M*((m.N/4+1)*16+4) + 16*4 // include/coop2_pass.glsl
	}
	return matrixShared(s, headDim)
}

// stagedShared is the shared memory of include/coop_stage.glsl: tiles of K and V.
func stagedShared(s KernelShape, way string, headDim int) int {
	padded := (headDim + 15) / 16 * 16
	if way == wayRows {
		return 2*s.Keys*(padded/8+1)*16 + 16
	}
	return s.Keys*(padded/8+1)*16 + padded*(s.Keys/2+4)*4 + 16
}

// matrixShared is the shared memory of the matrix kernels in bytes, as
// include/coop_tile.glsl declares it.
func matrixShared(s KernelShape, headDim int) int {
	rows := s.TileRows()
	scores := rows * (s.Keys/4 + 1) * 16
	weights := rows * (s.Keys/8 + 1) * 16
	queries := 16
	if s.Slices > 1 {
		queries = rows * (ceil.Div(headDim, 16)*2 + 1) * 16
	}
	return stagedShared(s, wayUint, headDim) + queries + scores + weights + 4*rows
}

// matrixIdentifyShared is the same of identify_coop.comp.
func matrixIdentifyShared(s KernelShape, headDim int) int {
	padded := (headDim + 15) / 16 * 16
	queries := 16
	if s.Lean {
		queries = 2 * s.Rows * (padded/8 + 1) * 16
	}
	return s.Keys*(padded/8+1)*16 + (s.Local/s.Lanes*s.Rows/4+4)*16 + queries
}

// matrixSampleShared is the same of sample_coop.comp, the larger of the guard's.
func matrixSampleShared(s KernelShape, m MatrixShape, headDim int) int {
	padded := (headDim + 15) / 16 * 16
	rows := s.Local / s.Lanes * s.Rows
	queries := 16
	if s.Lean {
		queries = s.Rows * (padded/8 + 1) * 16
	}
	return s.Keys*(padded/8+1)*16 + (rows/4+4)*16 + queries + rows*m.N*4 + rows*4
}

// shareKeys lets as many heads share keys in the stripe search as there are in
// a group of them, or the largest power of two that divides it: then the heads
// of a workgroup have the same KV head, unless a span of heads is cut in between.
func (t *Tuning) shareKeys(headsAGroup int) {
	for t.SearchHeads > 1 && headsAGroup%t.SearchHeads != 0 {
		t.SearchHeads /= 2
	}
}
