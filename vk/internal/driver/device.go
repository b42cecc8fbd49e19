//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package driver

// #include "shim.h"
import "C"

import "unsafe"

type device struct{ c *C.vks_device }

func (d *device) Resolve(hook Hook) (missing string) {
	for i := range C.vks_device_function_count() {
		name := C.GoString(C.vks_device_function_name(i))
		address := C.vks_device_resolve(d.c, i)
		if address == nil && C.vks_device_function_needed(i) != 0 {
			return name
		}
		if address != nil && hook != nil {
			address = hook(name, address)
		}
		C.vks_device_set(d.c, i, address)
	}
	return ""
}

func (d *device) Queue(family, index uint32) uint64 {
	return uint64(C.vks_get_queue(d.c, C.uint32_t(family), C.uint32_t(index)))
}

func (d *device) SetQueue(queue uint64, family, index uint32) {
	C.vks_set_queue(d.c, C.uint64_t(queue), C.uint32_t(family), C.uint32_t(index))
}

func (d *device) SetLock(lock, unlock unsafe.Pointer, user uintptr) {
	C.vks_set_lock(d.c, lock, unlock, C.uintptr_t(user))
}

func (d *device) Name(objectType int32, object uint64, text string) {
	C.vks_name(d.c, C.int(objectType), C.uint64_t(object), first[C.char](append([]byte(text), 0)))
}

func (d *device) Destroy() { C.vks_device_destroy(d.c) }

func (d *device) Close() {
	C.vks_device_close(d.c)
	d.c = nil
}
