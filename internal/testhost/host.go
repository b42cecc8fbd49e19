//go:build cgo && !windows

// Package testhost is a small Vulkan application written in C, for tests: it
// owns a device and lends it, has passes of its own before and after, and
// locks its queue. Errors panic with the Vulkan result: a test can do nothing
// about them.
package testhost

// #cgo CFLAGS: -std=gnu11 -Wall
// #cgo linux LDFLAGS: -ldl
// #include "host.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// Sets of features that a host enables where the device offers them.
const (
	Storage16    = C.HOST_STORAGE16
	Float16      = C.HOST_FLOAT16
	SubgroupSize = C.HOST_SUBGROUP_SIZE
	MemoryModel  = C.HOST_MEMORY_MODEL
	Address      = C.HOST_ADDRESS
	Timeline     = C.HOST_TIMELINE
	CoopMatrix   = C.HOST_COOPMAT
	CoopMatrix2  = C.HOST_COOPMAT2 // with maintenance4
	All          = C.HOST_ALL
)

// Vulkan versions.
const (
	Vulkan11 = 1<<22 | 1<<12
	Vulkan12 = 1<<22 | 2<<12
	Vulkan13 = 1<<22 | 3<<12
)

// Buffer usages.
const (
	UsageTransferSrc = C.VK_BUFFER_USAGE_TRANSFER_SRC_BIT
	UsageTransferDst = C.VK_BUFFER_USAGE_TRANSFER_DST_BIT
	UsageStorage     = C.VK_BUFFER_USAGE_STORAGE_BUFFER_BIT
	UsageAddress     = C.VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT
)

// Options say what instance and device to make.
type Options struct {
	API         uint32 // of the instance; 0 is Vulkan13
	Enable      uint32 // features
	SingleChain bool   // a structure for each feature, not those of whole versions
}

// Host is the application.
type Host struct {
	h *C.host

	GetInstanceProcAddr                     unsafe.Pointer
	Instance, PhysicalDevice, Device, Queue uint64
	QueueFamily                             uint32
	API                                     uint32
	Features                                unsafe.Pointer // the chain that vkCreateDevice got
	Extensions                              []string
	Lock, Unlock, User                      unsafe.Pointer // the C functions that lock the queue
}

// Open makes the instance, the device and the queue.
func Open(o Options) (*Host, error) {
	if o.API == 0 {
		o.API = Vulkan13
	}
	c := C.host_options{api: C.uint32_t(o.API), enable: C.uint32_t(o.Enable)}
	if o.SingleChain {
		c.single_chain = 1
	}
	text := make([]byte, 256)
	h := C.host_open(&c, (*C.char)(unsafe.Pointer(&text[0])), C.size_t(len(text)))
	if h == nil {
		return nil, errors.New("test host: " + string(text))
	}
	host := &Host{
		h: h, GetInstanceProcAddr: C.host_get_instance_proc_addr(),
		Instance: uint64(C.host_instance(h)), PhysicalDevice: uint64(C.host_physical(h)), Device: uint64(C.host_device(h)), Queue: uint64(C.host_queue(h)),
		QueueFamily: uint32(C.host_family(h)), API: o.API, Features: C.host_features(h),
		Lock: C.host_lock, Unlock: C.host_unlock, User: unsafe.Pointer(h),
	}
	for i := range C.host_extension_count(h) {
		host.Extensions = append(host.Extensions, C.GoString(C.host_extension(h, i)))
	}
	return host, nil
}

// Close destroys what the host made, first waiting for the device.
func (h *Host) Close() { C.host_close(h.h) }

// Locks is how often the queue's lock was taken from outside; bad counts a
// wrong family or index, and unlocking by another thread.
func (h *Host) Locks() (locks, bad int) { return int(C.host_locks(h.h)), int(C.host_bad_locks(h.h)) }

func must(what string, result C.int32_t) {
	if result != 0 {
		panic(fmt.Sprintf("test host: %s: VkResult %d", what, int32(result)))
	}
}

// Buffer is a buffer of the host's, in memory that is mapped.
type Buffer struct {
	host    *Host
	c       C.host_buffer
	Handle  uint64
	Size    uint64
	Usage   uint32
	Address uint64
	Bytes   []byte
}

// NewBuffer makes a buffer.
func (h *Host) NewBuffer(size uint64, usage uint32) *Buffer {
	b := &Buffer{host: h, Size: size, Usage: usage}
	must("make a buffer", C.host_make_buffer(h.h, C.uint64_t(size), C.uint32_t(usage), &b.c)) //nolint:gocritic // seen in the code that cgo generates
	b.Handle, b.Address = uint64(b.c.buffer), uint64(b.c.address)
	b.Bytes = unsafe.Slice((*byte)(b.c.mapped), size)
	return b
}

// Free destroys the buffer.
func (b *Buffer) Free() { C.host_free_buffer(b.host.h, &b.c) } //nolint:gocritic // seen in the code that cgo generates

// Commands is a command buffer of the host's. Its passes come without barriers.
type Commands struct {
	host   *Host
	Handle uint64
}

// Begin makes a command buffer and begins it.
func (h *Host) Begin() Commands {
	var c C.uint64_t
	must("make a command buffer", C.host_make_commands(h.h, &c))
	must("begin", C.host_begin(h.h, c))
	return Commands{h, uint64(c)}
}

// BeginAgain forgets what was recorded.
func (c Commands) BeginAgain() { must("begin", C.host_begin(c.host.h, C.uint64_t(c.Handle))) }

// End ends the recording of commands.
func (c Commands) End() { must("end", C.host_end(c.host.h, C.uint64_t(c.Handle))) }

// Fill sets a whole buffer.
func (c Commands) Fill(b *Buffer, value uint32) {
	C.host_fill(c.host.h, C.uint64_t(c.Handle), b.c.buffer, C.uint64_t(b.Size), C.uint32_t(value))
}

// Copy copies as many bytes as both buffers have.
func (c Commands) Copy(to, from *Buffer) {
	C.host_copy(c.host.h, C.uint64_t(c.Handle), from.c.buffer, to.c.buffer, C.uint64_t(min(to.Size, from.Size)))
}

// Barrier orders the host's own passes, and makes them visible to the host.
func (c Commands) Barrier() { C.host_barrier(c.host.h, C.uint64_t(c.Handle)) }

// MakePass gives the host its kernel: SPIR-V of local size 64 with two storage
// buffers and the push constants {words, 0}, which copies words.
func (h *Host) MakePass(code []byte) {
	must("make a kernel", C.host_make_pass(h.h, unsafe.Pointer(&code[0]), C.uint64_t(len(code))))
}

// Pass copies as many words as both buffers have with the host's kernel.
func (c Commands) Pass(to, from *Buffer) {
	must("record a kernel", C.host_pass(c.host.h, C.uint64_t(c.Handle), from.c.buffer, to.c.buffer, C.uint32_t(min(to.Size, from.Size)/4)))
}

// Point is a value of a timeline semaphore; none for semaphore 0.
type Point struct{ Semaphore, Value uint64 }

// Submit submits command buffers, and returns at once.
func (h *Host) Submit(wait, signal Point, commands ...Commands) {
	list := make([]C.uint64_t, len(commands)+1)
	for i, c := range commands {
		list[i] = C.uint64_t(c.Handle)
	}
	must("submit", C.host_submit(h.h, &list[0], C.uint32_t(len(commands)), C.uint64_t(wait.Semaphore), C.uint64_t(wait.Value), C.uint64_t(signal.Semaphore), C.uint64_t(signal.Value)))
}

// Finish waits until the queue is idle.
func (h *Host) Finish() { must("vkQueueWaitIdle", C.host_finish(h.h)) }

// NewTimeline makes a timeline semaphore of value 0.
func (h *Host) NewTimeline() uint64 {
	var s C.uint64_t
	must("make a semaphore", C.host_make_timeline(h.h, 0, &s))
	return uint64(s)
}

// FreeTimeline destroys a semaphore.
func (h *Host) FreeTimeline(s uint64) { C.host_free_timeline(h.h, C.uint64_t(s)) }

// Value is a semaphore's value now.
func (h *Host) Value(s uint64) uint64 {
	var v C.uint64_t
	must("vkGetSemaphoreCounterValue", C.host_timeline_value(h.h, C.uint64_t(s), &v))
	return uint64(v)
}

// Signal sets a semaphore from the host.
func (h *Host) Signal(p Point) {
	must("vkSignalSemaphore", C.host_timeline_signal(h.h, C.uint64_t(p.Semaphore), C.uint64_t(p.Value)))
}

// Await waits on the host for a semaphore; false when it takes too long.
func (h *Host) Await(p Point, nanoseconds uint64) bool {
	return C.host_timeline_wait(h.h, C.uint64_t(p.Semaphore), C.uint64_t(p.Value), C.uint64_t(nanoseconds)) == 0
}
