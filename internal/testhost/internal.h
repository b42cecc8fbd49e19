/* Shared by the C files of the test host. */
#ifndef ANCHORVK_TESTHOST_INTERNAL_H
#define ANCHORVK_TESTHOST_INTERNAL_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define AS(type, integer) ((type)(uintptr_t)(integer))
#define BITS(handle) ((uint64_t)(uintptr_t)(handle))

typedef struct { VkStructureType sType; const void *pNext; VkEnum semaphoreType; uint64_t initialValue; } VkSemaphoreTypeCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; } VkSemaphoreCreateInfo;
typedef struct { VkStructureType sType; const void *pNext; VkFlags flags; uint32_t semaphoreCount; const VkSemaphore *pSemaphores; const uint64_t *pValues; } VkSemaphoreWaitInfo;
typedef struct { VkStructureType sType; const void *pNext; VkSemaphore semaphore; uint64_t value; } VkSemaphoreSignalInfo;

typedef void(VKAPI_PTR *PFN_vkGetPhysicalDeviceQueueFamilyProperties)(VkPhysicalDevice, uint32_t *, VkQueueFamilyProperties *);
typedef void(VKAPI_PTR *PFN_vkDestroyInstance)(VkInstance, const void *);
typedef VkResult(VKAPI_PTR *PFN_vkQueueWaitIdle)(VkQueue);
typedef VkResult(VKAPI_PTR *PFN_vkCreateSemaphore)(VkDevice, const VkSemaphoreCreateInfo *, const void *, VkSemaphore *);
typedef void(VKAPI_PTR *PFN_vkDestroySemaphore)(VkDevice, VkSemaphore, const void *);
typedef VkResult(VKAPI_PTR *PFN_vkWaitSemaphores)(VkDevice, const VkSemaphoreWaitInfo *, uint64_t);
typedef VkResult(VKAPI_PTR *PFN_vkSignalSemaphore)(VkDevice, const VkSemaphoreSignalInfo *);

#define HOST_FUNCTIONS(X) \
	X(vkDestroyInstance) X(vkEnumeratePhysicalDevices) X(vkEnumerateDeviceExtensionProperties) X(vkGetPhysicalDeviceFeatures2) \
	X(vkGetPhysicalDeviceProperties2) X(vkGetPhysicalDeviceQueueFamilyProperties) X(vkGetPhysicalDeviceMemoryProperties2) X(vkCreateDevice) \
	X(vkDestroyDevice) X(vkDeviceWaitIdle) X(vkGetDeviceQueue) X(vkQueueSubmit) X(vkQueueWaitIdle) \
	X(vkCreateBuffer) X(vkDestroyBuffer) X(vkGetBufferMemoryRequirements) X(vkAllocateMemory) X(vkFreeMemory) X(vkMapMemory) X(vkBindBufferMemory) \
	X(vkGetBufferDeviceAddress) X(vkCreateCommandPool) X(vkDestroyCommandPool) X(vkAllocateCommandBuffers) X(vkBeginCommandBuffer) X(vkEndCommandBuffer) \
	X(vkCmdFillBuffer) X(vkCmdCopyBuffer) X(vkCmdPipelineBarrier) X(vkCmdBindPipeline) X(vkCmdBindDescriptorSets) X(vkCmdPushConstants) X(vkCmdDispatch) \
	X(vkCreateShaderModule) X(vkDestroyShaderModule) X(vkCreateDescriptorSetLayout) X(vkDestroyDescriptorSetLayout) X(vkCreatePipelineLayout) \
	X(vkDestroyPipelineLayout) X(vkCreateComputePipelines) X(vkDestroyPipeline) X(vkCreateDescriptorPool) X(vkDestroyDescriptorPool) \
	X(vkAllocateDescriptorSets) X(vkUpdateDescriptorSets) X(vkCreateSemaphore) X(vkDestroySemaphore) X(vkWaitSemaphores) X(vkSignalSemaphore) \
	X(vkGetSemaphoreCounterValue)
#define FIELD(name) PFN_##name name;

struct host {
	VkInstance instance;
	VkPhysicalDevice physical;
	VkDevice device;
	VkQueue queue;
	uint32_t family, enabled;
	VkPhysicalDeviceFeatures2 features;
	VkPhysicalDeviceVulkan11Features v11;
	VkPhysicalDeviceVulkan12Features v12;
	VkPhysicalDeviceVulkan13Features v13;
	VkPhysicalDevice16BitStorageFeatures storage;
	VkPhysicalDeviceShaderFloat16Int8Features half;
	VkPhysicalDeviceSubgroupSizeControlFeatures size;
	VkPhysicalDeviceVulkanMemoryModelFeatures model;
	VkPhysicalDeviceBufferDeviceAddressFeatures address;
	VkPhysicalDeviceTimelineSemaphoreFeatures timeline;
	VkPhysicalDeviceMaintenance4Features m4;
	VkPhysicalDeviceCooperativeMatrixFeaturesKHR coop;
	VkPhysicalDeviceCooperativeMatrix2FeaturesNV coop2;
	const char *extensions[4];
	int extension_count;
	pthread_mutex_t mutex;
	pthread_t owner;
	int64_t locks, bad_locks;
	VkCommandPool pool;
	VkDescriptorPool descriptors;
	VkDescriptorSetLayout set_layout;
	VkPipelineLayout layout;
	VkPipeline pipeline;
	HOST_FUNCTIONS(FIELD)
};

#endif
