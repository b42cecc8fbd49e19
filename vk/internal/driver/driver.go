package driver

import "unsafe"

// Hook sees each function that is resolved, by name and address, and returns
// the address to call; nil changes nothing.
type Hook func(name string, address unsafe.Pointer) unsafe.Pointer

// Instance is a VkInstance with its own table of functions.
type Instance interface {
	// Resolve fills the table. It stops at a function that is needed and not
	// there, and returns its name, else "".
	Resolve(hook Hook) (missing string)
	// Version is the version of Vulkan that may be used.
	Version() uint32
	// StartMessenger collects the messages of the validation layer, where it was asked for.
	StartMessenger() Result
	// Message copies the oldest message to text and drops it. It returns the
	// length, or -1 when there is none.
	Message(text []byte) int
	// PhysicalDevices lists up to MaxPhysical devices.
	PhysicalDevices() ([]uint64, Result)
	// Query fills caps with what a physical device offers.
	Query(physical uint64, caps *Caps) Result
	// QueryBudget returns the bytes of each heap that the process may use, and uses.
	QueryBudget(physical uint64) (budget, usage [MaxHeaps]uint64)
	// QueryFamily describes a queue family; one without queues does not exist.
	QueryFamily(physical uint64, family uint32) Family
	// CreateDevice makes a device with the features of enable. queuePriority goes
	// from 0 to 1; globalPriority is a VkQueueGlobalPriority, or 0 to ask for none.
	CreateDevice(physical uint64, enable *Caps, queuePriority float32, globalPriority uint32) (Device, Result)
	// AdoptDevice makes a table for a device of the caller's. addresses says
	// whether its buffers have device addresses.
	AdoptDevice(device uint64, addresses bool) (Device, Result)
	// Destroy destroys the messenger and the VkInstance.
	Destroy()
	// Close frees the table, after which nothing of the instance may be called.
	Close()
}

// Device is a VkDevice with its own table of functions.
type Device interface {
	// Resolve does what Instance.Resolve does, for the functions of the device.
	Resolve(hook Hook) (missing string)
	// Queue asks for a queue that was made without flags.
	Queue(family, index uint32) uint64
	// SetQueue says where work is submitted.
	SetQueue(queue uint64, family, index uint32)
	// SetLock has two C functions called around each submission; see vk.QueueLock.
	SetLock(lock, unlock unsafe.Pointer, user uintptr)
	// Name labels an object of a VkObjectType for the validation layer.
	Name(objectType int32, object uint64, text string)
	// Destroy waits for the VkDevice and destroys it.
	Destroy()
	// Close frees the table, after which nothing of the device may be called.
	Close()

	Memory
	Pipelines

	// CreateRecorder makes what one recorder needs. call is the function that
	// failed, if one did.
	CreateRecorder() (r Recorder, result Result, call string)
	// Submit submits what the recorder recorded. With none nothing runs, but the
	// semaphores are waited for and signalled behind what was submitted before.
	Submit(r Recorder, wait, signal []Timeline) Result
	// SemaphoreValue is the value of a timeline semaphore now.
	SemaphoreValue(semaphore uint64) (uint64, Result)
}

// Memory is device memory and buffers. What a call that failed made is 0.
type Memory interface {
	Allocate(size uint64, memoryType uint32) (memory uint64, result Result)
	// Map maps all size bytes of an allocation.
	Map(memory, size uint64) ([]byte, Result)
	// Free unmaps too.
	Free(memory uint64)
	Flush(memory, offset, size uint64) Result
	Invalidate(memory, offset, size uint64) Result
	CreateBuffer(size uint64) (BufferNeeds, Result)
	BindBuffer(buffer, memory, offset uint64) Result
	// BufferAddress is 0 where buffers have no addresses.
	BufferAddress(buffer uint64) uint64
	DestroyBuffer(buffer uint64)
}

// Pipelines is what compiles kernels.
type Pipelines interface {
	CreatePipelineCache(data []byte) (cache uint64, result Result)
	// PipelineCacheData copies the data of a cache to data and returns its size;
	// nil asks for the size alone.
	PipelineCacheData(cache uint64, data []byte) (size uint64, result Result)
	MergePipelineCaches(into, from uint64) Result
	DestroyPipelineCache(cache uint64)
	CreateSetLayout(bindings int) (layout uint64, result Result)
	DestroySetLayout(layout uint64)
	// CreatePipeline compiles a kernel. call is the function that failed, if one did.
	CreatePipeline(k *Kernel) (pipeline, layout uint64, result Result, call string)
	DestroyPipeline(pipeline, layout uint64)
	// Statistics is what the compiler says of a pipeline; granted is the subgroup
	// size that the driver reports, 0 when unknown.
	Statistics(pipeline uint64) (list []Statistic, granted uint32)
	// Listing is the index-th text of the compiler; false past the last.
	Listing(pipeline uint64, index int) (name, text string, ok bool)
}

// Recorder is a command buffer with its fence, descriptor sets and queries.
type Recorder interface {
	// Record turns operations into the recorder's own command buffer. It notes
	// in ops which descriptor set each of them uses.
	Record(ops []Op, bindings []Binding, push []byte, timestamps int, canary Canary) Result
	// MakeSets makes the descriptor sets that RecordInto binds; they stay until
	// the recorder is destroyed.
	MakeSets(ops []Op, bindings []Binding) Result
	// RecordInto records into a command buffer of the caller's.
	RecordInto(commands uint64, ops []Op, push []byte, canary Canary)
	// Wait waits for the fence of the latest submission.
	Wait(nanoseconds uint64) Result
	// Timestamps reads as many as ticks has room for, and does not wait for them.
	Timestamps(ticks []uint64) Result
	// FailedCall is the function that made the latest call on the recorder fail.
	FailedCall() string
	Destroy()
}
