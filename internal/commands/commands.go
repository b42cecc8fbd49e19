//go:build cgo

// Package commands notes what is recorded into command buffers, so that tests
// can hold the barriers against the work that they stand around. It is global
// to the process, so tests that use it must not run side by side.
package commands

// #include <stdlib.h>
// #include "commands.h"
import "C"

import "unsafe"

// Command is a call that recorded something, or began or ended a command buffer.
type Command struct {
	Name string // of the function
	// What a barrier waits for and makes visible to what: VkPipelineStageFlags
	// and VkAccessFlags.
	FromStages, FromAccess, ToStages, ToAccess uint32
}

// Reset forgets what was noted.
func Reset() { C.commands_count = 0 }

// Noted returns the calls since Reset, of which it keeps 64.
func Noted() []Command {
	list := make([]Command, min(int(C.commands_count), C.COMMANDS_MOST))
	for i := range list {
		e := C.commands_log[i] //nolint:gocritic // seen in the code that cgo generates
		list[i] = Command{C.GoString(e.name), uint32(e.from_stages), uint32(e.from_access), uint32(e.to_stages), uint32(e.to_access)}
	}
	return list
}

// Hook is for vk.Options.Hook.
func Hook(name string, address unsafe.Pointer) unsafe.Pointer {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	return C.commands_wrap(c, address)
}
