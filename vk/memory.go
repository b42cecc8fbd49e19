package vk

import (
	"errors"
	"slices"
	"sync"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
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
	used   [driver.MaxHeaps]uint64 // bytes taken from each heap
	total  uint64                  // bytes taken from all heaps
}

// allocation is the memory of one buffer.
type allocation struct {
	block *block
	span
}

func (a *allocator) init(d *Device) {
	a.device = d
	a.atom = max(d.physical.caps.Atom, 1)
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
		if t.flags&driver.MemoryHostVisible != 0 && t.flags&driver.MemoryHostCoherent == 0 {
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
func (a *allocator) allocationError(result driver.Result) error {
	if result != driver.ErrorTooManyObjects {
		return callError("vkAllocateMemory", result)
	}
	return &LimitError{
		What: "one more call of vkAllocateMemory", Limit: "maxMemoryAllocationCount", Asked: uint64(len(a.blocks)) + 1,
		Max: uint64(a.device.physical.caps.MaxAllocations), Try: "fewer buffers at a time, also of other parts of the program",
	}
}

func (a *allocator) newBlock(size uint64, t memoryType) (*block, error) {
	size = roundUp(size, a.atom)
	memory, r := a.device.driver.Allocate(size, t.index)
	if r != driver.Success {
		return nil, a.device.fail(a.allocationError(r))
	}
	b := &block{memory: memory, size: size, kind: t, free: []span{{0, size}}}
	if t.flags&driver.MemoryHostVisible != 0 {
		if b.mapped, r = a.device.driver.Map(memory, size); r != driver.Success {
			a.device.driver.Free(memory)
			return nil, a.device.fail(callError("vkMapMemory", r))
		}
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
	a.device.driver.Free(b.memory)
	a.used[b.kind.heap] -= b.size
	a.total -= b.size
}

// destroy frees all. MemoryUsage may be asked meanwhile.
func (a *allocator) destroy() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range a.blocks {
		a.freeBlock(b)
	}
	a.blocks = nil
}
