package main

// #include "bridge.h"
import "C"

import (
	"math"
	"unsafe"

	"github.com/anchorvk/anchorvk/attention/profile"
)

//export avk_profile_open
func avk_profile_open(path C.avk_in_text, out *C.avk_profile) (status C.avk_status) {
	defer boundary(&status)
	if err := need("profile", out); err != nil {
		return fail(err)
	}
	if path == nil {
		return fail(argument("path is NULL"))
	}
	p, err := profile.Load(C.GoString((*C.char)(path)))
	if err != nil {
		return fail(err)
	}
	return fail(give(out, kindProfile, p, func() error { return nil }))
}

//export avk_profile_parse
func avk_profile_parse(text C.avk_in_text, size C.size_t, out *C.avk_profile) (status C.avk_status) {
	defer boundary(&status)
	if err := need("profile", out); err != nil {
		return fail(err)
	}
	switch {
	case text == nil:
		return fail(argument("text is NULL"))
	case size > profile.MaxSize: // before that much is read
		return fail(argument("size is %d bytes, and a profile has %d at most", size, profile.MaxSize))
	}
	p, err := profile.Parse(unsafe.Slice((*byte)(unsafe.Pointer(text)), size))
	if err != nil {
		return fail(err)
	}
	return fail(give(out, kindProfile, p, func() error { return nil }))
}

//export avk_profile_text
func avk_profile_text(handle C.avk_profile, format C.int32_t, text *C.char, size C.size_t, length *C.size_t) (status C.avk_status) {
	defer boundary(&status)
	p, err := profileOf(handle)
	if err != nil {
		return fail(err)
	}
	own, err := inFormat(format,
		func() (string, error) { return p.String(), nil },
		func() (string, error) {
			encoded, err := p.Encode()
			return string(encoded), err
		})
	if err != nil {
		return fail(err)
	}
	return fail(putText(own, text, size, length)) // as it is: a model's name may be anything
}

//export avk_profile_check
func avk_profile_check(handle C.avk_profile, layers, heads C.int64_t) (status C.avk_status) {
	defer boundary(&status)
	p, err := profileOf(handle)
	if err != nil {
		return fail(err)
	}
	if layers < 1 || heads < 1 {
		return fail(argument("layers is %d and heads %d; use the model's numbers, 1 or more", layers, heads))
	}
	return fail(p.Check(int(layers), int(heads)))
}

//export avk_profile_apply
func avk_profile_apply(handle C.avk_profile, layer C.int64_t, info *C.avk_plan_info, heads *C.avk_head, headCount C.uint64_t) (status C.avk_status) {
	defer boundary(&status)
	p, err := profileOf(handle)
	if err != nil {
		return fail(err)
	}
	in, err := getStruct(info, planInfoLeast)
	if err != nil {
		return fail(err)
	}
	switch {
	case layer < 0:
		return fail(argument("layer is %d; layers count from 0", layer))
	case in.heads < 1 || in.heads > math.MaxInt32:
		return fail(argument("avk_plan_info.heads is %d; set it before, to 1 to %d", in.heads, math.MaxInt32))
	case heads == nil:
		return fail(argument("heads is NULL, and the modes of %d query heads go there", in.heads))
	case headCount != C.uint64_t(in.heads): // before that many are written
		return fail(argument("head_count is %d; have room for each of the %d query heads", headCount, in.heads))
	}
	params, err := p.Params(int(layer), int(in.heads))
	if err != nil {
		return fail(err)
	}
	write, err := putParams(&in, info, params, "the profile")
	if err != nil {
		return fail(err)
	}
	to := unsafe.Slice(heads, headCount)
	clear(to)
	for i, own := range params.Heads {
		to[i] = C.avk_head{mode: C.int32_t(own.Mode), theta: C.double(own.Theta), weight: C.double(own.Weight)}
	}
	in.head_modes, in.head_mode_count = nil, 0
	if params.Heads != nil {
		in.head_modes, in.head_mode_count = heads, headCount
	}
	write(in)
	return C.AVK_OK
}

//export avk_profile_close
func avk_profile_close(handle C.avk_profile) (status C.avk_status) {
	defer boundary(&status)
	_, err := take[*profile.Profile](kindProfile, uint64(handle))
	return fail(err)
}
