package attention

import (
	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/vk"
)

// region is a part of the scratch buffer.
type region struct{ offset, size uint64 }

// scratchLayout places what the passes leave for each other. All but counts and
// missed is held for a limited number of slots, one (head, group) pair each, and
// used again for the next pairs. Where dense attention goes by ranges of keys,
// acc and sums hold the state of its row tiles.
type scratchLayout struct {
	acc     region // accumulators, fp32
	sums    region // row maximum and row sum, two fp32 a row
	pooled  region // mean queries, fp32
	anchors region // mean anchors, fp32
	mask    region // one bit for each key
	list    region // stripe positions, uint32, room for every key
	sampled region // softmax sums of sampled rows by run of keys, two fp32 each
	misses  region // what those rows miss, by run of keys, fp32
	counts  region // stripes of every pair of the call, uint32
	missed  region // what the peaks of every pair miss, fp32
	total   uint64

	maskBytes uint64 // of one slot
}

// scratchAlign suits the storage buffer alignment of every device (at most 256).
const scratchAlign = 256

// layOutScratch decides how many (head, group) pairs are held at a time.
func (p *Plan) layOutScratch(report *vk.Report, budget uint64) error {
	s := p.Shape
	first := firstSparseGroup(s, p.Params)
	groups := p.Params.Groups(s.KVLen) - first
	if p.Mode != ModeAnchor || groups <= 0 {
		if p.Tuning.Range > 0 {
			p.layOutTileStates(report, budget)
		}
		return nil
	}
	p.Units = s.Batch * p.sparseHeads() * groups
	counts := p.countBytes()
	one := p.scratchFor(1)
	slot := one.total - counts
	p.Slots = 1
	if budget > counts+one.total {
		p.Slots = int(min(uint64(p.sparseHeads()*groups), 1+(budget-counts-one.total)/slot))
	}
	p.scratch = p.scratchFor(p.Slots)
	for p.Slots > 1 && p.scratch.total > budget { // rounding up to the alignment
		p.Slots--
		p.scratch = p.scratchFor(p.Slots)
	}
	p.ScratchBytes = p.scratch.total
	for _, r := range []region{p.scratch.acc, p.scratch.list, p.scratch.sampled} {
		if r.size > report.Limits.MaxStorageBufferRange {
			return &vk.LimitError{
				What: "scratch memory", Limit: "maxStorageBufferRange", Asked: r.size, Max: report.Limits.MaxStorageBufferRange,
				Try: "a smaller group (step, block) or a smaller PlanOptions.ScratchBytes",
			}
		}
	}
	return nil
}

// countBytes is what a run reports of every (head, group) pair: how many stripes
// it keeps, and with a guard what its peaks miss.
func (p *Plan) countBytes() uint64 {
	if p.guards() {
		return 8 * uint64(p.Units)
	}
	return 4 * uint64(p.Units)
}

// scratchFor lays out scratch memory for a number of slots.
func (p *Plan) scratchFor(slots int) scratchLayout {
	var l scratchLayout
	n := uint64(slots)
	group := uint64(p.Params.Group())
	tileRows := uint64(p.Tuning.TileRows())
	dim := uint64(ceil.Div(p.Shape.HeadDim, 16) * 16) // matrix kernels pad rows to whole matrices
	step := uint64(p.Params.Step)
	words := uint64(ceil.Div(p.Shape.KVLen, 32))
	l.maskBytes = 4 * words
	tiles := (group + tileRows - 1) / tileRows
	rows := group
	if p.Tuning.Range > 0 {
		rows = tiles * tileRows // the dense kernel keeps whole tiles there
	}
	l.acc = l.place(n * tiles * tileRows * dim * 4)
	l.sums = l.place(n * rows * 8)
	if p.pools() {
		l.pooled = l.place(n * step * dim * 4)
		l.anchors = l.place(n * step * 4)
	}
	l.mask = l.place(n * l.maskBytes)
	l.list = l.place(n * l.maskBytes * 32)
	if strides := p.lookStrides(); len(strides) > 0 {
		rows := 0
		for _, stride := range strides {
			rows = max(rows, p.sampledRows(stride))
		}
		l.sampled = l.place(n * uint64(p.sumRuns()) * uint64(rows) * 8)
		l.misses = l.place(n * uint64(p.keyRuns()) * 4)
	}
	l.counts = l.place(4 * uint64(max(p.Units, 1)))
	if p.guards() {
		l.missed = l.place(4 * uint64(p.Units))
	}
	return l
}

// place adds a region.
func (l *scratchLayout) place(size uint64) region {
	r := region{l.total, size}
	l.total += (size + scratchAlign - 1) / scratchAlign * scratchAlign
	return r
}
