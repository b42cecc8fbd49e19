//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #include "shim.h"
import "C"

import (
	"math"
	"slices"
	"strconv"

	vulkan "github.com/vulkan-go/vulkan"
)

var typeNames = map[vulkan.PhysicalDeviceType]string{
	vulkan.PhysicalDeviceTypeDiscreteGpu: "discrete", vulkan.PhysicalDeviceTypeIntegratedGpu: "integrated",
	vulkan.PhysicalDeviceTypeVirtualGpu: "virtual", vulkan.PhysicalDeviceTypeCpu: "cpu",
}

// componentNames are the VkComponentTypeKHR values in use.
var componentNames = map[uint32]string{
	0: "f16", 1: "f32", 2: "f64", 3: "s8", 4: "s16", 5: "s32", 6: "s64", 7: "u8", 8: "u16", 9: "u32", 10: "u64",
	1000141000: "bf16", 1000491000: "s8p", 1000491001: "u8p", 1000491002: "e4m3", 1000491003: "e5m2",
}

var scopeNames = map[uint32]string{1: "device", 2: "workgroup", 3: "subgroup", 5: "queue-family"}

func nameOf(names map[uint32]string, v C.uint32_t) string {
	if s, ok := names[uint32(v)]; ok {
		return s
	}
	return strconv.FormatUint(uint64(v), 10)
}

// newReport turns the shim's answers into a Report and applies the quirks and opt.Disable.
func newReport(c *C.vks_caps, opt *Options) Report {
	r := Report{
		Name: C.GoString(&c.name[0]), Driver: C.GoString(&c.driver[0]), DriverInfo: C.GoString(&c.driver_info[0]),
		DriverID: uint32(c.driver_id), VendorID: uint32(c.vendor), DeviceID: uint32(c.device),
		API:  vulkan.Version(c.api).String(),
		Type: "other",
		Limits: Limits{
			MaxStorageBufferRange: uint64(c.max_storage_range), MaxAllocation: uint64(c.max_allocation),
			MaxInvocations: uint32(c.max_invocations), SharedMemory: uint32(c.shared_memory), PushConstants: uint32(c.push_constants),
			MaxStorageBuffers: min(uint32(c.max_storage_buffers), C.VKS_MAX_BINDINGS),
			StorageAlign:      max(uint64(c.storage_align), 1),
			TimestampPeriod:   float64(c.timestamp_period), TimestampBits: uint32(c.timestamp_bits),
		},
		Features: Features{
			Float16: c.float16 != 0, Storage16: c.storage16 != 0, Int16: c.int16 != 0, Int64: c.int64 != 0,
			SubgroupExtended: c.subgroup_extended != 0, SubgroupSizeControl: c.size_control != 0 && c.required_stages&C.VK_SHADER_STAGE_COMPUTE_BIT != 0,
			VulkanMemoryModel:      c.memory_model != 0 && c.memory_model_device != 0,
			CooperativeMatrix:      c.coopmat != 0 && c.memory_model != 0 && c.memory_model_device != 0,
			PipelineExecutableInfo: c.executable_info != 0, MemoryBudget: c.memory_budget != 0, BufferAddress: c.buffer_address != 0,
			TimelineSemaphore: c.timeline != 0,
		},
		Subgroup: newSubgroup(c),
		CoopMatrix2: CoopMatrix2{
			WorkgroupScope: c.nv2_workgroup != 0, FlexibleDimensions: c.nv2_flexible != 0, Reductions: c.nv2_reductions != 0,
			Conversions: c.nv2_conversions != 0, PerElement: c.nv2_per_element != 0, TensorAddressing: c.nv2_tensor != 0, BlockLoads: c.nv2_block != 0,
			MaxWorkgroupSize: uint32(c.nv2_max_workgroup), MaxDimension: uint32(c.nv2_max_dimension), ReservedShared: uint32(c.nv2_reserved_shared),
		},
		Hardware: Hardware{
			DriverVersion: uint32(c.driver_version),
			SMs:           uint32(c.sm_count), WarpsPerSM: uint32(c.warps_per_sm), WavesPerSIMD: uint32(c.waves_per_simd),
			SubgroupMin: uint32(c.subgroup_min), SubgroupMax: uint32(c.subgroup_max), MixedDot: c.mixed_dot != 0,
		},
		Why: map[string]string{},
	}
	if name, ok := typeNames[vulkan.PhysicalDeviceType(c._type)]; ok {
		r.Type = name
	}
	if b := uint64(c.max_buffer); b != 0 {
		r.Limits.MaxAllocation = min(r.Limits.MaxAllocation, b)
	}
	if r.Limits.MaxAllocation == 0 {
		r.Limits.MaxAllocation = math.MaxInt64
	}
	for i := range 3 {
		r.Limits.MaxGroups[i], r.Limits.MaxGroupSize[i] = uint32(c.max_groups[i]), uint32(c.max_group_size[i])
	}
	for i := range c.priorities {
		r.QueuePriorities = append(r.QueuePriorities, nameOf(globalNames, c.priority[i]))
	}
	for i := range c.shapes {
		shape := newShape(&c.shape[i])
		r.CoopMatrix = append(r.CoopMatrix, shape)
		if !slices.Contains(r.Hardware.MatrixTypes, shape.A) {
			r.Hardware.MatrixTypes = append(r.Hardware.MatrixTypes, shape.A)
		}
	}
	for i := range c.flexible_shapes {
		s := &c.flexible[i]
		r.CoopMatrix2.Flexible = append(r.CoopMatrix2.Flexible, FlexibleShape{newShape(s), uint32(s.invocations)})
	}
	r.Features.CooperativeMatrix = r.Features.CooperativeMatrix && len(r.CoopMatrix) > 0
	r.Features.CooperativeMatrix2 = r.Features.CooperativeMatrix && c.has_coopmat2_ext != 0 && c.maintenance4 != 0 // its kernels are SPIR-V 1.6
	fillMemory(&r, c)
	noteMissing(&r)
	applyQuirks(&r)
	for _, name := range opt.Disable {
		switchOff(&r, name, "switched off by Options.Disable or ANCHORVK_DISABLE")
	}
	return r
}

func newSubgroup(c *C.vks_caps) Subgroup {
	has := func(bit C.uint32_t) bool { return c.subgroup_ops&bit != 0 }
	s := Subgroup{
		Size:  uint32(c.subgroup_size),
		Basic: has(C.VK_SUBGROUP_FEATURE_BASIC_BIT), Vote: has(C.VK_SUBGROUP_FEATURE_VOTE_BIT), Arithmetic: has(C.VK_SUBGROUP_FEATURE_ARITHMETIC_BIT),
		Ballot: has(C.VK_SUBGROUP_FEATURE_BALLOT_BIT), Shuffle: has(C.VK_SUBGROUP_FEATURE_SHUFFLE_BIT),
		ShuffleRelative: has(C.VK_SUBGROUP_FEATURE_SHUFFLE_RELATIVE_BIT), Clustered: has(C.VK_SUBGROUP_FEATURE_CLUSTERED_BIT),
		ComputeStage: c.subgroup_stages&C.VK_SHADER_STAGE_COMPUTE_BIT != 0,
	}
	if c.size_control != 0 && c.required_stages&C.VK_SHADER_STAGE_COMPUTE_BIT != 0 {
		s.SizeControl = true
		s.Min, s.Max, s.MaxPerGroup = uint32(c.subgroup_min), uint32(c.subgroup_max), uint32(c.max_subgroups)
	}
	s.FullSubgroups = c.size_control != 0 && c.full_subgroups != 0
	return s
}

func newShape(s *C.vks_shape) CoopShape {
	return CoopShape{
		M: uint32(s.m), N: uint32(s.n), K: uint32(s.k),
		A: nameOf(componentNames, s.a), B: nameOf(componentNames, s.b), C: nameOf(componentNames, s.c), Out: nameOf(componentNames, s.result),
		Scope: nameOf(scopeNames, s.scope), Saturating: s.saturating != 0,
	}
}

// fillMemory lists the heaps and finds out whether the host can map what is local to the device.
func fillMemory(r *Report, c *C.vks_caps) {
	for i := range c.heaps {
		r.Heaps = append(r.Heaps, Heap{
			Size: uint64(c.heap_size[i]), Budget: uint64(c.heap_budget[i]),
			DeviceLocal: c.heap_flags[i]&C.VK_MEMORY_HEAP_DEVICE_LOCAL_BIT != 0,
		})
	}
	const both = memoryDeviceLocal | memoryHostVisible
	visible := make([]bool, len(r.Heaps))
	for i := range c.types {
		if uint32(c.type_flags[i])&both == both {
			visible[c.type_heap[i]] = true
			r.Features.HostVisible = true
		}
	}
	r.UMA = true
	for i, h := range r.Heaps {
		r.UMA = r.UMA && (visible[i] || !h.DeviceLocal)
	}
}
