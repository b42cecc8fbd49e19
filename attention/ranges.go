package attention

import (
	"context"
	"math"

	"github.com/anchorvk/anchorvk/vk"
)

// attendKeys dispatches an attention kernel over work items whose longest
// sequence has so many keys: at once, or a range of Tuning.Range keys at a time,
// between which the rows' state waits in scratch memory
// (shaders/include/key_range.glsl). flops is the work of an item.
func (r *run) attendKeys(ctx context.Context, k kernel, of pass, bindings []vk.Binding, items uint32, keys int, flops func(item uint32) float64) error {
	size := r.plan.Tuning.Range
	if size == 0 {
		return r.dispatch(ctx, k, of, bindings, items, flops)
	}
	saved := r.push
	for first := 0; first == 0 || first < keys; first += size {
		r.push.setRange(first, first+size)
		err := r.dispatch(ctx, k, of, bindings, items, func(item uint32) float64 { return r.plan.rangeFlops(flops(item), first) })
		if err != nil {
			return err
		}
		r.slicer.barrier() // the next range goes on from this one's state
	}
	r.push = saved
	return nil
}

// setRange has a kernel attend keys [first, last). It needs neither theta nor
// the size of blocks, whose places those are.
func (p *push) setRange(first, last int) {
	p.thetaLog2, p.blockRows = math.Float32frombits(uint32(first)), uint32(last)
}

// setStoreEnd has the stripes leave out the rows from a position on. They pool
// nothing, and with ranges need no sink either: shaders/include/store_end.glsl.
func (p *push) setStoreEnd(position int, ranged bool) {
	if ranged {
		p.sink = uint32(position)
	} else {
		p.blockRows = uint32(position)
	}
}

// tileStateBytes is what the state of a row tile takes in scratch memory.
func (p *Plan) tileStateBytes() (acc, sums uint64) {
	rows := uint64(p.Tuning.TileRows())
	return 4 * rows * uint64(p.Shape.HeadDim), 8 * rows
}

// tileStates is how many row tiles the dense kernel has in scratch memory at a
// time where it goes by ranges of keys.
func (p *Plan) tileStates() int {
	acc, sums := p.tileStateBytes()
	return int(min(p.scratch.acc.size/acc, p.scratch.sums.size/sums))
}

// layOutTileStates lays out scratch memory for the dense kernel alone: as many
// row tiles as the budget has room for, at least one.
func (p *Plan) layOutTileStates(report *vk.Report, budget uint64) {
	acc, sums := p.tileStateBytes()
	s, rows := p.Shape, p.Tuning.TileRows()
	all := uint64(s.Heads * ((s.KVLen-1)/rows - s.Prefix()/rows + 1))
	n := min(all, budget/(acc+sums), report.Limits.MaxStorageBufferRange/acc)
	var l scratchLayout
	l.acc = l.place(max(n, 1) * acc)
	l.sums = l.place(max(n, 1) * sums)
	p.scratch, p.ScratchBytes = l, l.total
}
