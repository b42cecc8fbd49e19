//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package driver

// #cgo CFLAGS: -std=gnu11 -Wall
// #cgo linux LDFLAGS: -ldl
// #include "shim.h"
import "C"

import "unsafe"

// Supported says whether this build can call Vulkan.
const Supported = true

// OpenLoader opens the system's Vulkan loader and returns its
// vkGetInstanceProcAddr; nil with the reason.
func OpenLoader() (getInstanceProcAddr unsafe.Pointer, problem string) {
	text := make([]byte, 512)
	address := C.vks_open_loader(first[C.char](text), C.size_t(len(text)))
	if address == nil {
		return nil, Text(text)
	}
	return address, ""
}

// LoaderVersion is the highest version of Vulkan that a loader knows.
func LoaderVersion(getInstanceProcAddr unsafe.Pointer) uint32 {
	return uint32(C.vks_loader_version(getInstanceProcAddr))
}

// ProcessorTime is what the process has used of all processors, in microseconds.
func ProcessorTime() int64 { return int64(C.vks_processor_time()) }
