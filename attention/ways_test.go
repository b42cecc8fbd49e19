package attention

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/drivers"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// Kernels with softmax in registers compute the same whichever way round they
// multiply and however many queries and keys they take at a time: what the oracle says,
// NaN and infinities included, with the oracle's stripes. A device that can keep
// scores in registers and runs none of the ways fails.
func TestDeviceWaysOfMatrices(t *testing.T) {
	e := sharedEngine(t)
	problem := selective(1, 4, 2, 333, 333)
	problem.Params.Theta = 4
	in := selectiveInputs(problem.Shape, 63)
	for _, p := range plants {
		if p.name == "NaN in the value after a tile's first rows" || p.name == "-Inf in a sink key" {
			p.put(in)
		}
	}
	o, err := oracle.New(problem.Shape, problem.Params, in.Q, in.K, in.V)
	require.NoError(t, err)
	r, want := e.device.Report(), map[Mode]*oracle.Result{ModeAnchor: o.Forward(ModeAnchor), ModeDense: o.Forward(ModeDense)}
	for _, status := range Tiers(r) {
		tier := status.Name
		if !status.OK || !tier.OnMatrixUnits() {
			continue
		}
		ran := 0
		for _, way := range tuning.Ways() {
			if way.Layout == "" || !way.CanBe(r, tier) {
				continue
			}
			product, _ := tuning.BestProduct(r, tier)
			side := product.M
			shapes := [][2]int{{side, 2 * side}, {2 * side, side}}
			if tier != TierCoop2 {
				shapes = shapes[:1] // each costs seconds of compiling
			}
			for _, shape := range shapes {
				ran++
				t.Run(fmt.Sprintf("%s/%s/%d rows, %d keys", tier, way, shape[0], shape[1]), func(t *testing.T) {
					for mode, want := range want {
						problem.Mode = mode
						asked := fmt.Sprintf("way=%s,subgroups=1,rows=%d,keys=%d", way, shape[0], shape[1])
						plan, err := e.Plan(problem, PlanOptions{Tier: tier, Tuning: asked, NoFallback: true})
						require.NoError(t, err)
						require.Equal(t, way, plan.Tuning.Way)
						got := runPlan(t, e, plan, in)
						require.Positive(t, requireSameKinds(t, got, want, tier, mode.String()))
						requireSameBits(t, got, runPlan(t, e, plan, in), "once more")
						if mode == ModeAnchor {
							requireSameStripes(t, o, want, got)
						}
					}
				})
			}
		}
		if keepsScores(r, tier) {
			require.Positive(t, ran, "the device passes tier %s, and some way of it runs", tier)
		}
	}
}

// keepsScores says by the device's own list, not by what plans make of it, that
// a tier which passes has the ways rows and columns: coop2, and coop where the
// largest product that kernels take (lavapipe has a smaller one) sums in both precisions.
func keepsScores(r *vk.Report, tier Tier) bool {
	side := uint32(16)
	if r.DriverID == drivers.Lavapipe {
		side = 8
	}
	listed := func(sum string) bool {
		return slices.Contains(r.CoopMatrix, vk.CoopShape{M: side, N: side, K: side, A: "f16", B: "f16", C: sum, Out: sum, Scope: "subgroup"})
	}
	return tier == TierCoop2 || tier == TierCoop && listed("f32") && listed("f16")
}

// requireSameStripes demands the oracle's choice of every key that is not a
// matter of rounding.
func requireSameStripes(t *testing.T, o *oracle.Oracle, want *oracle.Result, got result) {
	t.Helper()
	n := o.Shape.KVLen
	for i, kept := range want.Stripes {
		if kept != (got.stripes[i] == 1) {
			h, g, key := i/(o.Groups()*n), i/n%o.Groups(), i%n
			_, margin := o.Stripes(0, h, g)
			require.Less(t, math.Abs(margin[key]), 1e-3, "head %d group %d key %d: the oracle says kept %v", h, g, key, kept)
		}
	}
}
