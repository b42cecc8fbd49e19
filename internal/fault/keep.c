//go:build cgo

/* Instance, device and pipelines that outlive their destruction. Tests that
 * open a device some hundred times would spend most of their time in compilers. */
#include "inject.h"
#include "../../vk/internal/driver/vulkan_min_fn.h"
#include <string.h>

static int keep;

static PFN_vkCreateInstance real_vkCreateInstance;
static PFN_vkDestroyInstance real_vkDestroyInstance;
static PFN_vkCreateDevice real_vkCreateDevice;
static PFN_vkDestroyDevice real_vkDestroyDevice;
static PFN_vkCreateShaderModule real_vkCreateShaderModule;
static PFN_vkCreateComputePipelines real_vkCreateComputePipelines;
static PFN_vkDestroyPipeline real_vkDestroyPipeline;

static VkInstance instance;
static VkDevice device;
static VkDevice home; /* of the pipelines: device, or one that was lent */

enum { SLOTS = 256 };
static struct { uint64_t key; VkPipeline pipeline; } kept[SLOTS];
static struct { VkShaderModule module; uint64_t hash; } modules[SLOTS];
static int modules_seen;
static char lock;

static void enter(void) {
	while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE)) {}
}

static void leave(void) { __atomic_clear(&lock, __ATOMIC_RELEASE); }

static uint64_t mix(uint64_t hash, const void *data, size_t size) {
	for (size_t i = 0; i < size; i++) hash = (hash ^ ((const uint8_t *)data)[i]) * 1099511628211u;
	return hash;
}

static VkResult VKAPI_CALL wrap_vkCreateInstance(const VkInstanceCreateInfo *info, const void *a, VkInstance *in) {
	if (!keep) return real_vkCreateInstance(info, a, in);
	VkResult result = instance ? VK_SUCCESS : real_vkCreateInstance(info, a, &instance);
	if (result == VK_SUCCESS) *in = instance;
	return result;
}

static void VKAPI_CALL wrap_vkDestroyInstance(VkInstance in, const void *a) {
	if (in != instance) real_vkDestroyInstance(in, a);
}

static VkResult VKAPI_CALL wrap_vkCreateDevice(VkPhysicalDevice p, const VkDeviceCreateInfo *info, const void *a, VkDevice *d) {
	if (!keep) return real_vkCreateDevice(p, info, a, d);
	VkResult result = device ? VK_SUCCESS : real_vkCreateDevice(p, info, a, &device);
	if (result == VK_SUCCESS) *d = device;
	return result;
}

static void VKAPI_CALL wrap_vkDestroyDevice(VkDevice d, const void *a) {
	if (d != device) real_vkDestroyDevice(d, a);
}

static VkResult VKAPI_CALL wrap_vkCreateShaderModule(VkDevice d, const VkShaderModuleCreateInfo *info, const void *a, VkShaderModule *m) {
	VkResult result = real_vkCreateShaderModule(d, info, a, m);
	if (keep && result == VK_SUCCESS) {
		enter();
		modules[modules_seen % SLOTS].module = *m;
		modules[modules_seen++ % SLOTS].hash = mix(14695981039346656037u, info->pCode, info->codeSize);
		leave();
	}
	return result;
}

/* Pipelines of the same key are the same. Their layouts are, too, for layouts
 * that are defined alike are compatible. */
static uint64_t key_of(const VkComputePipelineCreateInfo *info) {
	uint64_t key = 0;
	for (int i = 0; i < SLOTS && i < modules_seen; i++) /* the latest counts: handles are used again */
		if (modules[(modules_seen - 1 - i) % SLOTS].module == info->stage.module) {
			key = modules[(modules_seen - 1 - i) % SLOTS].hash;
			break;
		}
	key = mix(key, &info->flags, sizeof info->flags);
	key = mix(key, &info->stage.flags, sizeof info->stage.flags);
	if (info->stage.pNext) {
		const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo *size = info->stage.pNext;
		key = mix(key, &size->requiredSubgroupSize, sizeof size->requiredSubgroupSize);
	}
	const VkSpecializationInfo *special = info->stage.pSpecializationInfo;
	return special ? mix(key, special->pData, special->dataSize) : key;
}

static VkResult VKAPI_CALL wrap_vkCreateComputePipelines(VkDevice d, VkPipelineCache c, uint32_t n, const VkComputePipelineCreateInfo *info, const void *a, VkPipeline *p) {
	if (keep && !home) home = d;
	if (!keep || n != 1 || d != home) return real_vkCreateComputePipelines(d, c, n, info, a, p);
	enter();
	uint64_t key = key_of(info);
	VkPipeline found = NULL;
	for (int i = 0; i < SLOTS; i++)
		if (kept[i].pipeline && kept[i].key == key) found = kept[i].pipeline;
	leave();
	if (found) {
		*p = found;
		return VK_SUCCESS;
	}
	VkResult result = real_vkCreateComputePipelines(d, c, n, info, a, p);
	if (result != VK_SUCCESS) return result;
	enter();
	for (int i = 0; i < SLOTS; i++) {
		if (kept[i].pipeline) continue;
		kept[i].key = key;
		kept[i].pipeline = *p;
		break;
	}
	leave();
	return result;
}

static void VKAPI_CALL wrap_vkDestroyPipeline(VkDevice d, VkPipeline p, const void *a) {
	for (int i = 0; i < SLOTS; i++)
		if (p && kept[i].pipeline == p) return;
	real_vkDestroyPipeline(d, p, a);
}

void inject_keep(int on) {
	keep = on;
	if (on) return;
	for (int i = 0; i < SLOTS; i++) {
		if (kept[i].pipeline) real_vkDestroyPipeline(home, kept[i].pipeline, NULL);
		kept[i].pipeline = NULL;
	}
	if (device) real_vkDestroyDevice(device, NULL);
	if (instance) real_vkDestroyInstance(instance, NULL);
	device = home = NULL;
	instance = NULL;
	modules_seen = 0;
}

void *keep_wrap(const char *name, void *address) {
#define REPLACE(f) \
	if (strcmp(name, #f) == 0) { \
		if (address != (void *)wrap_##f) real_##f = (PFN_##f)address; \
		return (void *)wrap_##f; \
	}
	REPLACE(vkCreateInstance)
	REPLACE(vkDestroyInstance)
	REPLACE(vkCreateDevice)
	REPLACE(vkDestroyDevice)
	REPLACE(vkCreateShaderModule)
	REPLACE(vkCreateComputePipelines)
	REPLACE(vkDestroyPipeline)
	return address;
}
