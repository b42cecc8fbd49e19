package vk

import (
	"slices"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// memoryUnfit are the properties of memory that is not for plain buffers: lazily
// allocated, protected, vendor-coherent.
const memoryUnfit = ^(driver.MemoryDeviceLocal | driver.MemoryHostVisible | driver.MemoryHostCoherent | driver.MemoryHostCached)

// memoryType is one entry of the device's table.
type memoryType struct {
	index, flags, heap uint32
	heapSize           uint64
}

// typeOrder lists the memory types that fit a kind, best first. All of them are
// tried in turn before an allocation fails.
func typeOrder(types []memoryType, kind MemoryKind, hostVisible bool) []memoryType {
	var largest uint64 // device-local heap; the 256 MiB window of a GPU without ReBAR is not it
	for _, t := range types {
		if t.flags&driver.MemoryDeviceLocal != 0 {
			largest = max(largest, t.heapSize)
		}
	}
	score := func(t memoryType) int {
		has := func(flag uint32, points int) int {
			if t.flags&flag != 0 {
				return points
			}
			return 0
		}
		switch kind {
		case Upload: // write-combined host memory, away from the device's own
			return has(driver.MemoryHostCoherent, 4) - has(driver.MemoryDeviceLocal, 2) - has(driver.MemoryHostCached, 1)
		case Readback: // uncached memory is read many times slower
			return has(driver.MemoryHostCached, 4) + has(driver.MemoryHostCoherent, 2) - has(driver.MemoryDeviceLocal, 1)
		}
		points := has(driver.MemoryDeviceLocal, 32)
		if t.heapSize == largest {
			points += has(driver.MemoryDeviceLocal, 16)
		}
		if hostVisible {
			return points + has(driver.MemoryHostVisible, 8) + has(driver.MemoryHostCoherent, 4) + has(driver.MemoryHostCached, 2)
		}
		return points - has(driver.MemoryHostVisible, 8)
	}
	var order []memoryType
	for _, t := range types {
		if t.flags&memoryUnfit != 0 || (kind != DeviceLocal && t.flags&driver.MemoryHostVisible == 0) {
			continue
		}
		order = append(order, t)
	}
	slices.SortStableFunc(order, func(a, b memoryType) int { return score(b) - score(a) })
	return order
}

func memoryTypes(c *driver.Caps) []memoryType {
	list := make([]memoryType, c.Types)
	for i := range list {
		heap := c.TypeHeap[i]
		list[i] = memoryType{index: uint32(i), flags: c.TypeFlags[i], heap: heap, heapSize: c.HeapSize[heap]}
	}
	return list
}
