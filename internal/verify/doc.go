// Package verify holds the awkward cases that every kernel and tier must get
// right, and the comparison of a device's output with the float64 oracle.
//
// The command's `verify` runs the cases; its `run --verify` and the fuzzing of
// the engine make the same comparison. The bounds are those of the project: an error of at most twice that
// of a plain fp16 implementation (oracle.HalfReference) and what the type of
// the output cannot tell apart, a normalised mean square error of at most 5e-4,
// and stripes that equal the oracle's wherever the oracle's margin is at least
// 1e-3. Where the plain implementation overflows it bounds nothing, which
// Measures.Notes tells.
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
	// outSteps is allowed on an element of the output beside the factor, in
	// steps of F16 at its magnitude: rounding takes half of one and sums in fp32
	// a little, and the plain implementation may happen to be exact.
	outSteps = 0.75
	// lseSteps is the same for log-sum-exps, in steps of F32: scores are sums
	// of products in fp32, scaled and changed from powers of 2 to powers of e.
	lseSteps = 8
	// lseFloor is allowed on log-sum-exps beside the factor: they come in F32.
	lseFloor = 1e-4
	// lseCoarse bounds the relative error of a log-sum-exp where the plain
	// implementation overflows: one rounding to fp16.
	lseCoarse = 1.0 / 2048
	// originalLSE is what rounding queries and keys to F16 may move a
	// log-sum-exp of common scores.
	originalLSE = 0.05
)
