package attention

import (
	"context"

	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/vk"
)

// poisonWord is a NaN as fp32, a NaN among fp16, and far out of range as an index.
const poisonWord = 0x7fff7fff

// poison fills scratch memory and the log-sum-exp before a run, for tests.
func (r *run) poison() {
	if !r.engine.options.PoisonScratch {
		return
	}
	r.slicer.mark(passAttention)
	if !r.lseLent {
		r.slicer.recorder.Fill(r.lse.Buffer, 0, r.lse.Size, poisonWord)
	}
	if r.plan.ScratchBytes > 0 {
		r.slicer.recorder.Fill(r.buffers.scratch, 0, r.plan.ScratchBytes, poisonWord)
	}
	r.slicer.barrier()
}

// denseParts dispatches dense attention: of all rows, or in a sparse run of
// the rows whose groups have no candidates, and of the tail.
func (r *run) denseParts(ctx context.Context) error {
	for i, rows := range r.plan.denseRows(r.span) {
		if rows[1] <= rows[0] {
			continue
		}
		if i > 0 && r.plan.Tuning.Range > 0 {
			r.slicer.barrier() // both keep the state of their rows in one place
		}
		if err := r.dense(ctx, rows[0], rows[1]); err != nil {
			return err
		}
	}
	return nil
}

// denseRows are the positions [from, end) of a span's rows that attend every
// key: all of them, or the rows before the first group with candidates and the
// rows of the tail, which the stripes have left out, so that O may lie over Q.
func (p *Plan) denseRows(s headSpan) [2][2]int {
	from, end := p.Shape.Prefix(), p.Shape.KVLen
	if p.Mode == ModeDense || s.head.IsDense() {
		return [2][2]int{{from, end}}
	}
	return [2][2]int{{from, min(end, firstSparseGroup(p.Shape, p.Params)*p.Params.Group())}, {tailStart(p.Shape, p.Params), end}}
}

// denseTiles are the row tiles of dense attention over the rows at positions
// [from, end) of a span's heads, late ones first.
type denseTiles struct {
	items, atATime uint32 // of which so many have their state in scratch memory
	last, rows     int    // number of the last tile, rows of each
	heads          int
}

func (p *Plan) denseTiles(s headSpan, from, end int) denseTiles {
	rows := p.Tuning.TileRows()
	t := denseTiles{last: (end - 1) / rows, rows: rows, heads: s.count}
	t.items = uint32((t.last - from/rows + 1) * s.count)
	t.atATime = t.items
	if p.Tuning.Range > 0 {
		t.atATime = min(t.items, uint32(p.tileStates()))
	}
	return t
}

// keys is how many keys an item attends, rounded up to whole tiles.
func (t denseTiles) keys(item uint32) int { return (t.last - int(item)/t.heads + 1) * t.rows }

// dense dispatches dense attention of the rows at positions [from, end).
func (r *run) dense(ctx context.Context, from, end int) error {
	p := r.plan
	saved := r.push
	// As a call that begins at position from: its row 0 is another row of Q, O and the log-sum-exps.
	skipped := uint32(from - p.Shape.Prefix())
	r.push.qOffset, r.push.kvEnd = uint32(from), uint32(end)
	r.push.q.base += skipped * r.push.q.row
	r.push.o.base += skipped * r.push.o.row
	if r.push.lseBase != noLSE {
		r.push.lseBase += skipped
	}
	t := p.denseTiles(r.span, from, end)
	b := [7]vk.Binding{r.bindings[0], r.bindings[1], r.bindings[2], r.bindings[3], r.lse}
	bindings := b[:5]
	if p.Tuning.Range > 0 {
		b[5], b[6] = r.scratch(p.scratch.acc), r.scratch(p.scratch.sums)
		bindings = b[:]
		r.push.groupRows = uint32(t.rows) // in the state's place a tile is a group
	}
	for first := uint32(0); first < t.items; first += t.atATime {
		r.itemBase, r.push.firstUnit = first, first
		err := r.attendKeys(ctx, kernelDense, passAttention, bindings, min(t.atATime, t.items-first), min(t.keys(first), end), func(item uint32) float64 {
			return p.tileFlops(float64(t.keys(first + item)))
		})
		if err != nil {
			return err
		}
	}
	r.itemBase, r.push = 0, saved
	return nil
}

// sparse dispatches the three stages for a span's units, as many at a time as
// scratch memory holds.
func (r *run) sparse(ctx context.Context, units int) error {
	for first := 0; first < units; first += r.plan.Slots {
		r.push.firstUnit = uint32(first)
		slots := min(r.plan.Slots, units-first)
		if err := r.anchorStage(ctx, slots); err != nil {
			return err
		}
		if err := r.identifyStage(ctx, first, slots); err != nil {
			return err
		}
		if err := r.stripeStage(ctx, first, slots); err != nil {
			return err
		}
		r.slicer.barrier() // the next units use the same scratch
	}
	return nil
}

// anchorStage attends sink and window, and pools queries and anchors.
func (r *run) anchorStage(ctx context.Context, slots int) error {
	p := r.plan
	l := &p.scratch
	b := [5]vk.Binding{r.bindings[0], r.bindings[1], r.bindings[2], r.scratch(l.acc), r.scratch(l.sums)}
	err := r.attendKeys(ctx, kernelAnchor, passAnchor, b[:], p.sparseItems(slots), p.anchorKeys(), func(uint32) float64 { return p.anchorFlops() })
	if err != nil {
		return err
	}
	r.slicer.barrier()
	if p.Params.SamplesHead(r.span.head) {
		return nil
	}
	pool := [4]vk.Binding{r.bindings[0], r.scratch(l.sums), r.scratch(l.pooled), r.scratch(l.anchors)}
	err = r.dispatch(ctx, kernelPool, passAnchor, pool[:], uint32(slots*p.Params.Step), func(uint32) float64 { return p.poolFlops() })
	r.slicer.barrier()
	return err
}

// identifyStage finds the stripes of each unit, has the guard look at them, and
// lists them.
func (r *run) identifyStage(ctx context.Context, first, slots int) error {
	p := r.plan
	l := &p.scratch
	r.slicer.mark(passIdentify)
	r.slicer.recorder.Fill(r.buffers.scratch, l.mask.offset, uint64(slots)*l.maskBytes, 0)
	r.slicer.barrier()
	choose := r.searchStage
	if p.Params.SamplesHead(r.span.head) {
		choose = r.sampleStage
	}
	if err := choose(ctx, slots); err != nil {
		return err
	}
	if p.Params.GuardsHead(r.span.head) {
		if err := r.guardStage(ctx, slots); err != nil {
			return err
		}
	}
	list := [3]vk.Binding{r.scratch(l.mask), r.scratch(l.list), r.scratch(l.counts)}
	err := r.dispatch(ctx, kernelCompact, passIdentify, list[:], uint32(slots), func(uint32) float64 { return p.compactFlops() })
	if err != nil {
		return err
	}
	if r.wantMasks {
		to := uint64(int(r.push.countBase)+first) * l.maskBytes
		r.slicer.mark(passIdentify)
		r.slicer.recorder.Copy(r.buffers.masks, to, r.buffers.scratch, l.mask.offset, uint64(slots)*l.maskBytes)
	}
	r.slicer.barrier()
	return nil
}

// searchStage has the pooled rows choose the stripes.
func (r *run) searchStage(ctx context.Context, slots int) error {
	p := r.plan
	l := &p.scratch
	b := [4]vk.Binding{r.bindings[1], r.scratch(l.pooled), r.scratch(l.anchors), r.scratch(l.mask)}
	err := r.dispatch(ctx, kernelIdentify, passIdentify, b[:], p.searchItems(slots), func(uint32) float64 { return p.searchFlops() })
	r.slicer.barrier()
	return err
}

// searchItems is the number of work items of the search in so many slots.
func (p *Plan) searchItems(slots int) uint32 {
	return uint32(ceil.Div(slots, p.searchSlots()) * ceil.Div(p.Shape.KVLen, p.searchKeys()))
}

// searchKeys is how many keys such an item has.
func (p *Plan) searchKeys() int {
	if p.Tier.OnMatrixUnits() {
		return matrixSearchWords * 32
	}
	return searchWords * 32
}

// searchSlots is how many slots an item of the kernels has that look through keys.
func (p *Plan) searchSlots() int {
	if p.Tier.OnMatrixUnits() {
		return p.Tuning.SearchHeads
	}
	return 1
}

// stripeStage attends the stripes and writes the output.
func (r *run) stripeStage(ctx context.Context, first, slots int) error {
	p := r.plan
	l := &p.scratch
	b := [9]vk.Binding{
		r.bindings[0], r.bindings[1], r.bindings[2], r.scratch(l.acc), r.scratch(l.sums), r.scratch(l.list), r.scratch(l.counts),
		r.bindings[3], r.lse,
	}
	saved := r.push
	defer func() { r.push = saved }()
	r.push.setStoreEnd(tailStart(p.Shape, p.Params), p.Tuning.Range > 0)
	return r.attendKeys(ctx, kernelStripes, passAttention, b[:], p.sparseItems(slots), p.mostCandidates(r.span, r.spans, first), func(uint32) float64 { return p.stripeFlops() })
}

// sparseItems is the number of row tiles of so many units.
func (p *Plan) sparseItems(slots int) uint32 {
	return uint32(slots * ceil.Div(p.Params.Group(), p.Tuning.TileRows()))
}

// anchorKeys is the most keys that a row attends in the anchor stage.
func (p *Plan) anchorKeys() int { return p.Params.Sink() + p.Params.Window() + p.Params.Group() }

// mostCandidates is how many candidates the first of a span's units from first on
// has, which has the most.
func (p *Plan) mostCandidates(s headSpan, spans []headSpan, first int) int {
	group := p.unitOrder(spans).lastGroup - first/s.count
	return group*p.Params.Group() - p.Params.Window() - p.Params.Sink()
}

func (r *run) scratch(of region) vk.Binding {
	return vk.Binding{Buffer: r.buffers.scratch, Offset: of.offset, Size: of.size}
}
