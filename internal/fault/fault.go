//go:build cgo

// Package fault wraps Vulkan driver functions so that tests can make them fail:
// memory runs out, the device is lost, work hangs. Its switches are global to
// the process, so tests that use it must not run side by side.
package fault

// #include <stdlib.h>
// #include "fault.h"
import "C"

import "unsafe"

// Never is the value of a switch that is off.
const Never = -1

// Switches says what fails. A count n lets n calls succeed and fails those
// after; Never fails none.
type Switches struct {
	Allocation int  // vkAllocateMemory: out of device memory
	Submit     int  // vkQueueSubmit: device lost
	Wait       int  // vkWaitForFences: device lost
	Hang       int  // vkWaitForFences: times out
	FailWait   int  // vkWaitForFences: out of host memory
	Pipeline   int  // vkCreateComputePipelines: out of host memory
	Type       int  // the memory type of this index is out of memory
	Priority   bool // vkCreateDevice: not permitted, when a global priority is asked for
	Drop       int  // vkQueueSubmit: the work is dropped, and said to have ended
	BadClock   int  // vkGetQueryPoolResults: as Clock says
	Clock      Clock
	NoQueue    bool // vkGetDeviceQueue: null
	Incoherent bool // no memory type is host coherent; the atom is 256 bytes at least
}

// Clock is what is wrong with timestamps.
type Clock int

// The faults of clocks, in the last timestamp of those that are read.
const (
	ClockZero      Clock = C.FAULT_CLOCK_ZERO
	ClockBackwards Clock = C.FAULT_CLOCK_BACKWARDS
	ClockFast      Clock = C.FAULT_CLOCK_FAST // it is far ahead
	ClockNotReady  Clock = C.FAULT_CLOCK_NOT_READY
)

// Off lets everything succeed.
var Off = Switches{Allocation: Never, Submit: Never, Wait: Never, Hang: Never, FailWait: Never, Pipeline: Never, Type: Never, Drop: Never, BadClock: Never}

// Set switches faults on and off, also while other goroutines call the driver.
func Set(s Switches) {
	c := C.fault_switches{
		fail_allocation: C.int64_t(s.Allocation), lose_submit: C.int64_t(s.Submit), lose_wait: C.int64_t(s.Wait),
		hang_wait: C.int64_t(s.Hang), fail_wait: C.int64_t(s.FailWait), fail_pipeline: C.int64_t(s.Pipeline), no_type: C.int64_t(s.Type),
		drop_submit: C.int64_t(s.Drop), bad_clock: C.int64_t(s.BadClock), clock_fault: C.int64_t(s.Clock),
	}
	if s.Priority {
		c.refuse_priority = 1
	}
	if s.NoQueue {
		c.no_queue = 1
	}
	if s.Incoherent {
		c.incoherent = 1
	}
	C.fault_set(c)
}

// Counts says what has been called since ResetCounts.
type Counts struct {
	Live        int    // allocations made and not freed
	Flushes     int    // of mapped ranges
	Invalidates int    // of mapped ranges
	Misaligned  int    // flushes and invalidates of parts of an atom
	Submits     int    // calls of vkQueueSubmit
	Priority    int    // VkQueueGlobalPriority of the last vkCreateDevice, 0 for none
	Tried       uint64 // bit mask of the memory types asked for
}

// Count returns the counts.
func Count() Counts {
	c := C.fault_counted()
	return Counts{int(c.live), int(c.flushes), int(c.invalidates), int(c.misaligned), int(c.submits), int(c.priority), uint64(c.tried)}
}

// ResetCounts sets the counts to 0.
func ResetCounts() { C.fault_reset() }

// Hook is for vk.Options.Hook.
func Hook(name string, address unsafe.Pointer) unsafe.Pointer {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	return C.fault_wrap(c, address)
}

// The feature structures that RefuseFeatures knows, by VkStructureType.
const (
	Features2              = 1000059000
	BufferDeviceAddress    = 1000257000
	PipelineExecutableInfo = 1000269000
	VulkanMemoryModel      = 1000211000
	Storage16              = 1000083000
	TimelineSemaphore      = 1000207000
)

// RefuseFeatures makes vkCreateDevice return VK_ERROR_FEATURE_NOT_PRESENT for a
// device with one of these feature structures, as under a layer that hides them.
func RefuseFeatures(structures ...int32) {
	C.fault_refused_features = [C.FAULT_REFUSED]C.int32_t{}
	for i, s := range structures {
		C.fault_refused_features[i] = C.int32_t(s) //nolint:gocritic // seen in the code that cgo generates
	}
}

// RefuseExtension does the same with VK_ERROR_EXTENSION_NOT_PRESENT for an
// extension, "" for none.
func RefuseExtension(name string) {
	C.fault_refused_extension = [len(C.fault_refused_extension)]C.char{}
	for i := range name {
		C.fault_refused_extension[i] = C.char(name[i]) //nolint:gocritic // seen in the code that cgo generates
	}
}
