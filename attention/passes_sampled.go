package attention

import (
	"context"

	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/vk"
)

// sampleStage has sampled rows choose the stripes, and measures what each half
// of them would have missed of the other's peaks.
func (r *run) sampleStage(ctx context.Context, slots int) error {
	stride := r.plan.Params.Sample.Stride
	if err := r.sumSampled(ctx, slots, stride, 0); err != nil {
		return err
	}
	l := &r.plan.scratch
	k, slotsAnItem := r.plan.pickKernel()
	b := [6]vk.Binding{r.bindings[0], r.bindings[1], r.sampledSums(stride), r.scratch(l.mask), r.scratch(l.misses), r.scratch(l.sums)}
	return r.walkKeys(ctx, k, b[:], slots, slotsAnItem, stride, 0)
}

// pickKernel is the kernel that chooses by sampled rows, and how many slots an
// item of it has. That on matrices holds as many rows as a subgroup does.
func (p *Plan) pickKernel() (kernel, int) {
	if p.Tier.OnMatrixUnits() && p.sampledRows(p.Params.Sample.Stride) <= p.Tuning.Identify.Rows {
		return kernelPickMatrix, p.searchSlots()
	}
	return kernelPick, 1
}

// guardStage finds the units whose stripes miss too much of what sampled rows
// look at, and keeps all their candidates, or the peaks that a second look finds.
func (r *run) guardStage(ctx context.Context, slots int) error {
	p := r.plan
	l := &p.scratch
	g := p.Params.Guard
	if !p.Params.SamplesHead(r.span.head) { // else the choice of stripes has measured it
		if err := r.sumSampled(ctx, slots, g.Stride, 0); err != nil {
			return err
		}
		b := [6]vk.Binding{r.bindings[0], r.bindings[1], r.sampledSums(g.Stride), r.scratch(l.mask), r.scratch(l.misses), r.scratch(l.sums)}
		if err := r.walkKeys(ctx, kernelMiss, b[:], slots, p.searchSlots(), g.Stride, 0); err != nil {
			return err
		}
	}
	if err := r.verdict(ctx, slots); err != nil || g.Look == 0 {
		return err
	}
	if err := r.sumSampled(ctx, slots, g.Look, g.Look); err != nil {
		return err
	}
	b := [6]vk.Binding{r.bindings[0], r.bindings[1], r.sampledSums(g.Look), r.scratch(l.mask), r.scratch(l.missed), r.scratch(l.sums)}
	return r.walkKeys(ctx, kernelPeaks, b[:], slots, 1, g.Look, g.Look)
}

// sumSampled dispatches the softmax sums of the rows at a stride: of all units,
// or with look of those that failed.
func (r *run) sumSampled(ctx context.Context, slots, stride, look int) error {
	p := r.plan
	b := [4]vk.Binding{r.bindings[0], r.bindings[1], r.sampledSums(stride), r.scratch(p.sumsOfFailed())}
	slotsAnItem := p.searchSlots()
	if look > 0 {
		slotsAnItem = 1 // whose rows fill the matrices, and few slots look
	}
	return r.sweep(ctx, kernelSample, b[:], slots, slotsAnItem, p.sumRuns(), stride, look)
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
func (r *run) walkKeys(ctx context.Context, k kernel, b []vk.Binding, slots, slotsAnItem, stride, look int) error {
	return r.sweep(ctx, k, b, slots, slotsAnItem, r.plan.keyRuns(), stride, look)
}

// sweep dispatches a kernel of sampled rows, an item for each run of keys and
// so many slots, and waits for it.
func (r *run) sweep(ctx context.Context, k kernel, b []vk.Binding, slots, slotsAnItem, runs, stride, look int) error {
	p := r.plan
	saved := r.push
	defer func() { r.push = saved }()
	r.push.setSampled(p.Params, r.span.head, stride, look)
	err := r.dispatch(ctx, k, passIdentify, b, uint32(ceil.Div(slots, slotsAnItem)*runs), func(uint32) float64 { return p.sweepFlops(stride, slotsAnItem) })
	r.slicer.barrier()
	return err
}

// verdict finds the units that fail, and without a second look keeps all their
// candidates.
func (r *run) verdict(ctx context.Context, slots int) error {
	p := r.plan
	l := &p.scratch
	saved := r.push
	defer func() { r.push = saved }()
	r.push.setSampled(p.Params, r.span.head, p.Params.Guard.Stride, p.Params.Guard.Look)
	b := [3]vk.Binding{r.scratch(l.misses), r.scratch(l.mask), r.scratch(l.missed)}
	err := r.dispatch(ctx, kernelGuard, passIdentify, b[:], uint32(slots), func(uint32) float64 { return p.verdictFlops() })
	r.slicer.barrier()
	return err
}

// sampledSums binds the sums of the rows at a stride: kernels on matrices learn
// the number of slots from its size.
func (r *run) sampledSums(stride int) vk.Binding {
	b := r.scratch(r.plan.scratch.sampled)
	b.Size = r.plan.sampledBytes(stride)
	return b
}

// sampledBytes is what the sums of the rows at a stride take in all slots.
func (p *Plan) sampledBytes(stride int) uint64 {
	return uint64(p.Slots) * uint64(p.sumRuns()) * uint64(p.sampledRows(stride)) * 8
}
