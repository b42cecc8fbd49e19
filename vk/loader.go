//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #cgo CFLAGS: -std=gnu11 -Wall
// #cgo linux LDFLAGS: -ldl
// #include "shim.h"
import "C"

import (
	"sync"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// loader holds what is opened once for the process.
var loader struct {
	sync.Mutex
	address unsafe.Pointer // vkGetInstanceProcAddr
}

// openLoader opens the Vulkan loader and initialises the binding. A failure is
// not remembered: the next call tries again. The lock must be held.
func openLoader() (unsafe.Pointer, error) {
	if loader.address != nil {
		return loader.address, nil
	}
	text := make([]byte, 512)
	address := C.vks_open_loader((*C.char)(unsafe.Pointer(&text[0])), C.size_t(len(text)))
	if address == nil {
		return nil, &NoDeviceError{Why: "the Vulkan loader cannot be opened: " + goText(text), Try: "install libvulkan1 (Debian, Ubuntu), vulkan-loader (Fedora), or a GPU driver"}
	}
	vulkan.SetGetInstanceProcAddr(address)
	if err := vulkan.Init(); err != nil {
		return nil, &NoDeviceError{Why: "the Vulkan loader is unusable: " + err.Error(), Try: "reinstall the Vulkan loader"}
	}
	loader.address = address
	return address, nil
}

// goText cuts C text at its first zero byte.
func goText(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// bits and handle carry Vulkan handles between the binding's types and the
// shim's integers. Handles are not Go pointers: drivers may use any number.
func bits[H any](h H) C.uint64_t { return *(*C.uint64_t)(unsafe.Pointer(&h)) }

func handle[H any](v C.uint64_t) H { return *(*H)(unsafe.Pointer(&v)) }
