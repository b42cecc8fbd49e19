package attention

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/internal/testreports"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// fakeReport is a device that passes every tier, of the given type.
func fakeReport(kind string) *vk.Report { return testreports.Fake(kind) }

// llama is one layer of Llama-3.1-8B over n positions.
func llama(n int) Problem {
	return Problem{Shape: Shape{Batch: 1, Heads: 32, KVHeads: 8, QLen: n, KVLen: n, HeadDim: 128}, Params: DefaultParams()}
}

func TestPlanChoosesTheMode(t *testing.T) {
	const cover, dearer = "sink and window cover every key", "dense is predicted cheaper"
	with := func(p Problem, edit func(*Problem)) Problem {
		edit(&p)
		return p
	}
	for _, c := range []struct {
		name     string
		problem  Problem
		options  PlanOptions
		runs     Mode
		fallback string
	}{
		{"one position", llama(1), PlanOptions{}, ModeDense, cover},
		{"one group", llama(2048), PlanOptions{}, ModeDense, cover},
		{"no row with candidates to gain by", llama(2049), PlanOptions{}, ModeDense, dearer},
		{"long", llama(16_384), PlanOptions{}, ModeAnchor, ""},
		{"very long", llama(131_072), PlanOptions{}, ModeAnchor, ""},
		{"theta +Inf keeps all", with(llama(131_072), func(p *Problem) { p.Params.Theta = math.Inf(1) }), PlanOptions{}, ModeDense, dearer},
		{"theta -Inf keeps none", with(llama(131_072), func(p *Problem) { p.Params.Theta = math.Inf(-1) }), PlanOptions{}, ModeAnchor, ""},
		{"all candidates expected", llama(131_072), PlanOptions{StripeShare: 1}, ModeDense, dearer},
		{"dense as asked", with(llama(131_072), func(p *Problem) { p.Mode = ModeDense }), PlanOptions{}, ModeDense, ""},
		{"no fallback", llama(2049), PlanOptions{NoFallback: true}, ModeAnchor, ""},
		{"one row after a long prefix", with(llama(131_072), func(p *Problem) { p.Shape.QLen = 1 }), PlanOptions{}, ModeDense, dearer},
		{"a short group gains earlier", with(llama(2048), func(p *Problem) { p.Params.Step = 2 }), PlanOptions{}, ModeAnchor, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := NewPlan(fakeReport("discrete"), c.problem, c.options)
			require.NoError(t, err)
			assert.Equal(t, c.runs, plan.Mode)
			assert.Equal(t, c.problem.Mode, plan.Asked)
			if c.fallback == "" {
				assert.Empty(t, plan.Fallback)
			} else {
				assert.Contains(t, plan.Fallback, c.fallback)
				assert.Contains(t, plan.String(), plan.Fallback)
			}
			if plan.Mode == ModeDense {
				assert.Zero(t, plan.ScratchBytes, "dense needs no scratch memory")
			}
		})
	}
}

// The cost model counts dense pairs exactly, and its sparse work only grows
// with the share of stripes.
func TestPredictedCost(t *testing.T) {
	s := llama(10_000).Shape
	s.QLen = 3000
	pairs := 0.0
	for p := s.Prefix(); p < s.KVLen; p++ {
		pairs += float64(p + 1)
	}
	none, half, all := predict(s, DefaultParams(), 0), predict(s, DefaultParams(), 0.5), predict(s, DefaultParams(), 1)
	assert.Equal(t, 4*128*32*pairs, none.Dense)
	assert.Zero(t, none.Stripes)
	assert.InDelta(t, all.Stripes, 2*half.Stripes, 1)
	assert.Equal(t, none.Anchor, all.Anchor)
	assert.Greater(t, all.Sparse(), all.Dense, "keeping everything costs more than dense")
}

func TestPlanScratchBound(t *testing.T) {
	for _, kind := range []string{"cpu", "discrete", "integrated"} {
		for _, tier := range Tiers(fakeReport(kind)) {
			require.True(t, tier.OK, tier.Name)
			for _, wave := range []uint32{4, 8, 16, 32, 64} {
				report := fakeReport(kind)
				report.Subgroup.Size, report.Subgroup.Min, report.Subgroup.Max = wave, wave, wave
				plan, err := NewPlan(report, llama(131_072), PlanOptions{Tier: tier.Name})
				require.NoError(t, err)
				require.Equal(t, ModeAnchor, plan.Mode)
				assert.LessOrEqual(t, plan.ScratchBytes, uint64(64<<20), "%s %s", kind, tier.Name)
				assert.Equal(t, 32*63, plan.Units)
				assert.Greater(t, plan.Slots, 16, "enough pairs at a time to fill a device")
			}
		}
	}
}

// Regions of scratch memory lie one after the other, aligned, large enough.
func TestScratchLayout(t *testing.T) {
	problem := selective(2, 4, 2, 400, 521)
	for _, budget := range []uint64{1, 100_000, 1 << 20, 60 << 20} {
		plan, err := NewPlan(fakeReport("cpu"), problem, PlanOptions{NoFallback: true, ScratchBytes: budget})
		require.NoError(t, err)
		l, n := plan.scratch, uint64(plan.Slots)
		end := uint64(0)
		for i, r := range []struct {
			region
			least uint64
		}{
			{l.acc, n * 64 * testDim * 4},
			{l.sums, n * 64 * 8},
			{l.pooled, n * 4 * testDim * 4},
			{l.anchors, n * 4 * 4},
			{l.mask, n * 17 * 4},
			{l.list, n * 521 * 4},
			{l.counts, 4 * uint64(plan.Units)},
		} {
			assert.Zero(t, r.offset%scratchAlign, "region %d", i)
			assert.GreaterOrEqual(t, r.offset, end, "region %d overlaps the one before", i)
			assert.GreaterOrEqual(t, r.size, r.least, "region %d", i)
			end = r.offset + r.size
		}
		assert.LessOrEqual(t, end, plan.ScratchBytes)
		if plan.Slots > 1 {
			assert.LessOrEqual(t, plan.ScratchBytes, budget)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	nan := math.NaN()
	good := llama(4096)
	for _, c := range []struct {
		field   string
		problem func(*Problem)
		options PlanOptions
	}{
		{"Params.Theta", func(p *Problem) { p.Params.Theta = nan }, PlanOptions{}},
		{"Params.Scale", func(p *Problem) { p.Params.Scale = nan }, PlanOptions{}},
		{"Params.Step", func(p *Problem) { p.Params.Step = 0 }, PlanOptions{}},
		{"Params.Block", func(p *Problem) { p.Params.Block = 24 }, PlanOptions{}},
		{"Shape.QLen", func(p *Problem) { p.Shape.QLen = 4097 }, PlanOptions{}},
		{"Shape.KVLen", func(p *Problem) { p.Shape.KVLen = 0 }, PlanOptions{}},
		{"Shape.Heads", func(p *Problem) { p.Shape.Heads = 31 }, PlanOptions{}},
		{"Shape.HeadDim", func(p *Problem) { p.Shape.HeadDim = 264 }, PlanOptions{}},
		{"Mode", func(p *Problem) { p.Mode = 7 }, PlanOptions{}},
		{"PlanOptions.SliceMS", nil, PlanOptions{SliceMS: nan}},
		{"PlanOptions.SliceMS", nil, PlanOptions{SliceMS: -1}},
		{"PlanOptions.StripeShare", nil, PlanOptions{StripeShare: nan}},
		{"PlanOptions.StripeShare", nil, PlanOptions{StripeShare: 1.5}},
		{"PlanOptions.Tier", nil, PlanOptions{Tier: "fastest"}},
	} {
		problem := good
		if c.problem != nil {
			c.problem(&problem)
		}
		plan, err := NewPlan(fakeReport("discrete"), problem, c.options)
		attentest.RequireArgument(t, err, c.field)
		assert.Nil(t, plan, c.field)
	}
	// A scale is looked at in dense plans too; a theta is not.
	problem := good
	problem.Mode, problem.Params = ModeDense, Params{Scale: nan}
	_, err := NewPlan(fakeReport("discrete"), problem, PlanOptions{})
	attentest.RequireArgument(t, err, "Params.Scale")
	problem.Params = Params{Theta: nan}
	_, err = NewPlan(fakeReport("discrete"), problem, PlanOptions{})
	require.NoError(t, err)
}

func TestPlanRefusesSmallDevices(t *testing.T) {
	var limit *vk.LimitError
	report := fakeReport("discrete")
	report.Limits.PushConstants = 64
	_, err := NewPlan(report, llama(4096), PlanOptions{})
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, "maxPushConstantsSize", limit.Limit)
	assert.Equal(t, uint64(pushBytes), limit.Asked)
	assert.Equal(t, uint64(64), limit.Max)

	report = fakeReport("discrete")
	report.Limits.MaxStorageBufferRange = 1 << 20
	_, err = NewPlan(report, llama(131_072), PlanOptions{})
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, "maxStorageBufferRange", limit.Limit)
	assert.Contains(t, limit.Try, "ScratchBytes")

	// More work items than 32 bits count.
	problem := Problem{Mode: ModeDense, Shape: Shape{Batch: 1, Heads: 1 << 20, KVHeads: 1, QLen: 1 << 22, KVLen: 1 << 22, HeadDim: 8}}
	_, err = NewPlan(fakeReport("cpu"), problem, PlanOptions{})
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, "number of work items", limit.Limit)
}

func TestTierChoice(t *testing.T) {
	report := fakeReport("discrete")
	plan, err := NewPlan(report, llama(4096), PlanOptions{})
	require.NoError(t, err)
	best := plan.Tier
	statuses := map[Tier]TierStatus{}
	for _, status := range Tiers(report) {
		statuses[status.Name] = status
	}
	require.True(t, statuses[best].OK)

	report.Features.Storage16, report.Features.Float16, report.Features.CooperativeMatrix, report.Features.CooperativeMatrix2 = false, false, false, false
	report.Why = map[string]string{"storage16": "ANCHORVK_DISABLE names it", "coopmat": "ANCHORVK_DISABLE names it"}
	plan, err = NewPlan(report, llama(4096), PlanOptions{})
	require.NoError(t, err)
	assert.Equal(t, TierUnpack, plan.Tier, "needs no feature")
	for _, status := range Tiers(report) {
		assert.Equal(t, status.Name == TierUnpack, status.OK, status.Name)
		if !status.OK {
			assert.Contains(t, status.Why, "ANCHORVK_DISABLE names it")
		}
	}
	// Matrix kernels: rows have lanes for subgroups of up to 64, and rows of
	// products start on 16 bytes in shared memory.
	for name, spoil := range map[string]func(*vk.Report){
		"wide subgroups": func(r *vk.Report) { r.Subgroup.Size, r.Subgroup.Min, r.Subgroup.Max = 128, 64, 128 },
		"short products": func(r *vk.Report) { r.CoopMatrix[0].K, r.CoopMatrix[1].K = 4, 4 },
	} {
		other := fakeReport("discrete")
		spoil(other)
		plan, err := NewPlan(other, llama(4096), PlanOptions{})
		require.NoError(t, err)
		assert.NotEqual(t, TierCoop, plan.Tier, name)
	}

	_, err = NewPlan(report, llama(4096), PlanOptions{Tier: TierScalar})
	var feature *vk.FeatureError
	require.ErrorAs(t, err, &feature)
	assert.Equal(t, "tier scalar", feature.Feature)
	assert.Contains(t, feature.Why, "storage16")
}

func TestPlanOptionsFromEnv(t *testing.T) {
	t.Setenv("ANCHORVK_TIER", " unpack ")
	t.Setenv("ANCHORVK_SLICE_MS", "12.5")
	o, err := PlanOptionsFromEnv()
	require.NoError(t, err)
	assert.Equal(t, PlanOptions{Tier: "unpack", SliceMS: 12.5}, o)
	for _, bad := range []string{"0", "-1", "NaN", "Inf", "soon"} {
		t.Setenv("ANCHORVK_SLICE_MS", bad)
		_, err = PlanOptionsFromEnv()
		attentest.RequireArgument(t, err, "ANCHORVK_SLICE_MS")
	}
}

// What a plan prints, with the tuning, which changes as kernels do, held fixed.
// go test -update writes the files anew.
func TestPlanPrints(t *testing.T) {
	infinite := llama(131_072)
	infinite.Params.Theta = math.Inf(-1)
	for name, problem := range map[string]Problem{"anchor": llama(131_072), "fallback": llama(2049), "anchor-only": infinite} {
		plan, err := NewPlan(fakeReport("discrete"), problem, PlanOptions{StripeShare: 0.125})
		require.NoError(t, err)
		plan.Tier = TierScalar
		plan.Tuning = tuning.Tuning{
			Way: tuning.Way{Load: tuning.LoadHalf}, Attend: tuning.KernelShape{Local: 128, Lanes: 4, Rows: 2, Keys: 4}, Identify: tuning.KernelShape{Local: 64, Lanes: 4, Rows: 2, Keys: 4},
			From: "table fixed", Why: "as this test has it",
		}
		requireGolden(t, "plan-"+name+".txt", plan.String())
		text, err := json.MarshalIndent(plan, "", "  ")
		require.NoError(t, err)
		requireGolden(t, "plan-"+name+".json", string(text)+"\n")
	}
}

func requireGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "%s; go test -update writes it anew", path)
}

func TestPlansTellWhatChooses(t *testing.T) {
	problem := llama(9_000)
	plan, err := NewPlan(fakeReport("cpu"), problem, PlanOptions{})
	require.NoError(t, err)
	require.NotContains(t, plan.String(), "sample")
	problem.Params, err = Preset("lean")
	require.NoError(t, err)
	plan, err = NewPlan(fakeReport("cpu"), problem, PlanOptions{})
	require.NoError(t, err)
	require.Contains(t, plan.String(), "sample stride 16, weight 0.2, part 8\n")
	require.Contains(t, plan.String(), "tail 32, guard stride 16, peak 0.01, limit 0.02, look 4\n")
}
