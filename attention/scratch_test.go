package attention

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A bound on scratch memory is kept to the byte, wherever it falls between one
// number of slots and the next, and all of it is used but less than two slots.
func TestScratchKeepsToItsBound(t *testing.T) {
	problem := llama(16_384)
	plan := func(bytes uint64) *Plan {
		p, err := NewPlan(fakeReport("discrete"), problem, PlanOptions{NoFallback: true, ScratchBytes: bytes})
		require.NoError(t, err)
		return p
	}
	one := plan(1)
	require.Equal(t, 1, one.Slots, "a unit is always held")
	slot := one.scratchFor(2).total - one.ScratchBytes
	for slots := 2; slots <= 12; slots++ {
		need := one.scratchFor(slots).total
		for _, bytes := range []uint64{need - 1, need, need + 1, need + slot/2} {
			p := plan(bytes)
			require.LessOrEqual(t, p.ScratchBytes, bytes, "%d slots", p.Slots)
			require.Greater(t, p.ScratchBytes+2*slot, bytes, "%d slots", p.Slots)
		}
	}
}
