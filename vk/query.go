package vk

import (
	"math"
	"slices"
	"strconv"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

var typeNames = map[uint32]string{
	driver.DeviceDiscrete: "discrete", driver.DeviceIntegrated: "integrated", driver.DeviceVirtual: "virtual", driver.DeviceCPU: "cpu",
}

// componentNames are the VkComponentTypeKHR values in use.
var componentNames = map[uint32]string{
	0: "f16", 1: "f32", 2: "f64", 3: "s8", 4: "s16", 5: "s32", 6: "s64", 7: "u8", 8: "u16", 9: "u32", 10: "u64",
	1000141000: "bf16", 1000491000: "s8p", 1000491001: "u8p", 1000491002: "e4m3", 1000491003: "e5m2",
}

var scopeNames = map[uint32]string{1: "device", 2: "workgroup", 3: "subgroup", 5: "queue-family"}

func nameOf(names map[uint32]string, v uint32) string {
	if s, ok := names[v]; ok {
		return s
	}
	return strconv.FormatUint(uint64(v), 10)
}

// newReport turns the driver's answers into a Report and applies the quirks and opt.Disable.
func newReport(c *driver.Caps, opt *Options) Report {
	r := Report{
		Name: driver.Text(c.Name[:]), Driver: driver.Text(c.Driver[:]), DriverInfo: driver.Text(c.DriverInfo[:]),
		DriverID: c.DriverID, VendorID: c.Vendor, DeviceID: c.Device,
		API:  versionText(c.API),
		Type: "other",
		Limits: Limits{
			MaxStorageBufferRange: uint64(c.MaxStorageRange), MaxAllocation: c.MaxAllocation,
			MaxInvocations: c.MaxInvocations, SharedMemory: c.SharedMemory, PushConstants: c.PushConstants,
			MaxStorageBuffers: min(c.MaxStorageBuffers, driver.MaxBindings),
			StorageAlign:      max(c.StorageAlign, 1),
			TimestampPeriod:   float64(c.TimestampPeriod), TimestampBits: c.TimestampBits,
		},
		Features: Features{
			Float16: c.Float16 != 0, Storage16: c.Storage16 != 0, Int16: c.Int16 != 0, Int64: c.Int64 != 0,
			SubgroupExtended: c.SubgroupExtended != 0, SubgroupSizeControl: c.SizeControl != 0 && c.RequiredStages&driver.StageCompute != 0,
			VulkanMemoryModel:      c.MemoryModel != 0 && c.MemoryModelDevice != 0,
			CooperativeMatrix:      c.Coopmat != 0 && c.MemoryModel != 0 && c.MemoryModelDevice != 0,
			PipelineExecutableInfo: c.ExecutableInfo != 0, MemoryBudget: c.MemoryBudget != 0, BufferAddress: c.BufferAddress != 0,
			TimelineSemaphore: c.Timeline != 0,
		},
		Subgroup: newSubgroup(c),
		CoopMatrix2: CoopMatrix2{
			WorkgroupScope: c.NV2Workgroup != 0, FlexibleDimensions: c.NV2Flexible != 0, Reductions: c.NV2Reductions != 0,
			Conversions: c.NV2Conversions != 0, PerElement: c.NV2PerElement != 0, TensorAddressing: c.NV2Tensor != 0, BlockLoads: c.NV2Block != 0,
			MaxWorkgroupSize: c.NV2MaxWorkgroup, MaxDimension: c.NV2MaxDimension, ReservedShared: c.NV2ReservedShared,
		},
		Hardware: Hardware{
			DriverVersion: c.DriverVersion,
			SMs:           c.SMCount, WarpsPerSM: c.WarpsPerSM, WavesPerSIMD: c.WavesPerSIMD,
			SubgroupMin: c.SubgroupMin, SubgroupMax: c.SubgroupMax, MixedDot: c.MixedDot != 0,
		},
		Why: map[string]string{},
	}
	if name, ok := typeNames[c.Type]; ok {
		r.Type = name
	}
	if b := c.MaxBuffer; b != 0 {
		r.Limits.MaxAllocation = min(r.Limits.MaxAllocation, b)
	}
	if r.Limits.MaxAllocation == 0 {
		r.Limits.MaxAllocation = math.MaxInt64
	}
	for i := range 3 {
		r.Limits.MaxGroups[i], r.Limits.MaxGroupSize[i] = c.MaxGroups[i], c.MaxGroupSize[i]
	}
	for i := range c.Priorities {
		r.QueuePriorities = append(r.QueuePriorities, nameOf(globalNames, c.Priority[i]))
	}
	for i := range c.Shapes {
		shape := newShape(&c.Shape[i])
		r.CoopMatrix = append(r.CoopMatrix, shape)
		if !slices.Contains(r.Hardware.MatrixTypes, shape.A) {
			r.Hardware.MatrixTypes = append(r.Hardware.MatrixTypes, shape.A)
		}
	}
	for i := range c.FlexibleShapes {
		s := &c.Flexible[i]
		r.CoopMatrix2.Flexible = append(r.CoopMatrix2.Flexible, FlexibleShape{newShape(s), s.Invocations})
	}
	r.Features.CooperativeMatrix = r.Features.CooperativeMatrix && len(r.CoopMatrix) > 0
	r.Features.CooperativeMatrix2 = r.Features.CooperativeMatrix && c.HasCoopmat2Ext != 0 && c.Maintenance4 != 0 // its kernels are SPIR-V 1.6
	fillMemory(&r, c)
	noteMissing(&r)
	applyQuirks(&r)
	for _, name := range opt.Disable {
		switchOff(&r, name, "switched off by Options.Disable")
	}
	return r
}

func newSubgroup(c *driver.Caps) Subgroup {
	has := func(bit uint32) bool { return c.SubgroupOps&bit != 0 }
	s := Subgroup{
		Size:  c.SubgroupSize,
		Basic: has(driver.SubgroupBasic), Vote: has(driver.SubgroupVote), Arithmetic: has(driver.SubgroupArithmetic),
		Ballot: has(driver.SubgroupBallot), Shuffle: has(driver.SubgroupShuffle),
		ShuffleRelative: has(driver.SubgroupShuffleRelative), Clustered: has(driver.SubgroupClustered),
		ComputeStage: c.SubgroupStages&driver.StageCompute != 0,
	}
	if c.SizeControl != 0 && c.RequiredStages&driver.StageCompute != 0 {
		s.SizeControl = true
		s.Min, s.Max, s.MaxPerGroup = c.SubgroupMin, c.SubgroupMax, c.MaxSubgroups
	}
	s.FullSubgroups = c.SizeControl != 0 && c.FullSubgroups != 0
	return s
}

func newShape(s *driver.Shape) CoopShape {
	return CoopShape{
		M: s.M, N: s.N, K: s.K,
		A: nameOf(componentNames, s.A), B: nameOf(componentNames, s.B), C: nameOf(componentNames, s.C), Out: nameOf(componentNames, s.Result),
		Scope: nameOf(scopeNames, s.Scope), Saturating: s.Saturating != 0,
	}
}

// fillMemory lists the heaps and finds out whether the host can map what is local to the device.
func fillMemory(r *Report, c *driver.Caps) {
	for i := range c.Heaps {
		r.Heaps = append(r.Heaps, Heap{
			Size: c.HeapSize[i], Budget: c.HeapBudget[i],
			DeviceLocal: c.HeapFlags[i]&driver.HeapDeviceLocal != 0,
		})
	}
	const both = driver.MemoryDeviceLocal | driver.MemoryHostVisible
	visible := make([]bool, len(r.Heaps))
	for i := range c.Types {
		if c.TypeFlags[i]&both == both {
			visible[c.TypeHeap[i]] = true
			r.Features.HostVisible = true
		}
	}
	r.UMA = true
	for i, h := range r.Heaps {
		r.UMA = r.UMA && (visible[i] || !h.DeviceLocal)
	}
}
