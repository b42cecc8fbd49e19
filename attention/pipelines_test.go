package attention

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/vk"
)

// Pipelines describes what engines build: the keys of the plan's own kernels.
func TestPipelinesAreThePlans(t *testing.T) {
	report := fakeReport("discrete")
	for _, tier := range Tiers(report) {
		if !tier.OK {
			continue
		}
		problem := llama(4096)
		plan, err := NewPlan(report, problem, PlanOptions{Tier: tier.Name})
		require.NoError(t, err)
		list, err := Pipelines(report, plan.Tier, problem.Shape.HeadDim)
		require.NoError(t, err)
		var kernels []kernel
		for k := range kernelCount {
			if k != kernelPickMatrix || plan.Tier.OnMatrixUnits() {
				kernels = append(kernels, k)
			}
		}
		require.Len(t, list, len(kernels))
		for i, p := range list {
			key := pipelineFor(kernels[i], plan.Tier, plan.Tuning, problem.Shape.HeadDim)
			require.Equal(t, key.kernel.String(), p.Kernel)
			require.Equal(t, key.module(), p.Config.Name)
			require.Equal(t, key.usedConstants(), p.Config.Constants)
			require.Equal(t, key.subgroup, p.Config.SubgroupSize)
			require.Equal(t, slices.Contains([]string{"pool", "pick", "compact", "guard"}, p.Config.Name), p.AllTiers)
			require.NotEmpty(t, p.Config.Code)
		}
	}
	_, err := Pipelines(report, "no such tier", 64)
	require.ErrorContains(t, err, "no such tier")
	_, err = Pipelines(report, TierUnpack, 60)
	require.ErrorContains(t, err, "HeadDim")
	report.Features.CooperativeMatrix = false
	_, err = Pipelines(report, TierCoop, 64)
	var feature *vk.FeatureError
	require.ErrorAs(t, err, &feature)
}
