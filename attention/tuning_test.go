package attention

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/vk"
)

// Kernels shaped for GPUs, with lanes that share rows and without subgroup
// operations, are right on whatever device there is: a copy of its report
// claims to be a GPU, so that a CPU device runs what it would not choose.
func TestShapesForGPUsAreRight(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles kernels for other devices: left to make test")
	}
	e := sharedEngine(t)
	for _, c := range []struct {
		name string
		edit func(*vk.Report)
	}{
		{"lanes share rows", func(*vk.Report) {}},
		{"no subgroup operations", func(r *vk.Report) { r.Subgroup.Shuffle = false }},
	} {
		report := *e.device.Report()
		report.Type = "discrete"
		c.edit(&report)
		for _, tier := range Tiers(&report) {
			if !tier.OK {
				continue
			}
			t.Run(c.name+" "+string(tier.Name), func(t *testing.T) {
				problem := selective(1, 4, 2, 300, 521)
				in := selectiveInputs(problem.Shape, 95)
				for _, mode := range []Mode{ModeAnchor, ModeDense} {
					problem.Mode = mode
					plan := planAs(t, e, &report, problem, PlanOptions{Tier: tier.Name, NoFallback: true})
					got := runPlan(t, e, plan, in)
					requireFinite(t, got)
					nmse := compareRows(t, plan, in, Outputs{O: got.o, LSE: got.lse})
					t.Logf("%v: %s, %d rows a tile, NMSE %.2g", mode, plan.Tuning.Why, plan.Tuning.TileRows(), nmse)
					require.Less(t, nmse, tolerance(tier.Name))
					requireSameBits(t, got, runPlan(t, e, plan, in), "again")
					if mode == ModeAnchor {
						requireStripes(t, problem, in, got)
					}
				}
			})
		}
	}
}

// requireStripes holds the stripes against the oracle's wherever its margin is
// beyond rounding.
func requireStripes(t *testing.T, problem Problem, in Inputs, got result) {
	t.Helper()
	o, err := oracle.New(problem.Shape, problem.Params, in.Q, in.K, in.V)
	require.NoError(t, err)
	s, kept := problem.Shape, 0
	for h := range s.Heads {
		for g := o.FirstGroup(); g < o.Groups(); g++ {
			want, margin := o.Stripes(0, h, g)
			for j, flag := range got.stripes[(h*o.Groups()+g)*s.KVLen:][:s.KVLen] {
				if (flag == 1) != want[j] {
					require.Less(t, max(margin[j], -margin[j]), 1e-3, "head %d group %d key %d", h, g, j)
				}
				kept += int(flag)
			}
		}
	}
	require.Positive(t, kept)
}
