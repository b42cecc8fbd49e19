package attention

import (
	"context"

	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/vk"
)

// warmth is what a warm-up has run.
type warmth struct {
	key     pipelineKey // of the last attention kernel
	pick    kernel      // by which sampled rows choose, if any do
	pools   bool
	looks   bool
	guarded bool
}

// Warmup makes everything that the first Run of a plan would otherwise make:
// pipelines, which some drivers compile only when they are first dispatched,
// so that a problem of a few rows is run on them. It takes up to seconds, and
// nothing when a plan with the same kernels was warmed up before.
func (e *Engine) Warmup(ctx context.Context, p *Plan) error {
	if err := p.checkMade(); err != nil {
		return err
	}
	key := pipelineFor(kernelDense, p.Tier, p.Tuning, p.Shape.HeadDim)
	if p.Mode == ModeAnchor {
		key = pipelineFor(kernelStripes, p.Tier, p.Tuning, p.Shape.HeadDim)
	}
	// The smallest group, so that four of them have candidates and every kernel runs.
	params := Params{Step: 1, Block: 16, SinkBlocks: 1, WindowBlocks: 1}
	of := warmth{key: key, pools: p.pools()}
	if p.guards() {
		params.Guard = Guard{Stride: 1, Peak: 1, Look: min(p.Params.Guard.Look, 1)}
		of.guarded, of.looks = true, params.Guard.Look > 0
	}
	if p.samples() {
		params.Sample = Sample{Stride: 1, Weight: 1}
		if of.pick, _ = p.pickKernel(); of.pick == kernelPick && p.Tier.OnMatrixUnits() {
			params.Step = ceil.Div(p.Tuning.Identify.Rows+1, params.Block) // more rows than matrices take
		}
		params.Heads = []Head{{}}
		if of.pools {
			params.Heads = append(params.Heads, Head{Mode: HeadAnchor, Theta: 1})
		}
	}
	if _, warm := e.warm.Load(of); warm {
		return nil
	}
	heads, rows := max(1, len(params.Heads)), 4*params.Group()
	problem := Problem{
		Shape:  Shape{Batch: 1, Heads: heads, KVHeads: 1, QLen: rows, KVLen: rows, HeadDim: p.Shape.HeadDim},
		Mode:   p.Mode,
		Params: params,
	}
	tiny, err := e.Plan(problem, PlanOptions{Tier: p.options.Tier, NoFallback: true})
	if err != nil {
		return err
	}
	if tiny.Tier == p.Tier { // else the driver could not build p's, and p will run on tiny's
		// Whatever it was made from; scratch memory goes by its tiles.
		tiny.Tuning = p.Tuning
		if err := tiny.layOutScratch(e.device.Report(), defaultScratchBytes); err != nil {
			return err
		}
	}
	// On the device, whatever is there, so that nothing is made that a run on
	// device tensors would not need.
	size := uint64(halfBytes * heads * rows * p.Shape.HeadDim)
	buffer, err := e.device.NewBuffer("warm-up", 4*size, vk.DeviceLocal)
	if err != nil {
		return err
	}
	defer func() { _ = buffer.Close() }()
	tensor := func(i uint64, heads int) Tensor {
		return DeviceBHSD(buffer, i*size, 1, heads, rows, p.Shape.HeadDim)
	}
	if _, err = e.Run(ctx, tiny, Inputs{Q: tensor(0, heads), K: tensor(1, 1), V: tensor(2, 1)}, Outputs{O: tensor(3, heads)}); err != nil {
		return err
	}
	e.warm.Store(of, true)
	return nil
}
