package synth

import (
	"math"
	"math/rand/v2"
)

// Amplitudes of keys, in units of layout.unit.
const (
	sinkKeys      = 4 // the first keys, which carry the sink
	keySink       = 4
	keyStripe     = 3    // times a gain that differs by column
	weakShare     = 0.15 // of columns that are no stripes, or barely
	keptShare     = 0.9  // of columns that are stripes where their topic is active, as measured
	keyNeedle     = 4
	keyMean       = 3
	sinkValueGain = 0.05
	columnCell    = 256 // positions that get their exact share of stripes
	localCell     = 512 // positions over which the local direction turns
)

// keyHead is what the keys of one KV head have besides noise.
type keyHead struct {
	l *layout
	// topic of each position's stripe, -1 for none, and its gain.
	topic []int8
	gain  []float32
	// local directions at the corners of cells of localCell positions, fast
	// pairs of each corner together; between corners they are blended.
	local  []vector
	needle int
}

func newKeyHead(l *layout, rng *rand.Rand, stripes float64) *keyHead {
	h := &keyHead{l: l, topic: make([]int8, l.length), gain: make([]float32, l.length)}
	h.placeStripes(rng, stripes)
	h.local = make([]vector, (l.length/localCell+2)*l.fast)
	for i := range h.local {
		h.local[i] = direction(float64(2 * math.Pi * rng.Float64()))
	}
	h.needle = l.length/8 + rng.IntN(l.length/4+1)
	return h
}

// placeStripes draws the columns: a Poisson process conditioned on its count
// in every cell, so that the share is met at every length, with topics in
// turn. density is columns per position.
func (h *keyHead) placeStripes(rng *rand.Rand, density float64) {
	for j := range h.topic {
		h.topic[j] = -1
	}
	wanted, placed := rng.Float64(), 0
	for start := 0; start < len(h.topic); start += columnCell {
		end := min(start+columnCell, len(h.topic))
		wanted += float64(density * float64(end-start))
		for placed+1 <= int(wanted) {
			j := start + rng.IntN(end-start)
			if h.topic[j] >= 0 {
				continue
			}
			h.topic[j] = int8(placed % len(h.l.topics))
			h.gain[j] = drawGain(rng)
			placed++
		}
	}
}

// drawGain is 0.75 to 1.1 for most columns, which makes them stripes, and 0.4
// to 0.75 for some, which miss the threshold or just reach it.
func drawGain(rng *rand.Rand) float32 {
	if rng.Float32() < weakShare {
		return 0.4 + float32(0.35*rng.Float32())
	}
	return 0.75 + float32(0.35*rng.Float32())
}

// addLocal adds the local direction at a position, times amount; turn, where
// not nil, turns each pair (see slash).
func (h *keyHead) addLocal(row []float32, position int, amount float32, turn []vector) {
	fast := h.l.fast
	cell := position / localCell
	from, to := h.local[cell*fast:(cell+1)*fast], h.local[(cell+1)*fast:(cell+2)*fast]
	// Roots keep the length at 1 on average, as the directions are independent.
	share := float64(position%localCell) / localCell
	a, b := amount*float32(math.Sqrt(1-share)), amount*float32(math.Sqrt(share))
	for i := range fast {
		v := vector{float32(from[i].x*a) + float32(to[i].x*b), float32(from[i].y*a) + float32(to[i].y*b)}
		if turn != nil {
			t := turn[i]
			v = vector{float32(v.x*t.x) - float32(v.y*t.y), float32(v.x*t.y) + float32(v.y*t.x)}
		}
		row[i] += v.x
		row[i+h.l.pairs] += v.y
	}
}

// keyRow makes the key at a position, before RoPE, in row.
func (h *keyHead) keyRow(row []float32, position int, p *rand.PCG) {
	l := h.l
	clear(row)
	addNoise(row, l.noise, p)
	for _, pair := range l.mean {
		l.add(row, pair, vector{1, 0}, keyMean*l.unit)
	}
	switch {
	case position < sinkKeys:
		l.add(row, l.sink, vector{1, 0}, keySink*l.unit)
	case h.topic[position] < 0:
		h.addLocal(row, position, l.unit, nil)
	default: // a stripe, which belongs to no place: where both met, the anchor
		// would rise by both scores and hide all other stripes
		amount := float32(keyStripe*l.unit) * h.gain[position]
		l.add(row, l.topics[h.topic[position]], vector{1, 0}, amount)
	}
	if position == h.needle {
		l.add(row, l.needle, vector{1, 0}, keyNeedle*l.unit)
	}
}

// valueRow makes the value at a position in row: noise, small at the sink.
func valueRow(row, ones []float32, position int, p *rand.PCG) {
	clear(row)
	addNoise(row, ones, p)
	if position < sinkKeys {
		for i := range row {
			row[i] *= sinkValueGain
		}
	}
}
