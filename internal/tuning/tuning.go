// Package tuning chooses the tier of kernels and their shape for a device and a
// head dimension. A table of rules says what to aim at, rules from elsewhere go
// before it, and one judge fits each to what the device and the kernels can do.
package tuning

import (
	"fmt"

	"github.com/anchorvk/anchorvk/internal/plural"
)

// Tuning is the shape of the kernels for one device and head dimension. It
// changes speed and the last bits of results, never their meaning.
type Tuning struct {
	// Way is how kernels read K and V, and how queries lie in matrices.
	Way Way `json:"way"`
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
	// From says where the choice comes from: "table NAME" for a rule of the
	// tuning table, else the rule's own word.
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

// Describe is the shape in words, where a lane holds so many rows or blocks.
func (s KernelShape) Describe(one, many string) string {
	return fmt.Sprintf("%d invocations, %s %s, %s at a time", s.Local,
		plural.Of(s.Lanes, "lane shares", "lanes share"), plural.Of(s.Rows, one, many), plural.Of(s.Keys, "key", "keys"))
}

func (s KernelShape) String() string {
	if s.Slices > 1 {
		return fmt.Sprintf("{%d %d %d %d in %d slices}", s.Local, s.Lanes, s.Rows, s.Keys, s.Slices)
	}
	return fmt.Sprintf("{%d %d %d %d}", s.Local, s.Lanes, s.Rows, s.Keys)
}

// TileRows is how many query rows a workgroup computes.
func (s KernelShape) TileRows() int { return s.Local / s.Lanes / max(s.Slices, 1) * s.Rows }

// TileRows is how many query rows a workgroup of the attention kernels computes.
func (t Tuning) TileRows() int { return t.Attend.TileRows() }

// Kernels that share a shape.
const (
	Attend   = "attend"   // the attention kernels
	Identify = "identify" // the stripe search
)

// shapeOf is the shape of Attend or Identify.
func (t Tuning) shapeOf(kernels string) KernelShape {
	if kernels == Identify {
		return t.Identify
	}
	return t.Attend
}

// Loads says in words how kernels load K and V.
func (t Tuning) Loads() string {
	switch {
	case t.Matrix != (MatrixShape{}):
		return "in words of 16 bytes, which pass through shared memory to the matrices"
	case t.Way.Load == LoadAddress:
		return "as halves, through addresses of buffers"
	case t.Way.Load == LoadHalf:
		return "as halves, through bindings"
	}
	return "in words of 16 bytes, which are unpacked"
}

// Queries says in words how queries lie in the products of scores.
func (t Tuning) Queries() string {
	switch {
	case t.Matrix == (MatrixShape{}):
		return "in registers, no matrices"
	case t.inRegisters():
		return string(t.Way.Layout) + " of the score matrices, which stay in registers"
	}
	return "rows of the score matrices, which pass through shared memory"
}

// inRegisters is set where scores stay in registers. What a product gives, the
// next one takes, so that its sides are equal.
func (t Tuning) inRegisters() bool { return t.Way.Layout != "" }

// ShareKeys lets as many heads share keys in the stripe search as share a KV
// head, or the largest power of two that divides their number: then the heads
// of a workgroup have the same KV head, unless a span of heads is cut in between.
func (t *Tuning) ShareKeys(headsPerKV int) {
	for t.SearchHeads > 1 && headsPerKV%t.SearchHeads != 0 {
		t.SearchHeads /= 2
	}
}
