package attention

import "github.com/anchorvk/anchorvk/internal/ceil"

// What the work items of each kernel cost, in floating-point operations: slices
// are cut by it, and progress is reported in it.

// tileFlops is the work of a row tile that attends so many keys.
func (p *Plan) tileFlops(keys float64) float64 {
	return 4 * float64(p.Shape.HeadDim*p.Tuning.TileRows()) * keys
}

func (p *Plan) anchorFlops() float64 {
	return p.tileFlops(float64(p.Params.Sink() + p.Params.Window() + (p.Params.Group()+p.Tuning.TileRows())/2))
}

func (p *Plan) poolFlops() float64 { return float64(p.Params.Block * p.Shape.HeadDim) }

func (p *Plan) searchFlops() float64 {
	return float64(2 * p.Shape.HeadDim * p.Params.Step * p.searchKeys() * p.searchSlots())
}

// sweepFlops is of so many slots and a run of keys, by the rows at a stride.
func (p *Plan) sweepFlops(stride, slots int) float64 {
	return float64(2 * p.Shape.HeadDim * p.sampledRows(stride) * guardRunKeys * slots)
}

func (p *Plan) verdictFlops() float64 { return float64(p.Shape.KVLen / 32) }

func (p *Plan) compactFlops() float64 { return float64(p.Shape.KVLen) }

// likelyStripes is the share of candidates that slices allow for: what is kept
// is only known on the device. More than this makes slices up to twice as long.
const likelyStripes = 0.5

func (p *Plan) stripeFlops() float64 { return p.tileFlops(likelyStripes * float64(p.Shape.KVLen)) }

// rangeFlops is the part of an item's work that lies in a range of keys.
func (p *Plan) rangeFlops(whole float64, first int) float64 {
	return min(max(whole-p.tileFlops(float64(first)), 0), p.tileFlops(float64(p.Tuning.Range)))
}

// between is the work of n items from first on, whose cost falls about linearly.
func between(cost func(item uint32) float64, first, n uint32) float64 {
	return float64(n) * (cost(first) + cost(first+n-1)) / 2
}

// work is the work of all dispatches of a run over spans of heads.
func (p *Plan) work(spans []headSpan) (total float64) {
	for _, s := range spans {
		for _, rows := range p.denseRows(s) {
			total += p.denseWork(s, rows[0], rows[1])
		}
		if p.Mode != ModeAnchor || p.Units == 0 || s.head.IsDense() {
			continue
		}
		units := s.count * p.unitOrder(spans).groups
		for first := 0; first < units; first += p.Slots {
			total += p.sparseWork(s, spans, first, min(p.Slots, units-first))
		}
	}
	return float64(p.Shape.Batch) * total
}

// denseWork is the work of the rows at positions [from, end) of a span's heads.
func (p *Plan) denseWork(s headSpan, from, end int) (total float64) {
	if end <= from {
		return 0
	}
	t := p.denseTiles(s, from, end)
	for first := uint32(0); first < t.items; first += t.atATime {
		total += p.attendWork(min(t.atATime, t.items-first), min(t.keys(first), end), func(item uint32) float64 {
			return p.tileFlops(float64(t.keys(first + item)))
		})
	}
	return total
}

// sparseWork is the work of all stages for the units [first, first+slots) of a span.
func (p *Plan) sparseWork(s headSpan, spans []headSpan, first, slots int) float64 {
	each := func(cost float64) func(uint32) float64 { return func(uint32) float64 { return cost } }
	n := float64(slots)
	total := p.attendWork(p.sparseItems(slots), p.anchorKeys(), each(p.anchorFlops())) +
		p.attendWork(p.sparseItems(slots), p.mostCandidates(s, spans, first), each(p.stripeFlops())) +
		n*p.compactFlops()
	sweep := func(stride, slotsAnItem, runs int) float64 {
		return float64(ceil.Div(slots, slotsAnItem)*runs) * p.sweepFlops(stride, slotsAnItem)
	}
	g := p.Params.Guard
	if sample := p.Params.Sample; p.Params.SamplesHead(s.head) {
		_, slotsAnItem := p.pickKernel()
		total += sweep(sample.Stride, p.searchSlots(), p.sumRuns()) + sweep(sample.Stride, slotsAnItem, p.keyRuns())
	} else {
		total += n*float64(p.Params.Step)*p.poolFlops() + float64(p.searchItems(slots))*p.searchFlops()
		if p.Params.GuardsHead(s.head) {
			total += sweep(g.Stride, p.searchSlots(), p.sumRuns()) + sweep(g.Stride, p.searchSlots(), p.keyRuns())
		}
	}
	if !p.Params.GuardsHead(s.head) {
		return total
	}
	total += n * p.verdictFlops()
	if g.Look > 0 {
		total += sweep(g.Look, 1, p.sumRuns()) + sweep(g.Look, 1, p.keyRuns())
	}
	return total
}

// attendWork is what attendKeys dispatches.
func (p *Plan) attendWork(items uint32, keys int, flops func(item uint32) float64) (total float64) {
	if p.Tuning.Range == 0 {
		return between(flops, 0, items)
	}
	for first := 0; first == 0 || first < keys; first += p.Tuning.Range {
		total += between(func(item uint32) float64 { return p.rangeFlops(flops(item), first) }, 0, items)
	}
	return total
}
