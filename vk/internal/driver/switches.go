//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package driver

// #include <stdlib.h>
// #include "shim.h"
import "C"

import "unsafe"

// SwitchNames lists the features that Enable knows, by the specification's names.
func SwitchNames() []string {
	var list []string
	for i := C.uint32_t(0); ; i++ {
		name := C.vks_switch_name(i)
		if name == nil {
			return list
		}
		list = append(list, C.GoString(name))
	}
}

// Enable notes in enabled what was switched on: by name, or in a chain of
// feature structures in C memory.
func Enable(enabled *Caps, names []string, chain unsafe.Pointer) {
	for _, name := range names {
		c := C.CString(name)
		C.vks_enable_name(caps(enabled), c)
		C.free(unsafe.Pointer(c))
	}
	if chain != nil {
		C.vks_enable_chain(caps(enabled), chain)
	}
}

// Restrict takes from c what is not enabled, or whose extension is neither core
// in api nor listed.
func Restrict(c, enabled *Caps, api uint32, extensions []string) {
	names := make([]*C.char, len(extensions))
	for i, name := range extensions {
		names[i] = C.CString(name)
	}
	C.vks_restrict(caps(c), caps(enabled), C.uint32_t(api), unsafe.SliceData(names), C.uint32_t(len(names)))
	for _, name := range names {
		C.free(unsafe.Pointer(name))
	}
}
