//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #include "shim_internal.h"
//
// // Loaders of Vulkan 1.0 do not have the function.
// static uint32_t loader_version(void *address) {
//	PFN_vkGetInstanceProcAddr get = (PFN_vkGetInstanceProcAddr)address;
//	PFN_vkEnumerateInstanceVersion version_of = (PFN_vkEnumerateInstanceVersion)get(NULL, "vkEnumerateInstanceVersion");
//	uint32_t version = 1u << 22;
//	if (version_of) version_of(&version);
//	return version;
// }
import "C"

import vulkan "github.com/vulkan-go/vulkan"

// LoaderVersion is the highest Vulkan version that the loader knows, as
// 1.3.239. It needs no driver; the error is a *NoDeviceError.
func LoaderVersion() (string, error) {
	loader.Lock()
	defer loader.Unlock()
	get, err := openLoader()
	if err != nil {
		return "", err
	}
	return vulkan.Version(C.loader_version(get)).String(), nil
}
