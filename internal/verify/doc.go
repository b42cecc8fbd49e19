// Package verify holds the awkward cases that every kernel and tier must get
// right, and the comparison of a device's output with the float64 oracle.
//
// The command's `verify` and the tests of package attention run the same
// cases. The bounds are those of the project: an error of at most twice that
// of a plain fp16 implementation (attention.HalfReference), a normalised mean
// square error of at most 5e-4, and stripes that equal the oracle's wherever
// the oracle's margin is at least 1e-3.
package verify

const (
	// MaxNMSE is the normalised mean square error that no output may exceed.
	MaxNMSE = 5e-4
	// HalfFactor is how many times a plain fp16 implementation's error is
	// allowed.
	HalfFactor = 2
	// MinMargin is the distance from theta, in score units, from which on a
	// device must decide like the oracle. Below it, rounding decides.
	MinMargin = 1e-3
	// lseFloor is allowed on log-sum-exps beside the factor: they come in F32.
	lseFloor = 1e-4
	// lseHalfProducts is allowed besides to the tier that rounds each product
	// of a score to fp16, times the log-sum-exp: one rounding of it to fp16.
	// The plain fp16 implementation multiplies exactly.
	lseHalfProducts = 1.0 / 2048
)
