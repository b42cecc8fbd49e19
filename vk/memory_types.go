//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #include "shim.h"
import "C"

import "slices"

// VkMemoryPropertyFlagBits.
const (
	memoryDeviceLocal  = 0x1
	memoryHostVisible  = 0x2
	memoryHostCoherent = 0x4
	memoryHostCached   = 0x8
	// Lazily allocated, protected and vendor-coherent memory is not for plain buffers.
	memoryUnfit = ^uint32(0xf)
)

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
		if t.flags&memoryDeviceLocal != 0 {
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
			return has(memoryHostCoherent, 4) - has(memoryDeviceLocal, 2) - has(memoryHostCached, 1)
		case Readback: // uncached memory is read many times slower
			return has(memoryHostCached, 4) + has(memoryHostCoherent, 2) - has(memoryDeviceLocal, 1)
		}
		points := has(memoryDeviceLocal, 32)
		if t.heapSize == largest {
			points += has(memoryDeviceLocal, 16)
		}
		if hostVisible {
			return points + has(memoryHostVisible, 8) + has(memoryHostCoherent, 4) + has(memoryHostCached, 2)
		}
		return points - has(memoryHostVisible, 8)
	}
	var order []memoryType
	for _, t := range types {
		if t.flags&memoryUnfit != 0 || (kind != DeviceLocal && t.flags&memoryHostVisible == 0) {
			continue
		}
		order = append(order, t)
	}
	slices.SortStableFunc(order, func(a, b memoryType) int { return score(b) - score(a) })
	return order
}

func memoryTypes(c *C.vks_caps) []memoryType {
	list := make([]memoryType, c.types)
	for i := range list {
		heap := uint32(c.type_heap[i])
		list[i] = memoryType{index: uint32(i), flags: uint32(c.type_flags[i]), heap: heap, heapSize: uint64(c.heap_size[heap])}
	}
	return list
}
