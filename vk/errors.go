package vk

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrClosed is returned by every call on a device, buffer, pipeline or recorder that has been closed.
var ErrClosed = errors.New("vk: the object or its device is closed")

// ErrRecordings is what Device.Close returns while recordings are open.
var ErrRecordings = errors.New("vk: recordings of the device are open, and their commands may be running; close them first, once they have ended, then the device")

// ErrNotRun is what Recording.CheckRun returns where commands of the recording
// have not run to their end.
var ErrNotRun = errors.New("vk: the recorded commands have not run to their end since they were last asked about: they were not submitted, or not waited for, or the driver dropped them")

// ErrAbandoned is what Device.Close returns, each time, where the device's work
// hangs. The device is closed.
var ErrAbandoned = errors.New("vk: the device was closed while its work hangs; its memory is left to the driver, because freeing it is not safe")

// ErrUnsupported is wrapped by the *NoDeviceError of Open and List where the
// package cannot call Vulkan: built without cgo, or for another system.
var ErrUnsupported = errors.New("vk: built without Vulkan")

// NoDeviceError says that no usable Vulkan device was found, or that
// Options.Device does not pick exactly one.
type NoDeviceError struct {
	Why   string   // what went wrong
	Try   string   // what the user can do
	Found []string // the devices there are, one line each
	Cause error    // ErrUnsupported where this build cannot call Vulkan at all, else nil
}

// Unwrap returns Cause.
func (e *NoDeviceError) Unwrap() error { return e.Cause }

func (e *NoDeviceError) Error() string {
	var b strings.Builder
	b.WriteString("no usable Vulkan device: " + e.Why)
	for _, f := range e.Found {
		b.WriteString("\n  " + f)
	}
	if e.Try != "" {
		b.WriteString("; try: " + e.Try)
	}
	return b.String()
}

// OutOfMemoryError says that memory ran out: for a buffer, on every memory type
// that could hold it.
type OutOfMemoryError struct {
	Call      string // the Vulkan function that failed; "" when unknown
	Host      bool   // it was the host's memory, not the device's
	What      string // name of the buffer; "" when unknown
	Asked     uint64 // bytes; 0 when unknown
	Available uint64 // bytes that Heap is thought to have left; 0 when there are none, or unknown
	Heap      string // the device's heap that is the best for it, as "heap 0 (device-local, 8589934592 bytes)"; "" when unknown
}

func (e *OutOfMemoryError) Error() string {
	whose, try := "device", "shorter inputs, fewer heads at a time, or a device with more memory"
	if e.Host {
		whose, try = "host", "shorter inputs, fewer heads at a time, or to end other programs"
	}
	var parts []string
	if e.What != "" || e.Asked > 0 {
		what := e.What
		if what == "" {
			what = "it"
		}
		if e.Asked > 0 {
			what += fmt.Sprintf(" asked for %d bytes", e.Asked)
		}
		parts = append(parts, what)
	}
	if e.Call != "" {
		parts = append(parts, e.Call+" failed")
	}
	switch {
	case e.Host:
	case e.Heap == "" && e.Available > 0:
		parts = append(parts, fmt.Sprintf("about %d are available", e.Available))
	case e.Heap != "" && e.Available >= e.Asked:
		parts = append(parts, fmt.Sprintf("although about %d seem to be left in %s", e.Available, e.Heap))
	case e.Heap != "":
		parts = append(parts, fmt.Sprintf("about %d are left in %s", e.Available, e.Heap))
	}
	s := "out of " + whose + " memory"
	if len(parts) > 0 {
		s += ": " + strings.Join(parts, ", ")
	}
	return s + "; try " + try
}

// CallError says that a Vulkan function failed for a reason that has no error
// type of its own.
type CallError struct {
	Call   string // the function
	Result int32  // the VkResult
	Name   string // of the result, as in the specification
}

func (e *CallError) Error() string { return fmt.Sprintf("vk: %s: %s", e.Call, e.Name) }

// MemoryBudgetError says that Options.MemoryBudget, or a budget given to a
// plan, does not allow what was asked for. Nothing was allocated.
type MemoryBudgetError struct {
	What   string // name of the buffer, or what else was to be made
	Need   uint64 // bytes that it needs
	Used   uint64 // bytes of the budget in use before
	Budget uint64
	Try    string
}

func (e *MemoryBudgetError) Error() string {
	s := fmt.Sprintf("memory budget: %s needs %d bytes", e.What, e.Need)
	if e.Used > 0 {
		s += fmt.Sprintf(" on top of the %d in use", e.Used)
	}
	return s + fmt.Sprintf(", and the budget is %d; try: %s", e.Budget, e.Try)
}

// LimitError says that a request is larger than the device allows.
type LimitError struct {
	What  string // what was asked for
	Limit string // name of the limit, as in the Vulkan specification where it has one
	Asked uint64
	Max   uint64
	Try   string
}

func (e *LimitError) Error() string {
	s := fmt.Sprintf("%s needs %s of %d, the device allows %d", e.What, e.Limit, e.Asked, e.Max)
	if e.Try != "" {
		s += "; try: " + e.Try
	}
	return s
}

// FeatureError says that the device lacks a feature, or that it was switched off.
type FeatureError struct{ Feature, Why, Try string }

func (e *FeatureError) Error() string {
	s := fmt.Sprintf("feature %s cannot be used: %s", e.Feature, e.Why)
	if e.Try != "" {
		s += "; try: " + e.Try
	}
	return s
}

// DeviceLostError says that the driver gave the device up. It is latched: every
// later call on the device returns it. A freshly opened device may work.
type DeviceLostError struct{ During string }

func (e *DeviceLostError) Error() string {
	return fmt.Sprintf("the Vulkan device was lost during %s; try: open it again, smaller slices (PlanOptions.SliceMS), or look at the kernel log for a GPU reset", e.During)
}

// TimeoutError says that submitted work made no progress for Waited. The
// device is given up, as after a loss, because the work may still be running.
type TimeoutError struct {
	During string
	Waited time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("the Vulkan device made no progress for %v during %s; try: smaller slices (PlanOptions.SliceMS) or a larger Options.Timeout", e.Waited, e.During)
}
