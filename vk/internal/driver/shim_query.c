//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

/* What a physical device offers. A structure is chained into a query only when
 * the driver lists its extension or the core version that took it in. */
#include "shim_internal.h"

#define V(minor) (1u << 22 | (minor) << 12)
#define CHAIN(head, s) ((s).pNext = (head)->pNext, (head)->pNext = &(s))

static void copy_text(char *to, const char *from) {
	size_t n = strnlen(from, 255);
	memcpy(to, from, n);
	to[n] = 0;
}

static VkResult list_extensions(vks_instance *in, VkPhysicalDevice phys, vks_caps *c) {
	uint32_t n = 0;
	VkResult result = in->vkEnumerateDeviceExtensionProperties(phys, NULL, &n, NULL);
	if (result != VK_SUCCESS || n == 0) return result;
	VkExtensionProperties *p = calloc(n, sizeof *p);
	if (!p) return VK_ERROR_OUT_OF_HOST_MEMORY;
	result = in->vkEnumerateDeviceExtensionProperties(phys, NULL, &n, p);
	const struct { const char *name; uint32_t *flag; } want[] = {
		{"VK_KHR_shader_float16_int8", &c->has_float16_ext},
		{"VK_KHR_vulkan_memory_model", &c->has_memory_model_ext},
		{"VK_KHR_timeline_semaphore", &c->has_timeline_ext},
		{"VK_EXT_subgroup_size_control", &c->has_size_control_ext},
		{"VK_EXT_memory_budget", &c->has_budget_ext},
		{"VK_KHR_cooperative_matrix", &c->has_coopmat_ext},
		{"VK_NV_cooperative_matrix2", &c->has_coopmat2_ext},
		{"VK_KHR_pipeline_executable_properties", &c->has_executable_ext},
		{"VK_KHR_shader_subgroup_extended_types", &c->has_extended_types_ext},
		{"VK_KHR_driver_properties", &c->has_driver_ext},
		{"VK_KHR_maintenance4", &c->has_maintenance4_ext},
		{"VK_KHR_portability_subset", &c->has_portability_ext},
		{"VK_NV_shader_sm_builtins", &c->has_sm_builtins_ext},
		{"VK_AMD_shader_core_properties", &c->has_shader_core_ext},
		{"VK_KHR_shader_integer_dot_product", &c->has_dot_product_ext},
		{"VK_EXT_global_priority", &c->has_priority_ext},
		{"VK_KHR_global_priority", &c->has_khr_priority_ext},
	};
	for (uint32_t i = 0; result >= VK_SUCCESS && i < n; i++)
		for (size_t w = 0; w < sizeof want / sizeof *want; w++)
			if (strcmp(p[i].extensionName, want[w].name) == 0) *want[w].flag = 1;
	free(p);
	return result < VK_SUCCESS ? result : VK_SUCCESS;
}

static void query_features(vks_instance *in, VkPhysicalDevice phys, uint32_t api, vks_caps *c) {
	VkPhysicalDeviceFeatures2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
	VkPhysicalDevice16BitStorageFeatures storage = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES};
	VkPhysicalDeviceShaderFloat16Int8Features half = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES};
	VkPhysicalDeviceShaderSubgroupExtendedTypesFeatures extended = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SUBGROUP_EXTENDED_TYPES_FEATURES};
	VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES};
	VkPhysicalDeviceVulkanMemoryModelFeatures model = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES};
	VkPhysicalDeviceMaintenance4Features m4 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES};
	VkPhysicalDeviceSubgroupSizeControlFeatures size = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
	VkPhysicalDeviceBufferDeviceAddressFeatures address = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES};
	VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executable = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR};
	VkPhysicalDeviceCooperativeMatrixFeaturesKHR coop = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR};
	VkPhysicalDeviceCooperativeMatrix2FeaturesNV coop2 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV};
	CHAIN(&all, storage);
	if (api >= V(2) || c->has_float16_ext) CHAIN(&all, half);
	if (api >= V(2) || c->has_extended_types_ext) CHAIN(&all, extended);
	if (api >= V(2) || c->has_memory_model_ext) CHAIN(&all, model);
	if (api >= V(2) || c->has_timeline_ext) CHAIN(&all, timeline);
	if (api >= V(2)) CHAIN(&all, address);
	if (api >= V(3)) CHAIN(&all, m4);
	if (api >= V(3) || c->has_size_control_ext) CHAIN(&all, size);
	if (c->has_executable_ext) CHAIN(&all, executable);
	if (c->has_coopmat_ext) CHAIN(&all, coop);
	if (c->has_coopmat2_ext) CHAIN(&all, coop2);
	in->vkGetPhysicalDeviceFeatures2(phys, &all);
	c->int16 = all.features.shaderInt16;
	c->int64 = all.features.shaderInt64;
	c->float64 = all.features.shaderFloat64;
	c->storage16 = storage.storageBuffer16BitAccess;
	c->uniform16 = storage.uniformAndStorageBuffer16BitAccess;
	c->float16 = half.shaderFloat16;
	c->int8 = half.shaderInt8;
	c->subgroup_extended = extended.shaderSubgroupExtendedTypes;
	c->timeline = timeline.timelineSemaphore;
	c->memory_model = model.vulkanMemoryModel;
	c->memory_model_device = model.vulkanMemoryModelDeviceScope;
	c->buffer_address = address.bufferDeviceAddress;
	c->maintenance4 = m4.maintenance4;
	c->size_control = size.subgroupSizeControl;
	c->full_subgroups = size.computeFullSubgroups;
	c->executable_info = executable.pipelineExecutableInfo;
	c->coopmat = coop.cooperativeMatrix;
	c->nv2_workgroup = coop2.cooperativeMatrixWorkgroupScope;
	c->nv2_flexible = coop2.cooperativeMatrixFlexibleDimensions;
	c->nv2_reductions = coop2.cooperativeMatrixReductions;
	c->nv2_conversions = coop2.cooperativeMatrixConversions;
	c->nv2_per_element = coop2.cooperativeMatrixPerElementOperations;
	c->nv2_tensor = coop2.cooperativeMatrixTensorAddressing;
	c->nv2_block = coop2.cooperativeMatrixBlockLoads;
	c->memory_budget = c->has_budget_ext;
	c->portability = c->has_portability_ext;
}

static void query_properties(vks_instance *in, VkPhysicalDevice phys, uint32_t api, vks_caps *c) {
	VkPhysicalDeviceProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
	VkPhysicalDeviceSubgroupProperties group = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
	VkPhysicalDeviceMaintenance3Properties m3 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES};
	VkPhysicalDeviceMaintenance4Properties m4 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES};
	VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
	VkPhysicalDeviceSubgroupSizeControlProperties size = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
	VkPhysicalDeviceCooperativeMatrix2PropertiesNV coop2 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_PROPERTIES_NV};
	VkPhysicalDeviceShaderSMBuiltinsPropertiesNV sm = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV};
	VkPhysicalDeviceShaderCorePropertiesAMD core = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_AMD};
	VkPhysicalDeviceShaderIntegerDotProductProperties dot = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES};
	CHAIN(&all, group);
	CHAIN(&all, m3);
	if (api >= V(2) || c->has_driver_ext) CHAIN(&all, driver);
	if (api >= V(3) || c->has_maintenance4_ext) CHAIN(&all, m4);
	if (api >= V(3) || c->has_size_control_ext) CHAIN(&all, size);
	if (c->has_coopmat2_ext) CHAIN(&all, coop2);
	if (c->has_sm_builtins_ext) CHAIN(&all, sm);
	if (c->has_shader_core_ext) CHAIN(&all, core);
	if (api >= V(3) || c->has_dot_product_ext) CHAIN(&all, dot);
	in->vkGetPhysicalDeviceProperties2(phys, &all);
	const VkPhysicalDeviceProperties *p = &all.properties;
	const VkPhysicalDeviceLimits *l = &p->limits;
	c->api = p->apiVersion;
	c->driver_version = p->driverVersion;
	memcpy(c->cache_uuid, p->pipelineCacheUUID, sizeof c->cache_uuid);
	c->vendor = p->vendorID;
	c->device = p->deviceID;
	c->type = (uint32_t)p->deviceType;
	c->driver_id = (uint32_t)driver.driverID;
	copy_text(c->name, p->deviceName);
	copy_text(c->driver, driver.driverName);
	copy_text(c->driver_info, driver.driverInfo);
	c->max_storage_range = l->maxStorageBufferRange;
	c->push_constants = l->maxPushConstantsSize;
	c->shared_memory = l->maxComputeSharedMemorySize;
	c->max_invocations = l->maxComputeWorkGroupInvocations;
	memcpy(c->max_groups, l->maxComputeWorkGroupCount, sizeof c->max_groups);
	memcpy(c->max_group_size, l->maxComputeWorkGroupSize, sizeof c->max_group_size);
	c->max_storage_buffers = l->maxPerStageDescriptorStorageBuffers < l->maxDescriptorSetStorageBuffers ? l->maxPerStageDescriptorStorageBuffers : l->maxDescriptorSetStorageBuffers;
	c->max_allocations = l->maxMemoryAllocationCount;
	c->storage_align = l->minStorageBufferOffsetAlignment;
	c->atom = l->nonCoherentAtomSize;
	c->timestamp_period = l->timestampPeriod;
	c->max_allocation = m3.maxMemoryAllocationSize;
	c->max_buffer = m4.maxBufferSize;
	c->subgroup_size = group.subgroupSize;
	c->subgroup_stages = group.supportedStages;
	c->subgroup_ops = group.supportedOperations;
	c->subgroup_min = size.minSubgroupSize;
	c->subgroup_max = size.maxSubgroupSize;
	c->required_stages = size.requiredSubgroupSizeStages;
	c->max_subgroups = size.maxComputeWorkgroupSubgroups;
	c->sm_count = sm.shaderSMCount;
	c->warps_per_sm = sm.shaderWarpsPerSM;
	c->waves_per_simd = core.wavefrontsPerSimd;
	c->mixed_dot = dot.integerDotProduct4x8BitPackedMixedSignednessAccelerated;
	c->nv2_max_workgroup = coop2.cooperativeMatrixWorkgroupScopeMaxWorkgroupSize;
	c->nv2_max_dimension = coop2.cooperativeMatrixFlexibleDimensionsMaxDimension;
	c->nv2_reserved_shared = coop2.cooperativeMatrixWorkgroupScopeReservedSharedMemory;
}

static void query_memory(vks_instance *in, VkPhysicalDevice phys, vks_caps *c) {
	VkPhysicalDeviceMemoryProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
	VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
	if (c->has_budget_ext) CHAIN(&all, budget);
	in->vkGetPhysicalDeviceMemoryProperties2(phys, &all);
	const VkPhysicalDeviceMemoryProperties *p = &all.memoryProperties;
	c->types = p->memoryTypeCount;
	c->heaps = p->memoryHeapCount;
	for (uint32_t i = 0; i < c->types; i++) {
		c->type_flags[i] = p->memoryTypes[i].propertyFlags;
		c->type_heap[i] = p->memoryTypes[i].heapIndex;
	}
	for (uint32_t i = 0; i < c->heaps; i++) {
		c->heap_flags[i] = p->memoryHeaps[i].flags;
		c->heap_size[i] = p->memoryHeaps[i].size;
		c->heap_budget[i] = budget.heapBudget[i];
		c->heap_usage[i] = budget.heapUsage[i];
	}
}

void vks_query_budget(vks_instance *in, uint64_t physical, uint64_t *heap_budget, uint64_t *heap_usage) {
	VkPhysicalDeviceMemoryProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
	VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
	CHAIN(&all, budget);
	in->vkGetPhysicalDeviceMemoryProperties2(AS(VkPhysicalDevice, physical), &all);
	memcpy(heap_budget, budget.heapBudget, sizeof budget.heapBudget);
	memcpy(heap_usage, budget.heapUsage, sizeof budget.heapUsage);
}

/* Prefers a family that computes and does not draw: its submissions do not wait behind the desktop's. */
static void query_queue(vks_instance *in, VkPhysicalDevice phys, vks_caps *c) {
	enum { MAX = 32 };
	VkQueueFamilyProperties2 all[MAX] = {0};
	VkQueueFamilyGlobalPriorityPropertiesKHR priorities[MAX] = {0};
	for (int i = 0; i < MAX; i++) {
		priorities[i].sType = VK_STRUCTURE_TYPE_QUEUE_FAMILY_GLOBAL_PRIORITY_PROPERTIES_KHR;
		all[i].sType = VK_STRUCTURE_TYPE_QUEUE_FAMILY_PROPERTIES_2;
		all[i].pNext = c->has_khr_priority_ext ? &priorities[i] : NULL;
	}
	uint32_t n = MAX;
	in->vkGetPhysicalDeviceQueueFamilyProperties2(phys, &n, all);
	c->queue_family = UINT32_MAX;
	int best = -1;
	for (uint32_t i = 0; i < n; i++) {
		const VkQueueFamilyProperties *p = &all[i].queueFamilyProperties;
		if (!(p->queueFlags & VK_QUEUE_COMPUTE_BIT) || p->queueCount == 0) continue;
		int score = (p->timestampValidBits ? 2 : 0) + (p->queueFlags & VK_QUEUE_GRAPHICS_BIT ? 0 : 1);
		if (score <= best) continue;
		best = score;
		c->queue_family = i;
		c->timestamp_bits = p->timestampValidBits;
		c->priorities = priorities[i].priorityCount;
		if (c->priorities > VK_MAX_GLOBAL_PRIORITY_SIZE_KHR) c->priorities = VK_MAX_GLOBAL_PRIORITY_SIZE_KHR;
		for (uint32_t k = 0; k < c->priorities; k++) c->priority[k] = (uint32_t)priorities[i].priorities[k];
	}
}

int32_t vks_query(vks_instance *in, uint64_t physical, vks_caps *c) {
	VkPhysicalDevice phys = AS(VkPhysicalDevice, physical);
	memset(c, 0, sizeof *c);
	VkResult result = list_extensions(in, phys, c);
	if (result != VK_SUCCESS) return result;
	/* The plain query tells the version that decides what may be chained. */
	VkPhysicalDeviceProperties2 plain = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
	in->vkGetPhysicalDeviceProperties2(phys, &plain);
	c->api = plain.properties.apiVersion;
	copy_text(c->name, plain.properties.deviceName);
	if (c->api < V(1)) return VK_SUCCESS; /* the caller refuses it */
	uint32_t api = c->api < in->version ? c->api : in->version;
	query_features(in, phys, api, c);
	query_properties(in, phys, api, c);
	query_memory(in, phys, c);
	query_queue(in, phys, c);
	vks_query_shapes(in, physical, c);
	return VK_SUCCESS;
}
