package attention

import (
	"context"

	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/vk"
)

// poisonWord is a NaN as fp32, a NaN among fp16, and far out of range as an index.
const poisonWord = 0x7fff7fff

// poison fills scratch memory and the log-sum-exp before a run, for tests.
func (c *call) poison() {
	if !c.engine.options.PoisonScratch {
		return
	}
	c.slicer.mark(passAttention)
	if !c.lseLent {
		c.slicer.recorder.Fill(c.lse.Buffer, 0, c.lse.Size, poisonWord)
	}
	if c.plan.ScratchBytes > 0 {
		c.slicer.recorder.Fill(c.buffers.scratch, 0, c.plan.ScratchBytes, poisonWord)
	}
	c.slicer.barrier()
}

// denseParts dispatches dense attention: of all rows, or in a sparse run of
// the rows whose groups have no candidates, and of the tail.
func (c *call) denseParts(ctx context.Context) error {
	s := c.plan.Shape
	if c.plan.Mode == ModeDense || c.span.head.IsDense() {
		return c.dense(ctx, s.Prefix(), s.KVLen)
	}
	if err := c.dense(ctx, s.Prefix(), min(s.KVLen, firstSparseGroup(s, c.plan.Params)*c.plan.Params.Group())); err != nil {
		return err
	}
	if c.plan.Tuning.Range > 0 {
		c.slicer.barrier() // both keep the state of their rows in one place
	}
	return c.dense(ctx, tailStart(s, c.plan.Params), s.KVLen) // which the stripes have left out, so that O may lie over Q
}

// dense dispatches dense attention of the rows at positions [from, end).
func (c *call) dense(ctx context.Context, from, end int) error {
	if end <= from {
		return nil
	}
	p := c.plan
	saved := c.push
	// As a call that begins at position from: its row 0 is another row of Q, O and the log-sum-exps.
	skipped := uint32(from - p.Shape.Prefix())
	c.push.qOffset, c.push.kvEnd = uint32(from), uint32(end)
	c.push.q.base += skipped * c.push.q.row
	c.push.o.base += skipped * c.push.o.row
	if c.push.lseBase != noLSE {
		c.push.lseBase += skipped
	}
	tileRows := p.Tuning.TileRows()
	lastTile := (end - 1) / tileRows
	items := uint32((lastTile - from/tileRows + 1) * c.span.count)
	b := [7]vk.Binding{c.bindings[0], c.bindings[1], c.bindings[2], c.bindings[3], c.lse}
	bindings, atATime := b[:5], items
	if p.Tuning.Range > 0 {
		b[5], b[6] = c.scratch(p.scratch.acc), c.scratch(p.scratch.sums)
		bindings, atATime = b[:], min(items, uint32(p.tileStates()))
		c.push.groupRows = uint32(tileRows) // in the state's place a tile is a group
	}
	keys := func(item uint32) int { return (lastTile - int(item)/c.span.count + 1) * tileRows }
	for first := uint32(0); first < items; first += atATime {
		c.itemBase, c.push.firstUnit = first, first
		err := c.attendKeys(ctx, kernelDense, passAttention, bindings, min(atATime, items-first), min(keys(first), end), func(item uint32) float64 {
			return c.tileFlops(float64(keys(first + item)))
		})
		if err != nil {
			return err
		}
	}
	c.itemBase, c.push = 0, saved
	return nil
}

// sparse dispatches the three stages for a span's units, as many at a time as
// scratch memory holds.
func (c *call) sparse(ctx context.Context, units int) error {
	for first := 0; first < units; first += c.plan.Slots {
		c.push.firstUnit = uint32(first)
		slots := min(c.plan.Slots, units-first)
		if err := c.anchorStage(ctx, slots); err != nil {
			return err
		}
		if err := c.identifyStage(ctx, first, slots); err != nil {
			return err
		}
		if err := c.stripeStage(ctx, first, slots); err != nil {
			return err
		}
		c.slicer.barrier() // the next units use the same scratch
	}
	return nil
}

// anchorStage attends sink and window, and pools queries and anchors.
func (c *call) anchorStage(ctx context.Context, slots int) error {
	p := c.plan
	l := &p.scratch
	tileRows := p.Tuning.TileRows()
	b := [5]vk.Binding{c.bindings[0], c.bindings[1], c.bindings[2], c.scratch(l.acc), c.scratch(l.sums)}
	keys := p.Params.Sink() + p.Params.Window() + p.Params.Group()
	err := c.attendKeys(ctx, kernelAnchor, passAnchor, b[:], c.sparseItems(slots), keys, func(uint32) float64 {
		return c.tileFlops(float64(p.Params.Sink() + p.Params.Window() + (p.Params.Group()+tileRows)/2))
	})
	if err != nil {
		return err
	}
	c.slicer.barrier()
	if p.Params.SamplesHead(c.span.head) {
		return nil
	}
	pool := [4]vk.Binding{c.bindings[0], c.scratch(l.sums), c.scratch(l.pooled), c.scratch(l.anchors)}
	err = c.dispatch(ctx, kernelPool, passAnchor, pool[:], uint32(slots*p.Params.Step), func(uint32) float64 {
		return float64(p.Params.Block * p.Shape.HeadDim)
	})
	c.slicer.barrier()
	return err
}

// identifyStage finds the stripes of each unit, has the guard look at them, and
// lists them.
func (c *call) identifyStage(ctx context.Context, first, slots int) error {
	p := c.plan
	l := &p.scratch
	c.slicer.mark(passIdentify)
	c.slicer.recorder.Fill(c.buffers.scratch, l.mask.offset, uint64(slots)*l.maskBytes, 0)
	c.slicer.barrier()
	choose := c.searchStage
	if p.Params.SamplesHead(c.span.head) {
		choose = c.sampleStage
	}
	if err := choose(ctx, slots); err != nil {
		return err
	}
	if p.Params.GuardsHead(c.span.head) {
		if err := c.guardStage(ctx, slots); err != nil {
			return err
		}
	}
	list := [3]vk.Binding{c.scratch(l.mask), c.scratch(l.list), c.scratch(l.counts)}
	err := c.dispatch(ctx, kernelCompact, passIdentify, list[:], uint32(slots), func(uint32) float64 { return float64(p.Shape.KVLen) })
	if err != nil {
		return err
	}
	if c.wantMasks {
		to := uint64(int(c.push.countBase)+first) * l.maskBytes
		c.slicer.mark(passIdentify)
		c.slicer.recorder.Copy(c.buffers.masks, to, c.buffers.scratch, l.mask.offset, uint64(slots)*l.maskBytes)
	}
	c.slicer.barrier()
	return nil
}

// searchStage has the pooled rows choose the stripes.
func (c *call) searchStage(ctx context.Context, slots int) error {
	p := c.plan
	l := &p.scratch
	slotsAnItem, keysAnItem := p.searchSlots(), searchWords*32
	if p.Tier.onMatrixUnits() {
		keysAnItem = 16 * 32 // identify_coop.comp's
	}
	items := uint32(ceil.Div(slots, slotsAnItem) * ceil.Div(p.Shape.KVLen, keysAnItem))
	b := [4]vk.Binding{c.bindings[1], c.scratch(l.pooled), c.scratch(l.anchors), c.scratch(l.mask)}
	err := c.dispatch(ctx, kernelIdentify, passIdentify, b[:], items, func(uint32) float64 {
		return float64(2 * p.Shape.HeadDim * p.Params.Step * keysAnItem * slotsAnItem)
	})
	c.slicer.barrier()
	return err
}

// searchSlots is how many slots an item of the kernels has that look through keys.
func (p *Plan) searchSlots() int {
	if p.Tier.onMatrixUnits() {
		return p.Tuning.SearchHeads
	}
	return 1
}

// likelyStripes is the share of candidates that slices allow for: what is kept
// is only known on the device. More than this makes slices up to twice as long.
const likelyStripes = 0.5

// stripeStage attends the stripes and writes the output.
func (c *call) stripeStage(ctx context.Context, first, slots int) error {
	p := c.plan
	l := &p.scratch
	b := [9]vk.Binding{
		c.bindings[0], c.bindings[1], c.bindings[2], c.scratch(l.acc), c.scratch(l.sums), c.scratch(l.list), c.scratch(l.counts),
		c.bindings[3], c.lse,
	}
	saved := c.push
	defer func() { c.push = saved }()
	c.push.setStoreEnd(tailStart(p.Shape, p.Params), p.Tuning.Range > 0)
	group := p.unitOrder(c.spans).lastGroup - first/c.span.count // of these units it has the most candidates
	candidates := group*p.Params.Group() - p.Params.Window() - p.Params.Sink()
	return c.attendKeys(ctx, kernelStripes, passAttention, b[:], c.sparseItems(slots), candidates, func(uint32) float64 {
		return c.tileFlops(likelyStripes * float64(p.Shape.KVLen))
	})
}

// sparseItems is the number of row tiles of so many units.
func (c *call) sparseItems(slots int) uint32 {
	return uint32(slots * ceil.Div(c.plan.Params.Group(), c.plan.Tuning.TileRows()))
}

// tileFlops is the work of a row tile that attends so many keys.
func (c *call) tileFlops(keys float64) float64 {
	return 4 * float64(c.plan.Shape.HeadDim*c.plan.Tuning.TileRows()) * keys
}

func (c *call) scratch(r region) vk.Binding {
	return vk.Binding{Buffer: c.buffers.scratch, Offset: r.offset, Size: r.size}
}
