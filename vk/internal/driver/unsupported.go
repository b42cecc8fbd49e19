//go:build !(cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64))

package driver

import "unsafe"

// Result is a VkResult.
type Result int32

// Supported says whether this build can call Vulkan.
const Supported = false

const unsupported = "this build cannot call Vulkan"

// OpenLoader finds none.
func OpenLoader() (getInstanceProcAddr unsafe.Pointer, problem string) { return nil, unsupported }

// LoaderVersion is never asked.
func LoaderVersion(unsafe.Pointer) uint32 { return 0 }

// ProcessorTime is not known.
func ProcessorTime() int64 { return 0 }

// CreateInstance makes none.
func CreateInstance(unsafe.Pointer, bool) (in Instance, result Result, call, problem string) {
	return nil, ErrorInitializationFailed, "", unsupported
}

// AdoptInstance makes none.
func AdoptInstance(unsafe.Pointer, uint64, uint32) (Instance, Result) {
	return nil, ErrorInitializationFailed
}

// SwitchNames lists none.
func SwitchNames() []string { return nil }

// Enable notes nothing.
func Enable(*Caps, []string, unsafe.Pointer) {}

// Restrict takes nothing.
func Restrict(*Caps, *Caps, uint32, []string) {}
