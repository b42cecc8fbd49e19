package main

// #include "bridge.h"
import "C"

import (
	"context"
	"strings"
	"unsafe"

	"github.com/anchorvk/anchorvk/attention"
)

//export avk_call_create
func avk_call_create(engine C.avk_engine, plan C.avk_plan, tensors C.avk_in_tensors, out *C.avk_call) (status C.avk_status) {
	defer boundary(&status)
	if err := need("call", out); err != nil {
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
	in, to, err := tensorsOf(tensors, p)
	if err != nil {
		return fail(err)
	}
	bound, err := e.Bind(p, in, to)
	if err != nil {
		return fail(err)
	}
	return fail(give(out, kindCall, &call{Call: bound, warnings: p.Warnings}, func() error { return nil }))
}

// statsWriter checks the caller's struct for statistics, which may be NULL.
func statsWriter(to *C.avk_stats) (func(attention.Stats), error) {
	if to == nil {
		return func(attention.Stats) {}, nil
	}
	write, err := putStruct(to, unsafe.Offsetof(C.avk_stats{}.warnings)) // the end of version 1.0
	if err != nil {
		return nil, err
	}
	return func(s attention.Stats) {
		mode := C.int32_t(C.AVK_MODE_ANCHOR)
		if s.Mode == attention.ModeDense {
			mode = C.AVK_MODE_DENSE
		}
		write(C.avk_stats{
			total_ms: C.double(s.TimeMS.Total), anchor_ms: C.double(s.TimeMS.Anchor), identify_ms: C.double(s.TimeMS.Identify), attention_ms: C.double(s.TimeMS.Attention),
			host_ms: C.double(s.HostMS), own_ms: C.double(s.OwnMS), computed_ratio: C.double(s.ComputedRatio), stripe_ratio: C.double(s.StripeRatio),
			scratch_bytes: C.uint64_t(s.ScratchBytes), slices: C.int32_t(s.Slices), mode: mode, warnings: C.uint32_t(len(s.Warnings)),
			selection_ratio: C.double(s.SelectionRatio), guarded_ratio: C.double(s.GuardedRatio), missed_mass: C.double(s.MissedMass),
		})
	}, nil
}

//export avk_call_run
func avk_call_run(handle C.avk_call, stats *C.avk_stats) (status C.avk_status) {
	defer boundary(&status)
	c, err := callOf(handle)
	if err != nil {
		return fail(err)
	}
	write, err := statsWriter(stats)
	if err != nil {
		return fail(err)
	}
	s, err := c.run()
	if err != nil {
		return fail(err)
	}
	write(s)
	return C.AVK_OK
}

//export avk_call_start
func avk_call_start(handle C.avk_call) (status C.avk_status) {
	defer boundary(&status)
	c, err := callOf(handle)
	if err != nil {
		return fail(err)
	}
	return fail(c.start())
}

//export avk_call_wait
func avk_call_wait(handle C.avk_call, timeoutMS C.double, stats *C.avk_stats) (status C.avk_status) {
	defer boundary(&status)
	c, err := callOf(handle)
	if err != nil {
		return fail(err)
	}
	limit, err := waitLimit(float64(timeoutMS))
	if err != nil {
		return fail(err)
	}
	write, err := statsWriter(stats)
	if err != nil {
		return fail(err)
	}
	job, err := c.latest()
	if err != nil {
		return fail(err)
	}
	if !await(job.Done(), nil, limit) {
		return C.AVK_NOT_READY
	}
	s, err := job.Wait(context.Background())
	if err != nil {
		return fail(err)
	}
	write(s)
	return C.AVK_OK
}

//export avk_call_warnings
func avk_call_warnings(handle C.avk_call, text *C.char, size C.size_t, length *C.size_t) (status C.avk_status) {
	defer boundary(&status)
	c, err := callOf(handle)
	if err != nil {
		return fail(err)
	}
	var lines []string
	for _, warning := range c.allWarnings() {
		lines = append(lines, strings.ReplaceAll(speakDotted(warning), "\n", " "))
	}
	return fail(putText(strings.Join(lines, "\n"), text, size, length))
}

//export avk_call_pace
func avk_call_pace(handle C.avk_call, dutyCycle C.double, progress C.avk_progress, user C.avk_user) (status C.avk_status) {
	defer boundary(&status)
	c, err := callOf(handle)
	if err != nil {
		return fail(err)
	}
	options := attention.RunOptions{DutyCycle: float64(dutyCycle)}
	if options.DutyCycle != 0 && !(options.DutyCycle >= attention.MinDutyCycle && options.DutyCycle <= 1) {
		return fail(argument("duty_cycle is %v; use a share of time from %v to 1, such as 0.5, or 0 for 1", options.DutyCycle, attention.MinDutyCycle))
	}
	if progress != nil {
		options.Progress = func(done float64) { C.avk_tell(progress, user, C.double(done)) }
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.options = options
	return C.AVK_OK
}

//export avk_call_cancel
func avk_call_cancel(handle C.avk_call) (status C.avk_status) {
	defer boundary(&status)
	c, err := callOf(handle)
	if err != nil {
		return fail(err)
	}
	c.stop()
	return C.AVK_OK
}

//export avk_call_close
func avk_call_close(handle C.avk_call) (status C.avk_status) {
	defer boundary(&status)
	c, err := take[*call](kindCall, uint64(handle))
	if err != nil {
		return fail(err)
	}
	return fail(c.close())
}
