package synth

import "math"

// The standard library's sine and exponential differ in the last bit between
// architectures (assembly, fused multiply-add). These are accurate to about
// 1e-15 and use only operations that IEEE 754 defines to the bit. A product
// passed as x needs a conversion around it, as these may be inlined.

// exp returns e^x for |x| below 100.
func exp(x float64) float64 {
	const ln2High, ln2Low = 6.93147180369123816490e-01, 1.90821492927058770002e-10
	k := math.Floor(float64(x*math.Log2E) + 0.5)
	r := x - float64(k*ln2High)
	r -= float64(k * ln2Low)
	// Taylor series, |r| <= ln2/2, from the last term to the first.
	sum := 1.0
	for n := 15; n >= 1; n-- {
		sum = 1 + float64(sum*r)/float64(n)
	}
	return math.Ldexp(sum, int(k))
}

// sincos returns sin x and cos x for |x| below 2^22.
func sincos(x float64) (sin, cos float64) {
	// pi/2 in three parts; the first two have 33 bits or fewer, so that their
	// products with k are exact.
	const high, middle, low = 1.57079632673412561417e+00, 6.07710050630396597660e-11, 2.02226624879595063154e-21
	k := math.Floor(float64(x*(2/math.Pi)) + 0.5)
	r := x - float64(k*high)
	r -= float64(k * middle)
	r -= float64(k * low)
	// Taylor series, |r| <= pi/4.
	square := float64(r * r)
	sin, cos = 1, 1
	for n := 16; n >= 2; n -= 2 {
		cos = 1 - float64(cos*square)/float64(n*(n-1))
		sin = 1 - float64(sin*square)/float64(n*(n+1))
	}
	sin = float64(sin * r)
	switch int64(k) & 3 {
	case 1:
		return cos, -sin
	case 2:
		return -sin, -cos
	case 3:
		return -cos, sin
	}
	return sin, cos
}
