//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

/* Instances and devices that the caller made, and what was switched on in them. */
#include "shim_internal.h"

#define V(minor) (1u << 22 | (minor) << 12)

int32_t vks_adopt_instance(void *get_instance_proc_addr, uint64_t instance, uint32_t api, vks_instance **out) {
	vks_instance *in = calloc(1, sizeof *in);
	if (!in) return VK_ERROR_OUT_OF_HOST_MEMORY;
	in->get = (PFN_vkGetInstanceProcAddr)get_instance_proc_addr;
	in->handle = AS(VkInstance, instance);
	in->version = api;
	*out = in;
	return VK_SUCCESS;
}

int32_t vks_adopt_device(vks_instance *in, uint64_t device, int addresses, vks_device **out) {
	vks_device *d = calloc(1, sizeof *d);
	if (!d) return VK_ERROR_OUT_OF_HOST_MEMORY;
	d->handle = AS(VkDevice, device);
	d->get = in->vkGetDeviceProcAddr;
	d->addresses = addresses;
	*out = d;
	return VK_SUCCESS;
}

void vks_query_family(vks_instance *in, uint64_t physical, uint32_t family, uint32_t *queues, uint32_t *flags, uint32_t *timestamp_bits) {
	enum { MAX = 32 };
	VkQueueFamilyProperties2 all[MAX] = {0};
	for (int i = 0; i < MAX; i++) all[i].sType = VK_STRUCTURE_TYPE_QUEUE_FAMILY_PROPERTIES_2;
	uint32_t n = MAX;
	*queues = *flags = *timestamp_bits = 0;
	in->vkGetPhysicalDeviceQueueFamilyProperties2(AS(VkPhysicalDevice, physical), &n, all);
	if (family >= n) return;
	const VkQueueFamilyProperties *p = &all[family].queueFamilyProperties;
	*queues = p->queueCount;
	*flags = p->queueFlags;
	*timestamp_bits = p->timestampValidBits;
}

#define CAPS(field) offsetof(vks_caps, field)
#define IN(type, structure, field) {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_##type, offsetof(structure, field)}

/* Every switch that this package may use: its name, the field of vks_caps that
 * it allows, the structures that carry it, and for those that came as an
 * extension that extension and the version that took it in (0: none has). */
static const struct {
	const char *name;
	size_t caps;
	struct { VkStructureType type; size_t offset; } in[2];
	const char *extension;
	uint32_t core;
} switches[] = {
	{"shaderInt16", CAPS(int16), {IN(FEATURES_2, VkPhysicalDeviceFeatures2, features.shaderInt16)}, NULL, 0},
	{"shaderInt64", CAPS(int64), {IN(FEATURES_2, VkPhysicalDeviceFeatures2, features.shaderInt64)}, NULL, 0},
	{"shaderFloat64", CAPS(float64), {IN(FEATURES_2, VkPhysicalDeviceFeatures2, features.shaderFloat64)}, NULL, 0},
	{"storageBuffer16BitAccess", CAPS(storage16), {IN(16BIT_STORAGE_FEATURES, VkPhysicalDevice16BitStorageFeatures, storageBuffer16BitAccess), IN(VULKAN_1_1_FEATURES, VkPhysicalDeviceVulkan11Features, storageBuffer16BitAccess)}, NULL, 0},
	{"uniformAndStorageBuffer16BitAccess", CAPS(uniform16), {IN(16BIT_STORAGE_FEATURES, VkPhysicalDevice16BitStorageFeatures, uniformAndStorageBuffer16BitAccess), IN(VULKAN_1_1_FEATURES, VkPhysicalDeviceVulkan11Features, uniformAndStorageBuffer16BitAccess)}, NULL, 0},
	{"shaderFloat16", CAPS(float16), {IN(SHADER_FLOAT16_INT8_FEATURES, VkPhysicalDeviceShaderFloat16Int8Features, shaderFloat16), IN(VULKAN_1_2_FEATURES, VkPhysicalDeviceVulkan12Features, shaderFloat16)}, "VK_KHR_shader_float16_int8", V(2)},
	{"shaderInt8", CAPS(int8), {IN(SHADER_FLOAT16_INT8_FEATURES, VkPhysicalDeviceShaderFloat16Int8Features, shaderInt8), IN(VULKAN_1_2_FEATURES, VkPhysicalDeviceVulkan12Features, shaderInt8)}, "VK_KHR_shader_float16_int8", V(2)},
	{"shaderSubgroupExtendedTypes", CAPS(subgroup_extended), {IN(SHADER_SUBGROUP_EXTENDED_TYPES_FEATURES, VkPhysicalDeviceShaderSubgroupExtendedTypesFeatures, shaderSubgroupExtendedTypes), IN(VULKAN_1_2_FEATURES, VkPhysicalDeviceVulkan12Features, shaderSubgroupExtendedTypes)}, "VK_KHR_shader_subgroup_extended_types", V(2)},
	{"timelineSemaphore", CAPS(timeline), {IN(TIMELINE_SEMAPHORE_FEATURES, VkPhysicalDeviceTimelineSemaphoreFeatures, timelineSemaphore), IN(VULKAN_1_2_FEATURES, VkPhysicalDeviceVulkan12Features, timelineSemaphore)}, "VK_KHR_timeline_semaphore", V(2)},
	{"bufferDeviceAddress", CAPS(buffer_address), {IN(BUFFER_DEVICE_ADDRESS_FEATURES, VkPhysicalDeviceBufferDeviceAddressFeatures, bufferDeviceAddress), IN(VULKAN_1_2_FEATURES, VkPhysicalDeviceVulkan12Features, bufferDeviceAddress)}, NULL, V(2)},
	{"vulkanMemoryModel", CAPS(memory_model), {IN(VULKAN_MEMORY_MODEL_FEATURES, VkPhysicalDeviceVulkanMemoryModelFeatures, vulkanMemoryModel), IN(VULKAN_1_2_FEATURES, VkPhysicalDeviceVulkan12Features, vulkanMemoryModel)}, "VK_KHR_vulkan_memory_model", V(2)},
	{"vulkanMemoryModelDeviceScope", CAPS(memory_model_device), {IN(VULKAN_MEMORY_MODEL_FEATURES, VkPhysicalDeviceVulkanMemoryModelFeatures, vulkanMemoryModelDeviceScope), IN(VULKAN_1_2_FEATURES, VkPhysicalDeviceVulkan12Features, vulkanMemoryModelDeviceScope)}, "VK_KHR_vulkan_memory_model", V(2)},
	{"subgroupSizeControl", CAPS(size_control), {IN(SUBGROUP_SIZE_CONTROL_FEATURES, VkPhysicalDeviceSubgroupSizeControlFeatures, subgroupSizeControl), IN(VULKAN_1_3_FEATURES, VkPhysicalDeviceVulkan13Features, subgroupSizeControl)}, "VK_EXT_subgroup_size_control", V(3)},
	{"computeFullSubgroups", CAPS(full_subgroups), {IN(SUBGROUP_SIZE_CONTROL_FEATURES, VkPhysicalDeviceSubgroupSizeControlFeatures, computeFullSubgroups), IN(VULKAN_1_3_FEATURES, VkPhysicalDeviceVulkan13Features, computeFullSubgroups)}, "VK_EXT_subgroup_size_control", V(3)},
	{"maintenance4", CAPS(maintenance4), {IN(MAINTENANCE_4_FEATURES, VkPhysicalDeviceMaintenance4Features, maintenance4), IN(VULKAN_1_3_FEATURES, VkPhysicalDeviceVulkan13Features, maintenance4)}, NULL, V(3)},
	{"pipelineExecutableInfo", CAPS(executable_info), {IN(PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR, pipelineExecutableInfo)}, "VK_KHR_pipeline_executable_properties", 0},
	{"cooperativeMatrix", CAPS(coopmat), {IN(COOPERATIVE_MATRIX_FEATURES_KHR, VkPhysicalDeviceCooperativeMatrixFeaturesKHR, cooperativeMatrix)}, "VK_KHR_cooperative_matrix", 0},
#define NV2(field, switch_name) \
	{#switch_name, CAPS(field), {IN(COOPERATIVE_MATRIX_2_FEATURES_NV, VkPhysicalDeviceCooperativeMatrix2FeaturesNV, switch_name)}, "VK_NV_cooperative_matrix2", 0},
	NV2(nv2_workgroup, cooperativeMatrixWorkgroupScope) NV2(nv2_flexible, cooperativeMatrixFlexibleDimensions)
	NV2(nv2_reductions, cooperativeMatrixReductions) NV2(nv2_conversions, cooperativeMatrixConversions)
	NV2(nv2_per_element, cooperativeMatrixPerElementOperations) NV2(nv2_tensor, cooperativeMatrixTensorAddressing)
	NV2(nv2_block, cooperativeMatrixBlockLoads)
};
enum { SWITCHES = sizeof switches / sizeof *switches };

static uint32_t *field_of(vks_caps *c, uint32_t i) { return (uint32_t *)((char *)c + switches[i].caps); }

const char *vks_switch_name(uint32_t i) { return i < SWITCHES ? switches[i].name : NULL; }

void vks_enable_name(vks_caps *enabled, const char *name) {
	for (uint32_t i = 0; i < SWITCHES; i++)
		if (strcmp(switches[i].name, name) == 0) *field_of(enabled, i) = 1;
}

void vks_enable_chain(vks_caps *enabled, const void *chain) {
	typedef struct link { VkStructureType type; const struct link *next; } link;
	for (const link *s = chain; s; s = s->next)
		for (uint32_t i = 0; i < SWITCHES; i++)
			for (int k = 0; k < 2; k++)
				if (switches[i].in[k].type == s->type && switches[i].in[k].type != 0 && *(const VkBool32 *)((const char *)s + switches[i].in[k].offset))
					*field_of(enabled, i) = 1;
}

static int listed(const char *name, const char *const *extensions, uint32_t count) {
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(extensions[i], name) == 0) return 1;
	return 0;
}

void vks_restrict(vks_caps *caps, const vks_caps *enabled, uint32_t api, const char *const *extensions, uint32_t count) {
	for (uint32_t i = 0; i < SWITCHES; i++) {
		int core = switches[i].core ? api >= switches[i].core : !switches[i].extension;
		int reachable = core || (switches[i].extension && listed(switches[i].extension, extensions, count));
		if (!reachable || !*field_of((vks_caps *)enabled, i)) *field_of(caps, i) = 0;
	}
}
