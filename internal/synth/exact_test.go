package synth

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSincosAgreesWithTheStandardLibrary(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 20000 {
		x := (rng.Float64() - 0.5) * 8
		if i%2 == 0 {
			x = math.Floor(rng.Float64() * (1 << 21)) // positions at frequency 1
		}
		sin, cos := sincos(x)
		if !(math.Abs(math.Sin(x)-sin) <= 1e-15) || !(math.Abs(math.Cos(x)-cos) <= 1e-15) {
			t.Fatalf("sine and cosine of %v are %v and %v", x, sin, cos)
		}
	}
	sin, cos := sincos(0)
	assert.Equal(t, [2]float64{0, 1}, [2]float64{sin, cos})
}

func TestExpAgreesWithTheStandardLibrary(t *testing.T) {
	for x := -99.0; x < 99; x += 0.37 {
		require.InEpsilon(t, math.Exp(x), exp(x), 2e-15, "exp %v", x)
	}
	assert.Equal(t, 1.0, exp(0))
}

func TestNoiseIsStandard(t *testing.T) {
	const n = 200000
	row, gain := make([]float32, n), make([]float32, n)
	for i := range gain {
		gain[i] = 2
	}
	var p rand.PCG
	seed(&p, 5, streamKeyRows, 0, 0, 0)
	addNoise(row, gain, &p)
	var mean, square float64
	for _, x := range row {
		mean += float64(x) / n
		square += float64(x) * float64(x) / n
		require.LessOrEqual(t, math.Abs(float64(x)), 7.0)
	}
	assert.InDelta(t, 0, mean, 0.02)
	assert.InDelta(t, 4, square, 0.05)
}

func TestRotationsKeepLengthAndRelativePosition(t *testing.T) {
	l := newLayout(config(4096, 16, 0, Stripe).Shape)
	var near, far turns
	near.fill(l, 3, 10)
	far.fill(l, 1003, 10)
	// score is the product of two equal vectors of length 4, rotated.
	score := func(ts *turns, p, q int) float64 {
		a, b := make([]float32, 16), make([]float32, 16)
		for i := range a {
			a[i], b[i] = 1, 1
		}
		ts.rotate(a, p)
		ts.rotate(b, q)
		sum := 0.0
		for i := range a {
			sum += float64(a[i]) * float64(b[i])
		}
		return sum
	}
	assert.InDelta(t, 16, score(&far, 1004, 1004), 1e-4)
	assert.InDelta(t, score(&near, 4, 11), score(&far, 1004, 1011), 1e-4, "only the distance counts")
	want := 0.0
	for _, f := range l.frequency {
		want += 2 * math.Cos(7*f)
	}
	assert.InDelta(t, want, score(&near, 4, 11), 1e-4)
}
