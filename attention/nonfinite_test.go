package attention

import (
	"math"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/tolerance"
	"github.com/stretchr/testify/require"
)

// plant is a value that is not finite, somewhere in the inputs of head 1 of
// batch entry 0 (KV head 0).
type plant struct {
	name  string
	in    string // q, k or v
	at    int    // position
	value float64
}

// plants go into groups of 64 positions: the sink is [0, 16), the window of
// group 4 (from 256) begins at 240.
var plants = []plant{
	{"NaN in a query", "q", 270, math.NaN()},
	{"+Inf in a query", "q", 270, math.Inf(1)},
	{"NaN in a sink key", "k", 5, math.NaN()},
	{"+Inf in a sink key", "k", 5, math.Inf(1)},
	{"-Inf in a sink key", "k", 5, math.Inf(-1)},
	{"NaN in a key, window then candidate", "k", 245, math.NaN()},
	{"+Inf in a key, window then candidate", "k", 245, math.Inf(1)},
	{"-Inf in a key, window then candidate", "k", 245, math.Inf(-1)},
	{"NaN in a key of the first row", "k", 0, math.NaN()},
	{"NaN in the last key", "k", 332, math.NaN()},
	{"NaN in a value", "v", 245, math.NaN()},
	{"NaN in the value after a tile's first rows", "v", 259, math.NaN()},
	{"+Inf in a value", "v", 5, math.Inf(1)},
	{"-Inf in a value", "v", 259, math.Inf(-1)},
}

func (p plant) put(in Inputs) {
	value := attentest.Half(float32(p.value))
	switch p.in {
	case "q":
		in.Q.At(0, 1, p.at)[3] = value
	case "k":
		in.K.At(0, 0, p.at)[3] = value
	case "v":
		in.V.At(0, 0, p.at)[3] = value
	}
}

// A NaN or infinity spoils exactly the elements that the oracle says, selects
// the stripes that the oracle selects, and every other row is right.
func TestDeviceNonFiniteInputs(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		spoilt, whole := 0, 0
		for _, p := range plants {
			problem := selective(1, 4, 2, 333, 333)
			problem.Params.Theta = 4
			in := selectiveInputs(problem.Shape, 60)
			p.put(in)
			o, err := oracle.New(problem.Shape, problem.Params, in.Q, in.K, in.V)
			require.NoError(t, err)
			for _, mode := range []Mode{ModeAnchor, ModeDense} {
				problem.Mode = mode
				got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
				want := o.Forward(mode)
				bad := requireSameKinds(t, got, want, tier, p.name+", "+mode.String())
				require.Positive(t, bad, "%s, %v: the oracle knows of no spoilt element", p.name, mode)
				require.LessOrEqual(t, bad, len(want.O)/2, "heads of the other KV head stay whole")
				spoilt, whole = spoilt+bad, whole+len(want.O)-bad
				if mode == ModeDense {
					continue
				}
				requireSameStripes(t, o, want, got)
			}
		}
		t.Logf("%d elements NaN or infinite as defined, %d finite and right", spoilt, whole)
	})
}

// A row all of whose anchor scores are -Inf has an anchor of -Inf, which every
// candidate of its group reaches, also those whose score is -Inf; and as the
// first row of a tile it does not hide a NaN value on the tile's diagonal.
func TestDeviceScoresOfMinusInfinity(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := selective(1, 4, 2, 333, 333)
		in := selectiveInputs(problem.Shape, 62)
		for i := range problem.Shape.KVLen {
			row := in.K.At(0, 0, i)
			row[3] = attentest.Half(0.1 + float32(math.Abs(float64(row[3].Float32()))))
		}
		in.Q.At(0, 1, 256)[3] = attentest.Half(float32(math.Inf(-1))) // the first row of group 4
		in.V.At(0, 0, 258)[3] = attentest.Half(float32(math.NaN()))
		o, err := oracle.New(problem.Shape, problem.Params, in.Q, in.K, in.V)
		require.NoError(t, err)
		want := o.Forward(ModeAnchor)
		got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
		group := (1*o.Groups() + 4) * problem.Shape.KVLen
		lo, hi := o.Candidates(4)
		require.Greater(t, hi, lo)
		for key := lo; key < hi; key++ {
			require.True(t, want.Stripes[group+key], "key %d: the oracle keeps every candidate", key)
			require.EqualValues(t, 1, got.stripes[group+key], "key %d", key)
		}
		require.Positive(t, requireSameKinds(t, got, want, tier, "scores of -Inf"))
	})
}

// requireSameKinds compares element by element and returns how many are not finite.
func requireSameKinds(t *testing.T, got result, want *oracle.Result, tier Tier, what string) (bad int) {
	t.Helper()
	var gotFinite, wantFinite []float64
	dim := got.o.Shape[3]
	for i, w := range want.O {
		g := float64(got.o.Host[i].Float32())
		if math.IsNaN(w) || math.IsInf(w, 0) {
			bad++
			if math.IsNaN(w) != math.IsNaN(g) || (math.IsInf(w, 0) && w != g) {
				t.Fatalf("%s: head %d row %d element %d is %v where the oracle has %v", what, i/dim/got.o.Shape[2], i/dim%got.o.Shape[2], i%dim, g, w)
			}
			continue
		}
		if math.IsNaN(g) || math.IsInf(g, 0) {
			t.Fatalf("%s: head %d row %d element %d is %v where the oracle has %v", what, i/dim/got.o.Shape[2], i/dim%got.o.Shape[2], i%dim, g, w)
		}
		gotFinite, wantFinite = append(gotFinite, g), append(wantFinite, w)
	}
	require.Less(t, oracle.NMSE(gotFinite, wantFinite), 2*tolerance.Tier(tier).NMSE, what)
	for i, w := range want.LSE {
		g := float64(got.lse[i])
		if !attentest.Near(w, g, tolerance.Tier(tier).LSE) {
			t.Fatalf("%s: log-sum-exp of row %d is %v, want %v", what, i%got.o.Shape[2], g, w)
		}
	}
	return bad
}

// Inputs of nothing but NaN, or infinities, end all the same.
func TestDeviceNothingButNonFinite(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			problem := selective(1, 2, 1, 300, 300)
			in := selectiveInputs(problem.Shape, 61)
			for _, x := range []Tensor{in.Q, in.K, in.V} {
				for i := range x.Host {
					x.Host[i] = attentest.Half(float32(value))
				}
			}
			for _, mode := range []Mode{ModeAnchor, ModeDense} {
				problem.Mode = mode
				got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
				for i, x := range got.o.Host {
					if !x.IsNaN() {
						t.Fatalf("%v of %v: element %d is %v", mode, value, i, x)
					}
				}
			}
		}
	})
}

// An infinite output leaves the element that is packed into the same word alone.
func TestDeviceInfinityLeavesItsNeighbour(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := Problem{Shape: Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 40, KVLen: 40, HeadDim: testDim}, Mode: ModeDense}
		in := randomCase(problem.Shape, 50)
		clear(in.K.Host) // every key has the same weight
		for i := range in.V.Host {
			in.V.Host[i] = attentest.Half(1)
		}
		for d := range testDim {
			if d%4 == 0 || d%4 == 3 { // a lower and an upper half
				in.V.At(0, 0, 5)[d] = attentest.Half(float32(math.Inf(1 - 2*(d/4%2))))
			}
		}
		got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
		for row := range 40 {
			for d, x := range got.o.At(0, 0, row) {
				want := 1.0
				if row >= 5 && (d%4 == 0 || d%4 == 3) {
					want = math.Inf(1 - 2*(d/4%2))
				}
				if !attentest.Near(want, x.Float32(), 1e-3) {
					t.Fatalf("row %d, element %d is %v, want %v", row, d, x, want)
				}
			}
		}
	})
}
