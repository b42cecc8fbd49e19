package attention

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzSlices cuts a dispatch as call.dispatch does, at any pace: every work item
// is in one slice, and a slice of more than one item keeps to its budget.
func FuzzSlices(f *testing.F) {
	f.Add(100.0, 1e6, uint32(1000), uint32(65535), 5e8, 100.0)
	f.Add(1e-9, 1e12, uint32(7), uint32(65535), 0.0, 0.0)
	f.Add(1e300, 0.0, uint32(70000), uint32(65535), 1e300, 1e-6)
	f.Add(0.05, 1e-300, uint32(3), uint32(1), -1.0, -1.0)
	f.Fuzz(func(t *testing.T, budgetMS, cost float64, items, maxItems uint32, flops, ms float64) {
		if !(budgetMS > 0) || math.IsInf(budgetMS, 0) || !(cost >= 0 && cost < 1e18) || maxItems == 0 {
			return // no plan has such a budget, no problem such work, no device such a limit
		}
		items %= 20_000
		var p pace
		p.begin(fakeReport("cpu"))
		if ms >= 1e-6 && flops >= 0 && flops < 1e18 && ms < 1e12 { // no timestamp tells less than a nanosecond
			p.learn(flops, ms)
		}
		require.Greater(t, p.flopsPerMS(), 0.0)
		require.False(t, math.IsInf(p.flopsPerMS(), 0))
		s := slicer{pace: &p, budgetMS: budgetMS}
		inSlice := uint32(0)
		for first := uint32(0); first < items; {
			n := s.room(cost, items-first, maxItems)
			if n == 0 {
				require.NotZero(t, inSlice, "a fresh slice has room")
				s.flops, inSlice = 0, 0
				continue
			}
			require.LessOrEqual(t, n, min(items-first, maxItems))
			first, inSlice = first+n, inSlice+n
			s.flops += float64(n) * cost
			if inSlice > 1 {
				require.LessOrEqual(t, s.flops, budgetMS*p.flopsPerMS()*(1+1e-9)+float64(inSlice))
			}
		}
	})
}
