package vk

import (
	"fmt"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// resultText names a VkResult as the specification does.
func resultText(r driver.Result) string {
	names := map[driver.Result]string{
		driver.NotReady: "VK_NOT_READY", driver.Timeout: "VK_TIMEOUT", driver.Incomplete: "VK_INCOMPLETE",
		driver.ErrorOutOfHostMemory: "VK_ERROR_OUT_OF_HOST_MEMORY", driver.ErrorOutOfDeviceMemory: "VK_ERROR_OUT_OF_DEVICE_MEMORY",
		driver.ErrorInitializationFailed: "VK_ERROR_INITIALIZATION_FAILED", driver.ErrorDeviceLost: "VK_ERROR_DEVICE_LOST",
		driver.ErrorMemoryMapFailed: "VK_ERROR_MEMORY_MAP_FAILED", driver.ErrorLayerNotPresent: "VK_ERROR_LAYER_NOT_PRESENT",
		driver.ErrorExtensionNotPresent: "VK_ERROR_EXTENSION_NOT_PRESENT", driver.ErrorFeatureNotPresent: "VK_ERROR_FEATURE_NOT_PRESENT",
		driver.ErrorIncompatibleDriver: "VK_ERROR_INCOMPATIBLE_DRIVER", driver.ErrorTooManyObjects: "VK_ERROR_TOO_MANY_OBJECTS",
		driver.ErrorFragmentedPool: "VK_ERROR_FRAGMENTED_POOL", driver.ErrorOutOfPoolMemory: "VK_ERROR_OUT_OF_POOL_MEMORY",
		driver.ErrorInvalidShaderNV: "VK_ERROR_INVALID_SHADER_NV", driver.ErrorUnknown: "VK_ERROR_UNKNOWN", driver.ErrorValidationFailed: "VK_ERROR_VALIDATION_FAILED_EXT",
		driver.ErrorFragmentation: "VK_ERROR_FRAGMENTATION", driver.ErrorNotPermitted: "VK_ERROR_NOT_PERMITTED_KHR",
	}
	if s, ok := names[r]; ok {
		return s
	}
	return fmt.Sprintf("VkResult %d", int32(r))
}

// callError turns the result of a Vulkan call into an error; nil for success.
func callError(call string, result driver.Result) error {
	switch result {
	case driver.Success:
		return nil
	case driver.ErrorDeviceLost:
		return &DeviceLostError{During: call}
	case driver.ErrorOutOfDeviceMemory, driver.ErrorOutOfPoolMemory, driver.ErrorFragmentedPool, driver.ErrorFragmentation:
		return &OutOfMemoryError{Call: call}
	case driver.ErrorOutOfHostMemory, driver.ErrorMemoryMapFailed: // the host's addresses ran out
		return &OutOfMemoryError{Call: call, Host: true}
	}
	return &CallError{Call: call, Result: int32(result), Name: resultText(result)}
}
