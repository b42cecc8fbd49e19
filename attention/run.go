package attention

import (
	"context"
	"math"
	"time"

	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// run is one computation of a plan on an engine.
type run struct {
	engine     *Engine
	buffers    *engineBuffers
	plan       *Plan
	report     *vk.Report
	pipelines  [kernelCount]*vk.Pipeline
	q, k, v, o operand    // on the device
	spans      []headSpan // of every batch entry
	span       headSpan   // the one that is recorded
	way        tuning.Way // the plan's, unless the buffers of K and V have no address
	wantLSE    bool
	lseLent    bool       // they go to a buffer of the caller's
	lse        vk.Binding // four bytes for nothing where none are wanted
	lseFirst   uint32     // place of the first one in it
	wantMasks  bool
	slicer     slicer
	turn       inTurn // the slicer's sink where submissions are run one by one
	push       push
	bindings   [9]vk.Binding
	counts     []uint32
	missed     []float32 // by unit, with a guard
	itemBase   uint32    // number of a dispatch's first item
}

// compute runs the plan. The way of the data: host tensors to the device, for
// each batch entry and span of heads the sparse and the dense passes, outputs
// to the host, statistics.
func (r *run) compute(ctx context.Context, e *Engine, p *Plan, in Inputs, out Outputs, o RunOptions) (Stats, error) {
	start := time.Now()
	if err := r.begin(e, &e.buffers, p, in, out); err != nil {
		return Stats{}, err
	}
	moving := time.Now()
	if err := r.place(ctx, in, out); err != nil {
		return Stats{}, err
	}
	moved := time.Since(moving)
	if err := r.prepare(out); err != nil {
		return Stats{}, err
	}
	if err := r.recordSlices(ctx, o); err != nil {
		return Stats{}, err
	}
	moving = time.Now()
	if err := r.deliver(ctx, out); err != nil {
		return Stats{}, err
	}
	moved += time.Since(moving)
	s := r.stats()
	s.HostMS = float64(time.Since(start)) / 1e6
	s.PausedMS = float64(r.turn.paused) / 1e6
	s.OwnMS = s.HostMS - float64(moved+r.turn.waited+r.turn.paused)/1e6
	return s, nil
}

// begin takes the arguments in, and refuses what the memory budget has no room for.
func (r *run) begin(e *Engine, b *engineBuffers, p *Plan, in Inputs, out Outputs) error {
	r.engine, r.buffers, r.plan, r.report = e, b, p, e.device.Report()
	r.lseLent = out.LSEBuffer != nil
	r.wantLSE, r.wantMasks = out.LSE != nil || r.lseLent, out.Stripes != nil && p.Units > 0
	if err := r.checkLSESize(); err != nil {
		return err
	}
	return r.withinBudget(in, out)
}

// place makes the buffers of the run, and copies host tensors into theirs.
func (r *run) place(ctx context.Context, in Inputs, out Outputs) error {
	b := r.buffers
	for _, n := range r.needs(&in, &out) {
		if n.size > 0 {
			if err := b.grow(n.buffer, n.name, n.size, n.kind); err != nil {
				return err
			}
		}
	}
	r.q.name, r.k.name, r.v.name, r.o.name = "Q", "K", "V", "O"
	for _, t := range [4]struct {
		to     *operand
		copied *vk.Buffer
		from   Tensor
		upload bool
	}{
		{&r.q, b.q, in.Q, true}, {&r.k, b.k, in.K, true}, {&r.v, b.v, in.V, true}, {&r.o, b.o, out.O, r.engine.options.PoisonScratch},
	} {
		var err error
		if t.to.tensor, err = b.onDevice(ctx, t.copied, t.from, t.upload); err != nil {
			return err
		}
	}
	return nil
}

// prepare finds what recording needs beside buffers: pipelines, spans of heads,
// the place of the log-sum-exps.
func (r *run) prepare(out Outputs) error {
	p := r.plan
	r.way = p.wayOf(r.k.tensor, r.v.tensor)
	limit, err := spanHeads(r.report, p.Shape, &r.q, &r.k, &r.v, &r.o)
	if err != nil {
		return err
	}
	r.spans = p.spans(r.spans[:0], limit)
	for k := range kernelCount {
		if !p.runs(k) {
			continue
		}
		if r.pipelines[k], err = r.engine.pipeline(k, p, r.way); err != nil {
			return err
		}
	}
	if p.Units > 0 && p.Mode == ModeAnchor {
		if cap(r.counts) < p.Units {
			r.counts = make([]uint32, p.Units)
		}
		if p.guards() && cap(r.missed) < p.Units {
			r.missed = make([]float32, p.Units)
		}
	}
	r.bindLSE(out)
	return nil
}

// recordSlices dispatches all work in slices that are run one by one.
func (r *run) recordSlices(ctx context.Context, o RunOptions) error {
	r.turn = inTurn{rest: &r.engine.rest, duty: o.DutyCycle}
	r.slicer.begin(&r.turn, r.engine.recorder, &r.engine.rate, r.plan.SliceMS, r.report.Limits.TimestampBits > 0)
	if o.Progress != nil {
		r.slicer.progress, r.slicer.total = o.Progress, r.plan.work(r.spans)
	}
	return r.recordAll(ctx)
}

// recordAll dispatches all work as the slicer was begun.
func (r *run) recordAll(ctx context.Context) error {
	r.poison()
	if err := r.dispatchAll(ctx); err != nil {
		return err
	}
	return r.slicer.flush(ctx, true)
}

// dispatchAll dispatches all work and leaves the last slice open.
func (r *run) dispatchAll(ctx context.Context) error {
	p := r.plan
	unit := 0
	if p.Units > 0 && p.guards() { // heads that no guard looks after miss nothing
		r.slicer.mark(passAnchor)
		r.slicer.recorder.Fill(r.buffers.scratch, p.scratch.missed.offset, p.scratch.missed.size, 0)
		r.slicer.barrier()
	}
	for batch := range p.Shape.Batch {
		for _, r.span = range r.spans {
			r.setPush(batch)
			if p.Mode == ModeAnchor && p.Units > 0 && !r.span.head.IsDense() {
				r.push.countBase = uint32(unit)
				units := r.span.count * p.unitOrder(r.spans).groups
				if err := r.sparse(ctx, units); err != nil {
					return err
				}
				unit += units
			}
			if err := r.denseParts(ctx); err != nil {
				return err
			}
			r.slicer.barrier() // the next span binds the same log-sum-exp buffer, if other parts of it
		}
	}
	if unit > 0 {
		r.slicer.mark(passAttention)
		r.slicer.barrier()
		b := r.buffers
		size := 4 * uint64(p.Units)
		r.slicer.recorder.Copy(b.counts, 0, b.scratch, p.scratch.counts.offset, size)
		if p.guards() {
			r.slicer.recorder.Copy(b.counts, size, b.scratch, p.scratch.missed.offset, size)
		}
	}
	return nil
}

// setPush fills in the constants of the span of heads in a batch entry, and
// binds its tensors.
func (r *run) setPush(batch int) {
	p := r.plan
	s := p.Shape
	ratio := s.HeadsPerKV()
	head, count := r.span.first, r.span.count
	kvHeads := (head+count-1)/ratio - head/ratio + 1
	theta := p.Params.ThetaOf(r.span.head) * math.Log2E
	r.push = push{
		qLen: uint32(s.QLen), qOffset: uint32(s.Prefix()), kvEnd: uint32(s.KVLen),
		headRatio: uint32(ratio), headFirst: uint32(head), headCount: uint32(count),
		lseBase:   noLSE,
		scaleLog2: float32(p.Params.ScaleFor(s.HeadDim) * math.Log2E),
		thetaLog2: float32(min(max(theta, -thetaLimit), thetaLimit)),
		blockRows: uint32(p.Params.Block), groupRows: uint32(p.Params.Group()),
		sink: uint32(p.Params.Sink()), window: uint32(p.Params.Window()),
	}
	r.bindings[0], r.push.q = bind(r.report, r.q.tensor, batch, head, count)
	r.bindings[1], r.push.k = bind(r.report, r.k.tensor, batch, head/ratio, kvHeads)
	r.bindings[2], r.push.v = bind(r.report, r.v.tensor, batch, head/ratio, kvHeads)
	r.bindings[3], r.push.o = bind(r.report, r.o.tensor, batch, head, count)
	if r.way.Load == tuning.LoadAddress {
		r.push.kAddressLo, r.push.kAddressHi = words(r.bindings[1].Buffer.Address() + r.bindings[1].Offset)
		r.push.vAddressLo, r.push.vAddressHi = words(r.bindings[2].Buffer.Address() + r.bindings[2].Offset)
	}
	if r.wantLSE {
		r.push.lseBase = r.lseFirst + uint32(batch*s.Heads*s.QLen)
	}
}

func words(x uint64) (lo, hi uint32) { return uint32(x), uint32(x >> 32) }

// dispatch records a kernel over work items, in as many submissions as the
// pace demands. cost is the operations of an item; items never get dearer.
func (r *run) dispatch(ctx context.Context, k kernel, of pass, bindings []vk.Binding, items uint32, cost func(item uint32) float64) error {
	for first := uint32(0); first < items; {
		n := r.slicer.room(cost(first), items-first, r.report.Limits.MaxGroups[0])
		if n == 0 {
			if err := r.slicer.flush(ctx, false); err != nil {
				return err
			}
			continue
		}
		r.slicer.mark(of)
		r.push.firstItem = r.itemBase + first
		r.slicer.recorder.Dispatch(r.pipelines[k], bindings, r.push.bytes(), n, 1, 1)
		r.slicer.flops += float64(n) * cost(first)
		r.slicer.done += between(cost, first, n)
		r.slicer.inexact = r.slicer.inexact || k == kernelStripes || k.searches()
		first += n
		if first < items {
			r.slicer.barrier() // the rest binds the same buffers, if it writes other parts of them
		}
	}
	return nil
}

// deliver copies results to the host.
func (r *run) deliver(ctx context.Context, out Outputs) error {
	b, d := r.buffers, r.engine.device
	r.counts, r.missed = r.counts[:0], r.missed[:0]
	if r.plan.Mode == ModeAnchor && r.plan.Units > 0 {
		r.counts = r.counts[:r.plan.Units]
		if err := d.Download(ctx, bytesOf(r.counts), b.counts, 0); err != nil {
			return err
		}
		if r.plan.guards() {
			r.missed = r.missed[:r.plan.Units]
			if err := d.Download(ctx, bytesOf(r.missed), b.counts, 4*uint64(r.plan.Units)); err != nil {
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
	if !r.wantMasks {
		return nil
	}
	return r.expandMasks(ctx, out.Stripes)
}

// expandMasks turns the bits of every unit into bytes.
func (r *run) expandMasks(ctx context.Context, stripes []byte) error {
	p := r.plan
	words := p.scratch.maskBytes / 4
	bits := make([]uint32, uint64(p.Units)*words)
	if err := r.engine.device.Download(ctx, bytesOf(bits), r.buffers.masks, 0); err != nil {
		return err
	}
	groups := p.Params.Groups(p.Shape.KVLen)
	order := p.unitOrder(r.spans)
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
func (r *run) stats() Stats {
	p := r.plan
	s := Stats{Mode: p.Mode, Tier: p.Tier, TimeMS: r.slicer.times, Slices: r.slicer.slices, Fallback: p.Fallback, Refused: p.Refused, Warnings: p.Warnings[:len(p.Warnings):len(p.Warnings)], ScratchBytes: p.ScratchBytes}
	if r.slicer.untimed != "" {
		s.TimeMS = Times{}
		s.Warnings = append(s.Warnings, "GPU times of this run are unknown: the device's clock is not right: "+r.slicer.untimed)
	}
	s.countPairs(p, p.unitOrder(r.spans), r.counts, r.missed)
	total := s.TimeMS.Total
	if total == 0 {
		total = float64(r.turn.waited) / 1e6
	}
	r.engine.rate.learn(s.ComputedRatio*p.Cost.Dense, total)
	return s
}
