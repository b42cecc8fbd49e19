package fault

import "fmt"

// Result is a VkResult.
type Result int32

// The results that the functions in use may return, beside VK_SUCCESS.
const (
	NotReady            Result = 1
	Timeout             Result = 2
	Incomplete          Result = 5
	OutOfHostMemory     Result = -1
	OutOfDeviceMemory   Result = -2
	InitializationFails Result = -3
	DeviceLost          Result = -4
	MemoryMapFailed     Result = -5
	LayerNotPresent     Result = -6
	ExtensionNotPresent Result = -7
	FeatureNotPresent   Result = -8
	IncompatibleDriver  Result = -9
	TooManyObjects      Result = -10
	FragmentedPool      Result = -12
	Unknown             Result = -13
	OutOfPoolMemory     Result = -1000069000
	InvalidShader       Result = -1000012000
	InvalidHandle       Result = -1000072003
	Fragmentation       Result = -1000161000
	NotPermitted        Result = -1000174001
	InvalidAddress      Result = -1000257000
)

var resultNames = map[Result]string{
	NotReady: "VK_NOT_READY", Timeout: "VK_TIMEOUT", Incomplete: "VK_INCOMPLETE",
	OutOfHostMemory: "VK_ERROR_OUT_OF_HOST_MEMORY", OutOfDeviceMemory: "VK_ERROR_OUT_OF_DEVICE_MEMORY",
	InitializationFails: "VK_ERROR_INITIALIZATION_FAILED", DeviceLost: "VK_ERROR_DEVICE_LOST", MemoryMapFailed: "VK_ERROR_MEMORY_MAP_FAILED",
	LayerNotPresent: "VK_ERROR_LAYER_NOT_PRESENT", ExtensionNotPresent: "VK_ERROR_EXTENSION_NOT_PRESENT", FeatureNotPresent: "VK_ERROR_FEATURE_NOT_PRESENT",
	IncompatibleDriver: "VK_ERROR_INCOMPATIBLE_DRIVER", TooManyObjects: "VK_ERROR_TOO_MANY_OBJECTS", FragmentedPool: "VK_ERROR_FRAGMENTED_POOL",
	Unknown: "VK_ERROR_UNKNOWN", OutOfPoolMemory: "VK_ERROR_OUT_OF_POOL_MEMORY", InvalidShader: "VK_ERROR_INVALID_SHADER_NV",
	InvalidHandle: "VK_ERROR_INVALID_EXTERNAL_HANDLE", Fragmentation: "VK_ERROR_FRAGMENTATION", NotPermitted: "VK_ERROR_NOT_PERMITTED_KHR",
	InvalidAddress: "VK_ERROR_INVALID_OPAQUE_CAPTURE_ADDRESS",
}

func (r Result) String() string {
	if name, ok := resultNames[r]; ok {
		return name
	}
	return fmt.Sprintf("VkResult %d", int32(r))
}

// OutOfMemory says whether memory of some kind ran out.
func (r Result) OutOfMemory() bool {
	switch r {
	case OutOfHostMemory, OutOfDeviceMemory, OutOfPoolMemory, FragmentedPool, Fragmentation, MemoryMapFailed:
		return true
	}
	return false
}

// Builds says whether a function takes part in making a pipeline, so that its
// failure may be that of the kernel.
func Builds(function string) bool {
	switch function {
	case "vkCreateDescriptorSetLayout", "vkCreatePipelineLayout", "vkCreateShaderModule", "vkCreateComputePipelines":
		return true
	}
	return false
}

// Results are what each function of the package vk that returns a VkResult may
// return beside VK_SUCCESS, by the "Return Codes" of the Vulkan specification
// (with those of Vulkan 1.0 to 1.4, and of the extensions in use).
// VK_ERROR_UNKNOWN, which any function may return, is tried on all.
var Results = results()

func results() map[string][]Result {
	both := []Result{OutOfHostMemory, OutOfDeviceMemory}
	list := []Result{Incomplete, OutOfHostMemory, OutOfDeviceMemory}
	lost := []Result{OutOfHostMemory, OutOfDeviceMemory, DeviceLost}
	with := func(base []Result, more ...Result) []Result { return append(append([]Result{}, base...), more...) }
	table := map[string][]Result{
		"vkEnumerateInstanceVersion":                                         {OutOfHostMemory},
		"vkEnumerateInstanceExtensionProperties":                             with(list, LayerNotPresent),
		"vkEnumerateInstanceLayerProperties":                                 list,
		"vkCreateInstance":                                                   with(both, InitializationFails, LayerNotPresent, ExtensionNotPresent, IncompatibleDriver),
		"vkEnumeratePhysicalDevices":                                         with(list, InitializationFails),
		"vkEnumerateDeviceExtensionProperties":                               with(list, LayerNotPresent),
		"vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR":                  list,
		"vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV": list,
		"vkCreateDevice":                                                     with(lost, InitializationFails, ExtensionNotPresent, FeatureNotPresent, TooManyObjects, NotPermitted),
		"vkCreateDebugUtilsMessengerEXT":                                     {OutOfHostMemory},
		"vkDeviceWaitIdle":                                                   lost,
		"vkQueueSubmit":                                                      lost,
		"vkAllocateMemory":                                                   with(both, TooManyObjects, InvalidHandle, InvalidAddress),
		"vkMapMemory":                                                        with(both, MemoryMapFailed),
		"vkFlushMappedMemoryRanges":                                          both,
		"vkInvalidateMappedMemoryRanges":                                     both,
		"vkCreateBuffer":                                                     with(both, InvalidAddress),
		"vkBindBufferMemory":                                                 with(both, InvalidAddress),
		"vkCreateShaderModule":                                               with(both, InvalidShader),
		"vkCreatePipelineCache":                                              both,
		"vkGetPipelineCacheData":                                             list,
		"vkMergePipelineCaches":                                              both,
		"vkCreateDescriptorSetLayout":                                        both,
		"vkCreatePipelineLayout":                                             both,
		"vkCreateComputePipelines":                                           with(both, InvalidShader),
		"vkCreateDescriptorPool":                                             with(both, Fragmentation),
		"vkResetDescriptorPool":                                              nil,
		"vkAllocateDescriptorSets":                                           with(both, FragmentedPool, OutOfPoolMemory),
		"vkGetSemaphoreCounterValue":                                         lost,
		"vkGetSemaphoreCounterValueKHR":                                      lost,
		"vkCreateFence":                                                      both,
		"vkResetFences":                                                      {OutOfDeviceMemory},
		"vkWaitForFences":                                                    with(lost, Timeout),
		"vkCreateCommandPool":                                                both,
		"vkResetCommandPool":                                                 {OutOfDeviceMemory},
		"vkAllocateCommandBuffers":                                           both,
		"vkBeginCommandBuffer":                                               both,
		"vkEndCommandBuffer":                                                 both,
		"vkCreateQueryPool":                                                  both,
		"vkGetQueryPoolResults":                                              with(lost, NotReady),
		"vkSetDebugUtilsObjectNameEXT":                                       both,
		"vkGetPipelineExecutablePropertiesKHR":                               list,
		"vkGetPipelineExecutableStatisticsKHR":                               list,
		"vkGetPipelineExecutableInternalRepresentationsKHR":                  list,
	}
	for function := range table {
		table[function] = append(table[function], Unknown)
	}
	return table
}

// Tolerated are the functions whose failure need not be reported, and why: what is
// wanted is had all the same, or was only a convenience.
var Tolerated = map[string]string{
	"vkEnumerateInstanceExtensionProperties":                             "no portability drivers are asked for",
	"vkEnumerateInstanceLayerProperties":                                 "only looked at for validation",
	"vkEnumeratePhysicalDevices":                                         "no device, or a part of the list",
	"vkEnumerateDeviceExtensionProperties":                               "the device is passed over",
	"vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR":                  "no matrices then",
	"vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV": "no matrices then",
	"vkCreateDevice":                                    "made again without what may be at fault",
	"vkCreatePipelineCache":                             "pipelines are only slower to make",
	"vkGetPipelineCacheData":                            "likewise",
	"vkMergePipelineCaches":                             "likewise",
	"vkDeviceWaitIdle":                                  "the device is being destroyed",
	"vkWaitForFences":                                   "waited for again",
	"vkAllocateMemory":                                  "another memory type serves",
	"vkMapMemory":                                       "likewise",
	"vkGetQueryPoolResults":                             "times are a convenience",
	"vkSetDebugUtilsObjectNameEXT":                      "names are a convenience",
	"vkGetSemaphoreCounterValue":                        "only looked at to be patient",
	"vkGetSemaphoreCounterValueKHR":                     "likewise",
	"vkGetPipelineExecutablePropertiesKHR":              "nothing is known of the pipeline then",
	"vkGetPipelineExecutableStatisticsKHR":              "likewise",
	"vkGetPipelineExecutableInternalRepresentationsKHR": "likewise",
}
