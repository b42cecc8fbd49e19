/* Vulkan ABI, continued: structures of Vulkan 1.1 to 1.3 and of extensions. */
#ifndef ANCHORVK_VULKAN_MIN_EXT_H
#define ANCHORVK_VULKAN_MIN_EXT_H

#include "vulkan_min.h"

enum {
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES = 49,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES = 51,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES = 53,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2 = 1000059000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2 = 1000059001,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2 = 1000059006,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES = 1000082000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES = 1000083000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES = 1000094000,
	VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT = 1000128000,
	VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CALLBACK_DATA_EXT = 1000128003,
	VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT = 1000128004,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES = 1000168000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SUBGROUP_EXTENDED_TYPES_FEATURES = 1000175000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES = 1000196000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES = 1000207000,
	VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO = 1000207003,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES = 1000211000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES = 1000225000,
	VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO = 1000225001,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES = 1000225002,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT = 1000237000,
	VK_STRUCTURE_TYPE_DEVICE_QUEUE_GLOBAL_PRIORITY_CREATE_INFO_KHR = 1000174000,
	VK_STRUCTURE_TYPE_QUEUE_FAMILY_PROPERTIES_2 = 1000059005,
	VK_STRUCTURE_TYPE_QUEUE_FAMILY_GLOBAL_PRIORITY_PROPERTIES_KHR = 1000388001,
	VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO = 1000060000,
	VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO = 1000244001,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES = 1000257000,
	VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT = 1000247000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR = 1000269000,
	VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR = 1000269001,
	VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR = 1000269002,
	VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR = 1000269003,
	VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR = 1000269004,
	VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR = 1000269005,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES = 1000413000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES = 1000413001,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV = 1000154001,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_AMD = 1000185000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES = 1000280001,
	VK_STRUCTURE_TYPE_LAYER_SETTINGS_CREATE_INFO_EXT = 1000496000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR = 1000506000,
	VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR = 1000506001,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_PROPERTIES_KHR = 1000506002,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV = 1000593000,
	VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_FLEXIBLE_DIMENSIONS_PROPERTIES_NV = 1000593001,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_PROPERTIES_NV = 1000593002,
};

enum {
	VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT = 0x20000,
	VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT = 0x2,
	VK_SUBGROUP_FEATURE_BASIC_BIT = 0x1,
	VK_SUBGROUP_FEATURE_VOTE_BIT = 0x2,
	VK_SUBGROUP_FEATURE_ARITHMETIC_BIT = 0x4,
	VK_SUBGROUP_FEATURE_BALLOT_BIT = 0x8,
	VK_SUBGROUP_FEATURE_SHUFFLE_BIT = 0x10,
	VK_SUBGROUP_FEATURE_SHUFFLE_RELATIVE_BIT = 0x20,
	VK_SUBGROUP_FEATURE_CLUSTERED_BIT = 0x40,
	VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT = 0x2,
	VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR = 0x40,
	VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR = 0x80,
	VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT = 0x100,
	VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT = 0x1000,
	VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT = 0x1,
	VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT = 0x2,
	VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT = 0x4,
	VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT = 4,
	VK_LAYER_SETTING_TYPE_BOOL32_EXT = 0,
	VK_OBJECT_TYPE_BUFFER = 9,
	VK_OBJECT_TYPE_PIPELINE = 19,
	VK_OBJECT_TYPE_COMMAND_BUFFER = 6,
	VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR = 0x1,
	VK_QUEUE_GLOBAL_PRIORITY_LOW_KHR = 128,
	VK_QUEUE_GLOBAL_PRIORITY_MEDIUM_KHR = 256,
	VK_QUEUE_GLOBAL_PRIORITY_HIGH_KHR = 512,
	VK_QUEUE_GLOBAL_PRIORITY_REALTIME_KHR = 1024,
	VK_MAX_GLOBAL_PRIORITY_SIZE_KHR = 16,
};

/* Every feature structure is a head and a row of switches. */
#define FEATURES(name, ...) typedef struct { VkStructureType sType; void *pNext; VkBool32 __VA_ARGS__; } name;
FEATURES(VkPhysicalDevice16BitStorageFeatures, storageBuffer16BitAccess, uniformAndStorageBuffer16BitAccess, storagePushConstant16, storageInputOutput16)
FEATURES(VkPhysicalDeviceShaderFloat16Int8Features, shaderFloat16, shaderInt8)
FEATURES(VkPhysicalDeviceShaderSubgroupExtendedTypesFeatures, shaderSubgroupExtendedTypes)
FEATURES(VkPhysicalDeviceTimelineSemaphoreFeatures, timelineSemaphore)
FEATURES(VkPhysicalDeviceVulkanMemoryModelFeatures, vulkanMemoryModel, vulkanMemoryModelDeviceScope, vulkanMemoryModelAvailabilityVisibilityChains)
FEATURES(VkPhysicalDeviceBufferDeviceAddressFeatures, bufferDeviceAddress, bufferDeviceAddressCaptureReplay, bufferDeviceAddressMultiDevice)
FEATURES(VkPhysicalDeviceMaintenance4Features, maintenance4)
FEATURES(VkPhysicalDeviceSubgroupSizeControlFeatures, subgroupSizeControl, computeFullSubgroups)
FEATURES(VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR, pipelineExecutableInfo)
FEATURES(VkPhysicalDeviceCooperativeMatrixFeaturesKHR, cooperativeMatrix, cooperativeMatrixRobustBufferAccess)
FEATURES(VkPhysicalDeviceCooperativeMatrix2FeaturesNV, cooperativeMatrixWorkgroupScope, cooperativeMatrixFlexibleDimensions, cooperativeMatrixReductions,
	cooperativeMatrixConversions, cooperativeMatrixPerElementOperations, cooperativeMatrixTensorAddressing, cooperativeMatrixBlockLoads)
/* The features of whole Vulkan versions, as callers chain them. */
FEATURES(VkPhysicalDeviceVulkan11Features, storageBuffer16BitAccess, uniformAndStorageBuffer16BitAccess, storagePushConstant16, storageInputOutput16, others[8])
FEATURES(VkPhysicalDeviceVulkan12Features, others1[7], shaderFloat16, shaderInt8, others2[25], shaderSubgroupExtendedTypes, separateDepthStencilLayouts,
	hostQueryReset, timelineSemaphore, bufferDeviceAddress, bufferDeviceAddressCaptureReplay, bufferDeviceAddressMultiDevice,
	vulkanMemoryModel, vulkanMemoryModelDeviceScope, vulkanMemoryModelAvailabilityVisibilityChains, others3[3])
FEATURES(VkPhysicalDeviceVulkan13Features, others1[7], subgroupSizeControl, computeFullSubgroups, others2[5], maintenance4)
#undef FEATURES

typedef struct { VkStructureType sType; void *pNext; VkPhysicalDeviceFeatures features; } VkPhysicalDeviceFeatures2;
typedef struct { VkStructureType sType; void *pNext; VkPhysicalDeviceProperties properties; } VkPhysicalDeviceProperties2;
typedef struct { VkStructureType sType; void *pNext; VkPhysicalDeviceMemoryProperties memoryProperties; } VkPhysicalDeviceMemoryProperties2;
typedef struct { VkStructureType sType; void *pNext; VkQueueFamilyProperties queueFamilyProperties; } VkQueueFamilyProperties2;
typedef struct { VkStructureType sType; const void *pNext; VkEnum globalPriority; } VkDeviceQueueGlobalPriorityCreateInfoKHR;
typedef struct {
	VkStructureType sType; void *pNext; uint32_t priorityCount; VkEnum priorities[VK_MAX_GLOBAL_PRIORITY_SIZE_KHR];
} VkQueueFamilyGlobalPriorityPropertiesKHR;
typedef struct {
	VkStructureType sType; const void *pNext; uint32_t waitSemaphoreValueCount; const uint64_t *pWaitSemaphoreValues;
	uint32_t signalSemaphoreValueCount; const uint64_t *pSignalSemaphoreValues;
} VkTimelineSemaphoreSubmitInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; uint32_t deviceMask; } VkMemoryAllocateFlagsInfo;
typedef struct { VkStructureType sType; const void *pNext; VkBuffer buffer; } VkBufferDeviceAddressInfo;
typedef struct {
	VkStructureType sType; void *pNext; VkEnum driverID; char driverName[256], driverInfo[256]; uint8_t conformanceVersion[4];
} VkPhysicalDeviceDriverProperties;
typedef struct {
	VkStructureType sType; void *pNext; uint32_t subgroupSize; VkFlags supportedStages, supportedOperations; VkBool32 quadOperationsInAllStages;
} VkPhysicalDeviceSubgroupProperties;
typedef struct { VkStructureType sType; void *pNext; uint32_t maxPerSetDescriptors; VkDeviceSize maxMemoryAllocationSize; } VkPhysicalDeviceMaintenance3Properties;
typedef struct { VkStructureType sType; void *pNext; VkDeviceSize maxBufferSize; } VkPhysicalDeviceMaintenance4Properties;
typedef struct {
	VkStructureType sType; void *pNext; uint32_t minSubgroupSize, maxSubgroupSize, maxComputeWorkgroupSubgroups; VkFlags requiredSubgroupSizeStages;
} VkPhysicalDeviceSubgroupSizeControlProperties;
typedef struct { VkStructureType sType; void *pNext; uint32_t requiredSubgroupSize; } VkPipelineShaderStageRequiredSubgroupSizeCreateInfo;
typedef struct {
	VkStructureType sType; void *pNext; VkDeviceSize heapBudget[VK_MAX_MEMORY_HEAPS], heapUsage[VK_MAX_MEMORY_HEAPS];
} VkPhysicalDeviceMemoryBudgetPropertiesEXT;

typedef struct {
	VkStructureType sType; void *pNext; uint32_t MSize, NSize, KSize;
	VkEnum AType, BType, CType, ResultType; VkBool32 saturatingAccumulation; VkEnum scope;
} VkCooperativeMatrixPropertiesKHR;
typedef struct { VkStructureType sType; void *pNext; VkFlags cooperativeMatrixSupportedStages; } VkPhysicalDeviceCooperativeMatrixPropertiesKHR;
typedef struct {
	VkStructureType sType; void *pNext; uint32_t MGranularity, NGranularity, KGranularity;
	VkEnum AType, BType, CType, ResultType; VkBool32 saturatingAccumulation; VkEnum scope; uint32_t workgroupInvocations;
} VkCooperativeMatrixFlexibleDimensionsPropertiesNV;
typedef struct {
	VkStructureType sType; void *pNext;
	uint32_t cooperativeMatrixWorkgroupScopeMaxWorkgroupSize, cooperativeMatrixFlexibleDimensionsMaxDimension, cooperativeMatrixWorkgroupScopeReservedSharedMemory;
} VkPhysicalDeviceCooperativeMatrix2PropertiesNV;

/* What tells one architecture from another. */
typedef struct { VkStructureType sType; void *pNext; uint32_t shaderSMCount, shaderWarpsPerSM; } VkPhysicalDeviceShaderSMBuiltinsPropertiesNV;
typedef struct {
	VkStructureType sType; void *pNext; uint32_t shaderEngineCount, shaderArraysPerEngineCount, computeUnitsPerShaderArray, simdPerComputeUnit,
	wavefrontsPerSimd, wavefrontSize, others[8];
} VkPhysicalDeviceShaderCorePropertiesAMD;
typedef struct {
	VkStructureType sType; void *pNext; VkBool32 before[5], integerDotProduct4x8BitPackedMixedSignednessAccelerated, after[24];
} VkPhysicalDeviceShaderIntegerDotProductProperties;

typedef struct { VkStructureType sType; const void *pNext; VkPipeline pipeline; } VkPipelineInfoKHR;
typedef struct {
	VkStructureType sType; void *pNext; VkFlags stages; char name[256], description[256]; uint32_t subgroupSize;
} VkPipelineExecutablePropertiesKHR;
typedef struct { VkStructureType sType; const void *pNext; VkPipeline pipeline; uint32_t executableIndex; } VkPipelineExecutableInfoKHR;
typedef union { VkBool32 b32; int64_t i64; uint64_t u64; double f64; } VkPipelineExecutableStatisticValueKHR;
typedef struct {
	VkStructureType sType; void *pNext; char name[256], description[256]; VkEnum format; VkPipelineExecutableStatisticValueKHR value;
} VkPipelineExecutableStatisticKHR;
typedef struct {
	VkStructureType sType; void *pNext; char name[256], description[256]; VkBool32 isText; size_t dataSize; void *pData;
} VkPipelineExecutableInternalRepresentationKHR;

typedef struct VkDebugUtilsMessengerEXT_T *VkDebugUtilsMessengerEXT;

typedef struct {
	VkStructureType sType; const void *pNext; VkEnum objectType; uint64_t objectHandle; const char *pObjectName;
} VkDebugUtilsObjectNameInfoEXT;
typedef struct {
	VkStructureType sType; const void *pNext; VkFlags flags; const char *pMessageIdName; int32_t messageIdNumber; const char *pMessage;
	uint32_t queueLabelCount; const void *pQueueLabels; uint32_t cmdBufLabelCount; const void *pCmdBufLabels;
	uint32_t objectCount; const VkDebugUtilsObjectNameInfoEXT *pObjects;
} VkDebugUtilsMessengerCallbackDataEXT;
typedef VkBool32(VKAPI_PTR *PFN_vkDebugUtilsMessengerCallbackEXT)(VkFlags severity, VkFlags types, const VkDebugUtilsMessengerCallbackDataEXT *data, void *user);
typedef struct {
	VkStructureType sType; const void *pNext; VkFlags flags, messageSeverity, messageType;
	PFN_vkDebugUtilsMessengerCallbackEXT pfnUserCallback; void *pUserData;
} VkDebugUtilsMessengerCreateInfoEXT;
typedef struct {
	VkStructureType sType; const void *pNext; uint32_t enabledValidationFeatureCount; const VkEnum *pEnabledValidationFeatures;
	uint32_t disabledValidationFeatureCount; const VkEnum *pDisabledValidationFeatures;
} VkValidationFeaturesEXT;
typedef struct { const char *pLayerName, *pSettingName; VkEnum type; uint32_t valueCount; const void *pValues; } VkLayerSettingEXT;
typedef struct { VkStructureType sType; const void *pNext; uint32_t settingCount; const VkLayerSettingEXT *pSettings; } VkLayerSettingsCreateInfoEXT;

#endif
