package main

// #include "bridge.h"
import "C"

import (
	"unsafe"

	"github.com/anchorvk/anchorvk/attention"
)

//export avk_scratch_create
func avk_scratch_create(engine C.avk_engine, plan C.avk_plan, scratch *C.avk_scratch) (status C.avk_status) {
	defer boundary(&status)
	if err := need("scratch", scratch); err != nil {
		return fail(err)
	}
	e, err := engineOf(engine)
	if err != nil {
		return fail(err)
	}
	p, err := planOf(plan)
	if err != nil {
		return fail(err)
	}
	made, err := e.NewScratch(p)
	if err != nil {
		return fail(err)
	}
	return fail(give(scratch, kindScratch, made, made.Close))
}

//export avk_scratch_close
func avk_scratch_close(scratch C.avk_scratch) (status C.avk_status) {
	defer boundary(&status)
	s, err := take[*attention.Scratch](kindScratch, uint64(scratch))
	if err != nil {
		return fail(err)
	}
	return fail(s.Close())
}

//export avk_call_prepare
func avk_call_prepare(handle C.avk_call, scratch C.avk_scratch, parts *C.uint32_t) (status C.avk_status) {
	defer boundary(&status)
	c, err := callOf(handle)
	if err != nil {
		return fail(err)
	}
	var shared *attention.Scratch
	if scratch != 0 {
		if shared, err = scratchOf(scratch); err != nil {
			return fail(err)
		}
	}
	n, err := c.Prepare(shared)
	if err == nil && parts != nil {
		*parts = C.uint32_t(n)
	}
	return fail(err)
}

//export avk_call_record
func avk_call_record(handle C.avk_call, part C.int32_t, commandBuffer unsafe.Pointer) (status C.avk_status) {
	defer boundary(&status)
	c, err := callOf(handle)
	if err != nil {
		return fail(err)
	}
	if commandBuffer == nil {
		return fail(argument("command_buffer is NULL"))
	}
	return fail(c.Record(address(commandBuffer), int(part)))
}

//export avk_call_recorded
func avk_call_recorded(handle C.avk_call, stats *C.avk_stats) (status C.avk_status) {
	defer boundary(&status)
	c, err := callOf(handle)
	if err != nil {
		return fail(err)
	}
	write, err := statsWriter(stats)
	if err != nil {
		return fail(err)
	}
	s, err := c.Recorded()
	if err != nil {
		return fail(err)
	}
	c.warn(s.Warnings)
	write(s)
	return C.AVK_OK
}
