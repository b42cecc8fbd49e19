package main

// #include "bridge.h"
import "C"

import (
	"context"
	"unsafe"

	"github.com/anchorvk/anchorvk/vk"
)

// syncOf reads semaphores, none where from is NULL.
func syncOf(from C.avk_in_sync) (vk.Sync, error) {
	var sync vk.Sync
	if from == nil {
		return sync, nil
	}
	in, err := getStruct(from, C.sizeof_avk_sync)
	if err != nil {
		return sync, err
	}
	if sync.Wait, err = timelines("wait", in.wait, in.wait_count); err != nil {
		return sync, err
	}
	sync.Signal, err = timelines("signal", in.signal, in.signal_count)
	return sync, err
}

func timelines(field string, list *C.avk_timeline, count C.uint32_t) ([]vk.Timeline, error) {
	if list == nil && count > 0 {
		return nil, argument("avk_sync.%s is NULL, and its count %d", field, count)
	}
	var read []vk.Timeline
	for i, t := range unsafe.Slice(list, count) {
		if t.semaphore == 0 {
			return nil, argument("avk_sync.%s[%d].semaphore is 0", field, i)
		}
		read = append(read, vk.Timeline{Semaphore: vk.Handle(t.semaphore), Value: uint64(t.value)})
	}
	return read, nil
}

//export avk_call_submit
func avk_call_submit(handle C.avk_call, sync C.avk_in_sync) (status C.avk_status) {
	defer boundary(&status)
	c, err := callOf(handle)
	if err != nil {
		return fail(err)
	}
	with, err := syncOf(sync)
	if err != nil {
		return fail(err)
	}
	return fail(c.submit(with))
}

//export avk_call_submitted
func avk_call_submitted(handle C.avk_call, timeoutMS C.double) (status C.avk_status) {
	defer boundary(&status)
	c, err := callOf(handle)
	if err != nil {
		return fail(err)
	}
	limit, err := waitLimit(float64(timeoutMS))
	if err != nil {
		return fail(err)
	}
	job, err := c.latest()
	if err != nil {
		return fail(err)
	}
	if job.Submitted() == nil {
		return fail(argument("the call was started by avk_call_start, which leaves submitting to the library"))
	}
	if !await(job.Submitted(), job.Done(), limit) {
		return C.AVK_NOT_READY
	}
	if ended(job.Submitted()) {
		return C.AVK_OK
	}
	_, err = job.Wait(context.Background())
	return fail(err)
}
