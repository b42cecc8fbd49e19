package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/x448/float16"

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

// differs says where two outputs of the same problem are not the same beyond
// rounding, or "". A single bad row shows, which means over all would hide.
func differs(want, got []float16.Float16, headDim int, tolerance float64) string {
	for row := range len(want) / headDim {
		var apart, length float64
		for i := row * headDim; i < (row+1)*headDim; i++ {
			w, g := float64(want[i].Float32()), float64(got[i].Float32())
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
