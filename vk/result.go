//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

import (
	"fmt"

	vulkan "github.com/vulkan-go/vulkan"
)

// Result values newer than the binding.
const (
	resultSuccess      = vulkan.Success
	resultTimeout      = vulkan.Timeout
	resultUnknown      = vulkan.Result(-13)
	resultValidation   = vulkan.Result(-1000011001)
	resultFragmented   = vulkan.Result(-1000161000)
	resultNotPermitted = vulkan.Result(-1000174001)
)

// resultText names a VkResult as the specification does.
func resultText(r vulkan.Result) string {
	names := map[vulkan.Result]string{
		vulkan.NotReady: "VK_NOT_READY", vulkan.Timeout: "VK_TIMEOUT", vulkan.Incomplete: "VK_INCOMPLETE",
		vulkan.ErrorOutOfHostMemory: "VK_ERROR_OUT_OF_HOST_MEMORY", vulkan.ErrorOutOfDeviceMemory: "VK_ERROR_OUT_OF_DEVICE_MEMORY",
		vulkan.ErrorInitializationFailed: "VK_ERROR_INITIALIZATION_FAILED", vulkan.ErrorDeviceLost: "VK_ERROR_DEVICE_LOST",
		vulkan.ErrorMemoryMapFailed: "VK_ERROR_MEMORY_MAP_FAILED", vulkan.ErrorLayerNotPresent: "VK_ERROR_LAYER_NOT_PRESENT",
		vulkan.ErrorExtensionNotPresent: "VK_ERROR_EXTENSION_NOT_PRESENT", vulkan.ErrorFeatureNotPresent: "VK_ERROR_FEATURE_NOT_PRESENT",
		vulkan.ErrorIncompatibleDriver: "VK_ERROR_INCOMPATIBLE_DRIVER", vulkan.ErrorTooManyObjects: "VK_ERROR_TOO_MANY_OBJECTS",
		vulkan.ErrorFragmentedPool: "VK_ERROR_FRAGMENTED_POOL", vulkan.ErrorOutOfPoolMemory: "VK_ERROR_OUT_OF_POOL_MEMORY",
		vulkan.ErrorInvalidShaderNv: "VK_ERROR_INVALID_SHADER_NV", resultUnknown: "VK_ERROR_UNKNOWN", resultValidation: "VK_ERROR_VALIDATION_FAILED_EXT",
		resultFragmented: "VK_ERROR_FRAGMENTATION", resultNotPermitted: "VK_ERROR_NOT_PERMITTED_KHR",
	}
	if s, ok := names[r]; ok {
		return s
	}
	return fmt.Sprintf("VkResult %d", int32(r))
}

// callError turns the result of a Vulkan call into an error; nil for success.
func callError(call string, result int32) error {
	r := vulkan.Result(result)
	switch r {
	case resultSuccess:
		return nil
	case vulkan.ErrorDeviceLost:
		return &DeviceLostError{During: call}
	case vulkan.ErrorOutOfDeviceMemory, vulkan.ErrorOutOfPoolMemory, vulkan.ErrorFragmentedPool, resultFragmented:
		return &OutOfMemoryError{Call: call}
	case vulkan.ErrorOutOfHostMemory, vulkan.ErrorMemoryMapFailed: // the host's addresses ran out
		return &OutOfMemoryError{Call: call, Host: true}
	}
	return &CallError{Call: call, Result: result, Name: resultText(r)}
}
