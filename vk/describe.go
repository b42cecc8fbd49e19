package vk

// PipelineConfig describes a compute kernel.
type PipelineConfig struct {
	Name         string
	Code         []byte   // SPIR-V; its entry point is main
	Bindings     int      // storage buffers, at set 0, bindings 0 to Bindings-1
	PushBytes    int      // size of the push constants, a multiple of 4
	Constants    []uint32 // specialization constants 0, 1, ...; 4 bytes each
	SubgroupSize uint32   // required size; 0 leaves it to the driver
	// FullSubgroups asks for workgroups without idle subgroup lanes; the
	// workgroup's x size must be a multiple of the subgroup size.
	FullSubgroups bool
	// Statistics lets Pipeline.Statistics answer, where the device has PipelineExecutableInfo.
	Statistics bool
	// Listings does the same for Pipeline.Listings.
	Listings bool
}

// Statistic is one figure that the driver's compiler gives about a pipeline,
// such as a number of registers or spills. Names differ from driver to driver.
type Statistic struct {
	Name  string
	Value float64
}

// Listing is a text that the driver's compiler gives about a pipeline, such as
// its machine code. Names and formats differ from driver to driver.
type Listing struct {
	Name string
	Text string
}

// Binding is the part of a buffer that a kernel sees at one binding. Size 0
// reaches to the end of the buffer.
type Binding struct {
	Buffer       *Buffer
	Offset, Size uint64
}
