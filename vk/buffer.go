//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// Buffer is a storage buffer that kernels, fills and copies can use. Its
// contents are undefined until they are written.
type Buffer struct {
	device  *Device
	label   string
	handle  vulkan.Buffer
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
	var h, need, align C.uint64_t
	var allowed C.uint32_t
	if r := C.vks_create_buffer(d.shim, C.uint64_t(size), &h, &need, &align, &allowed); r != 0 {
		err := callError("vkCreateBuffer", int32(r))
		var oom *OutOfMemoryError
		if errors.As(err, &oom) {
			oom.What = name // the size of an object on the host is not known
		}
		return nil, d.fail(err)
	}
	b := &Buffer{device: d, label: name, handle: handle[vulkan.Buffer](h), size: size, usage: usageTransferSrc | usageTransferDst | usageStorage}
	memory, err := d.memory.alloc(name, uint64(need), max(uint64(align), 1), uint32(allowed), kind)
	if err != nil {
		C.vks_destroy_buffer(d.shim, h)
		return nil, err
	}
	b.memory = memory
	if r := C.vks_bind_buffer(d.shim, h, bits(memory.block.memory), C.uint64_t(memory.offset)); r != 0 {
		b.destroy()
		return nil, d.fail(fmt.Errorf("buffer %q: %w", name, callError("vkBindBufferMemory", int32(r))))
	}
	b.address = uint64(C.vks_buffer_address(d.shim, h))
	if p := memory.block.mapped; p != nil && (kind != DeviceLocal || d.physical.report.Features.HostVisible) {
		b.mapped = unsafe.Slice((*byte)(unsafe.Add(p, memory.offset)), size)
	}
	d.name(C.VK_OBJECT_TYPE_BUFFER, h, name)
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

// Coherent tells whether what the host writes to Mapped reaches the device by
// itself, and the other way round; false where nothing is mapped because the
// memory is the caller's.
func (b *Buffer) Coherent() bool { return !b.lent && b.memory.block.kind.flags&memoryHostCoherent != 0 }

// Close frees the buffer, once the submitted work that uses it has ended. It
// may be called more than once, and after Device.Close. A borrowed buffer is
// only forgotten: its owner may free it once the work that uses it has ended.
func (b *Buffer) Close() error { return b.device.lifetime.closeChild(&b.pins, b) }

func (b *Buffer) destroy() {
	if b.lent {
		return
	}
	C.vks_destroy_buffer(b.device.shim, bits(b.handle))
	b.device.memory.free(b.memory)
}

// check tells whether [offset, offset+size) lies inside the buffer.
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
	if b.Coherent() || size == 0 {
		return nil
	}
	d, atom := b.device, b.device.memory.atom
	start := (b.memory.offset + offset) / atom * atom
	end := min(roundUp(b.memory.offset+offset+size, atom), b.memory.block.size)
	memory := bits(b.memory.block.memory)
	if toDevice {
		return d.fail(callError("vkFlushMappedMemoryRanges", int32(C.vks_flush(d.shim, memory, C.uint64_t(start), C.uint64_t(end-start)))))
	}
	return d.fail(callError("vkInvalidateMappedMemoryRanges", int32(C.vks_invalidate(d.shim, memory, C.uint64_t(start), C.uint64_t(end-start)))))
}
