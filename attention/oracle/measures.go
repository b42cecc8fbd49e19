package oracle

import (
	"fmt"
	"math"
)

// CloseEnough is the distance within which recall_close counts an element.
const CloseEnough = 0.01

// RelL2 is ||out-ref|| / ||ref||, the measure rel_l2. It is NaN when out or
// ref holds NaN or an infinity, and +Inf when ref is zero but out is not.
func RelL2(out, ref []float64) float64 { return math.Sqrt(NMSE(out, ref)) }

// NMSE is ||out-ref||² / ||ref||², the normalised mean square error. It is NaN
// and +Inf where RelL2 is.
func NMSE(out, ref []float64) float64 {
	sameLength(out, ref)
	var err, norm float64
	for i, r := range ref {
		d := out[i] - r
		err += d * d
		norm += r * r
	}
	if err == 0 && norm == 0 {
		return 0
	}
	if math.IsInf(norm, 1) {
		return math.NaN()
	}
	return err / norm
}

// MaxAbs is the largest |out-ref|, the measure max_abs; NaN when any
// difference is.
func MaxAbs(out, ref []float64) float64 {
	sameLength(out, ref)
	top := 0.0
	for i, r := range ref {
		top = math.Max(top, math.Abs(out[i]-r)) // math.Max keeps NaN
	}
	return top
}

// RecallClose is the share of elements of out within 0.01 of ref, full
// attention: the measure recall_close. It is 1 for empty slices.
func RecallClose(out, ref []float64) float64 {
	sameLength(out, ref)
	if len(ref) == 0 {
		return 1
	}
	near := 0
	for i, r := range ref {
		if math.Abs(out[i]-r) <= CloseEnough {
			near++
		}
	}
	return float64(near) / float64(len(ref))
}

func sameLength(out, ref []float64) {
	if len(out) != len(ref) {
		panic(fmt.Sprintf("attention: %d outputs are measured against %d references", len(out), len(ref)))
	}
}
