package attention

import "github.com/anchorvk/anchorvk/vk"

// KernelPipeline is one of the pipelines that plans use.
type KernelPipeline struct {
	Kernel   string // as dense, sample or stripes
	AllTiers bool   // the same in every tier
	Config   vk.PipelineConfig
}

// Pipelines describes every pipeline that plans of a tier and head dimension
// use on a device, for tools that look at what its compiler makes of them.
// Errors are those of [NewPlan] for the tier and the head dimension.
func Pipelines(report *vk.Report, tier Tier, headDim int) ([]KernelPipeline, error) {
	// Four heads a KV head, as most models have them.
	shape := Shape{Batch: 1, Heads: 4, KVHeads: 1, QLen: 1, KVLen: 1, HeadDim: headDim}
	plan, err := NewPlan(report, Problem{Shape: shape, Mode: ModeDense}, PlanOptions{Tier: tier})
	if err != nil {
		return nil, err
	}
	var list []KernelPipeline
	for k := range kernelCount {
		if k == kernelPickMatrix && !plan.Tier.OnMatrixUnits() {
			continue
		}
		config, err := pipelineFor(k, plan.Tier, plan.Tuning, headDim).config(report)
		if err != nil {
			return nil, err
		}
		list = append(list, KernelPipeline{Kernel: k.String(), AllTiers: !kernelFacts[k].variants, Config: config})
	}
	return list, nil
}
