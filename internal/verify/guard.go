package verify

import "github.com/anchorvk/anchorvk/attention"

// What rounding may do to the guard: to the probability of a peak, and to a
// mean of them.
const (
	peakMargin = 0.02
	missMargin = 1e-4
)

// compareGuard compares the guard's verdict on a group, and returns the stripes
// that follow from the device's verdict: all candidates, or those of the pooled
// rows. Where the oracle is near the limit, either verdict is right.
func (m *Measures) compareGuard(o *attention.Oracle, s attention.Selection, got []byte, b, h, group int) []bool {
	if s.Guarded {
		m.Guarded++
	}
	lo, hi := o.Candidates(group)
	if lo >= hi || !o.Params.Guard.On() || o.Params.Head(h).IsDense() {
		return s.Kept
	}
	pooled, _ := o.Stripes(b, h, group)
	all, every := true, true // kept by the device; by the pooled rows
	for j := lo; j < hi; j++ {
		all = all && got[j] == 1
		every = every && pooled[j]
	}
	if all == s.Guarded || every {
		return s.Kept
	}
	guard := o.Params.Guard
	least := o.Missed(b, h, group, pooled, guard.Peak*(1+peakMargin))*(1-peakMargin) - missMargin
	most := o.Missed(b, h, group, pooled, guard.Peak*(1-peakMargin))*(1+peakMargin) + missMargin
	if least > guard.Limit || most <= guard.Limit {
		m.GuardWrong++
	}
	if !all {
		return pooled
	}
	kept := append([]bool(nil), s.Kept...)
	for j := lo; j < hi; j++ {
		kept[j] = true
	}
	return kept
}
