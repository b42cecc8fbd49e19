package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
)

// rowTolerance is how far a row may lie from the one that the table's choice
// gives, as a share of its length: sums in another order, and weights rounded
// to halves, stay far below; products or sums in fp16 come nearer.
func rowTolerance(tier attention.Tier) float64 {
	if strings.HasSuffix(string(tier), "-f16") {
		return 0.05
	}
	return 0.01
}

// differs says where two results of the same problem are not the same beyond
// rounding, or "". A single bad row shows, which means over all would hide.
// Rounding moves few keys across the threshold of the stripes.
func differs(want, got computed, headDim int, tolerance float64) string {
	kept, others := 0, 0
	for i, flag := range want.stripes {
		kept += int(flag)
		if flag != got.stripes[i] {
			others++
		}
	}
	if others > 4+kept/500 {
		return fmt.Sprintf("%d keys are stripes in one and not in the other, of %d", others, kept)
	}
	for row := range len(want.rows) / headDim {
		var apart, length float64
		for i := row * headDim; i < (row+1)*headDim; i++ {
			w, g := float64(want.rows[i].Float32()), float64(got.rows[i].Float32())
			apart += (w - g) * (w - g)
			length += w * w
		}
		apart, length = math.Sqrt(apart), math.Sqrt(length)
		if !(apart <= tolerance*length+1e-4) { // NaN is apart from everything
			return fmt.Sprintf("row %d of the output is %.2g away from one of length %.2g", row, apart, length)
		}
	}
	return ""
}
