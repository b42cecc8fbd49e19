package tuning

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/anchorvk/anchorvk/internal/ceil"
	"github.com/anchorvk/anchorvk/internal/drivers"
	"github.com/anchorvk/anchorvk/internal/testreports"
	"github.com/anchorvk/anchorvk/vk"
)

// What the matrix kernels' includes demand of their constants, for every
// product, subgroup size and head dimension that a plan may come upon.
func TestMatrixTilesHold(t *testing.T) {
	planned, sliced := 0, 0
	for name, report := range testreports.MatrixGPUs() {
		for _, shared := range []uint32{8 << 10, 32 << 10, 48 << 10, 64 << 10, 228 << 10} {
			report := *report
			report.Limits.SharedMemory = shared
			for _, q := range matrixRequests(&report) {
				for q.HeadDim = 8; q.HeadDim <= problem.MaxHeadDim; q.HeadDim += 8 {
					what := fmt.Sprintf("%s, %d bytes shared, %+v", name, shared, q)
					if rule, _, _ := fromTable(&report, q.Tier, q.HeadDim); rule == nil {
						continue // refused
					}
					chosen, err := Choose(&report, q)
					switch {
					case shared < 32<<10 && err != nil:
						require.ErrorContains(t, err, "bytes of shared memory", what)
						continue
					case shared < 32<<10 && len(chosen.LeftOut) > 0:
						require.Contains(t, chosen.LeftOut[0].Why, "bytes of shared memory", what)
						continue
					}
					require.NoError(t, err, what)
					require.Empty(t, chosen.LeftOut, what)
					requireMatrixTiles(t, &report, chosen, q.HeadDim, fmt.Sprintf("%s: %+v", what, chosen.Tuning))
					planned++
					if chosen.Tuning.Attend.Slices > 1 {
						sliced++
					}
				}
			}
		}
	}
	require.Greater(t, planned, 1000)
	require.Greater(t, sliced, 100)
}

// matrixRequests are the products and subgroup sizes that a report allows the
// matrix tiers.
func matrixRequests(r *vk.Report) (all []Request) {
	sizes := []int{0}
	for s := int(r.Subgroup.Min); s > 0 && s <= int(r.Subgroup.Max); s *= 2 {
		sizes = append(sizes, s)
	}
	for _, tier := range tierOrder {
		if !tier.tier.OnMatrixUnits() || missing(r, tier.needs) != "" {
			continue
		}
		for _, matrix := range append(products(r, tier.tier), MatrixShape{}) {
			for _, size := range sizes {
				all = append(all, asked(tier.tier, Choice{Matrix: matrix, SubgroupSize: size}))
			}
		}
	}
	return all
}

// asked is a request for a tier with a choice of tuning, at head_dim 128.
func asked(tier Tier, choice Choice) Request {
	return Request{Tier: tier, HeadDim: 128, Rules: []Rule{{Choice: choice, From: "asked"}}}
}

func requireMatrixTiles(t *testing.T, r *vk.Report, p Chosen, dim int, what string) {
	t.Helper()
	m := p.Tuning.Matrix
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
	for _, kernels := range []string{Attend, Identify} {
		require.LessOrEqual(t, sharedBytes(p.Tier, kernels, p.Tuning.shapeOf(kernels), p.Tuning, dim), int(r.Limits.SharedMemory), what)
	}
}

func TestMatrixProductAndSubgroupCanBeChosen(t *testing.T) {
	report := testreports.MatrixGPUs()["NVIDIA"]
	for _, product := range []string{"16x16x16", "16x8x16", "16x8x8"} {
		choice, err := Parse("a test", "matrix="+product)
		require.NoError(t, err)
		chosen, err := Choose(report, asked(TierCoop, choice))
		require.NoError(t, err)
		require.Empty(t, chosen.LeftOut)
		assert.Equal(t, product, chosen.Tuning.Matrix.String())
		assert.Equal(t, choice.Matrix, chosen.Tuning.Choice(TierCoop).Matrix)
	}
	best, err := Choose(report, Request{Tier: TierCoop, HeadDim: 128})
	require.NoError(t, err)
	assert.Equal(t, "16x16x16", best.Tuning.Matrix.String())
	// Scores of other products pass through shared memory, which has no room for them at the best shape.
	small := Choice{Way: wayUint, Attend: ShapeChoice{Subgroups: 4, Rows: 16, Keys: 16}}
	shared, err := Choose(report, asked(TierCoop, small))
	require.NoError(t, err)
	require.Empty(t, shared.LeftOut)
	var found []string
	for _, c := range Neighbours(report, TierCoop, 128, shared.Tuning.Choice(TierCoop), Attend) {
		found = append(found, c.Matrix.String())
	}
	assert.Contains(t, found, "16x8x16", "bench --tune tries the other products")

	requireLeftOut(t, report, asked(TierCoop, Choice{Matrix: MatrixShape{8, 8, 8}}), "16x8x16") // it says what there is

	amd := testreports.MatrixGPUs()["AMD RDNA3"]
	for _, size := range []int{32, 64} {
		chosen, err := Choose(amd, asked(TierCoop, Choice{SubgroupSize: size}))
		require.NoError(t, err)
		assert.Equal(t, size, chosen.Tuning.Subgroup)
		assert.Equal(t, size, chosen.Tuning.Attend.Lanes)
	}
	for _, size := range []int{16, 48, 128} {
		requireLeftOut(t, amd, asked(TierCoop, Choice{SubgroupSize: size}), "no subgroups of")
	}
}

// requireLeftOut demands that the rule of a request cannot be, with a reason.
func requireLeftOut(t *testing.T, r *vk.Report, q Request, why string) {
	t.Helper()
	chosen, err := Choose(r, q)
	require.NoError(t, err)
	require.Len(t, chosen.LeftOut, 1)
	require.Contains(t, chosen.LeftOut[0].Why, why)
}

// A choice that kernels would take and compute wrongly, or that a driver may
// not be asked for, is refused or fitted.
func TestMatrixShapesThatCannotBe(t *testing.T) {
	gpu := testreports.MatrixGPUs()["NVIDIA"]
	for _, rows := range []int{48, 80, 96} { // rows that lanes cannot share out evenly
		requireLeftOut(t, gpu, asked(TierCoop, Choice{Way: wayUint, Attend: ShapeChoice{Rows: rows}}), "power of two")
	}

	lavapipe := testreports.Matrix(0x10005, 8, 8, 8, 32<<10, [3]uint32{8, 8, 8})
	lavapipe.Type, lavapipe.DriverID, lavapipe.API = "cpu", drivers.Lavapipe, "1.4.300"
	for dim, refused := range map[int]bool{32: false, 64: true} {
		q := asked(TierCoop, Choice{Attend: ShapeChoice{Subgroups: 4, Slices: 2}})
		if q.HeadDim = dim; refused {
			requireLeftOut(t, lavapipe, q, "slices")
			continue
		}
		chosen, err := Choose(lavapipe, q)
		require.NoError(t, err)
		require.Empty(t, chosen.LeftOut)
	}

	gpu.Subgroup.MaxPerGroup = 2
	chosen, err := Choose(gpu, Request{Tier: TierCoop, HeadDim: 128})
	require.NoError(t, err)
	require.Equal(t, 64, chosen.Tuning.Attend.Local)
	require.Equal(t, 64, chosen.Tuning.Identify.Local)

	gpu.Subgroup.Vote = false
	_, err = Choose(gpu, Request{Tier: TierCoop, HeadDim: 128})
	var feature *vk.FeatureError
	require.ErrorAs(t, err, &feature)
	require.Contains(t, feature.Why, "votes")
}

// coop-f16 is for devices that can sum its product in fp16 too.
func TestHalfSumsAreAskedFor(t *testing.T) {
	report := testreports.Matrix(0x10de, 32, 32, 32, 48<<10, [3]uint32{16, 16, 16}, [3]uint32{16, 8, 16})
	report.CoopMatrix = append(report.CoopMatrix[:1], report.CoopMatrix[2:]...) // no fp16 sums of 16x16x16
	chosen, err := Choose(report, Request{Tier: TierCoopF16, HeadDim: 128})
	require.NoError(t, err)
	assert.Equal(t, "16x8x16", chosen.Tuning.Matrix.String())
	report.CoopMatrix = report.CoopMatrix[:2]
	_, err = Choose(report, Request{Tier: TierCoopF16, HeadDim: 128})
	var feature *vk.FeatureError
	require.ErrorAs(t, err, &feature)
	assert.Contains(t, feature.Why, "sums in fp16")
	_, err = Choose(report, Request{Tier: TierCoop, HeadDim: 128})
	require.NoError(t, err, "coop needs fp32 sums alone")
}
