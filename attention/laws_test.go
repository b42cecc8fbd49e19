package attention

import (
	"math"
	"testing"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/tolerance"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDeviceThetaPlusInfinityIsDense(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := selective(1, 4, 2, 400, 521)
		problem.Params.Theta = math.Inf(1)
		in := selectiveInputs(problem.Shape, 1)
		anchor := compute(t, e, problem, PlanOptions{Tier: tier}, in)
		assert.Equal(t, 1.0, anchor.stats.ComputedRatio)
		assert.Equal(t, 1.0, anchor.stats.StripeRatio)
		problem.Mode = ModeDense
		dense := compute(t, e, problem, PlanOptions{Tier: tier}, in)
		requireFinite(t, anchor)
		nmse := oracle.NMSE(wide(anchor.o), wide(dense.o))
		t.Logf("NMSE %.2g", nmse)
		require.Less(t, nmse, tolerance.Tier(tier).NMSE)
		attentest.RequireNear(t, dense.lse, anchor.lse, tolerance.Tier(tier).LSE, "log-sum-exps")
	})
}

func TestDeviceThetaMinusInfinityIsAnchorOnly(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := selective(1, 4, 2, 400, 521)
		problem.Params.Theta = math.Inf(-1)
		in := selectiveInputs(problem.Shape, 2)
		got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
		requireFinite(t, got)
		require.Equal(t, make([]byte, len(got.stripes)), got.stripes)
		assert.Zero(t, got.stats.StripeRatio)
		assert.Positive(t, got.stats.Sparsity)
		o, err := oracle.New(problem.Shape, problem.Params, in.Q, in.K, in.V)
		require.NoError(t, err)
		want := o.Forward(ModeAnchor)
		nmse := oracle.NMSE(wide(got.o), want.O)
		t.Logf("NMSE %.2g", nmse)
		require.Less(t, nmse, tolerance.Tier(tier).NMSE)
		attentest.RequireNear(t, want.LSE, got.lse, tolerance.Tier(tier).LSE, "log-sum-exps")
		full := o.Forward(ModeDense)
		require.Greater(t, oracle.NMSE(want.O, full.O), 100*tolerance.Tier(tier).NMSE, "anchor-only must differ from dense for this test to tell them apart")
	})
}

func TestDeviceChunksEqualOneCall(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := selective(1, 4, 2, 521, 521) // groups of 64
		in := selectiveInputs(problem.Shape, 3)
		for _, mode := range []Mode{ModeAnchor, ModeDense} {
			problem.Mode = mode
			whole := compute(t, e, problem, PlanOptions{Tier: tier}, in)
			requireFinite(t, whole)
			for _, bounds := range [][]int{{0, 64, 128, 384, 521}, {0, 320, 521}, {0, 512, 521}} {
				for i := 1; i < len(bounds); i++ {
					from, to := bounds[i-1], bounds[i]
					part := problem
					part.Shape.QLen, part.Shape.KVLen = to-from, to
					chunk := compute(t, e, part, PlanOptions{Tier: tier}, Inputs{
						Q: attentest.SlicePositions(in.Q, from, to), K: attentest.SlicePositions(in.K, 0, to), V: attentest.SlicePositions(in.V, 0, to),
					})
					what := mode.String()
					requireSameRows(t, whole.o, chunk.o, from, what)
					for h := range part.Shape.Heads {
						for row := range part.Shape.QLen {
							want, got := whole.lse[h*problem.Shape.QLen+from+row], chunk.lse[h*part.Shape.QLen+row]
							if math.Float32bits(want) != math.Float32bits(got) {
								t.Fatalf("%s: log-sum-exp of head %d row %d is %v, want %v", what, h, from+row, got, want)
							}
						}
					}
				}
			}
		}
	})
}

func TestDeviceRepeatsItsBits(t *testing.T) {
	if testing.Short() {
		t.Skip("repeats for seconds: left to make test")
	}
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem, other := selective(1, 4, 2, 521, 521), selective(2, 2, 2, 100, 300)
		in, otherIn := selectiveInputs(problem.Shape, 4), selectiveInputs(other.Shape, 5)
		for _, mode := range []Mode{ModeAnchor, ModeDense} {
			problem.Mode = mode
			first := compute(t, e, problem, PlanOptions{Tier: tier}, in)
			for range 10 {
				requireSameBits(t, first, compute(t, e, problem, PlanOptions{Tier: tier}, in), mode.String())
				compute(t, e, other, PlanOptions{Tier: tier}, otherIn) // leaves other things in scratch memory
			}
		}
	})
}

// Stripes equal the oracle's, but where its margin is within rounding.
func TestDeviceStripesEqualTheOracles(t *testing.T) {
	const rounding = 1e-3
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		compared, kept, near := 0, 0, 0
		for seed := range uint64(3) {
			for _, problem := range []Problem{
				selective(1, 4, 2, 521, 521),
				selective(2, 3, 1, 301, 555), // starts inside a block
				func() Problem {
					p := selective(1, 2, 2, 700, 700)
					p.Params = Params{Theta: 2, Step: 3, Block: 48, SinkBlocks: 0, WindowBlocks: 0}
					return p
				}(),
			} {
				in := selectiveInputs(problem.Shape, 10+seed)
				got := compute(t, e, problem, PlanOptions{Tier: tier}, in)
				o, err := oracle.New(problem.Shape, problem.Params, in.Q, in.K, in.V)
				require.NoError(t, err)
				s := problem.Shape
				for b := range s.Batch {
					for h := range s.Heads {
						for g := range o.Groups() {
							device := got.stripes[((b*s.Heads+h)*o.Groups()+g)*s.KVLen:][:s.KVLen]
							want, margin := make([]bool, s.KVLen), make([]float64, s.KVLen)
							if g >= o.FirstGroup() {
								want, margin = o.Stripes(b, h, g)
							}
							lo, hi := o.Candidates(g)
							for j := range device {
								if device[j] > 1 {
									t.Fatalf("key %d of group %d has %d: a stripe is 0 or 1", j, g, device[j])
								}
								if j < lo || j >= hi || g < o.FirstGroup() {
									if device[j] != 0 {
										t.Fatalf("key %d is no candidate of group %d", j, g)
									}
									continue
								}
								if math.Abs(margin[j]) < rounding {
									near++
									continue
								}
								compared++
								if want[j] {
									kept++
								}
								if want[j] != (device[j] == 1) {
									t.Fatalf("seed %d batch %d head %d group %d key %d margin %g: kept is %v, want %v", seed, b, h, g, j, margin[j], device[j] == 1, want[j])
								}
							}
						}
					}
				}
			}
		}
		t.Logf("%d candidates compared, %d of them stripes; %d left out at margins below %g", compared, kept, near, rounding)
		require.Greater(t, compared, 10_000)
		require.Greater(t, kept, compared/20)
		require.Less(t, kept, compared*19/20)
		require.Less(t, near, compared/100)
	})
}

func TestDeviceOneQueryRow(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		whole := selective(1, 4, 2, 300, 300)
		in := selectiveInputs(whole.Shape, 20)
		one := whole
		one.Shape.QLen = 1
		last := Inputs{Q: attentest.SlicePositions(in.Q, 299, 300), K: in.K, V: in.V}
		for _, mode := range []Mode{ModeDense, ModeAnchor} {
			one.Mode, whole.Mode = mode, mode
			got := compute(t, e, one, PlanOptions{Tier: tier}, last)
			plan, err := e.Plan(one, PlanOptions{Tier: tier, NoFallback: true})
			require.NoError(t, err)
			require.Less(t, compareRows(t, plan, last, Outputs{O: got.o, LSE: got.lse}), tolerance.Tier(tier).NMSE)
			if mode == ModeDense { // a row's block does not matter there
				requireSameRows(t, compute(t, e, whole, PlanOptions{Tier: tier}, in).o, got.o, 299, "dense")
			}
		}
		// One position in all.
		alone := selective(1, 4, 2, 1, 1)
		aloneIn := selectiveInputs(alone.Shape, 21)
		got := compute(t, e, alone, PlanOptions{Tier: tier}, aloneIn)
		for h := range 4 {
			want, is := aloneIn.V.At(0, h/2, 0), got.o.At(0, h, 0)
			if tier == TierCoopF16 { // small values lose bits below fp16's range, shrunk by 4 times the keys
				for d := range want {
					if !attentest.Near(want[d].Float32(), is[d].Float32(), 4*16*0x1p-25) {
						t.Fatalf("head %d element %d is %v, want %v: a single key has weight 1", h, d, is[d], want[d])
					}
				}
				continue
			}
			require.Equal(t, want, is, "a single key has weight 1")
		}
	})
}

func TestDeviceBatchEqualsItsEntries(t *testing.T) {
	eachTier(t, func(t *testing.T, e *Engine, tier Tier) {
		problem := selective(3, 4, 2, 200, 300)
		in := selectiveInputs(problem.Shape, 30)
		for _, mode := range []Mode{ModeAnchor, ModeDense} {
			problem.Mode = mode
			whole := compute(t, e, problem, PlanOptions{Tier: tier}, in)
			requireFinite(t, whole)
			single := problem
			single.Shape.Batch = 1
			for b := range 3 {
				got := compute(t, e, single, PlanOptions{Tier: tier}, Inputs{Q: entry(in.Q, b), K: entry(in.K, b), V: entry(in.V, b)})
				requireSameBits(t, result{
					o: entry(whole.o, b), lse: third(whole.lse, b), stripes: third(whole.stripes, b),
				}, got, mode.String())
			}
		}
	})
}

// entry is a view of one batch entry.
func entry(t Tensor, b int) Tensor {
	t.Host = t.Host[b*t.Strides[0]:][:t.Strides[0]]
	t.Shape[0] = 1
	return t
}

// third is the b-th third of a slice.
func third[T any](s []T, b int) []T { return s[b*len(s)/3 : (b+1)*len(s)/3] }
