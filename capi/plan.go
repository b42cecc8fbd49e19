package main

// #include "bridge.h"
import "C"

import (
	"math"

	"github.com/anchorvk/anchorvk/attention"
)

//export avk_plan_defaults
func avk_plan_defaults(info *C.avk_plan_info) (status C.avk_status) {
	defer boundary(&status)
	write, err := putStruct(info, C.sizeof_avk_plan_info)
	if err != nil {
		return fail(err)
	}
	p := attention.DefaultParams()
	write(C.avk_plan_info{
		mode: C.AVK_MODE_ANCHOR, theta: C.double(p.Theta), scale: C.double(p.Scale),
		step: C.int32_t(p.Step), block: C.int32_t(p.Block), sink_blocks: C.int32_t(p.SinkBlocks), window_blocks: C.int32_t(p.WindowBlocks),
	})
	return C.AVK_OK
}

func problemOf(in *C.avk_plan_info) (attention.Problem, attention.PlanOptions, error) {
	var problem attention.Problem
	options := attention.PlanOptions{
		NoFallback: in.no_fallback != 0, SliceMS: float64(in.slice_ms),
		ScratchBytes: uint64(in.scratch_bytes), StripeShare: float64(in.stripe_share),
		MemoryBudget: uint64(in.memory_budget), DeviceTensors: in.device_tensors != 0,
	}
	if in.reserved != 0 {
		return problem, options, argument("avk_plan_info.reserved is %d; set it to 0", in.reserved)
	}
	if in.tier != nil {
		options.Tier = C.GoString(in.tier)
	}
	s := &problem.Shape
	for _, field := range []struct {
		name string
		to   *int
		from C.int64_t
	}{
		{"batch", &s.Batch, in.batch},
		{"heads", &s.Heads, in.heads},
		{"kv_heads", &s.KVHeads, in.kv_heads},
		{"q_len", &s.QLen, in.q_len},
		{"kv_len", &s.KVLen, in.kv_len},
		{"head_dim", &s.HeadDim, in.head_dim},
	} {
		if field.from < 1 || field.from > math.MaxInt32 {
			return problem, options, argument("avk_plan_info.%s is %d; use 1 to %d", field.name, field.from, math.MaxInt32)
		}
		*field.to = int(field.from)
	}
	switch in.mode {
	case C.AVK_MODE_ANCHOR:
		problem.Mode = attention.ModeAnchor
	case C.AVK_MODE_DENSE:
		problem.Mode = attention.ModeDense
	default:
		return problem, options, argument("avk_plan_info.mode is %d; use AVK_MODE_ANCHOR or AVK_MODE_DENSE", in.mode)
	}
	problem.Params = attention.Params{
		Theta: float64(in.theta), Scale: float64(in.scale), Step: int(in.step), Block: int(in.block),
		SinkBlocks: int(in.sink_blocks), WindowBlocks: int(in.window_blocks),
	}
	return problem, options, nil
}

//export avk_plan_create
func avk_plan_create(engine C.avk_engine, info C.avk_in_plan_info, plan *C.avk_plan) (status C.avk_status) {
	defer boundary(&status)
	if err := need("plan", plan); err != nil {
		return fail(err)
	}
	e, err := engineOf(engine)
	if err != nil {
		return fail(err)
	}
	in, err := getStruct(info, C.sizeof_avk_plan_info)
	if err != nil {
		return fail(err)
	}
	problem, options, err := problemOf(&in)
	if err != nil {
		return fail(err)
	}
	made, err := e.Plan(problem, options)
	if err != nil {
		return fail(err)
	}
	return fail(give(plan, kindPlan, made, func() error { return nil }))
}

//export avk_plan_text
func avk_plan_text(plan C.avk_plan, format C.int32_t, text *C.char, size C.size_t, length *C.size_t) (status C.avk_status) {
	defer boundary(&status)
	p, err := planOf(plan)
	if err != nil {
		return fail(err)
	}
	return fail(describe(format,
		func() (string, error) { return p.String(), nil },
		func() (string, error) { return marshal(p) },
		text, size, length))
}

//export avk_plan_memory
func avk_plan_memory(plan C.avk_plan, memory *C.avk_memory) (status C.avk_status) {
	defer boundary(&status)
	p, err := planOf(plan)
	if err != nil {
		return fail(err)
	}
	write, err := putStruct(memory, C.sizeof_avk_memory)
	if err != nil {
		return fail(err)
	}
	m := p.Memory
	write(C.avk_memory{
		tensors: C.uint64_t(m.Tensors), staging: C.uint64_t(m.Staging), scratch: C.uint64_t(m.Scratch), counts: C.uint64_t(m.Counts),
		lse: C.uint64_t(m.LSE), total: C.uint64_t(m.Total), stripes: C.uint64_t(m.Stripes),
	})
	return C.AVK_OK
}

//export avk_plan_close
func avk_plan_close(plan C.avk_plan) (status C.avk_status) {
	defer boundary(&status)
	_, err := take[*attention.Plan](kindPlan, uint64(plan))
	return fail(err)
}
