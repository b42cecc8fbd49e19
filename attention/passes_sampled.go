package attention

import (
	"context"

	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/vk"
)

// sampleStage has sampled rows choose the stripes, and measures what each half
// of them would have missed of the other's peaks.
func (c *call) sampleStage(ctx context.Context, slots int) error {
	stride := c.plan.Params.Sample.Stride
	if err := c.sumSampled(ctx, slots, stride, 0); err != nil {
		return err
	}
	l := &c.plan.scratch
	k, slotsAnItem := c.plan.pickKernel()
	b := [6]vk.Binding{c.bindings[0], c.bindings[1], c.sampledSums(stride), c.scratch(l.mask), c.scratch(l.misses), c.scratch(l.sums)}
	return c.walkKeys(ctx, k, b[:], slots, slotsAnItem, stride, 0)
}

// pickKernel is the kernel that chooses by sampled rows, and how many slots an
// item of it has. That on matrices holds as many rows as a subgroup does.
func (p *Plan) pickKernel() (kernel, int) {
	if p.Tier.onMatrixUnits() && p.sampledRows(p.Params.Sample.Stride) <= p.Tuning.Identify.Rows {
		return kernelPickMatrix, p.searchSlots()
	}
	return kernelPick, 1
}

// guardStage finds the units whose stripes miss too much of what sampled rows
// look at, and keeps all their candidates, or the peaks that a second look finds.
func (c *call) guardStage(ctx context.Context, slots int) error {
	p := c.plan
	l := &p.scratch
	g := p.Params.Guard
	if !p.Params.SamplesHead(c.span.head) { // else the choice of stripes has measured it
		if err := c.sumSampled(ctx, slots, g.Stride, 0); err != nil {
			return err
		}
		b := [6]vk.Binding{c.bindings[0], c.bindings[1], c.sampledSums(g.Stride), c.scratch(l.mask), c.scratch(l.misses), c.scratch(l.sums)}
		if err := c.walkKeys(ctx, kernelMiss, b[:], slots, p.searchSlots(), g.Stride, 0); err != nil {
			return err
		}
	}
	if err := c.verdict(ctx, slots); err != nil || g.Look == 0 {
		return err
	}
	if err := c.sumSampled(ctx, slots, g.Look, g.Look); err != nil {
		return err
	}
	b := [6]vk.Binding{c.bindings[0], c.bindings[1], c.sampledSums(g.Look), c.scratch(l.mask), c.scratch(l.missed), c.scratch(l.sums)}
	return c.walkKeys(ctx, kernelPeaks, b[:], slots, 1, g.Look, g.Look)
}

// sumSampled dispatches the softmax sums of the rows at a stride: of all units,
// or with look of those that failed.
func (c *call) sumSampled(ctx context.Context, slots, stride, look int) error {
	p := c.plan
	b := [4]vk.Binding{c.bindings[0], c.bindings[1], c.sampledSums(stride), c.scratch(p.sumsOfFailed())}
	slotsAnItem := p.searchSlots()
	if look > 0 {
		slotsAnItem = 1 // whose rows fill the matrices, and few slots look
	}
	return c.sweep(ctx, kernelSample, b[:], slots, slotsAnItem, p.sumRuns(), stride, look)
}

// sumsOfFailed is what the kernel sample binds as the guard's means; without a
// guard, which then nothing reads, any memory.
func (p *Plan) sumsOfFailed() region {
	if p.guards() {
		return p.scratch.missed
	}
	return p.scratch.counts
}

// walkKeys dispatches a kernel over runs of keys.
func (c *call) walkKeys(ctx context.Context, k kernel, b []vk.Binding, slots, slotsAnItem, stride, look int) error {
	return c.sweep(ctx, k, b, slots, slotsAnItem, c.plan.keyRuns(), stride, look)
}

// sweep dispatches a kernel of sampled rows, an item for each run of keys and
// so many slots, and waits for it.
func (c *call) sweep(ctx context.Context, k kernel, b []vk.Binding, slots, slotsAnItem, runs, stride, look int) error {
	p := c.plan
	saved := c.push
	defer func() { c.push = saved }()
	c.push.setSampled(p.Params, c.span.head, stride, look)
	err := c.dispatch(ctx, k, passIdentify, b, uint32(ceil.Div(slots, slotsAnItem)*runs), func(uint32) float64 {
		return float64(2 * p.Shape.HeadDim * p.sampledRows(stride) * guardRunKeys * slotsAnItem)
	})
	c.slicer.barrier()
	return err
}

// verdict finds the units that fail, and without a second look keeps all their
// candidates.
func (c *call) verdict(ctx context.Context, slots int) error {
	p := c.plan
	l := &p.scratch
	saved := c.push
	defer func() { c.push = saved }()
	c.push.setSampled(p.Params, c.span.head, p.Params.Guard.Stride, p.Params.Guard.Look)
	b := [3]vk.Binding{c.scratch(l.misses), c.scratch(l.mask), c.scratch(l.missed)}
	err := c.dispatch(ctx, kernelGuard, passIdentify, b[:], uint32(slots), func(uint32) float64 { return float64(p.Shape.KVLen / 32) })
	c.slicer.barrier()
	return err
}

// sampledSums binds the sums of the rows at a stride: kernels on matrices learn
// the number of slots from its size.
func (c *call) sampledSums(stride int) vk.Binding {
	b := c.scratch(c.plan.scratch.sampled)
	b.Size = c.plan.sampledBytes(stride)
	return b
}

// sampledBytes is what the sums of the rows at a stride take in all slots.
func (p *Plan) sampledBytes(stride int) uint64 {
	return uint64(p.Slots) * uint64(p.sumRuns()) * uint64(p.sampledRows(stride)) * 8
}
