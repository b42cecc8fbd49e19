package tuning

import (
	"fmt"
	"slices"

	"github.com/anchorvk/anchorvk/vk"
)

// MatrixShape is a product of M x K and K x N matrices.
type MatrixShape struct {
	M int `json:"m"`
	N int `json:"n"`
	K int `json:"k"`
}

func (m MatrixShape) String() string { return fmt.Sprintf("%dx%dx%d", m.M, m.N, m.K) }

// parseMatrix reads a product as MatrixShape.String has it.
func parseMatrix(text string) (m MatrixShape, ok bool) {
	n, err := fmt.Sscanf(text, "%dx%dx%d", &m.M, &m.N, &m.K)
	return m, err == nil && n == 3 && m.M > 0 && m.N > 0 && m.K > 0 && m.String() == text
}

func (m MatrixShape) isCube() bool { return m.M == m.N && m.N == m.K }

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

// BestProduct is the one with the most rows, then the most work, which leaves
// the fewest instructions. ok is false when there is none.
func BestProduct(r *vk.Report, tier Tier) (best MatrixShape, ok bool) {
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

// registersPossible says whether tier coop can keep scores in registers:
// weights then pass as matrices of halves.
func registersPossible(r *vk.Report) bool {
	m, ok := BestProduct(r, TierCoop)
	return ok && m.isCube() && slices.Contains(products(r, TierCoopF16), m)
}
