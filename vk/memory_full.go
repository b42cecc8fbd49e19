//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #include "shim.h"
import "C"

import "fmt"

// outOfMemory collects how the memory types that fit a buffer failed.
type outOfMemory struct {
	tried  []memoryType
	errors []*OutOfMemoryError
}

// error speaks of the heap that has the most left, and of what failed there.
func (o *outOfMemory) error(a *allocator, what string, size uint64) error {
	e := &OutOfMemoryError{What: what, Asked: size}
	left := a.left()
	for i, t := range o.tried {
		if i > 0 && left[t.heap] <= e.Available {
			continue
		}
		e.Call, e.Host = o.errors[i].Call, o.errors[i].Host
		e.Available, e.Heap = left[t.heap], heapText(t)
	}
	if e.Host { // of which the device's heaps say nothing
		e.Available, e.Heap = 0, ""
	}
	return e
}

func heapText(t memoryType) string {
	where := "the host's"
	if t.flags&memoryDeviceLocal != 0 {
		where = "device-local"
	}
	return fmt.Sprintf("heap %d (%s, %d bytes)", t.heap, where, t.heapSize)
}

// left guesses how many bytes each heap has left.
func (a *allocator) left() (left [C.VK_MAX_MEMORY_HEAPS]uint64) {
	caps := a.device.physical.caps
	var budget, usage [C.VK_MAX_MEMORY_HEAPS]C.uint64_t
	known := a.device.physical.report.Features.MemoryBudget
	if known {
		C.vks_query_budget(a.device.instance.shim, bits(a.device.physical.handle), &budget[0], &usage[0])
	}
	for i := range min(int(caps.heaps), len(left)) {
		size, used := uint64(caps.heap_size[i]), a.used[i]
		if known {
			size, used = uint64(budget[i]), uint64(usage[i])
		}
		left[i] = size - min(used, size)
	}
	return left
}
