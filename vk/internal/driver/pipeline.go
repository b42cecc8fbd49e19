//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package driver

// #include <stdlib.h>
// #include "shim.h"
import "C"

import "unsafe"

func (d *device) CreatePipelineCache(data []byte) (uint64, Result) {
	var cache C.uint64_t
	r := C.vks_create_pipeline_cache(d.c, unsafe.Pointer(unsafe.SliceData(data)), C.uint64_t(len(data)), &cache)
	return uint64(cache), Result(r)
}

func (d *device) PipelineCacheData(cache uint64, data []byte) (uint64, Result) {
	size := C.uint64_t(len(data))
	r := C.vks_pipeline_cache_data(d.c, C.uint64_t(cache), unsafe.Pointer(unsafe.SliceData(data)), &size)
	return uint64(size), Result(r)
}

func (d *device) MergePipelineCaches(into, from uint64) Result {
	return Result(C.vks_merge_pipeline_caches(d.c, C.uint64_t(into), C.uint64_t(from)))
}

func (d *device) DestroyPipelineCache(cache uint64) {
	C.vks_destroy_pipeline_cache(d.c, C.uint64_t(cache))
}

func (d *device) CreateSetLayout(bindings int) (uint64, Result) {
	var layout C.uint64_t
	r := C.vks_create_set_layout(d.c, C.uint32_t(bindings), &layout)
	return uint64(layout), Result(r)
}

func (d *device) DestroySetLayout(layout uint64) { C.vks_destroy_set_layout(d.c, C.uint64_t(layout)) }

func (d *device) CreatePipeline(k *Kernel) (pipeline, layout uint64, result Result, call string) {
	full := C.uint32_t(0)
	if k.FullSubgroups {
		full = 1
	}
	var madeLayout, made C.uint64_t
	var failed *C.char
	r := C.vks_create_pipeline(d.c, unsafe.Pointer(unsafe.SliceData(k.Code)), C.uint64_t(len(k.Code)),
		first[C.uint32_t](k.Constants), C.uint32_t(len(k.Constants)),
		C.uint64_t(k.SetLayout), C.uint64_t(k.Cache), C.uint32_t(k.PushBytes), C.uint32_t(k.SubgroupSize), full, C.uint32_t(k.Flags),
		&madeLayout, &made, &failed) //nolint:gocritic // seen in the code that cgo generates for a pointer to a pointer
	if r != 0 {
		return 0, 0, Result(r), C.GoString(failed)
	}
	return uint64(made), uint64(madeLayout), Success, ""
}

func (d *device) DestroyPipeline(pipeline, layout uint64) {
	C.vks_destroy_pipeline(d.c, C.uint64_t(pipeline), C.uint64_t(layout))
}

func (d *device) Statistics(pipeline uint64) (list []Statistic, granted uint32) {
	raw := make([]C.vks_statistic, 64)
	var size C.uint32_t
	n := C.vks_pipeline_statistics(d.c, C.uint64_t(pipeline), &raw[0], C.int(len(raw)), &size)
	for i := range raw[:n] {
		s := &raw[i]
		list = append(list, Statistic{C.GoString(&s.name[0]), uint32(s.format), uint64(s.bits)})
	}
	return list, uint32(size)
}

func (d *device) Listing(pipeline uint64, index int) (name, text string, ok bool) {
	var label [256]C.char
	var size C.uint64_t
	c := C.vks_pipeline_listing(d.c, C.uint64_t(pipeline), C.uint32_t(index), &label[0], &size)
	if c == nil {
		return "", "", false
	}
	defer C.free(unsafe.Pointer(c))
	return C.GoString(&label[0]), Text(unsafe.Slice((*byte)(unsafe.Pointer(c)), size)), true
}
