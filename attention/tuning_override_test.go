package attention

import (
	"context"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseTuning(t *testing.T) {
	got, err := ParseTuning("rows=32, keys=16,identify.rows=8,identify.local=64,way=uint,subgroup_size=64,subgroups=2")
	require.NoError(t, err)
	assert.Equal(t, TuningChoice{
		Way: "uint", SubgroupSize: 64,
		Attend: ShapeChoice{Rows: 32, Keys: 16, Subgroups: 2}, Identify: ShapeChoice{Rows: 8, Local: 64},
	}, got)
	for _, bad := range []string{"fast", "rows", "rows=", "rows=0", "rows=-1", "rows=two", "columns=3", "way=swift", "identify.way=uint", "rows=2,,", "local=64,subgroups=2", "rows=99999999999"} {
		_, err := ParseTuning(bad)
		attentest.RequireArgument(t, err, "ANCHORVK_TUNING")
	}
	t.Setenv("ANCHORVK_TUNING", "off")
	options, err := PlanOptionsFromEnv()
	require.NoError(t, err)
	assert.Empty(t, options.Tuning)
}

// Later overrides go before earlier ones, those before the table, and only
// those for the tier and head dimension count.
func TestTuningOverridesStack(t *testing.T) {
	r := fakeReport("discrete")
	plan := func(overrides ...TuningOverride) (*Plan, error) {
		problem := selective(1, 2, 1, 300, 300)
		problem.Shape.HeadDim = 64
		return NewPlan(r, problem, PlanOptions{Tier: "scalar", NoFallback: true, Tuning: overrides})
	}
	table, err := plan()
	require.NoError(t, err)
	assert.Equal(t, "table gpu-scalar", table.Tuning.From)

	stored := TuningOverride{Tier: TierScalar, HeadDim: 64, Choice: TuningChoice{Way: wayHalf, Attend: ShapeChoice{Local: 64, Lanes: 4, Rows: 4, Keys: 8}}, From: "stored", Why: "faster"}
	p, err := plan(stored)
	require.NoError(t, err)
	assert.Equal(t, KernelShape{Local: 64, Lanes: 4, Rows: 4, Keys: 8}, p.Tuning.Attend)
	assert.Equal(t, table.Tuning.Identify, p.Tuning.Identify, "the search keeps the table's shape")
	assert.Equal(t, "half, stored: faster", p.Tuning.Way+", "+p.Tuning.From+": "+p.Tuning.Why)

	p, err = plan(stored, TuningOverride{Choice: TuningChoice{Attend: ShapeChoice{Keys: 2}}, From: "env", Must: true})
	require.NoError(t, err)
	assert.Equal(t, KernelShape{Local: 64, Lanes: 4, Rows: 4, Keys: 2}, p.Tuning.Attend)
	assert.Equal(t, "env", p.Tuning.From)

	for _, other := range []TuningOverride{{Tier: TierUnpack, Choice: stored.Choice}, {HeadDim: 128, Choice: stored.Choice}} {
		p, err = plan(other)
		require.NoError(t, err)
		assert.Equal(t, table.Tuning, p.Tuning)
	}

	impossible := stored
	impossible.Choice.Attend.Lanes = 64
	p, err = plan(impossible)
	require.NoError(t, err)
	assert.Equal(t, table.Tuning.Attend, p.Tuning.Attend)
	assert.Contains(t, p.Tuning.Why, "stored is left out: 64 lanes")
	impossible.Must = true
	_, err = plan(impossible)
	attentest.RequireArgument(t, err, "stored")
	for _, c := range []TuningChoice{{Way: wayAddress}, {SubgroupSize: 64}, {Attend: ShapeChoice{Keys: 3}}, {Attend: ShapeChoice{Local: 4096}}} {
		_, err = plan(TuningOverride{Choice: c, From: "ANCHORVK_TUNING", Must: true})
		attentest.RequireArgument(t, err, "ANCHORVK_TUNING")
	}
}

// A plan's choice gives its tuning again, and its neighbours are legal, differ
// from it, and are there.
func TestTuningNeighbours(t *testing.T) {
	most := 0
	for name, r := range recordedReports(t) {
		for _, tier := range Tiers(r) {
			for _, dim := range []int{8, 64, 80, 128, 256} {
				problem := selective(1, 2, 1, 300, 300)
				problem.Shape.HeadDim = dim
				plan, err := NewPlan(r, problem, PlanOptions{Tier: tier.Name})
				if err != nil {
					continue
				}
				again, err := NewPlan(r, problem, PlanOptions{Tier: tier.Name, Tuning: []TuningOverride{{Choice: plan.Choice(), Must: true, From: plan.Tuning.From, Why: plan.Tuning.Why}}})
				require.NoError(t, err, "%s %s %d", name, tier.Name, dim)
				require.Equal(t, plan.Tuning, again.Tuning)
				for _, kernels := range []string{TuneAttend, TuneIdentify} {
					all := TuningNeighbours(r, plan.Tier, dim, plan.Choice(), kernels)
					require.NotEmpty(t, all, "%s %s %d", name, tier.Name, dim)
					most = max(most, len(all))
					for _, c := range all {
						next, err := NewPlan(r, problem, PlanOptions{Tier: tier.Name, Tuning: []TuningOverride{{Choice: c, Must: true}}})
						require.NoError(t, err)
						require.NotEqual(t, plan.Choice(), next.Choice())
						require.Equal(t, kernels == TuneAttend, next.Tuning.Identify == plan.Tuning.Identify || next.Tuning.Subgroup != plan.Tuning.Subgroup)
					}
				}
			}
		}
	}
	require.Greater(t, most, 5)
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
		if tier.OK && tier.Name.onMatrixUnits() && r.Type != "cpu" {
			tiers = append(tiers, tier.Name)
		}
	}
	for _, tier := range tiers {
		start, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true})
		require.NoError(t, err)
		for _, kernels := range []string{TuneAttend, TuneIdentify} {
			for _, c := range TuningNeighbours(r, start.Tier, problem.Shape.HeadDim, start.Choice(), kernels) {
				plan, err := e.Plan(problem, PlanOptions{Tier: tier, NoFallback: true, Tuning: []TuningOverride{{Choice: c, Must: true}}})
				require.NoError(t, err)
				require.NoError(t, e.Warmup(context.Background(), plan))
				got := runPlan(t, e, plan, in)
				requireFinite(t, got)
				require.Less(t, compareRows(t, plan, in, Outputs{O: got.o, LSE: got.lse}), tolerance(plan.Tier), "%s %+v", plan.Tier, c)
				requireStripes(t, problem, in, got)
			}
		}
	}
}
