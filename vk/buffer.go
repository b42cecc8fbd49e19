package vk

import (
	"errors"
	"fmt"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// Buffer is a storage buffer that kernels, fills and copies can use. Its
// contents are undefined until they are written.
type Buffer struct {
	device  *Device
	label   string
	handle  uint64 // VkBuffer
	size    uint64
	memory  allocation
	address uint64
	mapped  []byte
	usage   uint32 // VkBufferUsageFlags
	lent    bool   // the caller's
	pins    pins
}

// NewBuffer makes a buffer of size bytes; name appears in errors. Errors are
// *LimitError above Limits.MaxAllocation and *OutOfMemoryError. A buffer may be
// larger than Limits.MaxStorageBufferRange: kernels then bind parts of it.
func (d *Device) NewBuffer(name string, size uint64, kind MemoryKind) (*Buffer, error) {
	if size == 0 {
		return nil, fmt.Errorf("vk: buffer %q has size 0", name)
	}
	if kind < DeviceLocal || kind > Readback {
		return nil, fmt.Errorf("vk: buffer %q has unknown memory kind %d", name, kind)
	}
	if limit := d.physical.report.Limits.MaxAllocation; size > limit {
		return nil, &LimitError{What: fmt.Sprintf("buffer %q", name), Limit: "maxMemoryAllocationSize", Asked: size, Max: limit, Try: "several smaller buffers"}
	}
	if err := d.lifetime.enter(); err != nil {
		return nil, err
	}
	defer d.lifetime.leave()
	made, r := d.driver.CreateBuffer(size)
	if r != driver.Success {
		err := callError("vkCreateBuffer", r)
		var oom *OutOfMemoryError
		if errors.As(err, &oom) {
			oom.What = name // the size of an object on the host is not known
		}
		return nil, d.fail(err)
	}
	b := &Buffer{device: d, label: name, handle: made.Buffer, size: size, usage: driver.UsageTransferSrc | driver.UsageTransferDst | driver.UsageStorage}
	memory, err := d.memory.alloc(name, made.Size, max(made.Align, 1), made.Types, kind)
	if err != nil {
		d.driver.DestroyBuffer(b.handle)
		return nil, err
	}
	b.memory = memory
	if r := d.driver.BindBuffer(b.handle, memory.block.memory, memory.offset); r != driver.Success {
		b.destroy()
		return nil, d.fail(fmt.Errorf("buffer %q: %w", name, callError("vkBindBufferMemory", r)))
	}
	b.address = d.driver.BufferAddress(b.handle)
	if p := memory.block.mapped; p != nil && (kind != DeviceLocal || d.physical.report.Features.HostVisible) {
		end := memory.offset + size
		b.mapped = p[memory.offset:end:end]
	}
	d.name(driver.ObjectBuffer, b.handle, name)
	d.lifetime.add(b)
	return b, nil
}

// Device is the device that the buffer was made on, or lent to.
func (b *Buffer) Device() *Device { return b.device }

// Size is the size in bytes that was asked for.
func (b *Buffer) Size() uint64 { return b.size }

// Address is where kernels find the buffer by address; 0 without
// Features.BufferAddress. A kernel that reads by address must be given the
// buffer as a binding too, which keeps it alive while the work runs.
func (b *Buffer) Address() uint64 { return b.address }

// Name is what NewBuffer was given.
func (b *Buffer) Name() string { return b.label }

// Mapped is the buffer's memory where the host can see it, else nil. It must
// not be touched while submitted work uses the buffer, nor after Close. When
// the memory is not coherent (see Coherent), use Device.Upload and
// Device.Download instead.
func (b *Buffer) Mapped() []byte {
	if b.pins.closed() {
		return nil
	}
	return b.mapped
}

// coherent says whether what the host writes to Mapped reaches the device by
// itself, and the other way round; false where nothing is mapped because the
// memory is the caller's.
func (b *Buffer) coherent() bool {
	return !b.lent && b.memory.block.kind.flags&driver.MemoryHostCoherent != 0
}

// Close frees the buffer, once the submitted work that uses it has ended. It
// may be called more than once, and after Device.Close. A borrowed buffer is
// only forgotten: its owner may free it once the work that uses it has ended.
func (b *Buffer) Close() error { return b.device.lifetime.closeChild(&b.pins, b) }

func (b *Buffer) destroy() {
	if b.lent {
		return
	}
	b.device.driver.DestroyBuffer(b.handle)
	b.device.memory.free(b.memory)
}

// check says whether [offset, offset+size) lies inside the buffer.
func (b *Buffer) check(what string, offset, size uint64) error {
	if offset > b.size || size > b.size-offset {
		return fmt.Errorf("vk: %s: bytes %d to %d lie outside buffer %q of %d bytes", what, offset, offset+size, b.label, b.size)
	}
	return nil
}

// flush makes the host's writes to a mapped range visible to the device;
// invalidate does the reverse. Both do nothing on coherent memory.
func (b *Buffer) flush(offset, size uint64) error { return b.sync(offset, size, true) }

func (b *Buffer) invalidate(offset, size uint64) error { return b.sync(offset, size, false) }

func (b *Buffer) sync(offset, size uint64, toDevice bool) error {
	if b.coherent() || size == 0 {
		return nil
	}
	d, atom := b.device, b.device.memory.atom
	start := (b.memory.offset + offset) / atom * atom
	end := min(roundUp(b.memory.offset+offset+size, atom), b.memory.block.size)
	memory := b.memory.block.memory
	if toDevice {
		return d.fail(callError("vkFlushMappedMemoryRanges", d.driver.Flush(memory, start, end-start)))
	}
	return d.fail(callError("vkInvalidateMappedMemoryRanges", d.driver.Invalidate(memory, start, end-start)))
}
