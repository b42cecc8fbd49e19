package main

// #include "bridge.h"
import "C"

import (
	"context"
	"math"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/tune"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// tunedEngine is an engine whose plans take what was found on its device.
type tunedEngine struct {
	*attention.Engine
	device *vk.Device

	mu    sync.Mutex
	found []tuning.Rule
}

// rules are for plans.
func (e *tunedEngine) rules() []tuning.Rule {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.found
}

// take has later plans take what a tuning run or a folder gives, in the place of
// what is for the same tier and head dimension, and beside all else.
func (e *tunedEngine) take(rules []tuning.Rule) {
	e.mu.Lock()
	defer e.mu.Unlock()
	kept := make([]tuning.Rule, 0, len(e.found)+len(rules)) // plans may be reading the old ones
	for _, old := range e.found {
		if !slices.ContainsFunc(rules, func(r tuning.Rule) bool { return reflect.DeepEqual(r.When, old.When) }) {
			kept = append(kept, old)
		}
	}
	kept = append(kept, rules...)
	e.found = kept
}

//export avk_engine_tune
func avk_engine_tune(engine C.avk_engine, info C.avk_in_tune_info, text *C.char, size C.size_t, length *C.size_t) (status C.avk_status) {
	defer boundary(&status)
	e, err := engineOf(engine)
	if err != nil {
		return fail(err)
	}
	in, err := getStruct(info, C.sizeof_avk_tune_info)
	if err != nil {
		return fail(err)
	}
	options, err := tuneOptions(&in)
	if err != nil {
		return fail(err)
	}
	if text == nil && size != 0 { // known before minutes of work
		return fail(putText("", text, size, length))
	}
	result, err := tune.Run(context.Background(), e.device, options)
	if err != nil {
		return fail(err)
	}
	e.take(result.Rules)
	if text == nil && length == nil {
		return C.AVK_OK
	}
	return fail(putText(result.Gain, text, size, length))
}

// tuneOptions reads what to tune for.
func tuneOptions(in *C.avk_tune_info) (o tune.Options, err error) {
	for _, field := range []struct {
		name  string
		to    *int
		from  C.int64_t
		least C.int64_t
	}{
		{"head_dim", &o.HeadDim, in.head_dim, 1}, {"heads", &o.Heads, in.heads, 0}, {"kv_heads", &o.KVHeads, in.kv_heads, 0}, {"length", &o.Length, in.length, 0},
	} {
		if field.from < field.least || field.from > math.MaxInt32 {
			return o, argument("avk_tune_info.%s is %d; use %d to %d", field.name, field.from, field.least, math.MaxInt32)
		}
		*field.to = int(field.from)
	}
	if (in.heads == 0) != (in.kv_heads == 0) {
		return o, argument("avk_tune_info.heads is %d and kv_heads %d; give both, or 0 for both", in.heads, in.kv_heads)
	}
	ms := float64(in.budget_ms)
	if !(ms >= 0 && ms <= math.MaxInt64/1e6/2) {
		return o, argument("avk_tune_info.budget_ms is %v; use milliseconds, or 0 for 60,000", ms)
	}
	o.Budget = time.Duration(ms * 1e6)
	if in.tier != nil {
		o.Tier = attention.Tier(C.GoString(in.tier))
	}
	if in.folder != nil {
		o.Dir = C.GoString(in.folder)
	}
	return o, nil
}

//export avk_engine_tuned
func avk_engine_tuned(engine C.avk_engine, folder C.avk_in_text) (status C.avk_status) {
	defer boundary(&status)
	e, err := engineOf(engine)
	if err != nil {
		return fail(err)
	}
	if folder == nil || *folder == 0 {
		return fail(argument("folder is NULL or empty"))
	}
	rules, err := tune.Load(e.device, C.GoString((*C.char)(folder)))
	e.take(rules)
	return fail(err)
}
