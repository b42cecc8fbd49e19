package driver

import "bytes"

// The structs that go to C as they are have the layout of their twins in shim.h,
// field by field, which a test compares.

// Kinds of Op.
const (
	Dispatch uint32 = iota
	Barrier
	Fill
	Copy
	Timestamp
)

// Op is an operation of a command buffer (vks_op).
type Op struct {
	Kind                                 uint32
	FirstBinding, Bindings               uint32
	PushOffset, PushSize                 uint32
	X, Y, Z                              uint32
	Value                                uint32 // to fill with, or the timestamp's number
	Set                                  uint32 // number of its descriptor set, which Record and MakeSets fill in
	Pipeline, Layout, SetLayout          uint64
	Src, SrcOffset, Dst, DstOffset, Size uint64
}

// Binding is the part of a buffer that a dispatch sees (vks_binding).
type Binding struct{ Buffer, Offset, Range uint64 }

// Canary is the word that the last command writes.
type Canary struct {
	Buffer, Offset uint64
	Value          uint32
}

// Timeline is a value of a timeline semaphore (vks_timeline).
type Timeline struct{ Semaphore, Value uint64 }

// Family describes a queue family.
type Family struct{ Queues, Flags, TimestampBits uint32 }

// BufferNeeds is a buffer that was made, and the memory that it needs; Types has
// a bit for each memory type that will do.
type BufferNeeds struct {
	Buffer, Size, Align uint64
	Types               uint32
}

// Kernel is what a pipeline is made of.
type Kernel struct {
	Code             []byte   // SPIR-V
	Constants        []uint32 // up to MaxConstants
	SetLayout, Cache uint64
	PushBytes        int
	SubgroupSize     uint32 // required; 0 leaves it to the driver
	FullSubgroups    bool
	Flags            uint32 // VkPipelineCreateFlags
}

// Statistic is a figure of a pipeline; Format is a VkPipelineExecutableStatisticFormatKHR.
type Statistic struct {
	Name   string
	Format uint32
	Bits   uint64
}

// Shape is a product that the matrix units do (vks_shape); of a flexible one M,
// N and K are granularities. Types and scopes are those of Vulkan.
type Shape struct{ M, N, K, A, B, C, Result, Scope, Saturating, Invocations uint32 }

// Caps is what a physical device offers (vks_caps). Features and extensions are
// 0 or 1; what is unknown is 0.
type Caps struct {
	CacheUUID                                          [16]byte
	API, DriverVersion, Vendor, Device, Type, DriverID uint32
	Name, Driver, DriverInfo                           [256]byte

	// Limits.
	MaxStorageRange, PushConstants, SharedMemory, MaxInvocations uint32
	MaxGroups, MaxGroupSize                                      [3]uint32
	MaxStorageBuffers, MaxAllocations                            uint32
	MaxAllocation, MaxBuffer, StorageAlign, Atom                 uint64
	TimestampPeriod                                              float32

	// The queue family to use, ^0 when none computes, and the
	// VkQueueGlobalPriority values that its queues may ask for.
	QueueFamily, TimestampBits uint32
	Priorities                 uint32
	Priority                   [maxPriorities]uint32

	// Features.
	Storage16, Uniform16, Float16, Int8, Int16, Int64, Float64, SubgroupExtended, MemoryModel, MemoryModelDevice          uint32
	Timeline, SizeControl, FullSubgroups, Coopmat, ExecutableInfo, MemoryBudget, Portability, BufferAddress, Maintenance4 uint32
	NV2Workgroup, NV2Flexible, NV2Reductions, NV2Conversions, NV2PerElement, NV2Tensor, NV2Block                          uint32
	NV2MaxWorkgroup, NV2MaxDimension, NV2ReservedShared                                                                   uint32

	// Subgroups.
	SubgroupSize, SubgroupMin, SubgroupMax, SubgroupStages, SubgroupOps, RequiredStages, MaxSubgroups uint32

	// What tells architectures apart.
	SMCount, WarpsPerSM, WavesPerSIMD, MixedDot uint32

	Types, Heaps                    uint32
	TypeFlags, TypeHeap             [maxTypes]uint32
	HeapFlags                       [MaxHeaps]uint32
	HeapSize, HeapBudget, HeapUsage [MaxHeaps]uint64

	Shapes, FlexibleShapes uint32
	Shape, Flexible        [maxShapes]Shape

	// Which extensions the driver lists.
	HasFloat16Ext, HasMemoryModelExt, HasSizeControlExt, HasBudgetExt, HasCoopmatExt, HasCoopmat2Ext           uint32
	HasTimelineExt, HasExecutableExt, HasExtendedTypesExt, HasDriverExt, HasMaintenance4Ext, HasPortabilityExt uint32
	HasSMBuiltinsExt, HasShaderCoreExt, HasDotProductExt                                                       uint32
	HasPriorityExt, HasKHRPriorityExt                                                                          uint32
}

// Text is C text up to its first zero byte.
func Text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
