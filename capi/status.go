package main

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"unsafe"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/profile"
	"github.com/anchorvk/anchorvk/internal/handle"
	"github.com/anchorvk/anchorvk/vk"
)

// statusError is an error of the C interface itself.
type statusError struct {
	status C.avk_status
	text   string
}

func (e *statusError) Error() string { return "anchorvk: " + e.text }

func argument(format string, args ...any) error {
	return &statusError{C.AVK_ERROR_ARGUMENT, fmt.Sprintf(format, args...)}
}

// fail returns the status of an error, and keeps its text for avk_last_error on
// this thread: an exported function runs on the thread of its caller.
func fail(err error) C.avk_status {
	if err == nil {
		return C.AVK_OK
	}
	keepError(speakC(err))
	return statusOf(err)
}

func keepError(text string) {
	b := append([]byte(text), 0)
	C.avk_keep_error((*C.char)(unsafe.Pointer(&b[0])), C.size_t(len(text)))
}

func statusOf(err error) C.avk_status {
	for _, known := range []struct {
		is     func() bool
		status C.avk_status
	}{
		{is[*attention.ArgumentError](err), C.AVK_ERROR_ARGUMENT},
		{is[*profile.Error](err), C.AVK_ERROR_ARGUMENT},
		{is[*attention.PanicError](err), C.AVK_ERROR_INTERNAL},
		{is[*handle.Error](err), C.AVK_ERROR_HANDLE},
		{func() bool { return errors.Is(err, handle.ErrFull) }, C.AVK_ERROR_LIMIT},
		{func() bool { return errors.Is(err, vk.ErrUnsupported) }, C.AVK_ERROR_UNSUPPORTED},
		{is[*vk.BorrowError](err), C.AVK_ERROR_BORROWED},
		{is[*vk.MemoryBudgetError](err), C.AVK_ERROR_MEMORY_BUDGET},
		{is[*vk.NoDeviceError](err), C.AVK_ERROR_NO_DEVICE},
		{is[*vk.FeatureError](err), C.AVK_ERROR_FEATURE},
		{is[*vk.LimitError](err), C.AVK_ERROR_LIMIT},
		{is[*vk.OutOfMemoryError](err), C.AVK_ERROR_OUT_OF_MEMORY},
		{is[*vk.DeviceLostError](err), C.AVK_ERROR_DEVICE_LOST},
		{is[*vk.TimeoutError](err), C.AVK_ERROR_TIMEOUT},
		{func() bool { return errors.Is(err, vk.ErrAbandoned) }, C.AVK_ERROR_TIMEOUT},
		{func() bool { return errors.Is(err, vk.ErrRecordings) || errors.Is(err, attention.ErrBusy) }, C.AVK_ERROR_BUSY},
		{func() bool { return errors.Is(err, vk.ErrClosed) }, C.AVK_ERROR_CLOSED},
		{func() bool { return errors.Is(err, context.Canceled) }, C.AVK_ERROR_CANCELLED},
	} {
		if known.is() {
			return known.status
		}
	}
	var own *statusError
	if errors.As(err, &own) {
		return own.status
	}
	return C.AVK_ERROR_OTHER
}

func is[E error](err error) func() bool {
	return func() bool {
		var target E
		return errors.As(err, &target)
	}
}

// boundary is deferred by every exported function: a panic would end the host.
func boundary(status *C.avk_status) {
	if cause := recover(); cause != nil {
		keepError("anchorvk: bug: " + describePanic(cause))
		*status = C.AVK_ERROR_INTERNAL
	}
}

func describePanic(cause any) string { return fmt.Sprintf("%v\n%s", cause, debug.Stack()) }
