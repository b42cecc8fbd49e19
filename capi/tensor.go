package main

// #include "bridge.h"
import "C"

import (
	"math"
	"strings"
	"unsafe"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/x448/float16"
)

// tensorOf reads a tensor whose shape is given; name is its field, "q".
func tensorOf(name string, from C.avk_in_tensor, batch, heads, seq, dim int) (attention.Tensor, error) {
	var t attention.Tensor
	if from == nil {
		return t, argument("avk_tensors.%s is NULL", name)
	}
	in, err := getStruct(from, C.sizeof_avk_tensor)
	if err != nil {
		return t, err
	}
	if in.reserved != 0 {
		return t, argument("avk_tensors.%s: reserved is %d; set it to 0", name, in.reserved)
	}
	switch in.layout {
	case C.AVK_LAYOUT_BHSD:
		t = attention.HostBHSD(nil, batch, heads, seq, dim)
	case C.AVK_LAYOUT_BSHD:
		t = attention.HostBSHD(nil, batch, seq, heads, dim)
	case C.AVK_LAYOUT_STRIDES:
		t.Shape = [4]int{batch, heads, seq, dim}
		for i, stride := range in.strides {
			t.Strides[i] = int(stride)
		}
	default:
		return t, argument("avk_tensors.%s: layout is %d; use AVK_LAYOUT_BHSD, AVK_LAYOUT_BSHD or AVK_LAYOUT_STRIDES", name, in.layout)
	}
	switch {
	case in.buffer != 0 && in.host != nil:
		return t, argument("avk_tensors.%s has both a buffer and host memory; set one", name)
	case in.buffer != 0:
		b, err := bufferOf(in.buffer)
		if err != nil {
			return t, err
		}
		t.Buffer, t.Offset = b.Buffer, uint64(in.offset)
		return t, t.Validate(strings.ToUpper(name))
	case in.host == nil:
		return t, argument("avk_tensors.%s has neither a buffer nor host memory; set one", name)
	case in.offset != 0:
		return t, argument("avk_tensors.%s: offset is %d, which is for buffers; move host instead", name, in.offset)
	}
	t.Host, err = hostSlice[float16.Float16](name+".host", in.host, in.host_size)
	if err != nil {
		return t, err
	}
	return t, t.Validate(strings.ToUpper(name))
}

// hostSlice views size bytes of the caller's memory, nil where there is none.
func hostSlice[T any](name string, data unsafe.Pointer, size C.uint64_t) ([]T, error) {
	var one T
	if data == nil {
		if size != 0 {
			return nil, argument("avk_tensors.%s is NULL, and its size %d", name, size)
		}
		return nil, nil
	}
	if uintptr(data)%unsafe.Alignof(one) != 0 {
		return nil, argument("avk_tensors.%s is at address %p; it must be aligned to %d bytes", name, data, unsafe.Alignof(one))
	}
	if size > math.MaxInt {
		return nil, argument("avk_tensors.%s has a size of %d bytes, more than the address space", name, size)
	}
	return unsafe.Slice((*T)(data), uintptr(size)/unsafe.Sizeof(one)), nil
}

// tensorsOf reads all arguments of a call. Optional outputs must have the very
// size; the engine says which.
func tensorsOf(from C.avk_in_tensors, plan *attention.Plan) (in attention.Inputs, out attention.Outputs, err error) {
	t, err := getStruct(from, C.sizeof_avk_tensors)
	if err != nil {
		return in, out, err
	}
	s := plan.Shape
	if in.Q, err = tensorOf("q", t.q, s.Batch, s.Heads, s.QLen, s.HeadDim); err != nil {
		return in, out, err
	}
	if in.K, err = tensorOf("k", t.k, s.Batch, s.KVHeads, s.KVLen, s.HeadDim); err != nil {
		return in, out, err
	}
	if in.V, err = tensorOf("v", t.v, s.Batch, s.KVHeads, s.KVLen, s.HeadDim); err != nil {
		return in, out, err
	}
	if out.O, err = tensorOf("o", t.o, s.Batch, s.Heads, s.QLen, s.HeadDim); err != nil {
		return in, out, err
	}
	if out.LSE, err = hostSlice[float32]("lse", unsafe.Pointer(t.lse), t.lse_size); err != nil {
		return in, out, err
	}
	if t.lse_buffer != 0 {
		b, err := bufferOf(t.lse_buffer)
		if err != nil {
			return in, out, err
		}
		out.LSEBuffer, out.LSEOffset = b.Buffer, uint64(t.lse_offset)
	} else if t.lse_offset != 0 {
		return in, out, argument("avk_tensors.lse_offset is %d, and lse_buffer is 0", t.lse_offset)
	}
	out.Stripes, err = hostSlice[byte]("stripes", unsafe.Pointer(t.stripes), t.stripes_size)
	return in, out, err
}
