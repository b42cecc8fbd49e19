/* The Vulkan functions that this package resolves itself, with their
 * signatures. VKS_INSTANCE_FUNCTIONS and VKS_DEVICE_FUNCTIONS list each as
 * X(name, needed): a driver without a needed one is refused.
 * A file that defines FN(result, name, types of the parameters...) and includes
 * this one once more has it expanded for each of them. */
#if !defined(ANCHORVK_VULKAN_MIN_FN_H) || defined(FN)
#ifndef ANCHORVK_VULKAN_MIN_FN_H
#define ANCHORVK_VULKAN_MIN_FN_H

#include "vulkan_min_ext.h"

typedef void(VKAPI_PTR *PFN_vkVoidFunction)(void);
typedef PFN_vkVoidFunction(VKAPI_PTR *PFN_vkGetInstanceProcAddr)(VkInstance, const char *);

#define FN(ret, name, ...) typedef ret(VKAPI_PTR *PFN_##name)(__VA_ARGS__);
#endif
FN(VkResult, vkEnumerateInstanceVersion, uint32_t *)
FN(VkResult, vkEnumerateInstanceExtensionProperties, const char *, uint32_t *, VkExtensionProperties *)
FN(VkResult, vkEnumerateInstanceLayerProperties, uint32_t *, VkLayerProperties *)
FN(VkResult, vkCreateInstance, const VkInstanceCreateInfo *, const void *, VkInstance *)

FN(void, vkDestroyInstance, VkInstance, const void *)
FN(PFN_vkVoidFunction, vkGetDeviceProcAddr, VkDevice, const char *)
FN(VkResult, vkEnumerateDeviceExtensionProperties, VkPhysicalDevice, const char *, uint32_t *, VkExtensionProperties *)
FN(VkResult, vkEnumeratePhysicalDevices, VkInstance, uint32_t *, VkPhysicalDevice *)
FN(void, vkGetPhysicalDeviceQueueFamilyProperties2, VkPhysicalDevice, uint32_t *, VkQueueFamilyProperties2 *)
FN(void, vkGetPhysicalDeviceFeatures2, VkPhysicalDevice, VkPhysicalDeviceFeatures2 *)
FN(void, vkGetPhysicalDeviceProperties2, VkPhysicalDevice, VkPhysicalDeviceProperties2 *)
FN(void, vkGetPhysicalDeviceMemoryProperties2, VkPhysicalDevice, VkPhysicalDeviceMemoryProperties2 *)
FN(VkResult, vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR, VkPhysicalDevice, uint32_t *, VkCooperativeMatrixPropertiesKHR *)
FN(VkResult, vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV, VkPhysicalDevice, uint32_t *, VkCooperativeMatrixFlexibleDimensionsPropertiesNV *)
FN(VkResult, vkCreateDevice, VkPhysicalDevice, const VkDeviceCreateInfo *, const void *, VkDevice *)
FN(VkResult, vkCreateDebugUtilsMessengerEXT, VkInstance, const VkDebugUtilsMessengerCreateInfoEXT *, const void *, VkDebugUtilsMessengerEXT *)
FN(void, vkDestroyDebugUtilsMessengerEXT, VkInstance, VkDebugUtilsMessengerEXT, const void *)

FN(void, vkDestroyDevice, VkDevice, const void *)
FN(VkResult, vkDeviceWaitIdle, VkDevice)
FN(void, vkGetDeviceQueue, VkDevice, uint32_t, uint32_t, VkQueue *)
FN(VkResult, vkQueueSubmit, VkQueue, uint32_t, const VkSubmitInfo *, VkFence)
FN(VkResult, vkAllocateMemory, VkDevice, const VkMemoryAllocateInfo *, const void *, VkDeviceMemory *)
FN(VkResult, vkMapMemory, VkDevice, VkDeviceMemory, VkDeviceSize, VkDeviceSize, VkFlags, void **)
FN(void, vkFreeMemory, VkDevice, VkDeviceMemory, const void *)
FN(VkResult, vkFlushMappedMemoryRanges, VkDevice, uint32_t, const VkMappedMemoryRange *)
FN(VkResult, vkInvalidateMappedMemoryRanges, VkDevice, uint32_t, const VkMappedMemoryRange *)
FN(VkResult, vkCreateBuffer, VkDevice, const VkBufferCreateInfo *, const void *, VkBuffer *)
FN(void, vkDestroyBuffer, VkDevice, VkBuffer, const void *)
FN(void, vkGetBufferMemoryRequirements, VkDevice, VkBuffer, VkMemoryRequirements *)
FN(uint64_t, vkGetBufferDeviceAddress, VkDevice, const VkBufferDeviceAddressInfo *)
FN(VkResult, vkBindBufferMemory, VkDevice, VkBuffer, VkDeviceMemory, VkDeviceSize)
FN(VkResult, vkCreateShaderModule, VkDevice, const VkShaderModuleCreateInfo *, const void *, VkShaderModule *)
FN(void, vkDestroyShaderModule, VkDevice, VkShaderModule, const void *)
FN(VkResult, vkCreatePipelineCache, VkDevice, const VkPipelineCacheCreateInfo *, const void *, VkPipelineCache *)
FN(void, vkDestroyPipelineCache, VkDevice, VkPipelineCache, const void *)
FN(VkResult, vkGetPipelineCacheData, VkDevice, VkPipelineCache, size_t *, void *)
FN(VkResult, vkMergePipelineCaches, VkDevice, VkPipelineCache, uint32_t, const VkPipelineCache *)
FN(VkResult, vkCreateDescriptorSetLayout, VkDevice, const VkDescriptorSetLayoutCreateInfo *, const void *, VkDescriptorSetLayout *)
FN(VkResult, vkCreatePipelineLayout, VkDevice, const VkPipelineLayoutCreateInfo *, const void *, VkPipelineLayout *)
FN(void, vkDestroyPipelineLayout, VkDevice, VkPipelineLayout, const void *)
FN(void, vkDestroyDescriptorSetLayout, VkDevice, VkDescriptorSetLayout, const void *)
FN(void, vkDestroyPipeline, VkDevice, VkPipeline, const void *)
FN(VkResult, vkCreateComputePipelines, VkDevice, VkPipelineCache, uint32_t, const VkComputePipelineCreateInfo *, const void *, VkPipeline *)
FN(VkResult, vkCreateDescriptorPool, VkDevice, const VkDescriptorPoolCreateInfo *, const void *, VkDescriptorPool *)
FN(void, vkDestroyDescriptorPool, VkDevice, VkDescriptorPool, const void *)
FN(VkResult, vkResetDescriptorPool, VkDevice, VkDescriptorPool, VkFlags)
FN(VkResult, vkAllocateDescriptorSets, VkDevice, const VkDescriptorSetAllocateInfo *, VkDescriptorSet *)
FN(void, vkUpdateDescriptorSets, VkDevice, uint32_t, const VkWriteDescriptorSet *, uint32_t, const void *)
FN(VkResult, vkGetSemaphoreCounterValue, VkDevice, VkSemaphore, uint64_t *)
FN(VkResult, vkGetSemaphoreCounterValueKHR, VkDevice, VkSemaphore, uint64_t *)
FN(VkResult, vkCreateFence, VkDevice, const VkFenceCreateInfo *, const void *, VkFence *)
FN(void, vkDestroyFence, VkDevice, VkFence, const void *)
FN(VkResult, vkResetFences, VkDevice, uint32_t, const VkFence *)
FN(VkResult, vkWaitForFences, VkDevice, uint32_t, const VkFence *, VkBool32, uint64_t)
FN(VkResult, vkCreateCommandPool, VkDevice, const VkCommandPoolCreateInfo *, const void *, VkCommandPool *)
FN(void, vkDestroyCommandPool, VkDevice, VkCommandPool, const void *)
FN(VkResult, vkResetCommandPool, VkDevice, VkCommandPool, VkFlags)
FN(VkResult, vkAllocateCommandBuffers, VkDevice, const VkCommandBufferAllocateInfo *, VkCommandBuffer *)
FN(VkResult, vkBeginCommandBuffer, VkCommandBuffer, const VkCommandBufferBeginInfo *)
FN(VkResult, vkEndCommandBuffer, VkCommandBuffer)
FN(VkResult, vkCreateQueryPool, VkDevice, const VkQueryPoolCreateInfo *, const void *, VkQueryPool *)
FN(void, vkDestroyQueryPool, VkDevice, VkQueryPool, const void *)
FN(VkResult, vkGetQueryPoolResults, VkDevice, VkQueryPool, uint32_t, uint32_t, size_t, void *, VkDeviceSize, VkFlags)
FN(void, vkCmdBindPipeline, VkCommandBuffer, VkEnum, VkPipeline)
FN(void, vkCmdBindDescriptorSets, VkCommandBuffer, VkEnum, VkPipelineLayout, uint32_t, uint32_t, const VkDescriptorSet *, uint32_t, const uint32_t *)
FN(void, vkCmdPushConstants, VkCommandBuffer, VkPipelineLayout, VkFlags, uint32_t, uint32_t, const void *)
FN(void, vkCmdDispatch, VkCommandBuffer, uint32_t, uint32_t, uint32_t)
FN(void, vkCmdPipelineBarrier, VkCommandBuffer, VkFlags, VkFlags, VkFlags, uint32_t, const VkMemoryBarrier *, uint32_t, const void *, uint32_t, const void *)
FN(void, vkCmdFillBuffer, VkCommandBuffer, VkBuffer, VkDeviceSize, VkDeviceSize, uint32_t)
FN(void, vkCmdCopyBuffer, VkCommandBuffer, VkBuffer, VkBuffer, uint32_t, const VkBufferCopy *)
FN(void, vkCmdWriteTimestamp, VkCommandBuffer, VkFlags, VkQueryPool, uint32_t)
FN(void, vkCmdResetQueryPool, VkCommandBuffer, VkQueryPool, uint32_t, uint32_t)
FN(VkResult, vkSetDebugUtilsObjectNameEXT, VkDevice, const VkDebugUtilsObjectNameInfoEXT *)
FN(VkResult, vkGetPipelineExecutablePropertiesKHR, VkDevice, const VkPipelineInfoKHR *, uint32_t *, VkPipelineExecutablePropertiesKHR *)
FN(VkResult, vkGetPipelineExecutableStatisticsKHR, VkDevice, const VkPipelineExecutableInfoKHR *, uint32_t *, VkPipelineExecutableStatisticKHR *)
FN(VkResult, vkGetPipelineExecutableInternalRepresentationsKHR, VkDevice, const VkPipelineExecutableInfoKHR *, uint32_t *, VkPipelineExecutableInternalRepresentationKHR *)
#undef FN

#ifndef VKS_INSTANCE_FUNCTIONS
#define VKS_INSTANCE_FUNCTIONS(X) \
	X(vkGetDeviceProcAddr, 1) X(vkEnumeratePhysicalDevices, 1) X(vkEnumerateDeviceExtensionProperties, 1) X(vkGetPhysicalDeviceQueueFamilyProperties2, 1) \
	X(vkGetPhysicalDeviceFeatures2, 1) X(vkGetPhysicalDeviceProperties2, 1) X(vkGetPhysicalDeviceMemoryProperties2, 1) \
	X(vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR, 0) X(vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV, 0) \
	X(vkCreateDevice, 1) X(vkDestroyInstance, 1) X(vkCreateDebugUtilsMessengerEXT, 0) X(vkDestroyDebugUtilsMessengerEXT, 0)

#define VKS_DEVICE_FUNCTIONS(X) \
	X(vkDestroyDevice, 1) X(vkDeviceWaitIdle, 1) X(vkGetDeviceQueue, 1) X(vkQueueSubmit, 1) X(vkAllocateMemory, 1) X(vkMapMemory, 1) X(vkFreeMemory, 1) X(vkFlushMappedMemoryRanges, 1) X(vkInvalidateMappedMemoryRanges, 1) \
	X(vkCreateBuffer, 1) X(vkDestroyBuffer, 1) X(vkGetBufferMemoryRequirements, 1) X(vkBindBufferMemory, 1) X(vkGetBufferDeviceAddress, 0) \
	X(vkCreateShaderModule, 1) X(vkDestroyShaderModule, 1) X(vkCreatePipelineCache, 1) X(vkDestroyPipelineCache, 1) X(vkGetPipelineCacheData, 1) X(vkMergePipelineCaches, 1) X(vkCreateDescriptorSetLayout, 1) \
	X(vkCreatePipelineLayout, 1) X(vkDestroyPipelineLayout, 1) X(vkCreateComputePipelines, 1) X(vkDestroyPipeline, 1) X(vkDestroyDescriptorSetLayout, 1) \
	X(vkCreateDescriptorPool, 1) X(vkDestroyDescriptorPool, 1) X(vkResetDescriptorPool, 1) X(vkAllocateDescriptorSets, 1) X(vkUpdateDescriptorSets, 1) \
	X(vkCreateFence, 1) X(vkDestroyFence, 1) X(vkResetFences, 1) X(vkWaitForFences, 1) X(vkGetSemaphoreCounterValue, 0) X(vkGetSemaphoreCounterValueKHR, 0) \
	X(vkCreateCommandPool, 1) X(vkDestroyCommandPool, 1) X(vkResetCommandPool, 1) X(vkAllocateCommandBuffers, 1) \
	X(vkBeginCommandBuffer, 1) X(vkEndCommandBuffer, 1) X(vkCreateQueryPool, 1) X(vkDestroyQueryPool, 1) X(vkGetQueryPoolResults, 1) \
	X(vkCmdBindPipeline, 1) X(vkCmdBindDescriptorSets, 1) X(vkCmdPushConstants, 1) X(vkCmdDispatch, 1) X(vkCmdPipelineBarrier, 1) \
	X(vkCmdFillBuffer, 1) X(vkCmdCopyBuffer, 1) X(vkCmdWriteTimestamp, 1) X(vkCmdResetQueryPool, 1) \
	X(vkSetDebugUtilsObjectNameEXT, 0) X(vkGetPipelineExecutablePropertiesKHR, 0) X(vkGetPipelineExecutableStatisticsKHR, 0) \
	X(vkGetPipelineExecutableInternalRepresentationsKHR, 0)

#endif
#endif
