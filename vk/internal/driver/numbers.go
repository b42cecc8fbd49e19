package driver

// The numbers of Vulkan that package vk goes by, named as the specification
// does, without VK_. Where there is cgo the compiler holds them against the
// binding (binding.go).

// Results.
const (
	Success                   Result = 0
	NotReady                  Result = 1
	Timeout                   Result = 2
	Incomplete                Result = 5
	ErrorOutOfHostMemory      Result = -1
	ErrorOutOfDeviceMemory    Result = -2
	ErrorInitializationFailed Result = -3
	ErrorDeviceLost           Result = -4
	ErrorMemoryMapFailed      Result = -5
	ErrorLayerNotPresent      Result = -6
	ErrorExtensionNotPresent  Result = -7
	ErrorFeatureNotPresent    Result = -8
	ErrorIncompatibleDriver   Result = -9
	ErrorTooManyObjects       Result = -10
	ErrorFragmentedPool       Result = -12
	ErrorOutOfPoolMemory      Result = -1000069000
	ErrorInvalidShaderNV      Result = -1000012000

	// Newer than the binding.
	ErrorUnknown          Result = -13
	ErrorValidationFailed Result = -1000011001
	ErrorFragmentation    Result = -1000161000
	ErrorNotPermitted     Result = -1000174001
)

// Types of devices.
const (
	DeviceIntegrated uint32 = 1
	DeviceDiscrete   uint32 = 2
	DeviceVirtual    uint32 = 3
	DeviceCPU        uint32 = 4
)

// Types of objects.
const (
	ObjectBuffer   int32 = 9
	ObjectPipeline int32 = 19
)

// Flags.
const (
	QueueCompute    uint32 = 0x2
	StageCompute    uint32 = 0x20
	HeapDeviceLocal uint32 = 0x1

	MemoryDeviceLocal  uint32 = 0x1
	MemoryHostVisible  uint32 = 0x2
	MemoryHostCoherent uint32 = 0x4
	MemoryHostCached   uint32 = 0x8

	UsageTransferSrc uint32 = 0x1
	UsageTransferDst uint32 = 0x2
	UsageStorage     uint32 = 0x20
	UsageAddress     uint32 = 0x20000 // VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT

	SubgroupBasic           uint32 = 0x1
	SubgroupVote            uint32 = 0x2
	SubgroupArithmetic      uint32 = 0x4
	SubgroupBallot          uint32 = 0x8
	SubgroupShuffle         uint32 = 0x10
	SubgroupShuffleRelative uint32 = 0x20
	SubgroupClustered       uint32 = 0x40

	CaptureStatistics      uint32 = 0x40 // VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR
	CaptureRepresentations uint32 = 0x80 // VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR
)

// Bounds of what C has room for.
const (
	MaxBindings  = 16 // of a kernel
	MaxConstants = 64 // of a kernel
	MaxSync      = 16 // semaphores that a submission waits for, or signals
	MaxPhysical  = 64
	MaxHeaps     = 16

	maxTypes      = 32
	maxShapes     = 128
	maxPriorities = 16
)
