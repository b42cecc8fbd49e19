package attention

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/shaders"
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

// Kernels that write output tell by the number that Go gives whether
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
	modules := map[string][]instruction{}
	code := func(name string) []instruction {
		if modules[name] == nil {
			spirv, err := shaders.Code(name)
			require.NoError(t, err)
			modules[name] = instructions(t, spirv)
		}
		return modules[name]
	}
	for name, report := range matrixDevices() {
		report.Limits.SharedMemory = 228 << 10
		for _, options := range matrixChoices(report) {
			for _, dim := range []int{8, 40, 64, 80, 128, 136, MaxHeadDim} {
				problem := Problem{Shape: Shape{Batch: 1, Heads: 4, KVHeads: 1, QLen: 300, KVLen: 300, HeadDim: dim}, Mode: ModeDense}
				for _, lean := range []bool{false, true} {
					options := options
					choice := TuningChoice{Identify: ShapeChoice{Lean: lean}}
					options.Tuning = append(slices.Clone(options.Tuning), TuningOverride{Choice: choice, From: "the test"})
					if entry := lookUp(report, Tier(options.Tier), dim); entry.refuse != "" {
						continue
					}
					plan, err := NewPlan(report, problem, options)
					require.NoError(t, err)
					what := fmt.Sprintf("%s, head_dim %d, %+v", name, dim, plan.Tuning)
					declared := func(k kernel) int {
						key := pipelineFor(k, plan.Tier, plan.Tuning, dim)
						return sharedMemory(t, code(key.module()), key.usedConstants())
					}
					counted := func(k kernel) int { return sharedBytes(plan.Tier, k, plan.Tuning.shapeOf(k), plan.Tuning, dim) }
					ramp := 0
					if plan.Tier == TierCoop2 {
						ramp = 64 // which the other tiers' kernels have, and plans count for all
					}
					for _, k := range []kernel{kernelDense, kernelAnchor, kernelStripes} {
						require.Equal(t, counted(kernelDense), declared(k)+ramp, "%s: %s", k, what)
					}
					most := 0
					for _, k := range []kernel{kernelIdentify, kernelSample, kernelPickMatrix, kernelMiss, kernelPeaks} {
						most = max(most, declared(k))
					}
					require.Equal(t, counted(kernelIdentify), most, "%s", what)
				}
			}
		}
	}
	require.Greater(t, len(modules), 15)
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
