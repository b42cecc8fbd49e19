package synth

import "math/rand/v2"

// Streams of random numbers; each use has its own.
const (
	streamKeys = iota + 1
	streamValues
	streamQueries
	streamKeyRows
	streamValueRows
	streamQueryRows
)

// mix spreads one number over all bits (the finaliser of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// seed starts the stream of one place: a use, a batch, a head, a position.
func seed(p *rand.PCG, root uint64, use, batch, head, position int) {
	h := mix(root)
	for _, part := range [...]int{use, batch, head, position} {
		h = mix(h ^ uint64(part))
	}
	p.Seed(h, mix(h))
}

// stream is seed for a new generator.
func stream(root uint64, use, batch, head int) *rand.Rand {
	p := new(rand.PCG)
	seed(p, root, use, batch, head, 0)
	return rand.New(p)
}

// addNoise adds to each element of row a number of mean 0, variance 1 and
// range ±3.5 times gain[i]: the sum of four 16-bit uniform numbers, which is
// nearly normal.
func addNoise(row, gain []float32, p *rand.PCG) {
	const (
		mean      = 2 * 65535
		deviation = 37837.2266 // sqrt(4 * (65536² - 1)/12)
	)
	for i := range row {
		bits := p.Uint64()
		sum := int32(bits&0xffff) + int32(bits>>16&0xffff) + int32(bits>>32&0xffff) + int32(bits>>48)
		row[i] += float32(float32(sum-mean) * float32(gain[i]*(1/float32(deviation))))
	}
}
