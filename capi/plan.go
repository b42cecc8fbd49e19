package main

// #include "bridge.h"
import "C"

import (
	"math"
	"unsafe"

	"github.com/anchorvk/anchorvk/attention"
)

// planInfoLeast is the end of avk_plan_info in version 1.0.
const planInfoLeast = unsafe.Offsetof(C.avk_plan_info{}.tail)

// headsOf copies the caller's modes of heads.
func headsOf(in *C.avk_plan_info) ([]attention.Head, error) {
	if in.head_modes == nil && in.head_mode_count == 0 {
		return nil, nil
	}
	if in.head_modes == nil {
		return nil, argument("avk_plan_info.head_modes is NULL, with a head_mode_count of %d", in.head_mode_count)
	}
	if in.head_mode_count != C.uint64_t(in.heads) { // before that many are read
		return nil, argument("avk_plan_info.head_mode_count is %d; have one for each of the %d query heads", in.head_mode_count, in.heads)
	}
	heads := make([]attention.Head, in.heads)
	for i, h := range unsafe.Slice(in.head_modes, in.heads) {
		if h.reserved != 0 {
			return nil, argument("avk_plan_info.head_modes[%d].reserved is %d; set it to 0", i, h.reserved)
		}
		heads[i] = attention.Head{Mode: attention.HeadMode(h.mode), Theta: float64(h.theta), Weight: float64(h.weight)}
	}
	return heads, nil
}

//export avk_plan_defaults
func avk_plan_defaults(info *C.avk_plan_info) (status C.avk_status) {
	defer boundary(&status)
	write, err := putStruct(info, planInfoLeast)
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

//export avk_plan_preset
func avk_plan_preset(info *C.avk_plan_info, name C.avk_in_text) (status C.avk_status) {
	defer boundary(&status)
	in, err := getStruct(info, planInfoLeast)
	if err != nil {
		return fail(err)
	}
	if name == nil {
		return fail(argument("name is NULL"))
	}
	p, err := attention.Preset(C.GoString((*C.char)(name)))
	if err != nil {
		return fail(err)
	}
	write, err := putParams(&in, info, p, "preset "+C.GoString((*C.char)(name)))
	if err != nil {
		return fail(err)
	}
	write(in)
	return C.AVK_OK
}

// putParams fills in a preset's parameters, with heads or without; the result
// writes them to the caller's struct. of says whose they are.
func putParams(in, to *C.avk_plan_info, p attention.Params, of string) (write func(C.avk_plan_info), err error) {
	if size := uintptr(in.struct_size); size < unsafe.Sizeof(*in) && (p.Tail != 0 || p.Guard.On() || p.Sample.On() || p.Heads != nil) {
		return nil, argument("avk_plan_info has struct_size %d, and %s sets fields behind that; build the program with this anchorvk.h", size, of)
	}
	in.theta, in.step, in.block = C.double(p.Theta), C.int32_t(p.Step), C.int32_t(p.Block)
	in.sink_blocks, in.window_blocks = C.int32_t(p.SinkBlocks), C.int32_t(p.WindowBlocks)
	in.tail, in.guard_stride = C.int32_t(p.Tail), C.int32_t(p.Guard.Stride)
	in.guard_peak, in.guard_limit, in.guard_look = C.double(p.Guard.Peak), C.double(p.Guard.Limit), C.int32_t(p.Guard.Look)
	in.sample_stride, in.sample_weight, in.sample_part = C.int32_t(p.Sample.Stride), C.double(p.Sample.Weight), C.int32_t(p.Sample.Part)
	return putStruct(to, planInfoLeast)
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
	if in.reserved2 != 0 {
		return problem, options, argument("avk_plan_info.reserved2 is %d; set it to 0", in.reserved2)
	}
	if in.tier != nil {
		options.Tier = attention.Tier(C.GoString(in.tier))
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
		SinkBlocks: int(in.sink_blocks), WindowBlocks: int(in.window_blocks), Tail: int(in.tail),
		Guard:  attention.Guard{Stride: int(in.guard_stride), Peak: float64(in.guard_peak), Limit: float64(in.guard_limit), Look: int(in.guard_look)},
		Sample: attention.Sample{Stride: int(in.sample_stride), Weight: float64(in.sample_weight), Part: int(in.sample_part)},
	}
	var err error
	problem.Params.Heads, err = headsOf(in)
	return problem, options, err
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
	in, err := getStruct(info, planInfoLeast)
	if err != nil {
		return fail(err)
	}
	problem, options, err := problemOf(&in)
	if err != nil {
		return fail(err)
	}
	options.Rules = e.rules()
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
