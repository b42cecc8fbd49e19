//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package driver

// #include "shim.h"
import "C"

import "unsafe"

type instance struct{ c *C.vks_instance }

// CreateInstance makes an instance, with the validation layer where validate
// says so. When it fails, problem says why, or is "" and call the function that did.
func CreateInstance(getInstanceProcAddr unsafe.Pointer, validate bool) (in Instance, result Result, call, problem string) {
	o := C.vks_instance_options{get_instance_proc_addr: getInstanceProcAddr}
	if validate {
		o.validate = 1
	}
	var c *C.vks_instance
	var failed *C.char
	text := make([]byte, 512)
	result = Result(C.vks_create_instance(&o, &c, &failed, first[C.char](text), C.size_t(len(text)))) //nolint:gocritic // seen in the code that cgo generates for a pointer to a pointer
	if result != Success {
		return nil, result, C.GoString(failed), Text(text)
	}
	return &instance{c}, Success, "", ""
}

// AdoptInstance makes a table for an instance of the caller's; api is its version.
func AdoptInstance(getInstanceProcAddr unsafe.Pointer, handle uint64, api uint32) (Instance, Result) {
	var c *C.vks_instance
	if r := C.vks_adopt_instance(getInstanceProcAddr, C.uint64_t(handle), C.uint32_t(api), &c); r != 0 { //nolint:gocritic // seen in the code that cgo generates for a pointer to a pointer
		return nil, Result(r)
	}
	return &instance{c}, Success
}

func (in *instance) Resolve(hook Hook) (missing string) {
	for i := range C.vks_instance_function_count() {
		name := C.GoString(C.vks_instance_function_name(i))
		address := C.vks_instance_resolve(in.c, i)
		if address == nil && C.vks_instance_function_needed(i) != 0 {
			return name
		}
		if address != nil && hook != nil {
			address = hook(name, address)
		}
		C.vks_instance_set(in.c, i, address)
	}
	return ""
}

func (in *instance) Version() uint32 { return uint32(C.vks_instance_version(in.c)) }

func (in *instance) StartMessenger() Result { return Result(C.vks_start_messenger(in.c)) }

func (in *instance) Message(text []byte) int {
	return int(C.vks_next_message(in.c, first[C.char](text), C.int(len(text))))
}

func (in *instance) PhysicalDevices() ([]uint64, Result) {
	list := make([]uint64, MaxPhysical)
	n := C.uint32_t(len(list))
	r := C.vks_list_physical(in.c, first[C.uint64_t](list), &n)
	return list[:n], Result(r)
}

func (in *instance) Query(physical uint64, c *Caps) Result {
	return Result(C.vks_query(in.c, C.uint64_t(physical), caps(c)))
}

func (in *instance) QueryBudget(physical uint64) (budget, usage [MaxHeaps]uint64) {
	C.vks_query_budget(in.c, C.uint64_t(physical), first[C.uint64_t](budget[:]), first[C.uint64_t](usage[:]))
	return budget, usage
}

func (in *instance) QueryFamily(physical uint64, family uint32) Family {
	var queues, flags, bits C.uint32_t
	C.vks_query_family(in.c, C.uint64_t(physical), C.uint32_t(family), &queues, &flags, &bits)
	return Family{uint32(queues), uint32(flags), uint32(bits)}
}

func (in *instance) CreateDevice(physical uint64, enable *Caps, queuePriority float32, globalPriority uint32) (Device, Result) {
	var c *C.vks_device
	if r := C.vks_create_device(in.c, C.uint64_t(physical), caps(enable), C.float(queuePriority), C.uint32_t(globalPriority), &c); r != 0 { //nolint:gocritic // seen in the code that cgo generates for a pointer to a pointer
		return nil, Result(r)
	}
	return &device{c}, Success
}

func (in *instance) AdoptDevice(handle uint64, addresses bool) (Device, Result) {
	with := C.int(0)
	if addresses {
		with = 1
	}
	var c *C.vks_device
	if r := C.vks_adopt_device(in.c, C.uint64_t(handle), with, &c); r != 0 { //nolint:gocritic // seen in the code that cgo generates for a pointer to a pointer
		return nil, Result(r)
	}
	return &device{c}, Success
}

func (in *instance) Destroy() {
	C.vks_stop_messenger(in.c)
	C.vks_instance_destroy(in.c)
}

func (in *instance) Close() {
	C.vks_instance_close(in.c)
	in.c = nil
}
