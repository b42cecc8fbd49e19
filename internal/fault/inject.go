//go:build cgo

package fault

// #include "inject.h"
import "C"

import "fmt"

// Functions are the Vulkan functions that are wrapped, in the order of their
// declarations: all that package vk declares.
func Functions() []string {
	list := make([]string, C.inject_functions())
	for i := range list {
		list[i] = C.GoString(C.inject_name(C.int(i)))
	}
	return list
}

// ReturnsResult says whether a function of Functions returns a VkResult.
func ReturnsResult(function string) bool { return C.inject_returns_result(number(function)) != 0 }

func number(function string) C.int {
	for i, name := range Functions() {
		if name == function {
			return C.int(i)
		}
	}
	panic("fault: no function " + function)
}

// Fail makes the nth call from now on of a function, counted from 1, return a
// VkResult, once. The function is not called then, except for VK_INCOMPLETE, and
// what it should have made is undefined. It takes the place of an earlier Fail;
// nth 0 lets everything succeed.
func Fail(function string, nth int, result int32) {
	C.inject_arm(number(function), C.int64_t(nth), C.int32_t(result))
}

// Fired says whether the call that the last Fail chose was made.
func Fired() bool { return C.inject_fired() != 0 }

// Calls counts the calls of each function since ResetCalls.
func Calls() map[string]int {
	calls := map[string]int{}
	for i, name := range Functions() {
		if n := C.inject_calls(C.int(i)); n > 0 {
			calls[name] = int(n)
		}
	}
	return calls
}

// ResetCalls sets the counts of Calls to 0.
func ResetCalls() { C.inject_reset_calls() }

// Objects are the Vulkan objects that were made and not destroyed.
type Objects struct {
	Instances, Devices, Memory, Mapped, Buffers, Modules, PipelineCaches, SetLayouts,
	PipelineLayouts, Pipelines, DescriptorPools, Fences, CommandPools, QueryPools, Messengers int
}

// Live returns the objects of everything that uses Hook.
func Live() Objects {
	n := func(kind C.int) int { return int(C.inject_live(kind)) }
	return Objects{
		n(C.LIVE_INSTANCE), n(C.LIVE_DEVICE), n(C.LIVE_MEMORY), n(C.LIVE_MAPPED), n(C.LIVE_BUFFER), n(C.LIVE_MODULE), n(C.LIVE_PIPELINE_CACHE), n(C.LIVE_SET_LAYOUT),
		n(C.LIVE_PIPELINE_LAYOUT), n(C.LIVE_PIPELINE), n(C.LIVE_DESCRIPTOR_POOL), n(C.LIVE_FENCE), n(C.LIVE_COMMAND_POOL), n(C.LIVE_QUERY_POOL), n(C.LIVE_MESSENGER),
	}
}

// Keep lets the instance, the device and pipelines outlive their destruction
// and be found again when they are made anew, so that tests that open a device
// some hundred times do not compile as often. Live counts as ever. Off destroys
// what was kept, and comes when no device is open.
func Keep(on bool) {
	c := C.int(0)
	if on {
		c = 1
	}
	C.inject_keep(c)
}

// Case is one call to fail.
type Case struct {
	Function string
	Nth      int
	Result   Result
}

func (c Case) String() string { return fmt.Sprintf("%s#%d=%s", c.Function, c.Nth, c.Result) }

// Cases are all to try after a run without faults that made calls: each result
// that each function may return, for each of its calls, of many only the first
// and the last ones.
func Cases(calls map[string]int) []Case {
	const each = 4
	var list []Case
	for _, function := range Functions() {
		most := calls[function]
		if function == "vkWaitForFences" { // how often one is waited for depends on the time
			most = min(most, calls["vkQueueSubmit"])
		}
		for nth := 1; nth <= most; nth++ {
			if nth > each && nth <= most-2 {
				continue
			}
			for _, result := range Results[function] {
				list = append(list, Case{function, nth, result})
			}
		}
	}
	return list
}
