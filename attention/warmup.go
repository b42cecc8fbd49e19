package attention

import (
	"context"

	"github.com/anchorvk/anchorvk/vk"
)

// warmth is what a warm-up has run.
type warmth struct {
	key     pipelineKey // of the last attention kernel
	sampled bool
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
	if p.Runs == ModeAnchor {
		key = pipelineFor(kernelStripes, p.Tier, p.Tuning, p.Shape.HeadDim)
	}
	guard, sample := Guard{}, Sample{}
	if p.guards() {
		guard = Guard{Stride: 1, Peak: 1, Look: min(p.Params.Guard.Look, 1)}
	}
	if p.samples() {
		sample = Sample{Stride: 1, Weight: 1}
	}
	of := warmth{key, sample.On(), guard.Look > 0, guard.On()}
	if _, warm := e.warm.Load(of); warm {
		return nil
	}
	problem := Problem{
		Shape: Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 64, KVLen: 64, HeadDim: p.Shape.HeadDim},
		Mode:  p.Runs,
		// The smallest group, so that 64 rows have candidates and every kernel runs.
		Params: Params{Step: 1, Block: 16, SinkBlocks: 1, WindowBlocks: 1, Sample: sample, Guard: guard},
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
	size := uint64(halfBytes * 64 * p.Shape.HeadDim)
	buffer, err := e.device.NewBuffer("warm-up", 4*size, vk.DeviceLocal)
	if err != nil {
		return err
	}
	defer func() { _ = buffer.Close() }()
	rows := func(i uint64) Tensor { return DeviceBHSD(buffer, i*size, 1, 1, 64, p.Shape.HeadDim) }
	if _, err = e.Run(ctx, tiny, Inputs{Q: rows(0), K: rows(1), V: rows(2)}, Outputs{O: rows(3)}); err != nil {
		return err
	}
	e.warm.Store(of, true)
	return nil
}
