//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #include "shim.h"
import "C"

import (
	"errors"
	"sync"
	"sync/atomic"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// A canary is a word that the last command of a submission writes, behind a
// barrier, with a value that is new each time. A driver that drops work, or is
// reset in the middle of it, may signal the fence all the same; the word tells.

// canaryPageSize is the memory that is asked of the driver at a time.
const canaryPageSize = 16 << 10

// canaries hand out words that the device writes and the host reads. Their
// memory is not that of buffers: no budget counts it.
type canaries struct {
	mu    sync.Mutex
	pages []*canaryPage
}

type canaryPage struct {
	buffer C.uint64_t
	memory *block
}

// canary is one word or several next to each other.
type canary struct {
	page  *canaryPage
	place span
}

// take hands out words that hold 0.
func (c *canaries) take(d *Device, words int) (canary, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Whole atoms, so that the host's writes leave other canaries alone.
	step := max(d.memory.atom, 64)
	size := roundUp(4*uint64(words), step)
	for _, page := range c.pages {
		if place, ok := page.memory.take(size, step); ok {
			x := canary{page, place}
			return x, x.clear(d)
		}
	}
	page, err := newCanaryPage(d, max(size, canaryPageSize))
	if err != nil {
		return canary{}, err
	}
	c.pages = append(c.pages, page)
	place, _ := page.memory.take(size, step)
	x := canary{page, place}
	return x, x.clear(d)
}

// give takes the words back.
func (c *canaries) give(x canary) {
	if x.page == nil {
		return
	}
	c.mu.Lock()
	x.page.memory.give(x.place)
	c.mu.Unlock()
}

func (c *canaries) destroy(d *Device) {
	for _, page := range c.pages {
		page.destroy(d)
	}
	c.pages = nil
}

// newCanaryPage makes a buffer in the memory that the host reads best.
func newCanaryPage(d *Device, size uint64) (*canaryPage, error) {
	page := &canaryPage{}
	var need, align C.uint64_t
	var allowed C.uint32_t
	if r := C.vks_create_buffer(d.shim, C.uint64_t(size), &page.buffer, &need, &align, &allowed); r != 0 {
		return nil, d.fail(callError("vkCreateBuffer", int32(r)))
	}
	err := errors.New("vk: no memory that the host sees fits a buffer")
	for _, t := range d.memory.order[Readback] {
		if allowed&(1<<t.index) == 0 {
			continue
		}
		if err = page.allocate(d, uint64(need), t); err == nil {
			return page, nil
		}
		var full *OutOfMemoryError
		if !errors.As(err, &full) || full.Call != "vkAllocateMemory" {
			break // another type of memory would not help
		}
	}
	page.destroy(d)
	return nil, d.fail(err)
}

// allocate gives the page memory of a type; on an error it has none.
func (p *canaryPage) allocate(d *Device, size uint64, t memoryType) error {
	size = roundUp(size, d.memory.atom)
	var memory C.uint64_t
	if r := C.vks_allocate(d.shim, C.uint64_t(size), C.uint32_t(t.index), &memory); r != 0 {
		return d.memory.allocationError(int32(r))
	}
	var mapped unsafe.Pointer
	err := callError("vkMapMemory", int32(C.vks_map(d.shim, memory, &mapped))) //nolint:gocritic // seen in the code that cgo generates for a pointer to a pointer
	if err == nil {
		err = callError("vkBindBufferMemory", int32(C.vks_bind_buffer(d.shim, p.buffer, memory, 0)))
	}
	if err != nil {
		C.vks_free(d.shim, memory)
		return err
	}
	p.memory = &block{memory: handle[vulkan.DeviceMemory](memory), size: size, kind: t, mapped: mapped, free: []span{{0, size}}}
	return nil
}

func (p *canaryPage) destroy(d *Device) {
	C.vks_destroy_buffer(d.shim, p.buffer)
	if p.memory != nil {
		C.vks_free(d.shim, bits(p.memory.memory))
	}
}

// clear sets the words to 0; no submitted work may be about to write them.
func (x canary) clear(d *Device) error {
	clear(x.words())
	if x.coherent() {
		return nil
	}
	return d.fail(callError("vkFlushMappedMemoryRanges", int32(C.vks_flush(d.shim, bits(x.page.memory.memory), C.uint64_t(x.place.offset), C.uint64_t(x.place.size)))))
}

// refresh lets the host see what the device has written.
func (x canary) refresh(d *Device) error {
	if x.coherent() {
		return nil
	}
	return d.fail(callError("vkInvalidateMappedMemoryRanges", int32(C.vks_invalidate(d.shim, bits(x.page.memory.memory), C.uint64_t(x.place.offset), C.uint64_t(x.place.size)))))
}

func (x canary) coherent() bool { return x.page.memory.kind.flags&memoryHostCoherent != 0 }

func (x canary) words() []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Add(x.page.memory.mapped, x.place.offset)), x.place.size/4)
}

// holds tells whether the device has written a value to the first word.
func (x canary) holds(value uint32) bool { return atomic.LoadUint32(&x.words()[0]) == value }

// count tells how many of the first n words have a value.
func (x canary) count(n int, value uint32) int {
	found := 0
	for i := range x.words()[:n] {
		if atomic.LoadUint32(&x.words()[i]) == value {
			found++
		}
	}
	return found
}

// command is what writes a word at the end of a command buffer.
func (x canary) command(word int, value uint32) C.vks_canary {
	return C.vks_canary{buffer: x.page.buffer, offset: C.uint64_t(x.place.offset + 4*uint64(word)), value: C.uint32_t(value)}
}
