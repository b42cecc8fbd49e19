package verify

import (
	"context"
	"fmt"
	"math"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/tolerance"
)

// lseAllowance is what F32 and a tier may add to the error of a log-sum-exp.
func lseAllowance(tier attention.Tier, lse float64) float64 {
	return lseFloor + lseSteps*stepOfF32(lse) + tolerance.Tier(tier).LSEShare*math.Abs(lse)
}

// stepOfHalf is the distance of neighbouring F16 numbers at a magnitude.
func stepOfHalf(x float64) float64 { return math.Ldexp(1, max(math.Ilogb(x), -14)-10) }

// stepOfF32 is the distance of neighbouring F32 numbers at a magnitude.
func stepOfF32(x float64) float64 { return math.Ldexp(1, max(math.Ilogb(x), -126)-23) }

// Failures lists which bounds the measures break; empty when all hold.
func (m Measures) Failures() []string {
	var bad []string
	over := func(what string, got, bound float64) {
		if !(got <= bound) {
			bad = append(bad, fmt.Sprintf("%s %.3g exceeds %.3g", what, got, bound))
		}
	}
	if m.WrongKind > 0 {
		bad = append(bad, fmt.Sprintf("%d elements are NaN or infinite where the oracle is not, or the other way round", m.WrongKind))
	}
	over("NMSE", m.NMSE, MaxNMSE)
	over("rel_l2", m.RelL2There, HalfFactor*m.HalfRelL2+m.StepRelL2)
	over("max error", m.MaxErrThere, HalfFactor*m.HalfMaxErr+m.StepMax)
	over("log-sum-exp error", m.LSEErrThere, HalfFactor*m.HalfLSEErr+m.LSEAllowed)
	over("relative log-sum-exp error", m.LSERelElsewhere, lseCoarse)
	if m.GuardWrong > 0 {
		bad = append(bad, fmt.Sprintf("the guard decided on %d groups otherwise than the oracle", m.GuardWrong))
	}
	if m.StripesWrong > 0 {
		bad = append(bad, fmt.Sprintf("%d stripes differ from the oracle's at a margin of %g or more", m.StripesWrong, MinMargin))
	}
	return bad
}

// Notes are sentences on what the measures cannot tell; empty when all bounds
// hold everywhere.
func (m Measures) Notes() []string {
	if m.Unbounded == 0 {
		return nil
	}
	return []string{fmt.Sprintf("in %d of %d rows that were compared, scores are so large that a plain fp16 implementation overflows: errors there are held to an NMSE of %g, and log-sum-exps to %.1g of their value", m.Unbounded, m.Rows, MaxNMSE, lseCoarse)}
}

// AgainstOriginal compares an output with the oracle of the numbers that a
// problem had before its conversion to F16, and says where they are too far
// apart. Stripes stay those of the output: rounding may move some.
func AgainstOriginal(ctx context.Context, original *oracle.Oracle, out Output, sample Sample) (nmse float64, failures []string, err error) {
	sample.Groups = nil
	m, err := Measure(ctx, original, out, sample)
	if err != nil {
		return 0, nil, err
	}
	const why = ": the conversion to F16 changes the result; scale the tensors, or save them as F16 where they are made"
	if !(m.NMSE <= MaxNMSE) {
		failures = append(failures, fmt.Sprintf("beside the numbers of the file, NMSE %.3g exceeds %.3g%s", m.NMSE, MaxNMSE, why))
	}
	if bound := originalLSE + HalfFactor*m.HalfLSEErr + m.LSEAllowed; !(m.LSEErrThere <= bound) {
		failures = append(failures, fmt.Sprintf("beside the numbers of the file, the log-sum-exp error %.3g exceeds %.3g%s", m.LSEErrThere, bound, why))
	}
	return m.NMSE, failures, nil
}
