package attention

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/internal/testreports"
	"github.com/anchorvk/anchorvk/internal/tuning"
)

// What is asked for by name goes before rules and must be taken; rules that
// cannot be are left out, which the plan says.
func TestPlansTakeTuning(t *testing.T) {
	plan := func(o PlanOptions) (*Plan, error) {
		o.Tier = TierScalar
		return NewPlan(fakeReport("discrete"), llama(4096), o)
	}
	table, err := plan(PlanOptions{})
	require.NoError(t, err)
	rules := []tuning.Rule{{Choice: tuning.Choice{Attend: tuning.ShapeChoice{Rows: 4, Keys: 8}}, From: "a sweep", Why: "faster"}}
	p, err := plan(PlanOptions{Rules: rules})
	require.NoError(t, err)
	assert.Equal(t, []any{4, 8, "a sweep", "faster"}, []any{p.Tuning.Attend.Rows, p.Tuning.Attend.Keys, p.Tuning.From, p.Tuning.Why})
	p, err = plan(PlanOptions{Rules: rules, Tuning: "keys=2"})
	require.NoError(t, err)
	assert.Equal(t, []any{4, 2, "PlanOptions.Tuning", "keys=2"}, []any{p.Tuning.Attend.Rows, p.Tuning.Attend.Keys, p.Tuning.From, p.Tuning.Why})

	impossible := []tuning.Rule{{Choice: tuning.Choice{Attend: tuning.ShapeChoice{Lanes: 64}}, From: "a sweep"}}
	p, err = plan(PlanOptions{Rules: impossible})
	require.NoError(t, err)
	assert.Equal(t, table.Tuning.Attend, p.Tuning.Attend)
	assert.Contains(t, p.String(), "; a sweep is left out: 64 lanes")
	for _, asked := range []string{"lanes=64", "keys=3", "way=rows", "fast"} {
		_, err = plan(PlanOptions{Tuning: asked})
		attentest.RequireArgument(t, err, "PlanOptions.Tuning")
	}
}

func TestTuningOfTheEnvironment(t *testing.T) {
	t.Setenv("ANCHORVK_TUNING", "off")
	o, err := PlanOptionsFromEnv()
	require.NoError(t, err)
	assert.Equal(t, PlanOptions{}, o)

	t.Setenv("ANCHORVK_TUNING", " keys=2 ")
	o, err = PlanOptionsFromEnv()
	require.NoError(t, err)
	o.Tier = TierScalar
	p, err := NewPlan(fakeReport("discrete"), llama(4096), o)
	require.NoError(t, err)
	assert.Equal(t, "PlanOptions.Tuning: keys=2", p.Tuning.From+": "+p.Tuning.Why)

	t.Setenv("ANCHORVK_TUNING", "keys=3")
	o, err = PlanOptionsFromEnv()
	require.NoError(t, err)
	_, err = NewPlan(fakeReport("discrete"), llama(4096), o)
	attentest.RequireArgument(t, err, "PlanOptions.Tuning")
	require.ErrorContains(t, err, "PlanOptions.Tuning cannot be: ")
	t.Setenv("ANCHORVK_TUNING", "fast")
	_, err = PlanOptionsFromEnv()
	attentest.RequireArgument(t, err, "ANCHORVK_TUNING")
	require.ErrorContains(t, err, "; use off, or choices such as ")
	_, err = NewPlan(fakeReport("discrete"), llama(4096), PlanOptions{Tuning: "fast"})
	require.ErrorContains(t, err, "; use choices such as ")
}

// Matrix kernels get the subgroup size that their tuning needs.
func TestPipelinesAskForTheirSubgroupSize(t *testing.T) {
	asked := 0
	for name, report := range testreports.MatrixGPUs() {
		for _, tier := range Tiers(report) {
			plan, err := NewPlan(report, llama(4096), PlanOptions{Tier: tier.Name})
			if err != nil || !plan.Tier.OnMatrixUnits() {
				continue
			}
			asked++
			key := pipelineFor(kernelDense, plan.Tier, plan.Tuning, plan.Shape.HeadDim)
			require.Equal(t, uint32(plan.Tuning.Subgroup), key.subgroup, "%s, tier %s", name, plan.Tier)
		}
	}
	require.Greater(t, asked, 6)
}
