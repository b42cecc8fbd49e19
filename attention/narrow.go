package attention

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/anchorvk/anchorvk/vk"
)

// narrow returns the report as the matrix kernels are to see it: without the
// matrix products and subgroup sizes that the options leave out.
func (o *PlanOptions) narrow(r *vk.Report) (*vk.Report, error) {
	if o.Matrix == "" && o.Subgroup == 0 {
		return r, nil
	}
	narrowed := *r
	if o.Matrix != "" {
		asked, err := parseMatrix(o.Matrix)
		if err != nil {
			return nil, argument("PlanOptions.Matrix", "use M x N x K, such as 16x8x16", "is %q: %v", o.Matrix, err)
		}
		narrowed.CoopMatrix = nil
		var offered []string
		for _, s := range r.CoopMatrix {
			if s.A == "f16" && s.B == "f16" && s.Scope == "subgroup" {
				offered = append(offered, fmt.Sprintf("%dx%dx%d", s.M, s.N, s.K))
			}
			if asked == (MatrixShape{int(s.M), int(s.N), int(s.K)}) {
				narrowed.CoopMatrix = append(narrowed.CoopMatrix, s)
			}
		}
		if narrowed.CoopMatrix == nil {
			why := "it multiplies halves as " + strings.Join(offered, ", ")
			if offered == nil {
				why = "it offers no matrix product of halves"
			}
			return nil, &vk.FeatureError{Feature: "matrix product " + o.Matrix, Why: why, Try: "one of those (PlanOptions.Matrix, ANCHORVK_MATRIX), or none to take the best"}
		}
	}
	if o.Subgroup != 0 {
		size, s := uint32(o.Subgroup), r.Subgroup
		low, high := s.Size, s.Size
		if s.SizeControl {
			low, high = s.Min, s.Max
		}
		if o.Subgroup < 0 || size&(size-1) != 0 || size < low || size > high {
			return nil, &vk.FeatureError{
				Feature: fmt.Sprintf("subgroup size %d", o.Subgroup), Why: fmt.Sprintf("the device grants powers of two from %d to %d", low, high),
				Try: "one of those (PlanOptions.Subgroup, ANCHORVK_SUBGROUP), or none to take the best",
			}
		}
		narrowed.Subgroup.Size, narrowed.Subgroup.Min, narrowed.Subgroup.Max = size, size, size
	}
	return &narrowed, nil
}

// parseMatrix reads a product such as 16x8x16.
func parseMatrix(text string) (m MatrixShape, err error) {
	parts := strings.Split(text, "x")
	if len(parts) != 3 {
		return m, fmt.Errorf("it has %d numbers", len(parts))
	}
	for i, to := range []*int{&m.M, &m.N, &m.K} {
		if *to, err = strconv.Atoi(parts[i]); err != nil || *to < 1 {
			return m, fmt.Errorf("%q is no whole number above 0", parts[i])
		}
	}
	return m, nil
}
