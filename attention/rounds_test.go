package attention

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/shaders"
	"github.com/anchorvk/anchorvk/vk"
)

// The loops that rounds.go counts are all that there are: those in the SPIR-V
// that are not unrolled when a pipeline is made.
func TestLoopsAreCounted(t *testing.T) {
	counted := [kernelCount]int{kernelDense: 2, kernelAnchor: 2, kernelStripes: 2, kernelPool: 1, kernelIdentify: 3, kernelSample: 2, kernelPick: 6, kernelMiss: 4, kernelGuard: 2, kernelPeaks: 3, kernelCompact: 4}
	eachModule(t, func(t *testing.T, module shaders.Module, code spirv) {
		if code.onMatrices() {
			return // not for devices with a limit
		}
		assert.Equal(t, counted[kernelOf(t, module)], code.loops)
	})
}

// limited is a device that ends loops after so many rounds.
func limited(rounds uint32) *vk.Report {
	r := fakeReport("cpu")
	r.Limits.LoopRounds = rounds
	return r
}

// Every length, group and block is planned within the limit of rounds, or refused.
func TestPlansKeepToTheLimitOfRounds(t *testing.T) {
	for _, limit := range []uint32{600, 65535} {
		report := limited(limit)
		planned, refused, ranged := 0, 0, 0
		for _, n := range []int{1, 1000, 65_000, 131_000, 131_072, 524_287, 8_000_000} {
			for _, keys := range []int{1, 2, 16} {
				for _, p := range []Params{
					DefaultParams(),
					{Step: 1, Block: 16},
					{Step: 1, Block: 65_552},
					{Step: 4096, Block: 16},
					{Step: 20_000, Block: 16, SinkBlocks: 9000, WindowBlocks: 1000},
					{Step: 16, Block: 16, Sample: Sample{Stride: 16, Weight: 0.2, Part: 8}, Guard: Guard{Stride: 16, Peak: 0.01, Limit: 0.02, Look: 4}},
					{Step: 64, Block: 16, Sample: Sample{Stride: 1, Weight: 0.2}},
				} {
					for _, mode := range []Mode{ModeDense, ModeAnchor} {
						problem := Problem{Shape: Shape{Batch: 1, Heads: 2, KVHeads: 1, QLen: n, KVLen: n, HeadDim: 8}, Mode: mode, Params: p}
						plan, err := NewPlan(report, problem, PlanOptions{Tier: "unpack", NoFallback: true, Tuning: fmt.Sprintf("local=8,keys=%d", keys)})
						var over *vk.LimitError
						if errors.As(err, &over) && strings.Contains(over.Limit, "rounds of an invocation's loops") {
							assert.Greater(t, over.Asked, uint64(limit))
							assert.Equal(t, ModeAnchor, mode, "dense attention can always be cut")
							refused++
							continue
						}
						require.NoError(t, err)
						planned++
						at := min(n, plan.Tuning.Range)
						if at == 0 {
							at = n
						} else {
							ranged++
						}
						most := attendRounds(plan.Tuning.Attend, at)
						if mode == ModeAnchor {
							for _, stride := range plan.lookStrides() {
								most = max(most, sampleRounds(plan.Tuning.Identify, plan.sampledRows(stride), plan.sumRuns()), guardRounds(n))
							}
							if plan.samples() {
								most = max(most, pickRounds(plan.sampledRows(p.Sample.Stride), 1, plan.sumRuns()))
							}
							most = max(most, identifyRounds(plan.Tuning.Identify, p.Step), compactRounds(plan.Tuning.Compact, n), poolRounds(min(p.Block, n)))
						}
						assert.LessOrEqual(t, most, int(limit), "%d keys, %d a batch, %+v", n, keys, p)
						assert.Zero(t, plan.Tuning.Range%16)
					}
				}
			}
		}
		assert.Positive(t, planned)
		assert.Positive(t, refused)
		assert.Positive(t, ranged)
	}
}

// The limit changes nothing where it is far, or not there, and keeps kernels
// away whose rounds nobody has counted.
func TestLimitOfRoundsOnlyActsWhereItMust(t *testing.T) {
	plan := func(report *vk.Report, n int, tier Tier) (*Plan, error) {
		return NewPlan(report, Problem{Shape: Shape{Batch: 1, Heads: 2, KVHeads: 1, QLen: 64, KVLen: n, HeadDim: 64}, Params: DefaultParams()}, PlanOptions{Tier: tier, NoFallback: true})
	}
	for _, n := range []int{64, 100_000} {
		with, err := plan(limited(65535), n, "unpack")
		require.NoError(t, err)
		without, err := plan(limited(0), n, "unpack")
		require.NoError(t, err)
		for k := range kernelCount {
			require.Equal(t, pipelineFor(k, without.Tier, without.Tuning, 64), pipelineFor(k, with.Tier, with.Tuning, 64))
		}
	}
	without, err := plan(limited(0), 1_000_000, "unpack")
	require.NoError(t, err)
	require.Zero(t, without.Tuning.Range)
	_, err = plan(limited(65535), 1000, "coop")
	var feature *vk.FeatureError
	require.ErrorAs(t, err, &feature)
	require.ErrorContains(t, err, "ends loops after 65535 rounds")
	_, err = plan(limited(2), 1000, "unpack")
	require.ErrorContains(t, err, "rounds of an invocation's loops")
}

// A range is as long as the limit allows, and no longer.
func TestLongestRange(t *testing.T) {
	for _, s := range []tuning.KernelShape{{Local: 8, Lanes: 1, Rows: 2, Keys: 2}, {Local: 8, Lanes: 1, Rows: 1, Keys: 1}, {Local: 128, Lanes: 8, Rows: 2, Keys: 4}, {Local: 1024, Lanes: 1, Rows: 64, Keys: 16}} {
		for _, limit := range []int{1000, 65535} {
			n := longestRange(s, limit)
			require.Positive(t, n)
			require.Zero(t, n%16)
			require.LessOrEqual(t, attendRounds(s, n), limit)
			require.Greater(t, attendRounds(s, n+16), limit)
		}
	}
	require.Zero(t, longestRange(tuning.KernelShape{Local: 8, Lanes: 1, Rows: 1, Keys: 1}, 20))
}

// A guard whose sampled rows would be cut short is refused.
func TestGuardsKeepToTheLimitOfRounds(t *testing.T) {
	guarded := func(stride, step int) error {
		p := DefaultParams()
		p.Step, p.Guard = step, Guard{Stride: stride, Peak: 0.01, Limit: 0.02}
		_, err := NewPlan(limited(65535), Problem{Shape: Shape{Batch: 1, Heads: 2, KVHeads: 1, QLen: 100_000, KVLen: 100_000, HeadDim: 64}, Params: p}, PlanOptions{Tier: "unpack", NoFallback: true})
		return err
	}
	require.NoError(t, guarded(32, 2))
	require.NoError(t, guarded(32, 16))
	require.ErrorContains(t, guarded(1, 300), "a larger Params.Sample.Stride and Params.Guard.Stride")
}

// A device that would lose keys past its limit gives the right bits: on a device
// without one the plan is that of a device with a tiny one.
func TestTinyLimitOfRoundsGivesTheSameBits(t *testing.T) {
	e := sharedEngine(t)
	report := *e.device.Report()
	report.Limits.LoopRounds = 150
	problem := selective(1, 4, 2, 400, 521)
	problem.Params.Tail = 70
	in := selectiveInputs(problem.Shape, 45)
	for _, mode := range []Mode{ModeAnchor, ModeDense} {
		problem.Mode = mode
		want := compute(t, e, problem, PlanOptions{Tier: "unpack"}, in)
		plan := planAs(t, e, &report, problem, PlanOptions{Tier: "unpack", NoFallback: true})
		require.Positive(t, plan.Tuning.Range)
		requireSameBits(t, want, runPlan(t, e, plan, in), mode.String())
	}
}

// Large groups and long lists take larger workgroups, which find and list the same stripes.
func TestLargerWorkgroupsForFewerRoundsGiveTheSameBits(t *testing.T) {
	e := sharedEngine(t)
	report := *e.device.Report()
	report.Limits.LoopRounds = 600
	problem := selective(1, 1, 1, 48, 20_000)
	problem.Params.Step = 12 * searchRows(t, e)
	in := selectiveInputs(problem.Shape, 47)
	want := compute(t, e, problem, PlanOptions{Tier: "unpack"}, in)
	plan := planAs(t, e, &report, problem, PlanOptions{Tier: "unpack", NoFallback: true})
	before, err := e.Plan(problem, PlanOptions{Tier: "unpack", NoFallback: true})
	require.NoError(t, err)
	require.Greater(t, plan.Tuning.Identify.Local, before.Tuning.Identify.Local)
	require.Greater(t, plan.Tuning.Compact, auxLocal)
	got := runPlan(t, e, plan, in)
	requireSameBits(t, want, got, "larger workgroups")
	require.Greater(t, got.stats.StripeRatio, 0.001, "some keys are kept")
	require.Less(t, got.stats.StripeRatio, 0.99, "and some dropped")
}

// searchRows is how many pooled blocks the device's stripe search compares at a time.
func searchRows(t *testing.T, e *Engine) int {
	t.Helper()
	plan, err := e.Plan(selective(1, 1, 1, 48, 600), PlanOptions{Tier: "unpack", NoFallback: true})
	require.NoError(t, err)
	return plan.Tuning.Identify.TileRows()
}
