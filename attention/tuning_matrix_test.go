package attention

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention/internal/attentest"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/vk"
)

// matrixReport is a GPU of the given vendor with these products of halves,
// with sums in fp32 and in fp16, and subgroups of min to max.
func matrixReport(vendor uint32, size, smallest, largest, shared uint32, shapes ...MatrixShape) *vk.Report {
	r := fakeReport("discrete")
	r.VendorID, r.Limits.SharedMemory = vendor, shared
	r.Subgroup.Size, r.Subgroup.Min, r.Subgroup.Max = size, smallest, largest
	r.CoopMatrix = nil
	for _, s := range shapes {
		for _, sum := range []string{"f32", "f16"} {
			r.CoopMatrix = append(r.CoopMatrix, vk.CoopShape{M: uint32(s.M), N: uint32(s.N), K: uint32(s.K), A: "f16", B: "f16", C: sum, Out: sum, Scope: "subgroup"})
		}
	}
	return r
}

// matrixDevices are made-up reports of the kinds of GPUs whose matrix units
// are known, by their drivers' tables.
func matrixDevices() map[string]*vk.Report {
	square := MatrixShape{16, 16, 16}
	fixed := matrixReport(0, 16, 0, 0, 32<<10, MatrixShape{8, 8, 8})
	fixed.Subgroup.SizeControl, fixed.Subgroup.FullSubgroups = false, false
	all := map[string]*vk.Report{
		"AMD RDNA3":  matrixReport(0x1002, 64, 32, 64, 64<<10, square),
		"NVIDIA":     matrixReport(0x10de, 32, 32, 32, 48<<10, square, MatrixShape{16, 8, 16}, MatrixShape{16, 8, 8}),
		"Intel Xe2":  matrixReport(0x8086, 32, 16, 32, 48<<10, MatrixShape{8, 16, 16}),
		"Intel DG2":  matrixReport(0x8086, 32, 8, 32, 48<<10, MatrixShape{8, 8, 16}),
		"unknown":    matrixReport(0, 32, 32, 32, 32<<10, square),
		"no control": fixed,
	}
	all["AMD RDNA3"].Hardware = hardwareOf[ArchAMDRDNA3]
	all["Intel Xe2"].Hardware = hardwareOf[ArchIntelXe2]
	all["Intel DG2"].Hardware = hardwareOf[ArchIntelXeHPG]
	return all
}

// What the matrix kernels' includes demand of their constants, for every
// product, subgroup size and head dimension that a plan may come upon.
func TestMatrixTilesHold(t *testing.T) {
	planned, sliced := 0, 0
	for name, report := range matrixDevices() {
		for _, shared := range []uint32{8 << 10, 32 << 10, 48 << 10, 64 << 10, 228 << 10} {
			report := *report
			report.Limits.SharedMemory = shared
			for _, options := range matrixChoices(&report) {
				for dim := 8; dim <= MaxHeadDim; dim += 8 {
					problem := Problem{Shape: Shape{Batch: 1, Heads: 2, KVHeads: 1, QLen: 300, KVLen: 300, HeadDim: dim}, Mode: ModeDense}
					what := fmt.Sprintf("%s, %d bytes shared, %+v, head_dim %d", name, shared, options, dim)
					if entry := lookUp(&report, Tier(options.Tier), dim); entry.refuse != "" {
						continue
					}
					plan, err := NewPlan(&report, problem, options)
					if shared < 32<<10 && err != nil {
						require.ErrorContains(t, err, "bytes of shared memory", what)
						continue
					}
					require.NoError(t, err, what)
					requireMatrixTiles(t, &report, plan, fmt.Sprintf("%s: %+v", what, plan.Tuning))
					planned++
					if plan.Tuning.Attend.Slices > 1 {
						sliced++
					}
				}
			}
		}
	}
	require.Greater(t, planned, 1000)
	require.Greater(t, sliced, 100)
}

// matrixChoices are the products and subgroup sizes that a report allows the
// matrix tiers.
func matrixChoices(r *vk.Report) (all []PlanOptions) {
	sizes := []int{0}
	for s := int(r.Subgroup.Min); s > 0 && s <= int(r.Subgroup.Max); s *= 2 {
		sizes = append(sizes, s)
	}
	for _, tier := range tierOrder {
		if !tier.tier.onMatrixUnits() || missing(r, tier.needs) != "" {
			continue
		}
		for _, matrix := range append(products(r, tier.tier), MatrixShape{}) {
			for _, size := range sizes {
				all = append(all, asked(tier.tier, TuningChoice{Matrix: matrix, SubgroupSize: size}))
			}
		}
	}
	return all
}

// asked are options for a tier with a choice of tuning.
func asked(tier Tier, choice TuningChoice) PlanOptions {
	return PlanOptions{Tier: tier, Tuning: []TuningOverride{{Choice: choice, From: "ANCHORVK_TUNING", Must: true}}}
}

func requireMatrixTiles(t *testing.T, r *vk.Report, p *Plan, what string) {
	t.Helper()
	m, dim := p.Tuning.Matrix, p.Shape.HeadDim
	padded := ceil.Div(dim, 16) * 16
	for _, s := range []KernelShape{p.Tuning.Attend, p.Tuning.Identify} {
		slices := max(s.Slices, 1)
		weighed := max(s.Rows/slices, 4*s.Lanes/s.Keys, 1) // rows that a member of a team weighs
		ok := s.Lanes == p.Tuning.Subgroup && s.Local%s.Lanes == 0 && s.Local <= int(r.Limits.MaxInvocations) &&
			s.Rows%m.M == 0 && s.Keys%m.N == 0 && s.Keys%m.K == 0 && padded%m.N == 0 && padded%m.K == 0 &&
			s.Local/s.Lanes%slices == 0 && s.Rows%weighed == 0 &&
			(s.Lanes%weighed == 0 || weighed%s.Lanes == 0 && weighed/s.Lanes <= 4) && // lanes for a row, or rows for a lane
			s.Keys%(4*max(1, s.Lanes/weighed)) == 0 // each lane of a row has whole quads of its scores
		// Matrices in shared memory start on 16 bytes, as loads demand: fp16 rows of K, fp32 rows of N, columns of M factors.
		ok = ok && 2*m.K%16 == 0 && 4*m.N%16 == 0 && 4*m.M%16 == 0
		require.True(t, ok, what)
	}
	search := p.Tuning.Identify
	require.GreaterOrEqual(t, search.Keys, search.Rows, what)             // pooled queries pass through the key tile
	require.Zero(t, search.Keys/m.N%(search.Local/search.Lanes), what)    // subgroups of one head share out a tile
	require.Zero(t, 512%search.Keys, what)                                // a workgroup walks 16 words in whole tiles
	require.Zero(t, search.Local/search.Lanes%p.Tuning.SearchHeads, what) // heads share out the subgroups
	for _, k := range []kernel{kernelDense, kernelIdentify} {
		require.LessOrEqual(t, sharedBytes(p.Tier, k, p.Tuning.shapeOf(k), p.Tuning, dim), int(r.Limits.SharedMemory), what)
	}
	key := pipelineFor(kernelDense, p.Tier, p.Tuning, dim)
	require.Equal(t, uint32(p.Tuning.Subgroup), key.subgroup, "the pipeline asks for its subgroup size: %s", what)
}

func TestMatrixProductAndSubgroupCanBeChosen(t *testing.T) {
	report := matrixDevices()["NVIDIA"]
	for _, product := range []string{"16x16x16", "16x8x16", "16x8x8"} {
		choice, err := ParseTuning("matrix=" + product)
		require.NoError(t, err)
		plan, err := NewPlan(report, llama(4096), asked(TierCoop, choice))
		require.NoError(t, err)
		assert.Equal(t, product, plan.Tuning.Matrix.String())
		assert.Equal(t, choice.Matrix, plan.Choice().Matrix)
	}
	best, err := NewPlan(report, llama(4096), PlanOptions{Tier: TierCoop})
	require.NoError(t, err)
	assert.Equal(t, "16x16x16", best.Tuning.Matrix.String())
	// Scores of other products pass through shared memory, which has no room for them at the best shape.
	small := TuningChoice{Way: wayUint, Attend: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16}}
	shared, err := NewPlan(report, llama(4096), asked(TierCoop, small))
	require.NoError(t, err)
	var found []string
	for _, c := range TuningNeighbours(report, TierCoop, 128, shared.Choice(), TuneAttend) {
		found = append(found, c.Matrix.String())
	}
	assert.Contains(t, found, "16x8x16", "bench --tune tries the other products")

	_, err = NewPlan(report, llama(4096), asked(TierCoop, TuningChoice{Matrix: MatrixShape{8, 8, 8}}))
	attentest.RequireArgument(t, err, "ANCHORVK_TUNING")
	require.ErrorContains(t, err, "16x8x16", "it says what there is")
	for _, bad := range []string{"16x16", "16x8x16x1", "16xax16", "16x0x16", "big"} {
		_, err = ParseTuning("rows=16,matrix=" + bad + ",keys=16")
		attentest.RequireArgument(t, err, "ANCHORVK_TUNING")
	}

	amd := matrixDevices()["AMD RDNA3"]
	for _, size := range []int{32, 64} {
		plan, err := NewPlan(amd, llama(4096), asked(TierCoop, TuningChoice{SubgroupSize: size}))
		require.NoError(t, err)
		assert.Equal(t, size, plan.Tuning.Subgroup)
		assert.Equal(t, size, plan.Tuning.Attend.Lanes)
	}
	for _, size := range []int{16, 48, 128} {
		_, err = NewPlan(amd, llama(4096), asked(TierCoop, TuningChoice{SubgroupSize: size}))
		attentest.RequireArgument(t, err, "ANCHORVK_TUNING")
	}
}

// A choice that kernels would take and compute wrongly, or that a driver may
// not be asked for, is refused or fitted.
func TestMatrixShapesThatCannotBe(t *testing.T) {
	gpu := matrixDevices()["NVIDIA"]
	for _, rows := range []int{48, 80, 96} { // rows that lanes cannot share out evenly
		_, err := NewPlan(gpu, llama(4096), asked(TierCoop, TuningChoice{Way: wayUint, Attend: ShapeChoice{Rows: rows}}))
		attentest.RequireArgument(t, err, "ANCHORVK_TUNING")
		require.ErrorContains(t, err, "power of two")
	}

	lavapipe := matrixReport(0x10005, 8, 8, 8, 32<<10, MatrixShape{8, 8, 8})
	lavapipe.Type, lavapipe.DriverID, lavapipe.API = "cpu", driverLavapipe, "1.4.300"
	for dim, refused := range map[int]bool{32: false, 64: true} {
		problem := llama(4096)
		problem.Shape.HeadDim = dim
		_, err := NewPlan(lavapipe, problem, asked(TierCoop, TuningChoice{Attend: ShapeChoice{Subgroups: 4, Slices: 2}}))
		if !refused {
			require.NoError(t, err)
			continue
		}
		attentest.RequireArgument(t, err, "ANCHORVK_TUNING")
		require.ErrorContains(t, err, "slices")
	}

	gpu.Subgroup.MaxPerGroup = 2
	plan, err := NewPlan(gpu, llama(4096), PlanOptions{Tier: TierCoop})
	require.NoError(t, err)
	require.Equal(t, 64, plan.Tuning.Attend.Local)
	require.Equal(t, 64, plan.Tuning.Identify.Local)

	gpu.Subgroup.Vote = false
	_, err = NewPlan(gpu, llama(4096), PlanOptions{Tier: TierCoop})
	var feature *vk.FeatureError
	require.ErrorAs(t, err, &feature)
	require.Contains(t, feature.Why, "votes")
}

// coop-f16 is for devices that can sum its product in fp16 too.
func TestHalfSumsAreAskedFor(t *testing.T) {
	report := matrixReport(0x10de, 32, 32, 32, 48<<10, MatrixShape{16, 16, 16}, MatrixShape{16, 8, 16})
	report.CoopMatrix = append(report.CoopMatrix[:1], report.CoopMatrix[2:]...) // no fp16 sums of 16x16x16
	plan, err := NewPlan(report, llama(4096), PlanOptions{Tier: TierCoopF16})
	require.NoError(t, err)
	assert.Equal(t, "16x8x16", plan.Tuning.Matrix.String())
	report.CoopMatrix = report.CoopMatrix[:2]
	_, err = NewPlan(report, llama(4096), PlanOptions{Tier: TierCoopF16})
	var feature *vk.FeatureError
	require.ErrorAs(t, err, &feature)
	assert.Contains(t, feature.Why, "sums in fp16")
	_, err = NewPlan(report, llama(4096), PlanOptions{Tier: TierCoop})
	require.NoError(t, err, "coop needs fp32 sums alone")
}

// Whatever the shape, the matrix kernels compute the same thing: rows of one
// product or several, more keys, and subgroups that share rows in slices, some
// of which have no rows to weigh, or no part of head_dim. A device may be unable
// to take some of the shapes, not all of those of a tier that it passes.
func TestMatrixShapesAreRight(t *testing.T) {
	e := sharedEngine(t)
	for _, status := range Tiers(e.device.Report()) {
		tier := Tier(status.Name)
		if tier != TierCoop && tier != TierCoopF16 {
			continue
		}
		if !status.OK {
			t.Logf("%s: %s", tier, status.Why)
			continue
		}
		offered, refused := 0, 0
		for _, c := range []struct {
			dim    int
			attend ShapeChoice
		}{
			{40, ShapeChoice{Subgroups: 16, Rows: 16, Keys: 16, Slices: 16}},
			{testDim, ShapeChoice{Subgroups: 1, Rows: 16, Keys: 16}},
			{testDim, ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16, Slices: 2}},
			{40, ShapeChoice{Subgroups: 4, Rows: 8, Keys: 32, Slices: 4}},
		} {
			if tier == TierCoopF16 && offered > refused {
				break // sums differ, not who makes them; each shape takes seconds to compile
			}
			offered++
			t.Run(fmt.Sprintf("%s head_dim %d %+v", tier, c.dim, c.attend), func(t *testing.T) {
				problem := selective(1, 4, 2, 300, 421)
				problem.Shape.HeadDim = c.dim
				in := selectiveInputs(problem.Shape, 95)
				in.V.At(0, 1, 400)[3] = float16.Inf(1) // on the diagonal of the last rows
				for _, mode := range []Mode{ModeAnchor, ModeDense} {
					problem.Mode = mode
					options := asked(tier, TuningChoice{Attend: c.attend, Identify: ShapeChoice{Lean: c.attend.Slices > 2}})
					options.NoFallback = true
					plan, err := e.Plan(problem, options)
					var wrong *ArgumentError
					if errors.As(err, &wrong) {
						t.Logf("not on this device: %v", err)
						refused++
						return
					}
					require.NoError(t, err)
					require.Equal(t, c.attend.Slices > 2, plan.Tuning.Identify.Lean)
					got := runPlan(t, e, plan, in)
					want := compute(t, e, problem, PlanOptions{Tier: TierUnpack}, in)
					requireSimilar(t, want, got)
					requireSameBits(t, got, runPlan(t, e, plan, in), "again")
				}
			})
		}
		require.Less(t, refused, offered, "the device passes tier %s, and some shape of it runs", tier)
	}
}

// requireSimilar compares two results of one problem on different kernels: the
// same elements are finite, and those are close.
func requireSimilar(t *testing.T, want, got result) {
	t.Helper()
	a, b := wide(want.o), wide(got.o)
	require.Len(t, b, len(a))
	var finiteA, finiteB []float64
	for i := range a {
		require.Equal(t, math.IsInf(a[i], 0) || math.IsNaN(a[i]), math.IsInf(b[i], 0) || math.IsNaN(b[i]), "element %d: %v, %v", i, a[i], b[i])
		if !math.IsInf(a[i], 0) && !math.IsNaN(a[i]) {
			finiteA, finiteB = append(finiteA, a[i]), append(finiteB, b[i])
		}
	}
	require.Less(t, oracle.NMSE(finiteB, finiteA), 1e-5)
	for i := range want.lse {
		require.InDelta(t, want.lse[i], got.lse[i], 2e-3, "log-sum-exp %d", i)
	}
	require.Equal(t, want.stripes, got.stripes)
}
