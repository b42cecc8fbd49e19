package synth

import (
	"math"

	"github.com/anchorvk/anchorvk/attention"
)

const (
	logRopeTheta = 13.122363377404328 // ln 500000
	maxTopics    = 6
	// slowTurn is the largest turn, in radians over the whole length, of a pair
	// that carries a topic: its score loses at most a sixth, because queries
	// are turned to the middle of the range.
	slowTurn = 1.15
)

// layout says which pairs of elements carry what, for one head dimension and
// length.
type layout struct {
	dim, pairs int
	length     int
	frequency  []float64 // radians per position, fastest first
	fast       int       // pairs 0 to fast-1 carry the local direction
	sink       int
	topics     []int // pairs, slowest first
	needle     int
	mean       []int // pairs of the channels with a mean
	// unit is the length of a vector whose square, times the scale
	// 1/sqrt(dim), is 1: amplitudes in units multiply to scores.
	unit float32
	// noise is the deviation of the noise of each element.
	noise []float32
}

func newLayout(s attention.Shape) *layout {
	l := &layout{dim: s.HeadDim, pairs: s.HeadDim / 2, length: s.KVLen}
	l.unit = float32(math.Sqrt(math.Sqrt(float64(l.dim))))
	l.frequency = make([]float64, l.pairs)
	for i := range l.frequency {
		l.frequency[i] = exp(float64(-logRopeTheta * float64(i) / float64(l.pairs)))
	}
	l.fast = max(1, l.pairs/4)
	l.sink = l.pairs - 1
	next := l.pairs - 2
	for next >= l.fast && len(l.topics) < maxTopics &&
		(len(l.topics) == 0 || float64(l.frequency[next]*float64(l.length)) <= slowTurn) {
		l.topics = append(l.topics, next)
		next--
	}
	l.needle = max(next, l.fast)
	for i := next - 1; i >= l.fast && len(l.mean) < 2; i-- {
		l.mean = append(l.mean, i)
	}
	l.noise = make([]float32, l.dim)
	for i := range l.pairs {
		gain := float32(1)
		if i >= l.pairs-1-len(l.topics) {
			gain = 0.25 // or noise times the long vectors there would drown the rest
		}
		l.noise[i], l.noise[i+l.pairs] = gain, gain
	}
	return l
}

// toMiddle is the direction before RoPE, in a slow pair, of a query that meets
// unturned keys best at half the length's distance.
func (l *layout) toMiddle(pair int) vector {
	return direction(float64(-l.frequency[pair] * float64(l.length) / 2))
}

// vector is two elements of a pair.
type vector struct{ x, y float32 }

func direction(angle float64) vector {
	sin, cos := sincos(angle)
	return vector{float32(cos), float32(sin)}
}

// add adds amount times v to a pair of row.
func (l *layout) add(row []float32, pair int, v vector, amount float32) {
	row[pair] += float32(v.x * amount)
	row[pair+l.pairs] += float32(v.y * amount)
}

// turns holds the sines and cosines of RoPE for some positions.
type turns struct {
	first    int
	pairs    int
	sin, cos []float32
}

// fill computes the turns of positions [first, first+count).
func (t *turns) fill(l *layout, first, count int) {
	t.first, t.pairs = first, l.pairs
	if n := count * l.pairs; cap(t.sin) < n {
		t.sin, t.cos = make([]float32, n), make([]float32, n)
	}
	t.sin, t.cos = t.sin[:count*l.pairs], t.cos[:count*l.pairs]
	for i := range t.sin {
		sin, cos := sincos(float64(float64(first+i/l.pairs) * l.frequency[i%l.pairs]))
		t.sin[i], t.cos[i] = float32(sin), float32(cos)
	}
}

// rotate applies RoPE for a position to row.
func (t *turns) rotate(row []float32, position int) {
	at := (position - t.first) * t.pairs
	sin, cos := t.sin[at:at+t.pairs], t.cos[at:at+t.pairs]
	low, high := row[:t.pairs], row[t.pairs:2*t.pairs]
	for i, c := range cos {
		x, y, s := low[i], high[i], sin[i]
		low[i] = float32(x*c) - float32(y*s)
		high[i] = float32(x*s) + float32(y*c)
	}
}
