package verify

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
)

// Output is what a device computed for a problem.
type Output struct {
	Mode    attention.Mode   // the mode that ran: dense after a fallback
	Tier    attention.Tier   // the tier that ran, on which one bound depends
	O       attention.Tensor // host, [batch, heads, q_len, head_dim]
	LSE     []float32        // [batch, heads, q_len]; nil skips its check
	Stripes []byte           // [batch, heads, groups, kv_len], 1 = kept; nil only when Mode is dense
}

// Measures compare an output with the oracle on sampled rows. Elements that
// the oracle defines as NaN or infinite are compared by kind and left out of
// the other measures.
type Measures struct {
	Rows   int    // sampled rows, over all batches and heads
	Digest string // of all bits of the output, set by Check

	// Against the oracle of the same algorithm with the same stripes.
	NMSE, MaxErr float64
	LSEErr       float64 // largest error of the log-sum-exp
	NonFinite    float64 // share of the output that the oracle defines as NaN or infinite
	WrongKind    int     // elements finite where the oracle is not, or the other way round

	// The bounds, from what a plain fp16 implementation reaches, on the elements
	// and log-sum-exps where it is finite.
	RelL2There            float64 // of the output
	MaxErrThere           float64
	LSEErrThere           float64
	HalfRelL2, HalfMaxErr float64 // of the plain implementation
	HalfLSEErr            float64
	StepRelL2, StepMax    float64 // steps of F16 at the magnitude of the output
	LSEAllowed            float64 // steps of F32, and what the tier may add
	LSERelElsewhere       float64 // relative error of log-sum-exps where the plain implementation is not finite
	Unbounded             int     // rows in which the plain implementation is not finite where the oracle is

	// Against full attention in float64: what the sparsity costs.
	RelL2, MaxAbs, RecallMass, RecallClose float64

	// Stripes against the oracle's.
	Stripes, StripesDiffer, StripesWrong int // kept by the oracle; decided otherwise; of those, at a margin >= MinMargin

	// The guard's verdicts against the oracle's.
	Guarded, GuardWrong int // groups whose candidates the oracle's guard keeps; decided otherwise without a near miss
}

// Sample says what to compare in every head.
type Sample struct {
	Rows   []int // rows of the call
	Groups []int // groups whose stripes are compared, whole
	// Progress, where set, is called after each head, from any goroutine.
	Progress func(done, total int)
}

// Measure compares an output with the oracle. It stops early with ctx's error.
func Measure(ctx context.Context, o *oracle.Oracle, out Output, sample Sample) (Measures, error) {
	heads := o.Shape.Batch * o.Shape.Heads
	parts := make([]accumulator, heads)
	var next, done atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for {
				i := int(next.Add(1)) - 1
				if i >= heads || ctx.Err() != nil {
					return
				}
				parts[i].head(ctx, o, out, i/o.Shape.Heads, i%o.Shape.Heads, sample)
				if n := int(done.Add(1)); sample.Progress != nil {
					sample.Progress(n, heads)
				}
			}
		}()
	}
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return Measures{}, err
	}
	total := accumulator{}
	for _, p := range parts { // in the order of heads, so that sums are repeatable
		total.add(p)
	}
	return total.finish(), nil
}

// accumulator gathers sums over rows.
type accumulator struct {
	m                                     Measures
	err, norm, denseErr, denseNorm        float64
	errThere, normThere, halfErr, stepErr float64 // where the plain implementation is finite
	near, elements, nonFinite             int
}

func (a *accumulator) head(ctx context.Context, o *oracle.Oracle, out Output, b, h int, sample Sample) {
	group, kept := -1, []bool(nil)
	for _, row := range sample.Rows {
		if ctx.Err() != nil {
			return
		}
		if g := o.GroupOf(row); g != group && out.Mode == attention.ModeAnchor {
			group, kept = g, keptBy(o, out.Stripes, b, h, g)
		}
		a.row(o, out, b, h, row, kept)
	}
	if out.Mode != attention.ModeAnchor {
		return
	}
	for _, g := range sample.Groups {
		if ctx.Err() != nil {
			return
		}
		a.m.compareStripes(o, out.Stripes, b, h, g)
	}
}

func (a *accumulator) add(p accumulator) {
	a.m.Rows += p.m.Rows
	a.m.WrongKind += p.m.WrongKind
	a.m.Stripes += p.m.Stripes
	a.m.StripesDiffer += p.m.StripesDiffer
	a.m.StripesWrong += p.m.StripesWrong
	a.m.Guarded += p.m.Guarded
	a.m.GuardWrong += p.m.GuardWrong
	a.m.RecallMass += p.m.RecallMass
	a.m.MaxErr = math.Max(a.m.MaxErr, p.m.MaxErr)
	a.m.MaxErrThere = math.Max(a.m.MaxErrThere, p.m.MaxErrThere)
	a.m.HalfMaxErr = math.Max(a.m.HalfMaxErr, p.m.HalfMaxErr)
	a.m.StepMax = math.Max(a.m.StepMax, p.m.StepMax)
	a.m.Unbounded += p.m.Unbounded
	a.m.LSEErrThere = math.Max(a.m.LSEErrThere, p.m.LSEErrThere)
	a.m.LSERelElsewhere = math.Max(a.m.LSERelElsewhere, p.m.LSERelElsewhere)
	a.m.LSEErr = math.Max(a.m.LSEErr, p.m.LSEErr)
	a.m.HalfLSEErr = math.Max(a.m.HalfLSEErr, p.m.HalfLSEErr)
	a.m.LSEAllowed = math.Max(a.m.LSEAllowed, p.m.LSEAllowed)
	a.m.MaxAbs = math.Max(a.m.MaxAbs, p.m.MaxAbs)
	a.err += p.err
	a.norm += p.norm
	a.errThere += p.errThere
	a.normThere += p.normThere
	a.halfErr += p.halfErr
	a.stepErr += p.stepErr
	a.denseErr += p.denseErr
	a.denseNorm += p.denseNorm
	a.near += p.near
	a.elements += p.elements
	a.nonFinite += p.nonFinite
}

func (a *accumulator) row(o *oracle.Oracle, out Output, b, h, row int, kept []bool) {
	dim := o.Shape.HeadDim
	buf := make([]float64, 3*dim)
	ref, plain, full := buf[:dim], buf[dim:2*dim], buf[2*dim:]
	half := o.Half()
	var lse, halfLSE float64
	o.DenseRow(b, h, row, full)
	if out.Mode == attention.ModeAnchor {
		lse = o.AnchorRow(b, h, row, kept, ref)
		halfLSE = half.AnchorRow(b, h, row, kept, plain)
		a.m.RecallMass += o.RecallMass(b, h, row, kept)[0]
	} else {
		lse = o.DenseRow(b, h, row, ref)
		halfLSE = half.DenseRow(b, h, row, plain)
		a.m.RecallMass++
	}
	got := out.O.At(b, h, row)
	unbounded := false
	for d := range ref {
		x := float64(got[d].Float32())
		a.elements++
		if kind(ref[d]) != finite {
			a.nonFinite++
		}
		if kind(x) != kind(ref[d]) {
			a.m.WrongKind++
			continue
		}
		if kind(ref[d]) != finite {
			continue
		}
		e := x - ref[d]
		a.err += e * e
		a.norm += ref[d] * ref[d]
		a.m.MaxErr = math.Max(a.m.MaxErr, math.Abs(e))
		if kind(plain[d]) == finite {
			step := outSteps * stepOfHalf(ref[d])
			a.errThere += e * e
			a.normThere += ref[d] * ref[d]
			a.stepErr += step * step
			a.m.MaxErrThere = math.Max(a.m.MaxErrThere, math.Abs(e))
			a.m.StepMax = math.Max(a.m.StepMax, step)
			e = plain[d] - ref[d]
			a.halfErr += e * e
			a.m.HalfMaxErr = math.Max(a.m.HalfMaxErr, math.Abs(e))
		} else {
			unbounded = true
		}
		e = x - full[d]
		a.denseErr += e * e
		a.denseNorm += full[d] * full[d]
		a.m.MaxAbs = math.Max(a.m.MaxAbs, math.Abs(e))
		if math.Abs(e) <= oracle.CloseEnough {
			a.near++
		}
	}
	if out.LSE != nil {
		x := float64(out.LSE[(b*o.Shape.Heads+h)*o.Shape.QLen+row])
		switch {
		case kind(x) != kind(lse):
			a.m.WrongKind++
		case kind(lse) == finite:
			e := math.Abs(x - lse)
			a.m.LSEErr = math.Max(a.m.LSEErr, e)
			if kind(halfLSE) != finite {
				unbounded = true
				a.m.LSERelElsewhere = math.Max(a.m.LSERelElsewhere, quotient(e, math.Abs(lse)))
				break
			}
			a.m.LSEErrThere = math.Max(a.m.LSEErrThere, e)
			a.m.LSEAllowed = math.Max(a.m.LSEAllowed, lseAllowance(out.Tier, lse))
			a.m.HalfLSEErr = math.Max(a.m.HalfLSEErr, math.Abs(halfLSE-lse))
		}
	}
	a.m.Rows++
	if unbounded {
		a.m.Unbounded++
	}
}

func (a *accumulator) finish() Measures {
	m := a.m
	if m.Rows == 0 {
		return m
	}
	m.NMSE = quotient(a.err, a.norm)
	m.RelL2There = math.Sqrt(quotient(a.errThere, a.normThere))
	m.HalfRelL2 = math.Sqrt(quotient(a.halfErr, a.normThere))
	m.StepRelL2 = math.Sqrt(quotient(a.stepErr, a.normThere))
	m.RelL2 = math.Sqrt(quotient(a.denseErr, a.denseNorm))
	m.RecallMass /= float64(m.Rows)
	m.NonFinite = float64(a.nonFinite) / float64(a.elements)
	m.RecallClose = float64(a.near) / float64(a.elements)
	return m
}

// quotient is 0 where there is no error, whatever it is measured against.
func quotient(err, norm float64) float64 {
	if err == 0 {
		return 0
	}
	return err / norm
}

// compareStripes holds a group's stripes against the oracle's.
func (m *Measures) compareStripes(o *oracle.Oracle, stripes []byte, b, h, group int) {
	got := stripes[((b*o.Shape.Heads+h)*o.Groups()+group)*o.Shape.KVLen:][:o.Shape.KVLen]
	want, margin := m.compareGuard(o, o.Select(b, h, group), got, b, h, group)
	for j := range want {
		if want[j] {
			m.Stripes++
		}
		if (got[j] == 1) != want[j] || got[j] > 1 {
			m.StripesDiffer++
		}
	}
	m.StripesWrong += wrong(want, margin, got)
}

// keptBy reads a group's stripes from a device's bytes.
func keptBy(o *oracle.Oracle, stripes []byte, b, h, group int) []bool {
	bytes := stripes[((b*o.Shape.Heads+h)*o.Groups()+group)*o.Shape.KVLen:][:o.Shape.KVLen]
	kept := make([]bool, len(bytes))
	for j, x := range bytes {
		kept[j] = x == 1
	}
	return kept
}
