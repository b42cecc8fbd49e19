// Package main is the C interface of anchorvk: anchorvk.h in Go, built as a
// shared library (make capi). docs/c-api.md is its manual.
//
// Each exported function looks its handles up, copies the structs that it was
// given, calls packages vk and attention, and turns the error into a status and
// a text. No panic leaves it.
package main

// #cgo CFLAGS: -std=c11 -Wall -Wextra
// #include "bridge.h"
import "C"

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

func main() {}

//export avk_check_abi
func avk_check_abi(version C.uint32_t) (status C.avk_status) {
	defer boundary(&status)
	const own = C.AVK_ABI_VERSION
	if version>>16 != own>>16 || version > own {
		return fail(&statusError{C.AVK_ERROR_ABI_VERSION, fmt.Sprintf(
			"the program was built for version %d.%d of the interface, this library has %d.%d; install the library that belongs to the program's anchorvk.h",
			version>>16, version&0xffff, own>>16, own&0xffff,
		)})
	}
	return C.AVK_OK
}

//export avk_version
func avk_version(text *C.char, size C.size_t, length *C.size_t) (status C.avk_status) {
	defer boundary(&status)
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	return fail(putText("anchorvk "+version+" ("+runtime.Version()+")", text, size, length))
}
