//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package driver

// #include "shim.h"
import "C"

import (
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// Result is a VkResult.
type Result = vulkan.Result

// The numbers of numbers.go are those of the binding and of the C files. A
// difference is an index out of range here, which does not compile.
func _() {
	var same [1]struct{}
	_ = same[Success-vulkan.Success]
	_ = same[NotReady-vulkan.NotReady]
	_ = same[Timeout-vulkan.Timeout]
	_ = same[Incomplete-vulkan.Incomplete]
	_ = same[ErrorOutOfHostMemory-vulkan.ErrorOutOfHostMemory]
	_ = same[ErrorOutOfDeviceMemory-vulkan.ErrorOutOfDeviceMemory]
	_ = same[ErrorInitializationFailed-vulkan.ErrorInitializationFailed]
	_ = same[ErrorDeviceLost-vulkan.ErrorDeviceLost]
	_ = same[ErrorMemoryMapFailed-vulkan.ErrorMemoryMapFailed]
	_ = same[ErrorLayerNotPresent-vulkan.ErrorLayerNotPresent]
	_ = same[ErrorExtensionNotPresent-vulkan.ErrorExtensionNotPresent]
	_ = same[ErrorFeatureNotPresent-vulkan.ErrorFeatureNotPresent]
	_ = same[ErrorIncompatibleDriver-vulkan.ErrorIncompatibleDriver]
	_ = same[ErrorTooManyObjects-vulkan.ErrorTooManyObjects]
	_ = same[ErrorFragmentedPool-vulkan.ErrorFragmentedPool]
	_ = same[ErrorOutOfPoolMemory-vulkan.ErrorOutOfPoolMemory]
	_ = same[ErrorInvalidShaderNV-vulkan.ErrorInvalidShaderNv]

	_ = same[DeviceIntegrated-uint32(vulkan.PhysicalDeviceTypeIntegratedGpu)]
	_ = same[DeviceDiscrete-uint32(vulkan.PhysicalDeviceTypeDiscreteGpu)]
	_ = same[DeviceVirtual-uint32(vulkan.PhysicalDeviceTypeVirtualGpu)]
	_ = same[DeviceCPU-uint32(vulkan.PhysicalDeviceTypeCpu)]
	_ = same[ObjectBuffer-int32(vulkan.ObjectTypeBuffer)]
	_ = same[ObjectPipeline-int32(vulkan.ObjectTypePipeline)]

	_ = same[QueueCompute-uint32(vulkan.QueueComputeBit)]
	_ = same[StageCompute-uint32(vulkan.ShaderStageComputeBit)]
	_ = same[HeapDeviceLocal-uint32(vulkan.MemoryHeapDeviceLocalBit)]
	_ = same[MemoryDeviceLocal-uint32(vulkan.MemoryPropertyDeviceLocalBit)]
	_ = same[MemoryHostVisible-uint32(vulkan.MemoryPropertyHostVisibleBit)]
	_ = same[MemoryHostCoherent-uint32(vulkan.MemoryPropertyHostCoherentBit)]
	_ = same[MemoryHostCached-uint32(vulkan.MemoryPropertyHostCachedBit)]
	_ = same[UsageTransferSrc-uint32(vulkan.BufferUsageTransferSrcBit)]
	_ = same[UsageTransferDst-uint32(vulkan.BufferUsageTransferDstBit)]
	_ = same[UsageStorage-uint32(vulkan.BufferUsageStorageBufferBit)]
	_ = same[UsageAddress-C.VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT]
	_ = same[SubgroupBasic-uint32(vulkan.SubgroupFeatureBasicBit)]
	_ = same[SubgroupVote-uint32(vulkan.SubgroupFeatureVoteBit)]
	_ = same[SubgroupArithmetic-uint32(vulkan.SubgroupFeatureArithmeticBit)]
	_ = same[SubgroupBallot-uint32(vulkan.SubgroupFeatureBallotBit)]
	_ = same[SubgroupShuffle-uint32(vulkan.SubgroupFeatureShuffleBit)]
	_ = same[SubgroupShuffleRelative-uint32(vulkan.SubgroupFeatureShuffleRelativeBit)]
	_ = same[SubgroupClustered-uint32(vulkan.SubgroupFeatureClusteredBit)]
	_ = same[CaptureStatistics-C.VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR]
	_ = same[CaptureRepresentations-C.VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR]

	_ = same[MaxBindings-C.VKS_MAX_BINDINGS]
	_ = same[MaxConstants-C.VKS_MAX_CONSTANTS]
	_ = same[MaxSync-C.VKS_MAX_SYNC]
	_ = same[MaxPhysical-C.VKS_MAX_PHYSICAL]
	_ = same[MaxHeaps-C.VK_MAX_MEMORY_HEAPS]
	_ = same[maxTypes-C.VK_MAX_MEMORY_TYPES]
	_ = same[maxShapes-C.VKS_MAX_SHAPES]
	_ = same[maxPriorities-C.VK_MAX_GLOBAL_PRIORITY_SIZE_KHR]
	_ = same[Dispatch-C.VKS_DISPATCH]
	_ = same[Barrier-C.VKS_BARRIER]
	_ = same[Fill-C.VKS_FILL]
	_ = same[Copy-C.VKS_COPY]
	_ = same[Timestamp-C.VKS_TIMESTAMP]

	_ = same[unsafe.Sizeof(Op{})-unsafe.Sizeof(cOp{})]
	_ = same[unsafe.Sizeof(Binding{})-unsafe.Sizeof(cBinding{})]
	_ = same[unsafe.Sizeof(Timeline{})-unsafe.Sizeof(cTimeline{})]
	_ = same[unsafe.Sizeof(Caps{})-unsafe.Sizeof(cCaps{})]
}

// What goes to C as it is.
type (
	cOp       = C.vks_op
	cBinding  = C.vks_binding
	cTimeline = C.vks_timeline
	cCaps     = C.vks_caps
	cShape    = C.vks_shape
)

// first is a list as C sees it; it is not kept.
func first[To, From any](list []From) *To { return (*To)(unsafe.Pointer(unsafe.SliceData(list))) }

// caps is c as C sees it.
func caps(c *Caps) *cCaps { return (*cCaps)(unsafe.Pointer(c)) }
