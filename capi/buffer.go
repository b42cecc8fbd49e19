package main

// #include "bridge.h"
import "C"

import (
	"context"
	"math"
	"unsafe"

	"github.com/anchorvk/anchorvk/vk"
)

//export avk_buffer_create
func avk_buffer_create(device C.avk_device, size C.uint64_t, memory C.int32_t, out *C.avk_buffer) (status C.avk_status) {
	defer boundary(&status)
	if err := need("buffer", out); err != nil {
		return fail(err)
	}
	d, err := deviceOf(device)
	if err != nil {
		return fail(err)
	}
	var kind vk.MemoryKind
	switch memory {
	case C.AVK_MEMORY_DEVICE:
		kind = vk.DeviceLocal
	case C.AVK_MEMORY_UPLOAD:
		kind = vk.Upload
	case C.AVK_MEMORY_READBACK:
		kind = vk.Readback
	default:
		return fail(argument("memory is %d; use AVK_MEMORY_DEVICE, AVK_MEMORY_UPLOAD or AVK_MEMORY_READBACK", memory))
	}
	if size == 0 {
		return fail(argument("size is 0; a buffer has at least one byte"))
	}
	made, err := d.NewBuffer("buffer of the host program", uint64(size), kind)
	if err != nil {
		return fail(err)
	}
	return fail(give(out, kindBuffer, &buffer{made, d}, made.Close))
}

// hostBytes views the caller's memory for one transfer, and checks that it and
// the range in the buffer make sense.
func hostBytes(handle C.avk_buffer, offset C.uint64_t, data unsafe.Pointer, size C.uint64_t) (*buffer, []byte, error) {
	b, err := bufferOf(handle)
	if err != nil {
		return nil, nil, err
	}
	if uint64(offset) > b.Size() || uint64(size) > b.Size()-uint64(offset) {
		return nil, nil, argument("offset %d and size %d reach beyond the %d bytes of the buffer", offset, size, b.Size())
	}
	if size > math.MaxInt {
		return nil, nil, argument("size is %d, more than the address space", size)
	}
	if data == nil && size > 0 {
		return nil, nil, argument("data is NULL")
	}
	return b, unsafe.Slice((*byte)(data), int(size)), nil
}

//export avk_buffer_upload
func avk_buffer_upload(buffer C.avk_buffer, offset C.uint64_t, data C.avk_in_bytes, size C.uint64_t) (status C.avk_status) {
	defer boundary(&status)
	b, bytes, err := hostBytes(buffer, offset, unsafe.Pointer(data), size)
	if err != nil {
		return fail(err)
	}
	return fail(b.device.Upload(context.Background(), b.Buffer, uint64(offset), bytes))
}

//export avk_buffer_download
func avk_buffer_download(buffer C.avk_buffer, offset C.uint64_t, data unsafe.Pointer, size C.uint64_t) (status C.avk_status) {
	defer boundary(&status)
	b, bytes, err := hostBytes(buffer, offset, data, size)
	if err != nil {
		return fail(err)
	}
	return fail(b.device.Download(context.Background(), bytes, b.Buffer, uint64(offset)))
}

//export avk_buffer_close
func avk_buffer_close(handle C.avk_buffer) (status C.avk_status) {
	defer boundary(&status)
	b, err := take[*buffer](kindBuffer, uint64(handle))
	if err != nil {
		return fail(err)
	}
	return fail(b.Close())
}
