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
	var options attention.PrepareOptions
	if scratch != 0 {
		if options.Scratch, err = scratchOf(scratch); err != nil {
			return fail(err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return fail(errClosed)
	case c.recording != nil:
		return fail(argument("the call is prepared already; make another call"))
	}
	if c.recording, err = c.engine.Prepare(c.plan, c.in, c.out, options); err != nil {
		c.recording = nil
		return fail(err)
	}
	if parts != nil {
		*parts = C.uint32_t(c.recording.Parts())
	}
	return C.AVK_OK
}

// recorded locks the call and returns its recording; unlock must be called.
func (c *call) recorded() (r *attention.Recording, unlock func(), err error) {
	c.mu.Lock()
	if c.recording == nil {
		c.mu.Unlock()
		return nil, nil, argument("the call is not prepared; avk_call_prepare comes before")
	}
	return c.recording, c.mu.Unlock, nil
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
	r, unlock, err := c.recorded()
	if err != nil {
		return fail(err)
	}
	defer unlock()
	if part == C.AVK_ALL_PARTS {
		return fail(r.Record(address(commandBuffer)))
	}
	if part < 0 || int(part) >= r.Parts() {
		return fail(argument("part is %d; there are %d, counted from 0, and AVK_ALL_PARTS", part, r.Parts()))
	}
	return fail(r.RecordPart(int(part), address(commandBuffer)))
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
	r, unlock, err := c.recorded()
	if err != nil {
		return fail(err)
	}
	defer unlock()
	s, err := r.Stats()
	if err != nil {
		return fail(err)
	}
	c.warnings = s.Warnings // locked since recorded
	write(s, c.plan.Mode)
	return C.AVK_OK
}
