package attention

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/tolerance"
	"github.com/anchorvk/anchorvk/vk"
)

// openTestDevice opens the device of the environment; without one the test fails.
func openTestDevice(t testing.TB) *vk.Device {
	t.Helper()
	options, err := vk.OptionsFromEnv()
	require.NoError(t, err)
	device, err := vk.Open(options)
	require.NoError(t, err, "the tests of package attention need a Vulkan device; a software one (lavapipe) will do")
	t.Cleanup(func() { require.NoError(t, device.Close()) })
	return device
}

func openTestEngine(t testing.TB) *Engine {
	t.Helper()
	engine, err := NewEngine(openTestDevice(t), Options{PoisonScratch: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	return engine
}

// randomCase fills tensors with normal numbers; some keys are longer, so that stripes stand out.
func randomCase(s Shape, seed uint64) Inputs {
	q, k, v := attentest.Lengthy(s, seed)
	return Inputs{Q: q, K: k, V: v}
}

func outputFor(s Shape) Outputs {
	data := make([]float16.Float16, s.Batch*s.Heads*s.QLen*s.HeadDim)
	for i := range data {
		data[i] = float16.NaN()
	}
	return Outputs{O: HostBHSD(data, s.Batch, s.Heads, s.QLen, s.HeadDim), LSE: make([]float32, s.Batch*s.Heads*s.QLen)}
}

// compareRows checks sampled rows with the oracle and returns the NMSE.
func compareRows(t testing.TB, p *Plan, in Inputs, out Outputs) float64 {
	t.Helper()
	o, err := oracle.New(p.Shape, p.Params, in.Q, in.K, in.V)
	require.NoError(t, err)
	var got, want []float64
	row := make([]float64, p.Shape.HeadDim)
	for b := range p.Shape.Batch {
		for h := range p.Shape.Heads {
			kept := map[int][]bool{}
			for _, i := range o.SampleRows(20) {
				var lse float64
				if p.Asked == ModeDense {
					lse = o.DenseRow(b, h, i, row)
				} else {
					g := o.GroupOf(i)
					if kept[g] == nil {
						kept[g] = o.Select(b, h, g).Kept
					}
					lse = o.AnchorRow(b, h, i, kept[g], row)
				}
				want = append(want, row...)
				for _, x := range out.O.At(b, h, i) {
					got = append(got, float64(x.Float32()))
				}
				if g := out.LSE[(b*p.Shape.Heads+h)*p.Shape.QLen+i]; !attentest.Near(lse, g, tolerance.Tier(p.Tier).LSE) {
					t.Fatalf("log-sum-exp of batch %d head %d row %d is %v, want %v", b, h, i, g, lse)
				}
			}
		}
	}
	nmse := oracle.NMSE(got, want)
	require.False(t, math.IsNaN(nmse))
	return nmse
}

func TestEngineAgainstOracle(t *testing.T) {
	e := openTestEngine(t)
	params := DefaultParams()
	params.Step, params.Theta = 2, 4
	for _, tier := range Tiers(e.device.Report()) {
		if !tier.OK {
			t.Logf("tier %s: %s", tier.Name, tier.Why)
			continue
		}
		for _, mode := range []Mode{ModeDense, ModeAnchor} {
			for _, s := range []Shape{
				{Batch: 1, Heads: 2, KVHeads: 1, QLen: 1100, KVLen: 1100, HeadDim: 64},
				{Batch: 2, Heads: 2, KVHeads: 2, QLen: 100, KVLen: 777, HeadDim: 40},
			} {
				t.Run(string(tier.Name)+" "+mode.String(), func(t *testing.T) {
					plan, err := e.Plan(Problem{s, mode, params}, PlanOptions{Tier: tier.Name, NoFallback: true})
					require.NoError(t, err)
					in, out := randomCase(s, 1), outputFor(s)
					stats, err := e.Run(context.Background(), plan, in, out)
					require.NoError(t, err)
					nmse := compareRows(t, plan, in, out)
					t.Logf("%+v nmse %.2g", stats, nmse)
					require.Less(t, nmse, 1e-5)
				})
			}
		}
	}
}
