//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package driver

// #include "shim.h"
import "C"

type recorder struct {
	device *C.vks_device
	c      *C.vks_recorder
}

func (d *device) CreateRecorder() (r Recorder, result Result, call string) {
	var c *C.vks_recorder
	var failed *C.char
	if bad := C.vks_create_recorder(d.c, &c, &failed); bad != 0 { //nolint:gocritic // seen in the code that cgo generates for a pointer to a pointer
		return nil, Result(bad), C.GoString(failed)
	}
	return &recorder{d.c, c}, Success, ""
}

func (d *device) Submit(r Recorder, wait, signal []Timeline) Result {
	var c *C.vks_recorder
	if r != nil {
		c = r.(*recorder).c
	}
	return Result(C.vks_submit(d.c, c, first[cTimeline](wait), C.uint32_t(len(wait)), first[cTimeline](signal), C.uint32_t(len(signal))))
}

func (d *device) SemaphoreValue(semaphore uint64) (uint64, Result) {
	var value C.uint64_t
	r := C.vks_semaphore_value(d.c, C.uint64_t(semaphore), &value)
	return uint64(value), Result(r)
}

func (c Canary) c() C.vks_canary {
	return C.vks_canary{buffer: C.uint64_t(c.Buffer), offset: C.uint64_t(c.Offset), value: C.uint32_t(c.Value)}
}

func (r *recorder) Record(ops []Op, bindings []Binding, push []byte, timestamps int, canary Canary) Result {
	return Result(C.vks_record(r.device, r.c, first[cOp](ops), C.uint64_t(len(ops)), first[cBinding](bindings),
		first[C.uint8_t](push), C.uint32_t(timestamps), canary.c()))
}

func (r *recorder) MakeSets(ops []Op, bindings []Binding) Result {
	return Result(C.vks_make_sets(r.device, r.c, first[cOp](ops), C.uint64_t(len(ops)), first[cBinding](bindings)))
}

func (r *recorder) RecordInto(commands uint64, ops []Op, push []byte, canary Canary) {
	C.vks_record_into(r.device, r.c, C.uint64_t(commands), first[cOp](ops), C.uint64_t(len(ops)), first[C.uint8_t](push), canary.c())
}

func (r *recorder) Wait(nanoseconds uint64) Result {
	return Result(C.vks_wait(r.device, r.c, C.uint64_t(nanoseconds)))
}

func (r *recorder) Timestamps(ticks []uint64) Result {
	return Result(C.vks_read_timestamps(r.device, r.c, first[C.uint64_t](ticks), C.uint32_t(len(ticks))))
}

func (r *recorder) FailedCall() string { return C.GoString(C.vks_failed_call(r.c)) }

func (r *recorder) Destroy() {
	C.vks_destroy_recorder(r.device, r.c)
	r.c = nil
}
