package synth

import "math/rand/v2"

const (
	// topicSpan is how many positions pass between changes of topic; it equals
	// the default group, so that each group sees one change.
	topicSpan = 2048
	// needleQueries is how many of the last queries seek the needle.
	needleQueries = 64
	needleScore   = 24
	// farSlash is a distance that lies outside the window of every row of a
	// default group.
	farSlash = 2048 + 256
)

// character holds the scores that a kind of head gives, in natural-log units,
// and the deviation of its queries' noise.
type character struct {
	sink, local, stripe, nearSlash, farSlash, noise float32
}

var characters = [...]character{
	Stripe:      {sink: 18, local: 8, stripe: 12.5, nearSlash: 4, farSlash: 3, noise: 1},
	Local:       {sink: 9, local: 18, stripe: 12.5, nearSlash: 7, farSlash: 4, noise: 1},
	Diffuse:     {sink: 15, local: 5, stripe: 7.6, nearSlash: 2, farSlash: 2, noise: 2},
	Adversarial: {sink: 14, local: 6, stripe: 6.5, nearSlash: 3, farSlash: 17, noise: 1},
}

// slash is a line of keys a fixed distance before their queries.
type slash struct {
	distance int
	amount   float32
	turn     []vector // of the fast pairs, back by the distance
}

// queryHead is what the queries of one head have besides noise.
type queryHead struct {
	l         *layout
	keys      *keyHead
	character character
	noise     []float32
	slashes   []slash
	order     []int // of the topics
	change    int   // positions before the first change of topic
	toNeedle  vector
}

func newQueryHead(l *layout, keys *keyHead, rng *rand.Rand, kind Kind) *queryHead {
	h := &queryHead{l: l, keys: keys, character: characters[kind]}
	h.noise = make([]float32, l.dim)
	for i := range h.noise {
		h.noise[i] = l.noise[i] * h.character.noise
	}
	h.order = rng.Perm(len(l.topics))
	h.change = topicSpan/4 + rng.IntN(topicSpan/2)
	near, far := 64+rng.IntN(1024), farSlash+rng.IntN(512)
	h.slashes = []slash{
		newSlash(l, near, h.character.nearSlash),
		newSlash(l, far, h.character.farSlash),
	}
	distance := l.length - needleQueries/2 - keys.needle
	h.toNeedle = direction(float64(-l.frequency[l.needle] * float64(distance)))
	return h
}

func newSlash(l *layout, distance int, score float32) slash {
	s := slash{distance: distance, amount: score / float32(l.fast) * l.unit, turn: make([]vector, l.fast)}
	for i := range s.turn {
		s.turn[i] = direction(float64(-l.frequency[i] * float64(distance)))
	}
	return s
}

// activeTopics is how many topics are active at any position; unionTopics how
// many are at some position of a default group.
func activeTopics(topics int) int { return max(1, topics/2) }

func unionTopics(topics int) int { return min(topics, activeTopics(topics)+1) }

// queryRow makes the query at a position, before RoPE, in row.
func (h *queryHead) queryRow(row []float32, position int, p *rand.PCG) {
	l, c := h.l, h.character
	clear(row)
	addNoise(row, h.noise, p)
	h.keys.addLocal(row, position, c.local/float32(l.fast)*l.unit, nil)
	for _, s := range h.slashes {
		if position >= s.distance {
			h.keys.addLocal(row, position-s.distance, s.amount, s.turn)
		}
	}
	l.add(row, l.sink, l.toMiddle(l.sink), c.sink/keySink*l.unit)
	span := (position + topicSpan - h.change) / topicSpan
	for i := range activeTopics(len(l.topics)) {
		pair := l.topics[h.order[(span+i)%len(h.order)]]
		l.add(row, pair, l.toMiddle(pair), c.stripe/keyStripe*l.unit)
	}
	if position >= l.length-needleQueries {
		l.add(row, l.needle, h.toNeedle, needleScore/keyNeedle*l.unit)
	}
}
