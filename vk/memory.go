//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #include "shim.h"
import "C"

import (
	"errors"
	"slices"
	"sync"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// blockSize is what the allocator asks of the driver at a time. Larger buffers,
// and those over half of it, get memory of their own.
const blockSize = 64 << 20

// allocator hands out device memory in pieces of blocks.
type allocator struct {
	mu     sync.Mutex
	device *Device
	order  [3][]memoryType // by MemoryKind
	atom   uint64          // nonCoherentAtomSize
	blocks []*block
	used   [C.VK_MAX_MEMORY_HEAPS]uint64 // bytes taken from each heap
	total  uint64                        // bytes taken from all heaps
}

// allocation is the memory of one buffer.
type allocation struct {
	block *block
	span
}

func (a *allocator) init(d *Device) {
	a.device = d
	a.atom = max(uint64(d.physical.caps.atom), 1)
	types := memoryTypes(d.physical.caps)
	for kind := range a.order {
		a.order[kind] = typeOrder(types, MemoryKind(kind), d.physical.report.Features.HostVisible)
	}
}

// alloc finds memory of one of the allowed types for a buffer, trying every
// type that fits kind.
func (a *allocator) alloc(what string, size, align uint64, allowed uint32, kind MemoryKind) (allocation, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var full outOfMemory
	for _, t := range a.order[kind] {
		if allowed&(1<<t.index) == 0 {
			continue
		}
		need := size
		if t.flags&memoryHostVisible != 0 && t.flags&memoryHostCoherent == 0 {
			// Flushes work on whole atoms, which must not be shared.
			align, need = max(align, a.atom), roundUp(size, a.atom)
		}
		m, err := a.allocType(what, need, align, t)
		var oom *OutOfMemoryError
		if err == nil || !errors.As(err, &oom) {
			return m, err
		}
		full.tried = append(full.tried, t)
		full.errors = append(full.errors, oom)
	}
	return allocation{}, full.error(a, what, size)
}

func (a *allocator) allocType(what string, size, align uint64, t memoryType) (allocation, error) {
	standard := min(blockSize, t.heapSize/8)
	if budget := a.device.opt.MemoryBudget; budget > 0 {
		if taken := roundUp(size, a.atom); taken > budget-min(a.total, budget) {
			return allocation{}, &MemoryBudgetError{What: what, Need: taken, Used: a.total, Budget: budget, Try: "shorter inputs, fewer heads at a time, or a larger budget"}
		}
		standard = 0
	}
	if size <= standard/2 {
		for _, b := range a.blocks {
			if b.kind.index != t.index || b.dedicated {
				continue
			}
			if s, ok := b.take(size, align); ok {
				return allocation{b, s}, nil
			}
		}
		if b, err := a.newBlock(standard, t); err == nil {
			s, _ := b.take(size, align)
			return allocation{b, s}, nil
		}
	}
	b, err := a.newBlock(size, t)
	if err != nil {
		return allocation{}, err
	}
	b.dedicated = true
	s, _ := b.take(size, 1)
	return allocation{b, s}, nil
}

// allocationError says why vkAllocateMemory failed.
func (a *allocator) allocationError(result int32) error {
	if vulkan.Result(result) != vulkan.ErrorTooManyObjects {
		return callError("vkAllocateMemory", result)
	}
	return &LimitError{
		What: "one more call of vkAllocateMemory", Limit: "maxMemoryAllocationCount", Asked: uint64(len(a.blocks)) + 1,
		Max: uint64(a.device.physical.caps.max_allocations), Try: "fewer buffers at a time, also of other parts of the program",
	}
}

func (a *allocator) newBlock(size uint64, t memoryType) (*block, error) {
	size = roundUp(size, a.atom)
	var memory C.uint64_t
	r := C.vks_allocate(a.device.shim, C.uint64_t(size), C.uint32_t(t.index), &memory)
	if r != 0 {
		return nil, a.device.fail(a.allocationError(int32(r)))
	}
	b := &block{memory: handle[vulkan.DeviceMemory](memory), size: size, kind: t, free: []span{{0, size}}}
	if t.flags&memoryHostVisible != 0 {
		// A variable of its own: what is passed to C must not lie among Go pointers.
		var mapped unsafe.Pointer
		if r := C.vks_map(a.device.shim, memory, &mapped); r != 0 { //nolint:gocritic // seen in the code that cgo generates for a pointer to a pointer
			C.vks_free(a.device.shim, memory)
			return nil, a.device.fail(callError("vkMapMemory", int32(r)))
		}
		b.mapped = mapped
	}
	a.blocks = append(a.blocks, b)
	a.used[t.heap] += size
	a.total += size
	return b, nil
}

// free gives the memory of a buffer back. One empty block of a type is kept
// for the next buffer.
func (a *allocator) free(m allocation) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m.block.give(m.span)
	if !m.block.empty() {
		return
	}
	spare := slices.ContainsFunc(a.blocks, func(b *block) bool {
		return b != m.block && b.kind.index == m.block.kind.index && !b.dedicated && b.empty()
	})
	if m.block.dedicated || spare {
		a.blocks = slices.DeleteFunc(a.blocks, func(b *block) bool { return b == m.block })
		a.freeBlock(m.block)
	}
}

// MemoryUsage returns the bytes of device memory that the device's buffers
// hold, with what is kept for the next ones, and Options.MemoryBudget.
func (d *Device) MemoryUsage() (used, budget uint64) {
	d.memory.mu.Lock()
	defer d.memory.mu.Unlock()
	return d.memory.total, d.opt.MemoryBudget
}

// freeBlock unmaps too: freeing mapped memory does.
func (a *allocator) freeBlock(b *block) {
	C.vks_free(a.device.shim, bits(b.memory))
	a.used[b.kind.heap] -= b.size
	a.total -= b.size
}

func (a *allocator) destroy() {
	for _, b := range a.blocks {
		a.freeBlock(b)
	}
	a.blocks = nil
}

// pointer is the address of a slice's first byte, for C calls that do not keep it.
func pointer(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }
