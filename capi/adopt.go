package main

// #include "bridge.h"
import "C"

import (
	"unsafe"

	"github.com/anchorvk/anchorvk/vk"
)

// names reads an array of C strings; field is its name.
func names(field string, list **C.char, count C.uint32_t) ([]string, error) {
	if list == nil && count > 0 {
		return nil, argument("avk_adopt_info.%s is NULL, and its count %d", field, count)
	}
	var read []string
	for i, name := range unsafe.Slice(list, count) {
		if name == nil {
			return nil, argument("avk_adopt_info.%s[%d] is NULL", field, i)
		}
		read = append(read, C.GoString(name))
	}
	return read, nil
}

func address(p unsafe.Pointer) vk.Handle { return vk.Handle(uintptr(p)) }

func borrowed(in *C.avk_adopt_info) (vk.Borrowed, error) {
	b := vk.Borrowed{
		GetInstanceProcAddr: unsafe.Pointer(in.get_instance_proc_addr),
		Instance:            address(in.instance), PhysicalDevice: address(in.physical_device), Device: address(in.device),
		Queue: address(in.queue), QueueFamily: uint32(in.queue_family), QueueIndex: uint32(in.queue_index),
		APIVersion: uint32(in.api_version), FeatureChain: in.feature_chain,
		Lock: vk.QueueLock{CLock: unsafe.Pointer(in.lock_queue), CUnlock: unsafe.Pointer(in.unlock_queue), CUser: uintptr(in.lock_user)},
	}
	if in.reserved != 0 {
		return b, argument("avk_adopt_info.reserved is %d; set it to 0", in.reserved)
	}
	var err error
	if b.Extensions, err = names("extensions", in.extensions, in.extension_count); err != nil {
		return b, err
	}
	b.Features, err = names("features", in.features, in.feature_count)
	return b, err
}

//export avk_device_adopt
func avk_device_adopt(info C.avk_in_adopt_info, options C.avk_in_device_options, device *C.avk_device) (status C.avk_status) {
	defer boundary(&status)
	if err := need("device", device); err != nil {
		return fail(err)
	}
	in, err := getStruct(info, C.sizeof_avk_adopt_info)
	if err != nil {
		return fail(err)
	}
	b, err := borrowed(&in)
	if err != nil {
		return fail(err)
	}
	opt, err := deviceOptions(options)
	if err != nil {
		return fail(err)
	}
	adopted, err := vk.Adopt(b, opt)
	if err != nil {
		return fail(err)
	}
	return fail(give(device, kindDevice, adopted, adopted.Close))
}

//export avk_buffer_borrow
func avk_buffer_borrow(device C.avk_device, info C.avk_in_borrow_info, out *C.avk_buffer) (status C.avk_status) {
	defer boundary(&status)
	if err := need("buffer", out); err != nil {
		return fail(err)
	}
	d, err := deviceOf(device)
	if err != nil {
		return fail(err)
	}
	in, err := getStruct(info, C.sizeof_avk_borrow_info)
	if err != nil {
		return fail(err)
	}
	if in.reserved != 0 {
		return fail(argument("avk_borrow_info.reserved is %d; set it to 0", in.reserved))
	}
	lent, err := d.BorrowBuffer(vk.BorrowedBuffer{
		Name: "buffer of the host program", Handle: vk.Handle(in.buffer), Size: uint64(in.size), Usage: uint32(in.usage), Address: uint64(in.address),
	})
	if err != nil {
		return fail(err)
	}
	return fail(give(out, kindBuffer, &buffer{lent, d}, lent.Close))
}
