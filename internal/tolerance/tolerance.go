// Package tolerance says how far two right computations of a tier may lie apart:
// one table for verify, the tuning sweep and the tests of attention. What is
// compared with the definition itself is held against a plain fp16 implementation
// too (package internal/verify).
package tolerance

import "github.com/anchorvk/anchorvk/internal/tuning"

// Of is what a tier's arithmetic allows.
type Of struct {
	// NMSE is of whole outputs, against float64 or another computation: fp32 sums
	// differ by the rounding of the output to fp16 (2^-11 of each element, whose
	// square is about 1e-7), and products in fp16 add 2^-11 each.
	NMSE float64
	// LSE is of a log-sum-exp of common scores, absolute: products in fp16 round
	// each partial score to 11 bits, and kernels on matrices round weights to
	// fp16, by at most 2^-11 of each, before they sum.
	LSE float64
	// LSEShare is the part of a log-sum-exp, however large, that products in fp16
	// may move it by: one rounding of it to fp16.
	LSEShare float64
	// Row is of a single row against the same tier with another tuning, as a share
	// of the row's length: sums in another order, and weights rounded to fp16,
	// stay far below, and sums or products in fp16 come nearer.
	Row float64
}

// Tier returns a tier's tolerances.
func Tier(t tuning.Tier) Of {
	of := Of{NMSE: 1e-6, LSE: 1e-4, Row: 0.01}
	if t.OnMatrixUnits() {
		of.LSE = 6e-4
	}
	switch t {
	case tuning.TierScalarF16:
		of = Of{NMSE: 2e-5, LSE: 2e-2, LSEShare: 1.0 / 2048, Row: 0.05}
	case tuning.TierCoopF16:
		of.Row = 0.05
	}
	return of
}
