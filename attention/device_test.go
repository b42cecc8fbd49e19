package attention

import (
	"context"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/vk"
)

// shared is the device and engine of most tests: kernels are compiled once.
// Its scratch memory is poisoned before every run.
var shared struct {
	device *vk.Device
	engine *Engine
	failed error
}

func TestMain(m *testing.M) {
	status := m.Run()
	if shared.engine != nil {
		if err := shared.engine.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "close the shared engine:", err)
			status = 1
		}
		for _, message := range shared.device.ValidationMessages() {
			fmt.Fprintln(os.Stderr, message)
			status = 1
		}
		if err := shared.device.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "close the shared device:", err)
			status = 1
		}
	}
	os.Exit(status)
}

// sharedEngine returns the engine that tests share. Tests of the package do
// not run in parallel, so that no lock is needed.
func sharedEngine(t testing.TB) *Engine {
	t.Helper()
	if shared.engine == nil && shared.failed == nil {
		shared.failed = openShared()
	}
	require.NoError(t, shared.failed, "the tests of package attention need a Vulkan device; a software one (lavapipe) will do")
	return shared.engine
}

func openShared() error {
	options, err := vk.OptionsFromEnv()
	if err != nil {
		return err
	}
	device, err := vk.Open(options)
	if err != nil {
		return err
	}
	engine, err := NewEngine(device, Options{PoisonScratch: true})
	if err != nil {
		return err
	}
	shared.device, shared.engine = device, engine
	return nil
}

// eachTier runs a test for every tier that the device passes.
func eachTier(t *testing.T, run func(t *testing.T, e *Engine, tier Tier)) {
	t.Helper()
	e := sharedEngine(t)
	ran := 0
	for _, tier := range Tiers(e.device.Report()) {
		if tier.OK {
			t.Run(string(tier.Name), func(t *testing.T) { run(t, e, tier.Name) })
			ran++
		}
	}
	require.Positive(t, ran, "the unpack tier runs everywhere")
}

// testDim is the head dimension of most tests: each other one costs seconds
// of compiling for every tier.
const testDim = 32

// selective is a problem whose stripes are neither none nor all: groups of 64
// positions, and queries of a block that have a direction in common, without
// which their mean would vanish.
func selective(batch, heads, kvHeads, qLen, kvLen int) Problem {
	return Problem{
		Shape:  Shape{Batch: batch, Heads: heads, KVHeads: kvHeads, QLen: qLen, KVLen: kvLen, HeadDim: testDim},
		Params: attentest.SelectiveParams(),
	}
}

// selectiveInputs are inputs for such a problem.
func selectiveInputs(s Shape, seed uint64) Inputs {
	q, k, v := attentest.Selective(s, seed)
	return Inputs{Q: q, K: k, V: v}
}

// result is what a run leaves on the host.
type result struct {
	o       Tensor
	lse     []float32
	stripes []byte
	stats   Stats
}

// compute plans a problem and runs it into fresh, poisoned outputs.
func compute(t testing.TB, e *Engine, problem Problem, options PlanOptions, in Inputs) result {
	t.Helper()
	options.NoFallback = true
	plan, err := e.Plan(problem, options)
	require.NoError(t, err)
	return runPlan(t, e, plan, in)
}

func runPlan(t testing.TB, e *Engine, plan *Plan, in Inputs) result {
	t.Helper()
	out := outputFor(plan.Shape)
	for i := range out.LSE {
		out.LSE[i] = float32(math.NaN())
	}
	s := plan.Shape
	out.Stripes = make([]byte, s.Batch*s.Heads*plan.Params.Groups(s.KVLen)*s.KVLen)
	for i := range out.Stripes {
		out.Stripes[i] = 0xff
	}
	stats, err := e.Run(context.Background(), plan, in, out)
	require.NoError(t, err)
	return result{out.O, out.LSE, out.Stripes, stats}
}

// requireSameBits demands that two results are equal to the last bit.
func requireSameBits(t testing.TB, want, got result, what string) {
	t.Helper()
	require.Equal(t, want.o.Shape, got.o.Shape)
	requireSameRows(t, want.o, got.o, 0, what)
	for i := range want.lse {
		if math.Float32bits(want.lse[i]) != math.Float32bits(got.lse[i]) {
			t.Fatalf("%s: log-sum-exp %d is %v, want %v", what, i, got.lse[i], want.lse[i])
		}
	}
	require.Equal(t, want.stripes, got.stripes, "%s: stripes", what)
}

// requireSameRows demands that got holds the rows of want from row first on.
func requireSameRows(t testing.TB, want, got Tensor, first int, what string) {
	t.Helper()
	for b := range got.Shape[0] {
		for h := range got.Shape[1] {
			for i := range got.Shape[2] {
				w, g := want.At(b, h, first+i), got.At(b, h, i)
				for d := range w {
					if w[d] != g[d] {
						t.Fatalf("%s: batch %d head %d row %d element %d is %v, want %v", what, b, h, i, d, g[d], w[d])
					}
				}
			}
		}
	}
}

// requireFinite demands that no poison is left.
func requireFinite(t testing.TB, r result) {
	t.Helper()
	for i, x := range r.o.Host {
		if x.IsNaN() || x.IsInf(0) {
			t.Fatalf("output element %d is %v", i, x)
		}
	}
	for i, x := range r.lse {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			t.Fatalf("log-sum-exp %d is %v", i, x)
		}
	}
}

func wide(t Tensor) []float64 {
	var all []float64
	for b := range t.Shape[0] {
		for h := range t.Shape[1] {
			for i := range t.Shape[2] {
				for _, x := range t.At(b, h, i) {
					all = append(all, float64(x.Float32()))
				}
			}
		}
	}
	return all
}
