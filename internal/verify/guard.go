package verify

import (
	"math"

	"github.com/anchorvk/anchorvk/attention/oracle"
)

// What rounding may do to sampled rows: to a probability, and to a mean of them.
const (
	peakMargin = 0.02
	missMargin = 1e-4
)

// compareGuard returns what a group has to keep, and how far each key is from
// being decided otherwise: as the oracle's guard decides, or where the device's
// decided otherwise, as that did, which is right near the limit only.
func (m *Measures) compareGuard(o *oracle.Oracle, s oracle.Selection, got []byte, b, h, group int) ([]bool, []float64) {
	if s.Guarded {
		m.Guarded++
	}
	lo, hi := o.Candidates(group)
	if lo >= hi || !o.Params.Guard.On() || o.Params.Head(h).IsDense() || wrong(s.Kept, s.Margin, got) == 0 {
		return s.Kept, s.Margin
	}
	kept, margin := o.Choose(b, h, group)
	chosen := kept
	if !s.Guarded {
		kept, margin = o.Keep(b, h, group, kept, margin)
	}
	if wrong(kept, margin, got) >= wrong(s.Kept, s.Margin, got) {
		return s.Kept, s.Margin
	}
	least := o.Missed(b, h, group, chosen, peakMargin)*(1-peakMargin) - missMargin
	most := o.Missed(b, h, group, chosen, -peakMargin)*(1+peakMargin) + missMargin
	if least > o.Params.Guard.Limit || most <= o.Params.Guard.Limit {
		m.GuardWrong++
	}
	return kept, margin
}

// wrong counts the keys that are decided otherwise at a margin which leaves no
// doubt. A key that is no candidate has margin NaN and may never be kept.
func wrong(kept []bool, margin []float64, got []byte) (n int) {
	for j := range kept {
		if ((got[j] == 1) != kept[j] || got[j] > 1) && (got[j] > 1 || !(math.Abs(margin[j]) < MinMargin)) {
			n++
		}
	}
	return n
}
