package attention

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/shaders"
	"github.com/anchorvk/anchorvk/vk"
)

// kernelOf is the kernel that a module is a variant of, by its source.
func kernelOf(t *testing.T, module shaders.Module) kernel {
	t.Helper()
	source, _, _ := strings.Cut(strings.TrimSuffix(module.Source, ".comp"), "_")
	for k := range kernelCount {
		if kernelFacts[k].name == source {
			return k
		}
	}
	require.Fail(t, "no kernel for "+module.Source)
	return 0
}

func TestModulesTakeTheBindingsThatGoGives(t *testing.T) {
	eachModule(t, func(t *testing.T, module shaders.Module, code spirv) {
		k := kernelOf(t, module)
		assert.Equal(t, "main", code.entry)
		byAddress := slices.Contains(module.Defines, "KV_ADDRESS")
		var want []uint32
		ranged := isRanged(module)
		bindings := kernelFacts[k].bindings
		if ranged {
			bindings = kernelFacts[k].ranged
		}
		for i := range uint32(bindings) {
			isKV := i == 1 || i == 2
			switch k {
			case kernelIdentify:
				isKV = i == 0
			case kernelSample, kernelMiss, kernelPeaks: // no V
				isKV = i == 1
			}
			if !byAddress || !isKV { // K and V come by address there, and the compiler drops their bindings
				want = append(want, i)
			}
		}
		require.Equal(t, want, sortedKeys(code.buffers))
		state := 0
		for _, binding := range want {
			buffer := code.buffers[binding]
			assert.Zero(t, buffer.set)
			picks := k == kernelPick && code.onMatrices()
			if (k == kernelIdentify || k == kernelPeaks || picks) && binding == 3 { // the mask: atomicOr reads and writes
				assert.False(t, buffer.readOnly || buffer.writeOnly)
				continue
			}
			if ranged && !buffer.readOnly && !buffer.writeOnly { // the state: from one range of keys to the next
				state++
				continue
			}
			assert.NotEqual(t, buffer.readOnly, buffer.writeOnly, "binding %d is either read or written", binding)
		}
		if ranged {
			assert.Equal(t, 2, state, "accumulators and sums")
		}
	})
}

// isRanged says whether a module attends keys a range at a time.
func isRanged(module shaders.Module) bool { return slices.Contains(module.Defines, "KEY_RANGE") }

// leaves are the 32-bit numbers of a Go structure, in order.
func leaves(t *testing.T, of reflect.Type, offset uintptr) (all []pushMember) {
	t.Helper()
	for i := range of.NumField() {
		field := of.Field(i)
		at := offset + field.Offset
		switch field.Type.Kind() {
		case reflect.Struct:
			all = append(all, leaves(t, field.Type, at)...)
		case reflect.Uint32, reflect.Float32:
			all = append(all, pushMember{uint32(at), field.Type.Kind() == reflect.Float32})
		default:
			require.Fail(t, "a push constant of another type", field.Name)
		}
	}
	return all
}

func TestPushConstantsAgree(t *testing.T) {
	want := leaves(t, reflect.TypeFor[push](), 0)
	require.Len(t, want, pushBytes/4, "no padding")
	require.LessOrEqual(t, pushBytes, 128, "what every Vulkan device takes")
	theta := slices.Index(want, pushMember{uint32(unsafe.Offsetof(push{}.thetaLog2)), true})
	require.Equal(t, pushMember{uint32(unsafe.Offsetof(push{}.blockRows)), false}, want[theta+1])
	ranged := slices.Clone(want)
	ranged[theta].float = false // the ends of the range stand for theta and the size of blocks
	eachModule(t, func(t *testing.T, module shaders.Module, code spirv) {
		if isRanged(module) {
			require.Equal(t, ranged, code.push)
			return
		}
		require.Equal(t, want, code.push)
	})
}

func TestSpecializationIDsAgree(t *testing.T) {
	used := map[uint32]bool{}
	eachModule(t, func(t *testing.T, _ shaders.Module, code spirv) {
		assert.True(t, code.sized, "the workgroup size can be specialized")
		require.Contains(t, code.specIDs, uint32(specLocal))
		for i, id := range code.specIDs {
			assert.Less(t, id, uint32(specCount))
			if i > 0 && id != specLocal { // LOCAL_X and the workgroup size itself
				assert.NotEqual(t, code.specIDs[i-1], id, "an id is used twice")
			}
			used[id] = true
		}
	})
	assert.Len(t, used, specCount, "every constant that Go gives is taken by some module")
}

// Capabilities of the SPIR-V specification that need a device feature.
const (
	capFloat16             = 9
	capInt64               = 11
	capInt16               = 22
	capInt8                = 39
	capGroupNonUniform     = 61 // basic operations, which every Vulkan 1.1 device has
	capShuffle             = 65
	capLastGroupNonUniform = 68
	capStorageBuffer16     = 4433
	capLast16BitStorage    = 4436
	capCooperativeMatrix   = 6022 // of VK_KHR_cooperative_matrix
)

// A module asks for no feature that its tier does not ask of the device.
func TestModulesKeepToTheirTiersFeatures(t *testing.T) {
	eachModule(t, func(t *testing.T, module shaders.Module, code spirv) {
		if code.onMatrices() {
			return // matrix kernels need what their tier's list of needs says
		}
		has16 := slices.Contains(module.Defines, "KV_HALF") || slices.Contains(module.Defines, "KV_ADDRESS")
		halfMath := slices.Contains(module.Defines, "HALF_MATH")
		for _, c := range sortedKeys(code.capabilities) {
			switch {
			case c == capFloat16:
				assert.True(t, halfMath, "fp16 arithmetic in a module without HALF_MATH")
			case c == capInt16, c == capInt8, c == capInt64:
				assert.Fail(t, "no tier asks for other integers", "capability %d", c)
			case c >= capStorageBuffer16 && c <= capLast16BitStorage:
				assert.Equal(t, uint32(capStorageBuffer16), c, "of 16-bit storage only that in storage buffers is asked for")
				assert.True(t, has16, "16-bit storage in a module that unpacks")
			case c > capGroupNonUniform && c <= capLastGroupNonUniform:
				assert.Equal(t, uint32(capShuffle), c, "of the subgroup operations only the shuffle is asked for")
				assert.True(t, strings.HasSuffix(module.Name, "_sg"), "subgroup operations in a module for devices without")
			}
		}
		if strings.HasSuffix(module.Name, "_sg") {
			assert.True(t, code.capabilities[capShuffle], "what else is the variant for?")
		}
	})
}

// deviceVariety are reports that differ in whatever plans look at.
func deviceVariety() []*vk.Report {
	var all []*vk.Report
	for _, kind := range []string{"cpu", "discrete", "integrated", "virtual", "other"} {
		for _, api := range []string{"1.1.0", "1.3.250", "1.4.300"} {
			for _, driver := range []uint32{0, 13} {
				for _, size := range []uint32{0, 1, 4, 8, 16, 32, 64, 128} {
					for _, invocations := range []uint32{128, 1024} {
						for _, on := range []bool{false, true} {
							r := fakeReport(kind)
							r.API, r.DriverID = api, driver
							r.Subgroup.Size, r.Subgroup.Min, r.Subgroup.Max = size, size, size
							r.Limits.MaxInvocations, r.Limits.MaxGroupSize = invocations, [3]uint32{invocations, invocations, 64}
							r.Subgroup.Shuffle, r.Features.BufferAddress = on, on
							r.Features.CooperativeMatrix, r.Features.CooperativeMatrix2 = on, on
							r.CoopMatrix2 = vk.CoopMatrix2{Reductions: on, Conversions: on, PerElement: on}
							all = append(all, r)
						}
					}
				}
			}
		}
	}
	return all
}

// Whatever the device, a plan names modules that are there and shapes that
// the kernels can take; and there is no module that Go has no name for.
func TestPlansNameModulesThatExist(t *testing.T) {
	named, nameable := map[string]bool{}, nameableModules()
	plans := 0
	for _, report := range deviceVariety() {
		for _, tier := range Tiers(report) {
			if !tier.OK {
				continue
			}
			for dim := 8; dim <= MaxHeadDim; dim += 8 {
				problem := selective(1, 2, 1, 300, 300)
				problem.Shape.HeadDim = dim
				plan, err := NewPlan(report, problem, PlanOptions{Tier: tier.Name, NoFallback: true})
				var without *vk.FeatureError
				if dim > 128 && errors.As(err, &without) {
					continue // a tier may leave large heads to others
				}
				require.NoError(t, err)
				plans++
				for k := range kernelCount {
					key := pipelineFor(k, plan.Tier, plan.Tuning, dim)
					if !named[key.module()] {
						_, err := shaders.Code(key.module())
						require.NoError(t, err, "%s on a %s device, %s", k, report.Type, tier.Name)
						named[key.module()] = true
					}
				}
				requireTakable(t, report, plan)
			}
		}
	}
	require.Greater(t, plans, 10_000)
	modules, err := shaders.Modules()
	require.NoError(t, err)
	var idle []string
	for _, module := range modules {
		assert.True(t, nameable[module.Name], "no kernel, tier and way give the name %s", module.Name)
		if !named[module.Name] {
			idle = append(idle, module.Name)
		}
	}
	t.Logf("%d plans name %d modules of %d; none names %v", plans, len(named), len(modules), idle)
}

// nameableModules are the names that any kernel, tier, way and number of lanes give.
func nameableModules() map[string]bool {
	names := map[string]bool{}
	for k := range kernelCount {
		for _, tier := range tuning.Order() {
			for _, way := range tuning.Ways() {
				for _, lanes := range []uint32{1, 2} {
					for _, keys := range []int{0, 16} {
						key := pipelineFor(k, tier, tuning.Tuning{Way: way, Range: keys}, 8)
						key.constants[specLanes] = lanes
						names[key.module()] = true
					}
				}
			}
		}
	}
	return names
}

// requireTakable holds a plan's pipelines against what the kernels' comments demand.
func requireTakable(t *testing.T, report *vk.Report, plan *Plan) {
	t.Helper()
	powerOfTwo := func(n uint32) bool { return n > 0 && n&(n-1) == 0 }
	for k := range kernelCount {
		key := pipelineFor(k, plan.Tier, plan.Tuning, plan.Shape.HeadDim)
		local, lanes, rows, keys := key.constants[specLocal], key.constants[specLanes], key.constants[specRows], key.constants[specKeys]
		chunks := key.constants[specChunks]
		ok := chunks == uint32(plan.Shape.HeadDim/8) && local > 0 && local <= report.Limits.MaxInvocations && local <= report.Limits.MaxGroupSize[0] &&
			powerOfTwo(lanes) && local%lanes == 0 && rows > 0 && keys > 0
		if lanes > 1 {
			ok = ok && report.Subgroup.Shuffle && lanes <= max(report.Subgroup.Min, report.Subgroup.Size)
		}
		if !key.isMatrix() {
			// Sink and window are multiples of 16, which no batch of keys may straddle.
			ok = ok && chunks%lanes == 0 && powerOfTwo(keys) && keys <= 16
		}
		if key.way.Load == tuning.LoadAddress {
			ok = ok && report.Features.BufferAddress && lanes == 1
		}
		require.True(t, ok, "%s with constants %v for head_dim %d on %+v", key.module(), key.constants, plan.Shape.HeadDim, report.Subgroup)
	}
}
