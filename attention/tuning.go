package attention

import (
	"fmt"

	"github.com/anchorvk/anchorvk/internal/plural"
	"github.com/anchorvk/anchorvk/vk"
)

// Tuning is the shape of the kernels for one device and head dimension. It
// changes speed and the last bits of results, never their meaning.
type Tuning struct {
	// Way is how kernels read K and V: "uint", "half" or "address"; where softmax
	// happens in registers, always in tier coop2, it is how queries lie in
	// matrices: "rows" or "columns". Plan.String tells both apart.
	Way string `json:"way"`
	// Attend shapes the attention kernels.
	Attend KernelShape `json:"attend"`
	// Identify shapes the stripe search, whose rows are pooled blocks.
	Identify KernelShape `json:"identify"`
	// SearchHeads is how many heads share the keys of a workgroup of the stripe
	// search on matrix units, at most its subgroups; 0 in other tiers.
	SearchHeads int `json:"search_heads"`
	// Matrix is the product that the matrix kernels are built from; zero in other tiers.
	Matrix MatrixShape `json:"matrix"`
	// Range is how many keys a dispatch of the attention kernels attends at most,
	// a multiple of 16; the rows' state waits in scratch memory for the next
	// one. 0: all of them. Not in tiers on matrix units.
	Range int `json:"range,omitempty"`
	// Compact is the workgroup of the kernel that lists stripes, in invocations;
	// 0: 32.
	Compact int `json:"compact,omitempty"`
	// Subgroup is the subgroup size that the kernels need; 0 leaves it to the driver.
	Subgroup int `json:"subgroup"`
	// From says where the choice comes from: "table NAME" for an entry of the
	// tuning table, else the override's own word.
	From string `json:"from"`
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
	// Slices is how many subgroups share rows in the matrix kernels of tiers
	// coop and coop-f16, each with a slice of head_dim; 0 and 1: none.
	Slices int `json:"slices,omitempty"`
	// Lean is set where the stripe search on matrix units keeps neither pooled
	// queries nor fetched keys in registers.
	Lean bool `json:"lean,omitempty"`
}

// describe is the shape in words, where a lane holds so many rows or blocks.
func (s KernelShape) describe(one, many string) string {
	return fmt.Sprintf("%d invocations, %s %s, %s at a time", s.Local,
		plural.Of(s.Lanes, "lane shares", "lanes share"), plural.Of(s.Rows, one, many), plural.Of(s.Keys, "key", "keys"))
}

func (s KernelShape) String() string {
	if s.Slices > 1 {
		return fmt.Sprintf("{%d %d %d %d in %d slices}", s.Local, s.Lanes, s.Rows, s.Keys, s.Slices)
	}
	return fmt.Sprintf("{%d %d %d %d}", s.Local, s.Lanes, s.Rows, s.Keys)
}

// MatrixShape is a product of M x K and K x N matrices.
type MatrixShape struct {
	M int `json:"m"`
	N int `json:"n"`
	K int `json:"k"`
}

func (m MatrixShape) String() string { return fmt.Sprintf("%dx%dx%d", m.M, m.N, m.K) }

// TileRows is how many query rows a workgroup computes.
func (s KernelShape) TileRows() int { return s.Local / s.Lanes / max(s.Slices, 1) * s.Rows }

// TileRows is how many query rows a workgroup of the attention kernels computes.
func (t Tuning) TileRows() int { return t.Attend.TileRows() }

// Ways of reading K and V, and where softmax happens in registers, always in
// tier coop2, how queries lie in matrices (shaders/include/coop2_layout.glsl);
// they name shader modules.
const (
	wayUint    = "uint"
	wayHalf    = "half"
	wayAddress = "address"
	wayRows    = "rows"
	wayColumns = "columns"
)

// loads says in words how kernels load K and V.
func (t Tuning) loads() string {
	switch {
	case t.Matrix != (MatrixShape{}):
		return "in words of 16 bytes, which pass through shared memory to the matrices"
	case t.Way == wayAddress:
		return "as halves, through addresses of buffers"
	case t.Way == wayHalf:
		return "as halves, through bindings"
	}
	return "in words of 16 bytes, which are unpacked"
}

// queries says in words how queries lie in the products of scores.
func (t Tuning) queries() string {
	switch {
	case t.Matrix == (MatrixShape{}):
		return "in registers, no matrices"
	case t.Way == wayRows:
		return "rows of the score matrices, which stay in registers"
	case t.Way == wayColumns:
		return "columns of the score matrices, which stay in registers"
	}
	return "rows of the score matrices, which pass through shared memory"
}

// allWays are all of them; wayFor says which a tier has.
var allWays = []string{wayAddress, wayHalf, wayUint, wayRows, wayColumns}

// untakable says why a device that passes a tier cannot take it for a head
// dimension, or "".
func untakable(r *vk.Report, tier Tier, headDim int) string {
	entry := lookUp(r, tier, headDim)
	if entry.refuse != "" {
		return entry.refuse
	}
	if n := r.Limits.LoopRounds; n > 0 && tier.onMatrixUnits() {
		return fmt.Sprintf("the driver ends loops after %d rounds, and the rounds of matrix kernels are not bounded", n)
	}
	return illegal(r, tier, headDim, entry.choice.resolve(r, tier, headDim))
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
