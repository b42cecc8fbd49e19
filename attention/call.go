package attention

import (
	"context"
	"math"
	"time"

	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/vk"
)

// call is one run of a plan on an engine.
type call struct {
	engine     *Engine
	buffers    *engineBuffers
	plan       *Plan
	report     *vk.Report
	pipelines  [kernelCount]*vk.Pipeline
	q, k, v, o operand    // on the device
	spans      []headSpan // of every batch entry
	span       headSpan   // the one that is recorded
	way        string     // how K and V are read: the plan's, unless their buffers have no address
	wantLSE    bool
	lseLent    bool       // they go to a buffer of the caller's
	lse        vk.Binding // four bytes for nothing where none are wanted
	lseFirst   uint32     // place of the first one in it
	wantMasks  bool
	slicer     slicer
	push       push
	bindings   [9]vk.Binding
	counts     []uint32
	missed     []float32 // by unit, with a guard
	itemBase   uint32    // number of a dispatch's first item
	counting   bool      // dispatches are added up in work, and not recorded
	work       float64
}

// run computes the plan. The way of the data: host tensors to the device, for
// each batch entry and span of heads the sparse and the dense passes, outputs
// to the host, statistics.
func (c *call) run(ctx context.Context, e *Engine, p *Plan, in Inputs, out Outputs, o RunOptions) (Stats, error) {
	start := time.Now()
	if err := c.begin(e, &e.buffers, p, in, out); err != nil {
		return Stats{}, err
	}
	moving := time.Now()
	if err := c.place(ctx, in, out); err != nil {
		return Stats{}, err
	}
	moved := time.Since(moving)
	if err := c.prepare(out); err != nil {
		return Stats{}, err
	}
	if err := c.record(ctx, o); err != nil {
		return Stats{}, err
	}
	moving = time.Now()
	if err := c.deliver(ctx, out); err != nil {
		return Stats{}, err
	}
	moved += time.Since(moving)
	s := c.stats()
	s.HostMS = float64(time.Since(start)) / 1e6
	s.PausedMS = float64(c.slicer.paused) / 1e6
	s.OwnMS = s.HostMS - float64(moved+c.slicer.waited+c.slicer.paused)/1e6
	return s, nil
}

// begin takes the arguments in, and refuses what the memory budget has no room for.
func (c *call) begin(e *Engine, b *engineBuffers, p *Plan, in Inputs, out Outputs) error {
	c.engine, c.buffers, c.plan, c.report = e, b, p, e.device.Report()
	c.lseLent = out.LSEBuffer != nil
	c.wantLSE, c.wantMasks = out.LSE != nil || c.lseLent, out.Stripes != nil && p.Units > 0
	return c.withinBudget(in, out)
}

// place finds or makes device tensors for the arguments.
func (c *call) place(ctx context.Context, in Inputs, out Outputs) error {
	b := c.buffers
	var err error
	if c.q.tensor, err = b.onDevice(ctx, &b.q, "Q", in.Q, true); err != nil {
		return err
	}
	if c.k.tensor, err = b.onDevice(ctx, &b.k, "K", in.K, true); err != nil {
		return err
	}
	if c.v.tensor, err = b.onDevice(ctx, &b.v, "V", in.V, true); err != nil {
		return err
	}
	if c.o.tensor, err = b.onDevice(ctx, &b.o, "O", out.O, c.engine.options.PoisonScratch); err != nil {
		return err
	}
	c.q.name, c.k.name, c.v.name, c.o.name = "Q", "K", "V", "O"
	return nil
}

// prepare makes everything that recording needs: pipelines, memory, limits.
func (c *call) prepare(out Outputs) error {
	p, b := c.plan, c.buffers
	c.way = p.wayOf(c.k.tensor, c.v.tensor)
	limit, err := spanHeads(c.report, p.Shape, &c.q, &c.k, &c.v, &c.o)
	if err != nil {
		return err
	}
	c.spans = p.spans(c.spans[:0], limit)
	for k := range kernelCount {
		if !p.runs(k) {
			continue
		}
		if c.pipelines[k], err = c.engine.pipeline(k, p, c.way); err != nil {
			return err
		}
	}
	if p.ScratchBytes > 0 {
		if err = b.grow(&b.scratch, "scratch", p.ScratchBytes, vk.DeviceLocal); err != nil {
			return err
		}
	}
	if p.Units > 0 && p.Mode == ModeAnchor {
		if err = b.grow(&b.counts, "stripe counts", p.countBytes(), vk.Readback); err != nil {
			return err
		}
		if cap(c.counts) < p.Units {
			c.counts = make([]uint32, p.Units)
		}
		if p.guards() && cap(c.missed) < p.Units {
			c.missed = make([]float32, p.Units)
		}
	}
	if c.wantMasks {
		if err = b.grow(&b.masks, "stripe masks", uint64(p.Units)*p.scratch.maskBytes, vk.Readback); err != nil {
			return err
		}
	}
	return c.bindLSE(out)
}

// record dispatches all work in slices that are run one by one.
func (c *call) record(ctx context.Context, o RunOptions) error {
	begin := func() {
		c.slicer.begin(c.engine.recorder, &c.engine.rate, c.plan.SliceMS, c.report.Limits.TimestampBits > 0)
	}
	begin()
	if o.Progress != nil {
		total, err := c.countWork(ctx)
		if err != nil {
			return err
		}
		begin()
		c.slicer.progress, c.slicer.total = o.Progress, total
	}
	c.slicer.rest, c.slicer.duty = &c.engine.rest, o.DutyCycle
	return c.recordAll(ctx)
}

// recordAll dispatches all work as the slicer was begun.
func (c *call) recordAll(ctx context.Context) error {
	c.poison()
	if err := c.dispatchAll(ctx); err != nil {
		return err
	}
	c.slicer.done = c.slicer.total
	return c.slicer.flush(ctx, true)
}

// dispatchAll dispatches all work and leaves the last slice open.
func (c *call) dispatchAll(ctx context.Context) error {
	p := c.plan
	unit := 0
	if p.Units > 0 && p.guards() { // heads that no guard looks after miss nothing
		c.slicer.mark(passAnchor)
		c.slicer.recorder.Fill(c.buffers.scratch, p.scratch.missed.offset, p.scratch.missed.size, 0)
		c.slicer.barrier()
	}
	for batch := range p.Shape.Batch {
		for _, c.span = range c.spans {
			c.setPush(batch)
			if p.Mode == ModeAnchor && p.Units > 0 && !c.span.head.IsDense() {
				c.push.countBase = uint32(unit)
				units := c.span.count * p.unitOrder(c.spans).groups
				if err := c.sparse(ctx, units); err != nil {
					return err
				}
				unit += units
			}
			if err := c.denseParts(ctx); err != nil {
				return err
			}
			c.slicer.barrier() // the next span binds the same log-sum-exp buffer, if other parts of it
		}
	}
	if unit > 0 {
		c.slicer.mark(passAttention)
		c.slicer.barrier()
		b := c.buffers
		size := 4 * uint64(p.Units)
		c.slicer.recorder.Copy(b.counts, 0, b.scratch, p.scratch.counts.offset, size)
		if p.guards() {
			c.slicer.recorder.Copy(b.counts, size, b.scratch, p.scratch.missed.offset, size)
		}
	}
	return nil
}

// setPush fills in the constants of the span of heads in a batch entry, and
// binds its tensors.
func (c *call) setPush(batch int) {
	p := c.plan
	s := p.Shape
	ratio := s.GroupSize()
	head, count := c.span.first, c.span.count
	kvHeads := (head+count-1)/ratio - head/ratio + 1
	theta := p.Params.ThetaOf(c.span.head) * math.Log2E
	c.push = push{
		qLen: uint32(s.QLen), qOffset: uint32(s.Prefix()), kvEnd: uint32(s.KVLen),
		headRatio: uint32(ratio), headFirst: uint32(head), headCount: uint32(count),
		lseBase:   noLSE,
		scaleLog2: float32(p.Params.ScaleFor(s.HeadDim) * math.Log2E),
		thetaLog2: float32(min(max(theta, -thetaLimit), thetaLimit)),
		blockRows: uint32(p.Params.Block), groupRows: uint32(p.Params.Group()),
		sink: uint32(p.Params.Sink()), window: uint32(p.Params.Window()),
	}
	c.bindings[0], c.push.q = bind(c.report, c.q.tensor, batch, head, count)
	c.bindings[1], c.push.k = bind(c.report, c.k.tensor, batch, head/ratio, kvHeads)
	c.bindings[2], c.push.v = bind(c.report, c.v.tensor, batch, head/ratio, kvHeads)
	c.bindings[3], c.push.o = bind(c.report, c.o.tensor, batch, head, count)
	if c.way == wayAddress {
		c.push.kAddressLo, c.push.kAddressHi = words(c.bindings[1].Buffer.Address() + c.bindings[1].Offset)
		c.push.vAddressLo, c.push.vAddressHi = words(c.bindings[2].Buffer.Address() + c.bindings[2].Offset)
	}
	if c.wantLSE {
		c.push.lseBase = c.lseFirst + uint32(batch*s.Heads*s.QLen)
	}
}

func words(x uint64) (lo, hi uint32) { return uint32(x), uint32(x >> 32) }

// dispatch records a kernel over work items, in as many submissions as the
// pace demands. cost is the operations of an item; items never get dearer.
func (c *call) dispatch(ctx context.Context, k kernel, of pass, bindings []vk.Binding, items uint32, cost func(item uint32) float64) error {
	if c.counting {
		c.work += between(cost, 0, items)
		return nil
	}
	for first := uint32(0); first < items; {
		n := c.slicer.room(cost(first), items-first, c.report.Limits.MaxGroups[0])
		if n == 0 {
			if err := c.slicer.flush(ctx, false); err != nil {
				return err
			}
			continue
		}
		c.slicer.mark(of)
		c.push.firstItem = c.itemBase + first
		c.slicer.recorder.Dispatch(c.pipelines[k], bindings, c.push.bytes(), n, 1, 1)
		c.slicer.flops += float64(n) * cost(first)
		c.slicer.done += between(cost, first, n)
		c.slicer.inexact = c.slicer.inexact || k == kernelStripes || k.searches()
		first += n
		if first < items {
			c.slicer.barrier() // the rest binds the same buffers, if it writes other parts of them
		}
	}
	return nil
}

// deliver copies results to the host.
func (c *call) deliver(ctx context.Context, out Outputs) error {
	b, d := c.buffers, c.engine.device
	c.counts, c.missed = c.counts[:0], c.missed[:0]
	if c.plan.Mode == ModeAnchor && c.plan.Units > 0 {
		c.counts = c.counts[:c.plan.Units]
		if err := d.Download(ctx, bytesOf(c.counts), b.counts, 0); err != nil {
			return err
		}
		if c.plan.guards() {
			c.missed = c.missed[:c.plan.Units]
			if err := d.Download(ctx, bytesOf(c.missed), b.counts, 4*uint64(c.plan.Units)); err != nil {
				return err
			}
		}
	}
	if out.O.Host != nil {
		if err := b.toHost(ctx, out.O, b.o); err != nil {
			return err
		}
	}
	if out.LSE != nil {
		if err := d.Download(ctx, bytesOf(out.LSE), b.lse, 0); err != nil {
			return err
		}
	}
	clear(out.Stripes)
	if !c.wantMasks {
		return nil
	}
	return c.expandMasks(ctx, out.Stripes)
}

// expandMasks turns the bits of every unit into bytes.
func (c *call) expandMasks(ctx context.Context, stripes []byte) error {
	p := c.plan
	words := p.scratch.maskBytes / 4
	bits := make([]uint32, uint64(p.Units)*words)
	if err := c.engine.device.Download(ctx, bytesOf(bits), c.buffers.masks, 0); err != nil {
		return err
	}
	groups := ceil.Div(p.Shape.KVLen, p.Params.Group())
	order := p.unitOrder(c.spans)
	for unit := range p.Units {
		batch, head, group := order.at(unit)
		row := stripes[((batch*p.Shape.Heads+head)*groups+group)*p.Shape.KVLen:][:p.Shape.KVLen]
		own := bits[uint64(unit)*words:][:words]
		for key := range row {
			row[key] = byte(own[key/32] >> (key % 32) & 1)
		}
	}
	return nil
}

// stats sums up the call, and teaches the engine the device's pace.
func (c *call) stats() Stats {
	p := c.plan
	s := Stats{Mode: p.Mode, Tier: p.Tier, TimeMS: c.slicer.times, Slices: c.slicer.slices, Fallback: p.Fallback, Refused: p.Refused, Warnings: p.Warnings[:len(p.Warnings):len(p.Warnings)], ScratchBytes: p.ScratchBytes}
	if c.slicer.untimed != "" {
		s.TimeMS = Times{}
		s.Warnings = append(s.Warnings, "GPU times of this run are unknown: the device's clock is not right: "+c.slicer.untimed)
	}
	s.countPairs(p, p.unitOrder(c.spans), c.counts, c.missed)
	total := s.TimeMS.Total
	if total == 0 {
		total = float64(c.slicer.waited) / 1e6
	}
	c.engine.rate.learn(s.ComputedRatio*p.Cost.Dense, total)
	return s
}
