//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

/* Device creation with exactly the features that the caller wants, the table
 * of the device's functions, and the queue. */
#include "shim_internal.h"

#define NAME(name, needed) #name,
#define NEEDED(name, needed) needed,
#define OFFSET(name, needed) offsetof(vks_device, name),
static const char *const names[] = {VKS_DEVICE_FUNCTIONS(NAME)};
static const int needed[] = {VKS_DEVICE_FUNCTIONS(NEEDED)};
static const size_t offsets[] = {VKS_DEVICE_FUNCTIONS(OFFSET)};

int vks_device_function_count(void) { return (int)(sizeof names / sizeof *names); }
const char *vks_device_function_name(int i) { return names[i]; }
int vks_device_function_needed(int i) { return needed[i]; }
void *vks_device_resolve(vks_device *d, int i) { return (void *)d->get(d->handle, names[i]); }
void vks_device_set(vks_device *d, int i, void *address) { memcpy((char *)d + offsets[i], &address, sizeof address); }
uint64_t vks_device_handle(vks_device *d) { return BITS(d->handle); }
void vks_device_close(vks_device *d) { free(d); }

void vks_device_destroy(vks_device *d) {
	if (d->vkDeviceWaitIdle) d->vkDeviceWaitIdle(d->handle); /* the result does not matter: a lost device returns too, and may be destroyed */
	PFN_vkDestroyDevice destroy = d->vkDestroyDevice ? d->vkDestroyDevice : (PFN_vkDestroyDevice)d->get(d->handle, "vkDestroyDevice");
	if (destroy) destroy(d->handle, NULL);
}

uint64_t vks_get_queue(vks_device *d, uint32_t family, uint32_t index) {
	VkQueue queue = NULL;
	d->vkGetDeviceQueue(d->handle, family, index, &queue);
	return BITS(queue);
}

void vks_set_queue(vks_device *d, uint64_t queue, uint32_t family, uint32_t index) {
	d->queue = AS(VkQueue, queue);
	d->family = family;
	d->index = index;
}

void vks_set_lock(vks_device *d, void *lock, void *unlock, uintptr_t user) {
	d->lock = (void (*)(void *, uint32_t, uint32_t))lock;
	d->unlock = (void (*)(void *, uint32_t, uint32_t))unlock;
	d->lock_user = (void *)user;
}

/* Switches on a feature structure and the extension that brought it. */
#define ADD(condition, structure, listed, extension) \
	if (condition) { \
		(structure).pNext = features.pNext; \
		features.pNext = &(structure); \
		if (listed) extensions[count++] = extension; \
	}

int32_t vks_create_device(vks_instance *in, uint64_t physical, const vks_caps *e, float queue_priority, uint32_t global_priority, vks_device **out) {
	const char *extensions[16];
	uint32_t count = 0;
	/* robustBufferAccess stays off: bindings are checked on the host. */
	VkPhysicalDeviceFeatures2 features = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
		.features = {.shaderInt16 = e->int16, .shaderInt64 = e->int64},
	};
	VkPhysicalDevice16BitStorageFeatures storage = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES, .storageBuffer16BitAccess = e->storage16,
		.uniformAndStorageBuffer16BitAccess = e->storage16 && e->uniform16};
	VkPhysicalDeviceShaderFloat16Int8Features half = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES, .shaderFloat16 = e->float16, .shaderInt8 = e->int8};
	VkPhysicalDeviceShaderSubgroupExtendedTypesFeatures extended = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SUBGROUP_EXTENDED_TYPES_FEATURES, .shaderSubgroupExtendedTypes = 1};
	VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES, .timelineSemaphore = 1};
	VkPhysicalDeviceVulkanMemoryModelFeatures model = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES, .vulkanMemoryModel = 1, .vulkanMemoryModelDeviceScope = e->memory_model_device};
	VkPhysicalDeviceSubgroupSizeControlFeatures size = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES, .subgroupSizeControl = 1, .computeFullSubgroups = e->full_subgroups};
	VkPhysicalDeviceBufferDeviceAddressFeatures address = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES, .bufferDeviceAddress = 1};
	VkPhysicalDeviceMaintenance4Features m4 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES, .maintenance4 = 1};
	VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executable = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, .pipelineExecutableInfo = 1};
	VkPhysicalDeviceCooperativeMatrixFeaturesKHR coop = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR, .cooperativeMatrix = 1};
	VkPhysicalDeviceCooperativeMatrix2FeaturesNV coop2 = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV,
		.cooperativeMatrixWorkgroupScope = e->nv2_workgroup, .cooperativeMatrixFlexibleDimensions = e->nv2_flexible,
		.cooperativeMatrixReductions = e->nv2_reductions, .cooperativeMatrixConversions = e->nv2_conversions,
		.cooperativeMatrixPerElementOperations = e->nv2_per_element, .cooperativeMatrixTensorAddressing = e->nv2_tensor,
		.cooperativeMatrixBlockLoads = e->nv2_block};
	int any_nv2 = e->nv2_workgroup || e->nv2_flexible || e->nv2_reductions || e->nv2_conversions || e->nv2_per_element || e->nv2_tensor || e->nv2_block;

	ADD(e->storage16, storage, 0, NULL)
	ADD(e->float16 || e->int8, half, e->has_float16_ext, "VK_KHR_shader_float16_int8")
	ADD(e->subgroup_extended, extended, e->has_extended_types_ext, "VK_KHR_shader_subgroup_extended_types")
	ADD(e->timeline, timeline, e->has_timeline_ext, "VK_KHR_timeline_semaphore")
	ADD(e->memory_model, model, e->has_memory_model_ext, "VK_KHR_vulkan_memory_model")
	ADD(e->size_control, size, e->has_size_control_ext, "VK_EXT_subgroup_size_control")
	ADD(e->buffer_address, address, 0, NULL) /* core since 1.2; the extension before it is not used */
	ADD(e->maintenance4, m4, 0, NULL) /* for workgroup sizes of SPIR-V 1.6 modules that are specialized */
	ADD(e->executable_info, executable, 1, "VK_KHR_pipeline_executable_properties")
	ADD(e->coopmat, coop, 1, "VK_KHR_cooperative_matrix")
	ADD(e->coopmat && any_nv2, coop2, 1, "VK_NV_cooperative_matrix2")
	if (e->memory_budget) extensions[count++] = "VK_EXT_memory_budget";
	if (e->portability) extensions[count++] = "VK_KHR_portability_subset";

	if (global_priority) extensions[count++] = e->has_khr_priority_ext ? "VK_KHR_global_priority" : "VK_EXT_global_priority";

	VkDeviceQueueGlobalPriorityCreateInfoKHR priority = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_GLOBAL_PRIORITY_CREATE_INFO_KHR, .globalPriority = (VkEnum)global_priority};
	VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .pNext = global_priority ? &priority : NULL,
		.queueFamilyIndex = e->queue_family, .queueCount = 1, .pQueuePriorities = &queue_priority};
	VkDeviceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .pNext = &features, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue,
		.enabledExtensionCount = count, .ppEnabledExtensionNames = extensions};
	vks_device *d = calloc(1, sizeof *d);
	if (!d) return VK_ERROR_OUT_OF_HOST_MEMORY;
	d->get = in->vkGetDeviceProcAddr;
	d->addresses = (int)e->buffer_address;
	VkResult result = in->vkCreateDevice(AS(VkPhysicalDevice, physical), &info, NULL, &d->handle);
	if (result != VK_SUCCESS) {
		free(d);
		return result;
	}
	*out = d;
	return VK_SUCCESS;
}

void vks_name(vks_device *d, int type, uint64_t handle, const char *name) {
	if (!d->vkSetDebugUtilsObjectNameEXT) return;
	VkDebugUtilsObjectNameInfoEXT info = {
		.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT, .objectType = type, .objectHandle = handle, .pObjectName = name};
	d->vkSetDebugUtilsObjectNameEXT(d->handle, &info);
}
