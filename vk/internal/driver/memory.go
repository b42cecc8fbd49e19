//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package driver

// #include "shim.h"
import "C"

import "unsafe"

func (d *device) Allocate(size uint64, memoryType uint32) (uint64, Result) {
	var memory C.uint64_t
	r := C.vks_allocate(d.c, C.uint64_t(size), C.uint32_t(memoryType), &memory)
	return uint64(memory), Result(r)
}

func (d *device) Map(memory, size uint64) ([]byte, Result) {
	var mapped unsafe.Pointer
	if r := C.vks_map(d.c, C.uint64_t(memory), &mapped); r != 0 { //nolint:gocritic // seen in the code that cgo generates for a pointer to a pointer
		return nil, Result(r)
	}
	return unsafe.Slice((*byte)(mapped), size), Success
}

func (d *device) Free(memory uint64) { C.vks_free(d.c, C.uint64_t(memory)) }

func (d *device) Flush(memory, offset, size uint64) Result {
	return Result(C.vks_flush(d.c, C.uint64_t(memory), C.uint64_t(offset), C.uint64_t(size)))
}

func (d *device) Invalidate(memory, offset, size uint64) Result {
	return Result(C.vks_invalidate(d.c, C.uint64_t(memory), C.uint64_t(offset), C.uint64_t(size)))
}

func (d *device) CreateBuffer(size uint64) (BufferNeeds, Result) {
	var buffer, need, align C.uint64_t
	var types C.uint32_t
	r := C.vks_create_buffer(d.c, C.uint64_t(size), &buffer, &need, &align, &types)
	return BufferNeeds{uint64(buffer), uint64(need), uint64(align), uint32(types)}, Result(r)
}

func (d *device) BindBuffer(buffer, memory, offset uint64) Result {
	return Result(C.vks_bind_buffer(d.c, C.uint64_t(buffer), C.uint64_t(memory), C.uint64_t(offset)))
}

func (d *device) BufferAddress(buffer uint64) uint64 {
	return uint64(C.vks_buffer_address(d.c, C.uint64_t(buffer)))
}

func (d *device) DestroyBuffer(buffer uint64) { C.vks_destroy_buffer(d.c, C.uint64_t(buffer)) }
