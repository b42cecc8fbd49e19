package vk

import (
	"fmt"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

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
	if t.flags&driver.MemoryDeviceLocal != 0 {
		where = "device-local"
	}
	return fmt.Sprintf("heap %d (%s, %d bytes)", t.heap, where, t.heapSize)
}

// left guesses how many bytes each heap has left.
func (a *allocator) left() (left [driver.MaxHeaps]uint64) {
	caps := a.device.physical.caps
	var budget, usage [driver.MaxHeaps]uint64
	known := a.device.physical.report.Features.MemoryBudget
	if known {
		budget, usage = a.device.instance.driver.QueryBudget(a.device.physical.handle)
	}
	for i := range min(int(caps.Heaps), len(left)) {
		size, used := caps.HeapSize[i], a.used[i]
		if known {
			size, used = budget[i], usage[i]
		}
		left[i] = size - min(used, size)
	}
	return left
}
