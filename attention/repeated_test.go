package attention

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/testreports"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/shaders"
	"github.com/anchorvk/anchorvk/vk"
)

// Numbers that Go has as well as the shaders: what each workgroup walks.
func TestGoKnowsWhatAWorkgroupWalks(t *testing.T) {
	sweeps := 0
	eachKernel(t, func(t *testing.T, k kernel, onMatrices bool, code []instruction) {
		words := map[bool]uint32{false: searchWords, true: matrixSearchWords}
		switch k {
		case kernelIdentify:
			assert.Contains(t, roundings(code), words[onMatrices], "WORDS_A_GROUP")
			assert.NotContains(t, roundings(code), words[!onMatrices])
		case kernelSample, kernelPick, kernelMiss, kernelPeaks:
			assert.Contains(t, roundings(code), uint32(guardRunKeys), "RUN_KEYS")
			sweeps++
		}
		if k == kernelPick && !onMatrices {
			for _, chunks := range []uint32{1, 16, MaxHeadDim / 8} {
				batch := 4*8*int(chunks) + 4 // bytes: a row as floats and its log-sum-exp
				found := sharedMemory(t, code, []uint32{auxLocal, 1, 1, 1, chunks})
				assert.Equal(t, pickBatch*batch+4+4*auxLocal, found, "BATCH")
			}
		}
	})
	assert.Greater(t, sweeps, 4)
	assert.Equal(t, 32, auxLocal, "pick writes a word of the mask at a time")
	assert.LessOrEqual(t, MaxHeadDim/8, auxLocal, "pool has an invocation for each chunk of a row")
}

// What stands for an infinite theta is one to the shaders, whose only number
// that something may be as large as is THETA_ALL.
func TestShadersKnowAnInfiniteTheta(t *testing.T) {
	searches := 0
	eachKernel(t, func(t *testing.T, k kernel, _ bool, code []instruction) {
		if k != kernelIdentify {
			return
		}
		searches++
		values := constantsOf(code, nil)
		var limits []float32
		for _, i := range code {
			if i.op != opFOrdGreaterThanEqual {
				continue
			}
			if bits, ok := values[i.operands[3]]; ok {
				limits = append(limits, math.Float32frombits(bits))
			}
		}
		require.NotEmpty(t, limits)
		for _, limit := range limits {
			assert.Equal(t, limits[0], limit)
			assert.Greater(t, float32(thetaLimit), limit)
			assert.Greater(t, limit, float32(1e30), "what is finite is compared")
		}
	})
	assert.Greater(t, searches, 1)
}

// Kernels that write output know from the number that Go gives whether
// log-sum-exps are wanted.
func TestShadersKnowThatNoLSEIsWanted(t *testing.T) {
	eachKernel(t, func(t *testing.T, k kernel, _ bool, code []instruction) {
		if k != kernelDense && k != kernelStripes {
			return
		}
		values, compared := constantsOf(code, nil), map[uint32]bool{}
		for _, i := range code {
			if i.op != opIEqual && i.op != opINotEqual {
				continue
			}
			if n, ok := values[i.operands[3]]; ok {
				compared[n] = true
			}
		}
		assert.Contains(t, compared, uint32(noLSE))
	})
}

// The shared memory that plans count for kernels on matrices is what these
// declare, whatever the device, product, subgroup size and head dimension.
func TestSharedMemoryIsWhatTheShadersDeclare(t *testing.T) {
	modules, compared := map[string][]instruction{}, 0
	code := func(name string) []instruction {
		if modules[name] == nil {
			spirv, err := shaders.Code(name)
			require.NoError(t, err)
			modules[name] = instructions(t, spirv)
		}
		return modules[name]
	}
	for name, report := range testreports.MatrixGPUs() {
		report.Limits.SharedMemory = 228 << 10
		for _, options := range matrixOptions(report) {
			for _, dim := range []int{8, 40, 64, 80, 128, 136, MaxHeadDim} {
				problem := Problem{Shape: Shape{Batch: 1, Heads: 4, KVHeads: 1, QLen: 300, KVLen: 300, HeadDim: dim}, Mode: ModeDense}
				plan, err := NewPlan(report, problem, options)
				var refused *vk.FeatureError
				if errors.As(err, &refused) { // the table has the tier's head dimension left out
					continue
				}
				require.NoError(t, err)
				what := fmt.Sprintf("%s, head_dim %d, %+v", name, dim, plan.Tuning)
				declared := func(k kernel) int {
					key := pipelineFor(k, plan.Tier, plan.Tuning, dim)
					return sharedMemory(t, code(key.module()), key.usedConstants())
				}
				counted := func(kernels string) int { return plan.Tuning.SharedBytes(plan.Tier, kernels, dim) }
				ramp := 0
				if plan.Tier == TierCoop2 {
					ramp = 64 // which the other tiers' kernels have, and plans count for all
				}
				for _, k := range []kernel{kernelDense, kernelAnchor, kernelStripes} {
					require.Equal(t, counted(tuning.Attend), declared(k)+ramp, "%s: %s", k, what)
				}
				most := 0
				for _, k := range []kernel{kernelIdentify, kernelSample, kernelPickMatrix, kernelMiss, kernelPeaks} {
					most = max(most, declared(k))
				}
				require.Equal(t, counted(tuning.Identify), most, "%s", what)
				compared++
			}
		}
	}
	require.Greater(t, compared, 200)
	require.Greater(t, len(modules), 15)
}

// matrixOptions ask for each tier on matrix units that a device passes, with each
// of its products and subgroup sizes, and with few registers or many.
func matrixOptions(r *vk.Report) (all []PlanOptions) {
	shapes := []tuning.MatrixShape{{}}
	for _, s := range r.CoopMatrix {
		shapes = append(shapes, tuning.MatrixShape{M: int(s.M), N: int(s.N), K: int(s.K)})
	}
	sizes := []int{0}
	for s := int(r.Subgroup.Min); s > 0 && s <= int(r.Subgroup.Max); s *= 2 {
		sizes = append(sizes, s)
	}
	for _, tier := range Tiers(r) {
		if !tier.OK || !tier.Name.OnMatrixUnits() {
			continue
		}
		for _, shape := range shapes {
			for _, size := range sizes {
				for _, lean := range []bool{false, true} {
					choice := tuning.Choice{Matrix: shape, SubgroupSize: size, Identify: tuning.ShapeChoice{Lean: lean}}
					all = append(all, PlanOptions{Tier: tier.Name, Rules: []tuning.Rule{{Choice: choice, From: "the test"}}})
				}
			}
		}
	}
	return all
}

// Kernels whose shared memory no plan counts keep to what every device has.
func TestUncountedSharedMemoryIsLittle(t *testing.T) {
	const everyDevices = 16 << 10 // maxComputeSharedMemorySize of Vulkan
	eachKernel(t, func(t *testing.T, k kernel, onMatrices bool, code []instruction) {
		if onMatrices {
			return
		}
		local := uint32(1024) // no plan has more invocations
		if !kernelFacts[k].variants && k != kernelCompact {
			local = auxLocal
		}
		assert.LessOrEqual(t, sharedMemory(t, code, []uint32{local, 1, 2, 16, MaxHeadDim / 8}), everyDevices)
	})
}

// eachKernel runs a test for every module of the manifest, by its instructions.
func eachKernel(t *testing.T, run func(t *testing.T, k kernel, onMatrices bool, code []instruction)) {
	t.Helper()
	eachModule(t, func(t *testing.T, module shaders.Module, m spirv) {
		code, err := shaders.Code(module.Name)
		require.NoError(t, err)
		run(t, kernelOf(t, module), m.onMatrices(), instructions(t, code))
	})
}
