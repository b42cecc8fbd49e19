package attention

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/tolerance"
	"github.com/anchorvk/anchorvk/internal/tuning"
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
					require.Less(t, nmse, tolerance.Tier(tier.Name).NMSE)
					requireSameBits(t, got, runPlan(t, e, plan, in), "again")
					if mode == ModeAnchor {
						requireStripes(t, problem, in, got)
					}
				}
			})
		}
	}
}

// Every neighbour computes what the oracle says, on the device's own tier and
// on matrix units, and Warmup takes its tiles. A CPU driver unrolls every
// product and compiles some of them for minutes: it is left its own tier.
func TestNeighboursAreRight(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles many kernels: left to make test")
	}
	e := sharedEngine(t)
	r := e.device.Report()
	problem := selective(1, 2, 1, 300, 521)
	in := selectiveInputs(problem.Shape, 97)
	tiers := []Tier{""}
	for _, tier := range Tiers(r) {
		if tier.OK && tier.Name.OnMatrixUnits() && r.Type != "cpu" {
			tiers = append(tiers, tier.Name)
		}
	}
	for _, tier := range tiers {
		start, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true})
		require.NoError(t, err)
		for _, kernels := range []string{tuning.Attend, tuning.Identify} {
			for _, c := range tuning.Neighbours(r, start.Tier, problem.Shape.HeadDim, start.Tuning.Choice(start.Tier), kernels) {
				plan, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true, Rules: []tuning.Rule{{Choice: c, From: "a neighbour"}}})
				require.NoError(t, err)
				require.Equal(t, "a neighbour", plan.Tuning.From, plan.Tuning.Why)
				require.NoError(t, e.Warmup(context.Background(), plan))
				got := runPlan(t, e, plan, in)
				requireFinite(t, got)
				require.Less(t, compareRows(t, plan, in, Outputs{O: got.o, LSE: got.lse}), tolerance.Tier(plan.Tier).NMSE, "%s %+v", plan.Tier, c)
				requireStripes(t, problem, in, got)
			}
		}
	}
}

// Whatever the shape, the matrix kernels compute the same thing: rows of one
// product or several, more keys, and subgroups that share rows in slices, some
// of which have no rows to weigh, or no part of head_dim. A device may be unable
// to take some of the shapes, not all of those of a tier that it passes.
func TestMatrixShapesAreRight(t *testing.T) {
	e := sharedEngine(t)
	for _, status := range Tiers(e.device.Report()) {
		tier := status.Name
		if tier != TierCoop && tier != TierCoopF16 {
			continue
		}
		if !status.OK {
			t.Logf("%s: %s", tier, status.Why)
			continue
		}
		offered, refused := 0, 0
		for _, c := range []struct {
			dim    int
			slices int
			attend string
		}{
			{40, 16, "subgroups=16,rows=16,keys=16,slices=16"},
			{testDim, 1, "subgroups=1,rows=16,keys=16"},
			{testDim, 2, "subgroups=4,rows=16,keys=16,slices=2"},
			{40, 4, "subgroups=4,rows=8,keys=32,slices=4"},
		} {
			if tier == TierCoopF16 && offered > refused {
				break // sums differ, not who makes them; each shape takes seconds to compile
			}
			offered++
			t.Run(fmt.Sprintf("%s head_dim %d %s", tier, c.dim, c.attend), func(t *testing.T) {
				problem := selective(1, 4, 2, 300, 421)
				problem.Shape.HeadDim = c.dim
				in := selectiveInputs(problem.Shape, 95)
				in.V.At(0, 1, 400)[3] = float16.Inf(1) // on the diagonal of the last rows
				for _, mode := range []Mode{ModeAnchor, ModeDense} {
					problem.Mode = mode
					options := PlanOptions{Tier: tier, Tuning: c.attend, NoFallback: true}
					if c.slices > 2 {
						options.Rules = []tuning.Rule{{Choice: tuning.Choice{Identify: tuning.ShapeChoice{Lean: true}}, From: "lean"}}
					}
					plan, err := e.Plan(problem, options)
					var wrong *ArgumentError
					if errors.As(err, &wrong) {
						t.Logf("not on this device: %v", err)
						refused++
						return
					}
					require.NoError(t, err)
					require.Equal(t, c.slices > 2, plan.Tuning.Identify.Lean)
					got := runPlan(t, e, plan, in)
					want := compute(t, e, problem, PlanOptions{Tier: TierUnpack}, in)
					requireSimilar(t, want, got)
					requireSameBits(t, got, runPlan(t, e, plan, in), "again")
				}
			})
		}
		require.Less(t, refused, offered, "the device passes tier %s, and some shape of it runs", tier)
	}
}

// requireSimilar compares two results of one problem on different kernels: the
// same elements are finite, and those are close.
func requireSimilar(t *testing.T, want, got result) {
	t.Helper()
	a, b := wide(want.o), wide(got.o)
	require.Len(t, b, len(a))
	var finiteA, finiteB []float64
	for i := range a {
		if finite(a[i]) != finite(b[i]) {
			t.Fatalf("element %d: %v, %v", i, a[i], b[i])
		}
		if finite(a[i]) {
			finiteA, finiteB = append(finiteA, a[i]), append(finiteB, b[i])
		}
	}
	require.Less(t, oracle.NMSE(finiteB, finiteA), 1e-5)
	attentest.RequireNear(t, want.lse, got.lse, 2e-3, "log-sum-exps")
	require.Equal(t, want.stripes, got.stripes)
}

func finite(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }

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
				if (flag == 1) != want[j] && !(math.Abs(margin[j]) < 1e-3) {
					t.Fatalf("head %d group %d key %d: the oracle says kept %v, by a margin of %g", h, g, j, want[j], margin[j])
				}
				kept += int(flag)
			}
		}
	}
	require.Positive(t, kept)
}
