package attention

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
)

// bothModes runs a test for anchor and dense attention on every tier.
func bothModes(t *testing.T, run func(t *testing.T, e *Engine, p *Plan)) {
	t.Helper()
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		for _, mode := range []Mode{ModeAnchor, ModeDense} {
			problem := selective(2, 4, 2, 400, 521)
			problem.Mode = mode
			p, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true, ScratchBytes: 1}) // several rounds of passes
			require.NoError(t, err)
			t.Run(mode.String(), func(t *testing.T) { run(t, e, p) })
		}
	})
}

// What may lie in one place gives the bits of what lies apart: O over Q, on the
// device and on the host, and O in its lane of one buffer beside Q, K and V.
func TestSharedMemoryGivesTheSameBits(t *testing.T) {
	bothModes(t, func(t *testing.T, e *Engine, p *Plan) {
		s, ctx := p.Shape, context.Background()
		in := selectiveInputs(s, 31)
		want := runPlan(t, e, p, in)
		requireFinite(t, want)

		q := upload(t, e, in.Q, 48)
		lse := make([]float32, len(want.lse))
		_, err := e.Run(ctx, p, Inputs{Q: q, K: in.K, V: in.V}, Outputs{O: q, LSE: lse})
		require.NoError(t, err)
		got := want
		got.lse = lse
		got.o, _ = fetch(t, e, q)
		requireSameBits(t, want, got, "O over Q on the device")

		over := in.Q
		over.Host = append([]float16.Float16(nil), in.Q.Host...)
		_, err = e.Run(ctx, p, Inputs{Q: over, K: in.K, V: in.V}, Outputs{O: over})
		require.NoError(t, err)
		requireSameRows(t, want.o, over, 0, "O over Q on the host")

		// One row for each position: lanes of Q, K, V and O.
		dim := s.HeadDim
		width := (2*s.Heads + 2*s.KVHeads) * dim
		slab := make([]float16.Float16, s.Batch*s.KVLen*width)
		lane := func(first, heads, seq int) Tensor {
			return Tensor{Shape: [4]int{s.Batch, heads, seq, dim}, Strides: [3]int{s.KVLen * width, dim, width}, Host: slab[first*dim+(s.KVLen-seq)*width:]}
		}
		views := [4]Tensor{lane(0, s.Heads, s.QLen), lane(s.Heads, s.KVHeads, s.KVLen), lane(s.Heads+s.KVHeads, s.KVHeads, s.KVLen), lane(s.Heads+2*s.KVHeads, s.Heads, s.QLen)}
		for i, from := range []Tensor{in.Q, in.K, in.V} {
			eachRow(from.Shape, func(b, h, r int) { copy(views[i].At(b, h, r), from.At(b, h, r)) })
		}
		buffer := upload(t, e, HostBHSD(slab, s.Batch, 1, s.KVLen, width), 0).Buffer
		device := views
		for i := range device {
			device[i].Host, device[i].Buffer, device[i].Offset = nil, buffer, halfBytes*uint64(cap(slab)-cap(views[i].Host))
		}
		_, err = e.Run(ctx, p, Inputs{device[0], device[1], device[2]}, Outputs{O: device[3]})
		require.NoError(t, err)
		after := slab
		slab = append([]float16.Float16(nil), slab...)
		require.NoError(t, e.device.Download(ctx, bytesOf(after), buffer, 0))
		requireSameRows(t, want.o, views[3], 0, "O beside Q, K and V")
		for i := range slab {
			if at := i % width; at < (s.Heads+2*s.KVHeads)*dim && slab[i] != after[i] {
				t.Fatalf("element %d of an input was written", i)
			}
		}
	})
}

// A stride of 0 repeats what it steps over: heads, batch entries, positions.
func TestRepeatedRowsGiveTheSameBits(t *testing.T) {
	bothModes(t, func(t *testing.T, e *Engine, p *Plan) {
		s := p.Shape
		for name, axes := range map[string][3]bool{"heads": {false, true, false}, "batch": {true, false, false}, "positions": {false, false, true}, "all": {true, true, true}} {
			repeated, whole := selectiveInputs(s, 32), selectiveInputs(s, 32)
			for i, x := range []*Tensor{&repeated.Q, &repeated.K, &repeated.V} {
				if name == "positions" && i == 0 || name == "all" && i == 1 {
					continue // equal scores alone would keep all or nothing
				}
				for axis, zero := range axes {
					if zero {
						x.Strides[axis] = 0
					}
				}
				x.Host = x.Host[:x.Elements()]
				copyOf := [3]*Tensor{&whole.Q, &whole.K, &whole.V}[i]
				eachRow(x.Shape, func(b, h, r int) { copy(copyOf.At(b, h, r), x.At(b, h, r)) })
			}
			want := runPlan(t, e, p, whole)
			require.False(t, math.IsNaN(float64(want.lse[0])))
			requireSameBits(t, want, runPlan(t, e, p, repeated), name)
			device := Inputs{upload(t, e, repeated.Q, 0), upload(t, e, repeated.K, 16), upload(t, e, repeated.V, 48)}
			requireSameBits(t, want, runPlan(t, e, p, device), name+" on the device")
		}
	})
}
