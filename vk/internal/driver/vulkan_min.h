/* The part of the Vulkan ABI that this package calls, written out by hand, so
 * that building needs no Vulkan -dev package. abi_test.go compiles a list of
 * sizes, offsets and values against this file and against Khronos' headers and
 * compares the two. Types that come with core Vulkan 1.0 are here; those of
 * later versions and extensions are in vulkan_min_ext.h. */
#ifndef ANCHORVK_VULKAN_MIN_H
#define ANCHORVK_VULKAN_MIN_H

#include <stddef.h>
#include <stdint.h>

#if UINTPTR_MAX != UINT64_MAX
#error "package vk needs a 64-bit target: Vulkan handles are passed as 64-bit integers"
#endif

#if defined(_WIN32)
#define VKAPI_PTR __stdcall
#define VKAPI_CALL __stdcall
#else
#define VKAPI_PTR
#define VKAPI_CALL
#endif

typedef uint32_t VkBool32;
typedef uint32_t VkFlags;
typedef uint64_t VkDeviceSize;
/* Enumerations are 32 bits wide in the ABI. */
typedef int32_t VkResult;
typedef int32_t VkStructureType;
typedef int32_t VkEnum;

#define HANDLE(name) typedef struct name##_T *name;
HANDLE(VkInstance)
HANDLE(VkPhysicalDevice)
HANDLE(VkDevice)
HANDLE(VkQueue)
HANDLE(VkCommandBuffer)
HANDLE(VkDeviceMemory)
HANDLE(VkBuffer)
HANDLE(VkFence)
HANDLE(VkSemaphore)
HANDLE(VkCommandPool)
HANDLE(VkQueryPool)
HANDLE(VkShaderModule)
HANDLE(VkPipeline)
HANDLE(VkPipelineCache)
HANDLE(VkPipelineLayout)
HANDLE(VkDescriptorSetLayout)
HANDLE(VkDescriptorPool)
HANDLE(VkDescriptorSet)
#undef HANDLE

enum {
	VK_SUCCESS = 0,
	VK_NOT_READY = 1,
	VK_TIMEOUT = 2,
	VK_INCOMPLETE = 5,
	VK_ERROR_OUT_OF_HOST_MEMORY = -1,
	VK_ERROR_OUT_OF_DEVICE_MEMORY = -2,
	VK_ERROR_INITIALIZATION_FAILED = -3,
	VK_ERROR_DEVICE_LOST = -4,
	VK_ERROR_EXTENSION_NOT_PRESENT = -7,
};

enum {
	VK_STRUCTURE_TYPE_APPLICATION_INFO = 0,
	VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO = 1,
	VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO = 2,
	VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO = 3,
	VK_STRUCTURE_TYPE_SUBMIT_INFO = 4,
	VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO = 5,
	VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE = 6,
	VK_STRUCTURE_TYPE_FENCE_CREATE_INFO = 8,
	VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO = 11,
	VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO = 12,
	VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO = 16,
	VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO = 17,
	VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO = 18,
	VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO = 29,
	VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO = 30,
	VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO = 32,
	VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO = 33,
	VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO = 34,
	VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET = 35,
	VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO = 39,
	VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO = 40,
	VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO = 42,
	VK_STRUCTURE_TYPE_MEMORY_BARRIER = 46,
};

enum {
	VK_QUEUE_GRAPHICS_BIT = 0x1,
	VK_QUEUE_COMPUTE_BIT = 0x2,
	VK_MEMORY_HEAP_DEVICE_LOCAL_BIT = 0x1,
	VK_BUFFER_USAGE_TRANSFER_SRC_BIT = 0x1,
	VK_BUFFER_USAGE_TRANSFER_DST_BIT = 0x2,
	VK_BUFFER_USAGE_STORAGE_BUFFER_BIT = 0x20,
	VK_SHADER_STAGE_COMPUTE_BIT = 0x20,
	VK_DESCRIPTOR_TYPE_STORAGE_BUFFER = 7,
	VK_PIPELINE_BIND_POINT_COMPUTE = 1,
	VK_COMMAND_BUFFER_LEVEL_PRIMARY = 0,
	VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT = 0x1,
	VK_QUERY_TYPE_TIMESTAMP = 2,
	VK_QUERY_RESULT_64_BIT = 0x1,
	VK_QUERY_RESULT_WAIT_BIT = 0x2,
	VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT = 0x800,
	VK_PIPELINE_STAGE_TRANSFER_BIT = 0x1000,
	VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT = 0x2000,
	VK_PIPELINE_STAGE_HOST_BIT = 0x4000,
	VK_PIPELINE_STAGE_ALL_COMMANDS_BIT = 0x10000,
	VK_ACCESS_SHADER_READ_BIT = 0x20,
	VK_ACCESS_SHADER_WRITE_BIT = 0x40,
	VK_ACCESS_TRANSFER_READ_BIT = 0x800,
	VK_ACCESS_TRANSFER_WRITE_BIT = 0x1000,
	VK_ACCESS_HOST_READ_BIT = 0x2000,
	VK_ACCESS_MEMORY_READ_BIT = 0x8000,
	VK_ACCESS_MEMORY_WRITE_BIT = 0x10000,
	VK_MAX_MEMORY_TYPES = 32,
	VK_MAX_MEMORY_HEAPS = 16,
};
#define VK_WHOLE_SIZE (~0ULL)

typedef struct { char extensionName[256]; uint32_t specVersion; } VkExtensionProperties;
typedef struct { char layerName[256]; uint32_t specVersion, implementationVersion; char description[256]; } VkLayerProperties;

typedef struct {
	VkStructureType sType; const void *pNext;
	const char *pApplicationName; uint32_t applicationVersion;
	const char *pEngineName; uint32_t engineVersion;
	uint32_t apiVersion;
} VkApplicationInfo;

typedef struct {
	VkStructureType sType; const void *pNext; VkFlags flags;
	const VkApplicationInfo *pApplicationInfo;
	uint32_t enabledLayerCount; const char *const *ppEnabledLayerNames;
	uint32_t enabledExtensionCount; const char *const *ppEnabledExtensionNames;
} VkInstanceCreateInfo;

typedef struct { uint32_t width, height, depth; } VkExtent3D;

typedef struct {
	uint32_t maxImageDimension1D, maxImageDimension2D, maxImageDimension3D, maxImageDimensionCube, maxImageArrayLayers;
	uint32_t maxTexelBufferElements, maxUniformBufferRange, maxStorageBufferRange, maxPushConstantsSize;
	uint32_t maxMemoryAllocationCount, maxSamplerAllocationCount;
	VkDeviceSize bufferImageGranularity, sparseAddressSpaceSize;
	uint32_t maxBoundDescriptorSets;
	uint32_t maxPerStageDescriptorSamplers, maxPerStageDescriptorUniformBuffers, maxPerStageDescriptorStorageBuffers;
	uint32_t maxPerStageDescriptorSampledImages, maxPerStageDescriptorStorageImages, maxPerStageDescriptorInputAttachments;
	uint32_t maxPerStageResources;
	uint32_t maxDescriptorSetSamplers, maxDescriptorSetUniformBuffers, maxDescriptorSetUniformBuffersDynamic;
	uint32_t maxDescriptorSetStorageBuffers, maxDescriptorSetStorageBuffersDynamic;
	uint32_t maxDescriptorSetSampledImages, maxDescriptorSetStorageImages, maxDescriptorSetInputAttachments;
	uint32_t maxVertexInputAttributes, maxVertexInputBindings, maxVertexInputAttributeOffset, maxVertexInputBindingStride;
	uint32_t maxVertexOutputComponents;
	uint32_t maxTessellationGenerationLevel, maxTessellationPatchSize;
	uint32_t maxTessellationControlPerVertexInputComponents, maxTessellationControlPerVertexOutputComponents;
	uint32_t maxTessellationControlPerPatchOutputComponents, maxTessellationControlTotalOutputComponents;
	uint32_t maxTessellationEvaluationInputComponents, maxTessellationEvaluationOutputComponents;
	uint32_t maxGeometryShaderInvocations, maxGeometryInputComponents, maxGeometryOutputComponents;
	uint32_t maxGeometryOutputVertices, maxGeometryTotalOutputComponents;
	uint32_t maxFragmentInputComponents, maxFragmentOutputAttachments, maxFragmentDualSrcAttachments, maxFragmentCombinedOutputResources;
	uint32_t maxComputeSharedMemorySize, maxComputeWorkGroupCount[3], maxComputeWorkGroupInvocations, maxComputeWorkGroupSize[3];
	uint32_t subPixelPrecisionBits, subTexelPrecisionBits, mipmapPrecisionBits;
	uint32_t maxDrawIndexedIndexValue, maxDrawIndirectCount;
	float maxSamplerLodBias, maxSamplerAnisotropy;
	uint32_t maxViewports, maxViewportDimensions[2];
	float viewportBoundsRange[2];
	uint32_t viewportSubPixelBits;
	size_t minMemoryMapAlignment;
	VkDeviceSize minTexelBufferOffsetAlignment, minUniformBufferOffsetAlignment, minStorageBufferOffsetAlignment;
	int32_t minTexelOffset; uint32_t maxTexelOffset; int32_t minTexelGatherOffset; uint32_t maxTexelGatherOffset;
	float minInterpolationOffset, maxInterpolationOffset; uint32_t subPixelInterpolationOffsetBits;
	uint32_t maxFramebufferWidth, maxFramebufferHeight, maxFramebufferLayers;
	VkFlags framebufferColorSampleCounts, framebufferDepthSampleCounts, framebufferStencilSampleCounts, framebufferNoAttachmentsSampleCounts;
	uint32_t maxColorAttachments;
	VkFlags sampledImageColorSampleCounts, sampledImageIntegerSampleCounts, sampledImageDepthSampleCounts;
	VkFlags sampledImageStencilSampleCounts, storageImageSampleCounts;
	uint32_t maxSampleMaskWords;
	VkBool32 timestampComputeAndGraphics; float timestampPeriod;
	uint32_t maxClipDistances, maxCullDistances, maxCombinedClipAndCullDistances, discreteQueuePriorities;
	float pointSizeRange[2], lineWidthRange[2], pointSizeGranularity, lineWidthGranularity;
	VkBool32 strictLines, standardSampleLocations;
	VkDeviceSize optimalBufferCopyOffsetAlignment, optimalBufferCopyRowPitchAlignment, nonCoherentAtomSize;
} VkPhysicalDeviceLimits;

typedef struct {
	uint32_t apiVersion, driverVersion, vendorID, deviceID;
	VkEnum deviceType; char deviceName[256]; uint8_t pipelineCacheUUID[16];
	VkPhysicalDeviceLimits limits;
	VkBool32 sparseProperties[5];
} VkPhysicalDeviceProperties;

/* The 55 switches of core 1.0; only those that a compute shader of ours may
 * need have a name. */
typedef struct {
	VkBool32 robustBufferAccess, others1[38], shaderFloat64, shaderInt64, shaderInt16, others2[13];
} VkPhysicalDeviceFeatures;

typedef struct { VkFlags queueFlags; uint32_t queueCount, timestampValidBits; VkExtent3D minImageTransferGranularity; } VkQueueFamilyProperties;
typedef struct { VkFlags propertyFlags; uint32_t heapIndex; } VkMemoryType;
typedef struct { VkDeviceSize size; VkFlags flags; } VkMemoryHeap;
typedef struct {
	uint32_t memoryTypeCount; VkMemoryType memoryTypes[VK_MAX_MEMORY_TYPES];
	uint32_t memoryHeapCount; VkMemoryHeap memoryHeaps[VK_MAX_MEMORY_HEAPS];
} VkPhysicalDeviceMemoryProperties;

typedef struct {
	VkStructureType sType; const void *pNext; VkFlags flags;
	uint32_t queueFamilyIndex, queueCount; const float *pQueuePriorities;
} VkDeviceQueueCreateInfo;

typedef struct {
	VkStructureType sType; const void *pNext; VkFlags flags;
	uint32_t queueCreateInfoCount; const VkDeviceQueueCreateInfo *pQueueCreateInfos;
	uint32_t enabledLayerCount; const char *const *ppEnabledLayerNames;
	uint32_t enabledExtensionCount; const char *const *ppEnabledExtensionNames;
	const VkPhysicalDeviceFeatures *pEnabledFeatures;
} VkDeviceCreateInfo;

typedef struct { VkStructureType sType; const void *pNext; VkDeviceSize allocationSize; uint32_t memoryTypeIndex; } VkMemoryAllocateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkDeviceMemory memory; VkDeviceSize offset, size; } VkMappedMemoryRange;
typedef struct { VkDeviceSize size, alignment; uint32_t memoryTypeBits; } VkMemoryRequirements;
typedef struct {
	VkStructureType sType; const void *pNext; VkFlags flags; VkDeviceSize size; VkFlags usage;
	VkEnum sharingMode; uint32_t queueFamilyIndexCount; const uint32_t *pQueueFamilyIndices;
} VkBufferCreateInfo;
typedef struct { VkDeviceSize srcOffset, dstOffset, size; } VkBufferCopy;

typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; size_t codeSize; const uint32_t *pCode; } VkShaderModuleCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; size_t initialDataSize; const void *pInitialData; } VkPipelineCacheCreateInfo;
typedef struct { uint32_t constantID, offset; size_t size; } VkSpecializationMapEntry;
typedef struct { uint32_t mapEntryCount; const VkSpecializationMapEntry *pMapEntries; size_t dataSize; const void *pData; } VkSpecializationInfo;
typedef struct {
	VkStructureType sType; const void *pNext; VkFlags flags; VkFlags stage;
	VkShaderModule module; const char *pName; const VkSpecializationInfo *pSpecializationInfo;
} VkPipelineShaderStageCreateInfo;
typedef struct {
	VkStructureType sType; const void *pNext; VkFlags flags; VkPipelineShaderStageCreateInfo stage;
	VkPipelineLayout layout; VkPipeline basePipelineHandle; int32_t basePipelineIndex;
} VkComputePipelineCreateInfo;

typedef struct { uint32_t binding; VkEnum descriptorType; uint32_t descriptorCount; VkFlags stageFlags; const void *pImmutableSamplers; } VkDescriptorSetLayoutBinding;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; uint32_t bindingCount; const VkDescriptorSetLayoutBinding *pBindings; } VkDescriptorSetLayoutCreateInfo;
typedef struct { VkEnum type; uint32_t descriptorCount; } VkDescriptorPoolSize;
typedef struct {
	VkStructureType sType; const void *pNext; VkFlags flags; uint32_t maxSets, poolSizeCount; const VkDescriptorPoolSize *pPoolSizes;
} VkDescriptorPoolCreateInfo;
typedef struct {
	VkStructureType sType; const void *pNext; VkDescriptorPool descriptorPool; uint32_t descriptorSetCount; const VkDescriptorSetLayout *pSetLayouts;
} VkDescriptorSetAllocateInfo;
typedef struct { VkBuffer buffer; VkDeviceSize offset, range; } VkDescriptorBufferInfo;
typedef struct {
	VkStructureType sType; const void *pNext; VkDescriptorSet dstSet; uint32_t dstBinding, dstArrayElement, descriptorCount;
	VkEnum descriptorType; const void *pImageInfo; const VkDescriptorBufferInfo *pBufferInfo; const void *pTexelBufferView;
} VkWriteDescriptorSet;
typedef struct { VkFlags stageFlags; uint32_t offset, size; } VkPushConstantRange;
typedef struct {
	VkStructureType sType; const void *pNext; VkFlags flags; uint32_t setLayoutCount; const VkDescriptorSetLayout *pSetLayouts;
	uint32_t pushConstantRangeCount; const VkPushConstantRange *pPushConstantRanges;
} VkPipelineLayoutCreateInfo;

typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; } VkFenceCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; uint32_t queueFamilyIndex; } VkCommandPoolCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkCommandPool commandPool; VkEnum level; uint32_t commandBufferCount; } VkCommandBufferAllocateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; const void *pInheritanceInfo; } VkCommandBufferBeginInfo;
typedef struct {
	VkStructureType sType; const void *pNext; uint32_t waitSemaphoreCount; const VkSemaphore *pWaitSemaphores; const VkFlags *pWaitDstStageMask;
	uint32_t commandBufferCount; const VkCommandBuffer *pCommandBuffers; uint32_t signalSemaphoreCount; const VkSemaphore *pSignalSemaphores;
} VkSubmitInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; VkEnum queryType; uint32_t queryCount; VkFlags pipelineStatistics; } VkQueryPoolCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags srcAccessMask, dstAccessMask; } VkMemoryBarrier;

#endif
