package vk

import (
	"errors"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// A canary is a word that the last command of a submission writes, behind a
// barrier, with a value that is new each time. A driver that drops work, or is
// reset in the middle of it, may signal the fence all the same; the word shows it.

// canaryPageSize is the memory that is asked of the driver at a time.
const canaryPageSize = 16 << 10

// canaries hand out words that the device writes and the host reads. Their
// memory is apart from buffers: no budget counts it.
type canaries struct {
	mu    sync.Mutex
	pages []*canaryPage
}

type canaryPage struct {
	buffer uint64 // VkBuffer
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
	made, r := d.driver.CreateBuffer(size)
	if r != driver.Success {
		return nil, d.fail(callError("vkCreateBuffer", r))
	}
	page := &canaryPage{buffer: made.Buffer}
	err := errors.New("vk: no memory that the host sees fits a buffer")
	for _, t := range d.memory.order[Readback] {
		if made.Types&(1<<t.index) == 0 {
			continue
		}
		if err = page.allocate(d, made.Size, t); err == nil {
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
	memory, r := d.driver.Allocate(size, t.index)
	if r != driver.Success {
		d.memory.mu.Lock()
		defer d.memory.mu.Unlock()
		return d.memory.allocationError(r)
	}
	mapped, r := d.driver.Map(memory, size)
	err := callError("vkMapMemory", r)
	if err == nil {
		err = callError("vkBindBufferMemory", d.driver.BindBuffer(p.buffer, memory, 0))
	}
	if err != nil {
		d.driver.Free(memory)
		return err
	}
	p.memory = &block{memory: memory, size: size, kind: t, mapped: mapped, free: []span{{0, size}}}
	return nil
}

func (p *canaryPage) destroy(d *Device) {
	d.driver.DestroyBuffer(p.buffer)
	if p.memory != nil {
		d.driver.Free(p.memory.memory)
	}
}

// clear sets the words to 0; no submitted work may be about to write them.
func (x canary) clear(d *Device) error {
	clear(x.words())
	if x.coherent() {
		return nil
	}
	return d.fail(callError("vkFlushMappedMemoryRanges", d.driver.Flush(x.page.memory.memory, x.place.offset, x.place.size)))
}

// refresh lets the host see what the device has written.
func (x canary) refresh(d *Device) error {
	if x.coherent() {
		return nil
	}
	return d.fail(callError("vkInvalidateMappedMemoryRanges", d.driver.Invalidate(x.page.memory.memory, x.place.offset, x.place.size)))
}

func (x canary) coherent() bool { return x.page.memory.kind.flags&driver.MemoryHostCoherent != 0 }

func (x canary) words() []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(&x.page.memory.mapped[x.place.offset])), x.place.size/4)
}

// holds says whether the device has written a value to the first word.
func (x canary) holds(value uint32) bool { return atomic.LoadUint32(&x.words()[0]) == value }

// count is how many of the first n words have a value.
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
func (x canary) command(word int, value uint32) driver.Canary {
	return driver.Canary{Buffer: x.page.buffer, Offset: x.place.offset + 4*uint64(word), Value: value}
}
