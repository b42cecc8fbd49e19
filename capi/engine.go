package main

// #include "bridge.h"
import "C"

import (
	"context"

	"github.com/anchorvk/anchorvk/attention"
)

//export avk_engine_create
func avk_engine_create(device C.avk_device, engine *C.avk_engine) (status C.avk_status) {
	defer boundary(&status)
	if err := need("engine", engine); err != nil {
		return fail(err)
	}
	d, err := deviceOf(device)
	if err != nil {
		return fail(err)
	}
	made, err := attention.NewEngine(d, attention.Options{})
	if err != nil {
		return fail(err)
	}
	return fail(give(engine, kindEngine, &tunedEngine{Engine: made, device: d}, made.Close))
}

//export avk_engine_warmup
func avk_engine_warmup(engine C.avk_engine, plan C.avk_plan) (status C.avk_status) {
	defer boundary(&status)
	e, err := engineOf(engine)
	if err != nil {
		return fail(err)
	}
	p, err := planOf(plan)
	if err != nil {
		return fail(err)
	}
	return fail(e.Warmup(context.Background(), p))
}

//export avk_engine_close
func avk_engine_close(engine C.avk_engine) (status C.avk_status) {
	defer boundary(&status)
	e, err := take[*tunedEngine](kindEngine, uint64(engine))
	if err != nil {
		return fail(err)
	}
	return fail(e.Close())
}
