package vk

import "fmt"

// Report says what one physical device offers, after Options.Disable and the
// quirk table have taken away what must not be used.
type Report struct {
	Index      int    `json:"index"`   // place in List
	Default    bool   `json:"default"` // the device that Open takes with the options of List
	Name       string `json:"name"`
	Driver     string `json:"driver"`
	DriverInfo string `json:"driver_info"`
	DriverID   uint32 `json:"driver_id"` // VkDriverId; 0 when the driver does not say
	VendorID   uint32 `json:"vendor_id"`
	DeviceID   uint32 `json:"device_id"`
	API        string `json:"api"`  // highest Vulkan version of the device, as 1.3.250
	Type       string `json:"type"` // discrete, integrated, virtual, cpu or other

	Limits   Limits   `json:"limits"`
	Features Features `json:"features"`
	// QueuePriorities are the global priorities that the driver says a queue may
	// ask for: low, medium, high, realtime. None where it does not say.
	QueuePriorities []string    `json:"queue_priorities,omitempty"`
	Subgroup        Subgroup    `json:"subgroup"`
	CoopMatrix      []CoopShape `json:"coop_matrix,omitempty"`
	CoopMatrix2     CoopMatrix2 `json:"coop_matrix2"`
	Hardware        Hardware    `json:"hardware"`
	Heaps           []Heap      `json:"heaps"`
	UMA             bool        `json:"uma"` // every device-local byte is host visible

	// Why says, for each feature that is off, the reason; the keys are FeatureNames.
	Why map[string]string `json:"why,omitempty"`
}

// Limits are those that a compute kernel can meet. Sizes are in bytes.
type Limits struct {
	MaxStorageBufferRange uint64    `json:"max_storage_buffer_range"` // one binding
	MaxAllocation         uint64    `json:"max_allocation"`           // one allocation, hence one buffer
	MaxGroups             [3]uint32 `json:"max_groups"`
	MaxGroupSize          [3]uint32 `json:"max_group_size"`
	MaxInvocations        uint32    `json:"max_invocations"` // of a workgroup
	SharedMemory          uint32    `json:"shared_memory"`
	PushConstants         uint32    `json:"push_constants"`
	MaxStorageBuffers     uint32    `json:"max_storage_buffers"` // bindings of a kernel
	StorageAlign          uint64    `json:"storage_align"`       // of a binding's offset
	TimestampPeriod       float64   `json:"timestamp_period"`    // nanoseconds a tick
	TimestampBits         uint32    `json:"timestamp_bits"`      // 0: no GPU timestamps
	// LoopRounds is how many rounds all loops of an invocation may take together
	// before the driver ends them, without an error; 0: any number. From the
	// quirk table.
	LoopRounds uint32 `json:"loop_rounds,omitempty"`
}

// Features are optional abilities of the device.
type Features struct {
	Float16                bool `json:"float16"`   // arithmetic on halves in shaders (shaderFloat16)
	Storage16              bool `json:"storage16"` // 16-bit types in storage buffers (storageBuffer16BitAccess)
	Int16                  bool `json:"int16"`
	Int64                  bool `json:"int64"`
	SubgroupExtended       bool `json:"subgroup_extended"` // subgroup operations on halves
	SubgroupSizeControl    bool `json:"subgroup_size_control"`
	VulkanMemoryModel      bool `json:"vulkan_memory_model"` // with device scope, which atomics of kernels take
	CooperativeMatrix      bool `json:"cooperative_matrix"`
	CooperativeMatrix2     bool `json:"cooperative_matrix2"`
	PipelineExecutableInfo bool `json:"pipeline_executable_info"`
	MemoryBudget           bool `json:"memory_budget"`
	BufferAddress          bool `json:"buffer_address"` // kernels may read buffers by address (bufferDeviceAddress)
	TimelineSemaphore      bool `json:"timeline_semaphore"`
	HostVisible            bool `json:"host_visible"` // device-local memory that the host can map
}

// Subgroup describes the groups of invocations that run in step.
type Subgroup struct {
	Size            uint32 `json:"size"` // what a pipeline gets that asks for none; 0 when switched off
	Min             uint32 `json:"min"`  // sizes that a pipeline may ask for; 0 without size control
	Max             uint32 `json:"max"`
	MaxPerGroup     uint32 `json:"max_per_group"` // subgroups of a workgroup; 0 when unknown
	Basic           bool   `json:"basic"`
	Vote            bool   `json:"vote"`
	Arithmetic      bool   `json:"arithmetic"`
	Ballot          bool   `json:"ballot"`
	Shuffle         bool   `json:"shuffle"`
	ShuffleRelative bool   `json:"shuffle_relative"`
	Clustered       bool   `json:"clustered"`
	SizeControl     bool   `json:"size_control"`
	FullSubgroups   bool   `json:"full_subgroups"`
	ComputeStage    bool   `json:"compute_stage"` // the operations work in compute shaders
}

// CoopShape is one product C[M,N] = A[M,K]·B[K,N]+C that the matrix units do.
type CoopShape struct {
	M          uint32 `json:"m"`
	N          uint32 `json:"n"`
	K          uint32 `json:"k"`
	A          string `json:"a"` // element types: f16, f32, bf16, s8, ...
	B          string `json:"b"`
	C          string `json:"c"`
	Out        string `json:"out"`
	Scope      string `json:"scope"` // subgroup or workgroup
	Saturating bool   `json:"saturating"`
}

func (s CoopShape) String() string {
	return fmt.Sprintf("%dx%dx%d %s*%s+%s->%s %s", s.M, s.N, s.K, s.A, s.B, s.C, s.Out, s.Scope)
}

// CoopMatrix2 says which parts of VK_NV_cooperative_matrix2 there are.
type CoopMatrix2 struct {
	WorkgroupScope     bool   `json:"workgroup_scope"`
	FlexibleDimensions bool   `json:"flexible_dimensions"`
	Reductions         bool   `json:"reductions"`
	Conversions        bool   `json:"conversions"`
	PerElement         bool   `json:"per_element"`
	TensorAddressing   bool   `json:"tensor_addressing"`
	BlockLoads         bool   `json:"block_loads"`
	MaxWorkgroupSize   uint32 `json:"max_workgroup_size"`
	MaxDimension       uint32 `json:"max_dimension"`
	ReservedShared     uint32 `json:"reserved_shared"` // bytes of shared memory that workgroup scope takes
	// Flexible lists granularities: each dimension may be any multiple.
	Flexible []FlexibleShape `json:"flexible,omitempty"`
}

// FlexibleShape is a CoopShape whose M, N and K are granularities.
type FlexibleShape struct {
	CoopShape
	Invocations uint32 `json:"invocations"` // workgroup size it holds for; 0 at subgroup scope
}

// Hardware is what tells one family of devices from another. Nothing of it is
// switched off by Options.Disable or the quirk table. Zero means that the
// driver does not say.
type Hardware struct {
	DriverVersion uint32   `json:"driver_version"` // as the vendor packs it
	SMs           uint32   `json:"sms"`            // NVIDIA's streaming multiprocessors
	WarpsPerSM    uint32   `json:"warps_per_sm"`   // that one of them holds
	WavesPerSIMD  uint32   `json:"waves_per_simd"` // that a SIMD of AMD's holds
	SubgroupMin   uint32   `json:"subgroup_min"`
	SubgroupMax   uint32   `json:"subgroup_max"`
	MixedDot      bool     `json:"mixed_dot"`              // fast sums of products of signed with unsigned bytes
	MatrixTypes   []string `json:"matrix_types,omitempty"` // element types that cooperative matrices multiply
}

// Heap is a pool of device memory.
type Heap struct {
	Size        uint64 `json:"size"`
	Budget      uint64 `json:"budget"` // bytes this process may use now; 0 when the driver does not say
	DeviceLocal bool   `json:"device_local"`
}

// WhyNot returns why a feature of FeatureNames is off, "" when it is on.
func (r *Report) WhyNot(feature string) string { return r.Why[feature] }

func (r *Report) String() string {
	return fmt.Sprintf("%d: %s (%s, %s, Vulkan %s)", r.Index, r.Name, r.Type, r.Driver, r.API)
}
