//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

/* Compute pipelines: shader module, layout, specialization constants. */
#include "shim_internal.h"

int32_t vks_create_pipeline_cache(vks_device *d, const void *data, uint64_t size, uint64_t *cache) {
	VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO, .initialDataSize = (size_t)size, .pInitialData = data};
	VkPipelineCache handle = NULL;
	VkResult result = d->vkCreatePipelineCache(d->handle, &info, NULL, &handle);
	UNLESS_MADE(result, handle);
	*cache = BITS(handle);
	return result;
}

int32_t vks_pipeline_cache_data(vks_device *d, uint64_t cache, void *data, uint64_t *size) {
	size_t n = (size_t)*size;
	VkResult result = d->vkGetPipelineCacheData(d->handle, AS(VkPipelineCache, cache), &n, data);
	*size = n;
	return result;
}

int32_t vks_merge_pipeline_caches(vks_device *d, uint64_t into, uint64_t from) {
	VkPipelineCache source = AS(VkPipelineCache, from);
	return d->vkMergePipelineCaches(d->handle, AS(VkPipelineCache, into), 1, &source);
}

void vks_destroy_pipeline_cache(vks_device *d, uint64_t cache) { d->vkDestroyPipelineCache(d->handle, AS(VkPipelineCache, cache), NULL); }

int32_t vks_create_set_layout(vks_device *d, uint32_t bindings, uint64_t *layout) {
	VkDescriptorSetLayoutBinding list[VKS_MAX_BINDINGS] = {0};
	for (uint32_t i = 0; i < bindings; i++)
		list[i] = (VkDescriptorSetLayoutBinding){
			.binding = i, .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = 1, .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT};
	VkDescriptorSetLayoutCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = bindings, .pBindings = list};
	VkDescriptorSetLayout handle = NULL;
	VkResult result = d->vkCreateDescriptorSetLayout(d->handle, &info, NULL, &handle);
	UNLESS_MADE(result, handle);
	*layout = BITS(handle);
	return result;
}

void vks_destroy_set_layout(vks_device *d, uint64_t layout) { d->vkDestroyDescriptorSetLayout(d->handle, AS(VkDescriptorSetLayout, layout), NULL); }

void vks_destroy_pipeline(vks_device *d, uint64_t pipeline, uint64_t layout) {
	d->vkDestroyPipeline(d->handle, AS(VkPipeline, pipeline), NULL);
	d->vkDestroyPipelineLayout(d->handle, AS(VkPipelineLayout, layout), NULL);
}

static VkResult create_layout(vks_device *d, VkDescriptorSetLayout set, uint32_t push_bytes, VkPipelineLayout *layout) {
	VkPushConstantRange push = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = push_bytes};
	VkPipelineLayoutCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &set,
		.pushConstantRangeCount = push_bytes ? 1 : 0, .pPushConstantRanges = &push};
	return d->vkCreatePipelineLayout(d->handle, &info, NULL, layout);
}

int32_t vks_create_pipeline(vks_device *d, const void *code, uint64_t code_size, const uint32_t *constants, uint32_t constant_count,
	uint64_t set_layout, uint64_t cache, uint32_t push_bytes, uint32_t subgroup_size, uint32_t full_subgroups, uint32_t flags,
	uint64_t *layout_out, uint64_t *pipeline_out, const char **call) {
	VkPipelineLayout layout = NULL;
	*call = "vkCreatePipelineLayout";
	VkResult result = create_layout(d, AS(VkDescriptorSetLayout, set_layout), push_bytes, &layout);
	if (result != VK_SUCCESS) return result;

	VkShaderModule module = NULL;
	VkShaderModuleCreateInfo module_info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = code_size, .pCode = code};
	result = CALL(*call, d, vkCreateShaderModule, &module_info, NULL, &module);
	if (result != VK_SUCCESS) {
		d->vkDestroyPipelineLayout(d->handle, layout, NULL);
		return result;
	}
	VkSpecializationMapEntry entries[VKS_MAX_CONSTANTS];
	for (uint32_t i = 0; i < constant_count; i++) entries[i] = (VkSpecializationMapEntry){.constantID = i, .offset = 4 * i, .size = 4};
	VkSpecializationInfo special = {.mapEntryCount = constant_count, .pMapEntries = entries, .dataSize = 4 * (size_t)constant_count, .pData = constants};
	VkPipelineShaderStageRequiredSubgroupSizeCreateInfo size = {
		.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO, .requiredSubgroupSize = subgroup_size};
	VkComputePipelineCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
		.flags = flags,
		.stage = {
			.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
			.pNext = subgroup_size ? &size : NULL,
			.flags = full_subgroups ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT : 0,
			.stage = VK_SHADER_STAGE_COMPUTE_BIT, .module = module, .pName = "main",
			.pSpecializationInfo = constant_count ? &special : NULL,
		},
		.layout = layout, .basePipelineIndex = -1};
	VkPipeline pipeline = NULL;
	result = CALL(*call, d, vkCreateComputePipelines, AS(VkPipelineCache, cache), 1, &info, NULL, &pipeline);
	d->vkDestroyShaderModule(d->handle, module, NULL);
	if (result != VK_SUCCESS) {
		d->vkDestroyPipelineLayout(d->handle, layout, NULL);
		return result;
	}
	*layout_out = BITS(layout);
	*pipeline_out = BITS(pipeline);
	return VK_SUCCESS;
}

int vks_pipeline_statistics(vks_device *d, uint64_t pipeline, vks_statistic *list, int cap, uint32_t *granted) {
	*granted = 0;
	if (!d->vkGetPipelineExecutablePropertiesKHR || !d->vkGetPipelineExecutableStatisticsKHR) return 0;
	VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = AS(VkPipeline, pipeline)};
	VkPipelineExecutablePropertiesKHR props = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
	uint32_t n = 1;
	if (d->vkGetPipelineExecutablePropertiesKHR(d->handle, &info, &n, &props) < VK_SUCCESS || n == 0) return 0;
	*granted = props.subgroupSize;
	VkPipelineExecutableInfoKHR which = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, .pipeline = AS(VkPipeline, pipeline)};
	if (d->vkGetPipelineExecutableStatisticsKHR(d->handle, &which, &n, NULL) < VK_SUCCESS) return 0;
	if (n > (uint32_t)cap) n = (uint32_t)cap;
	VkPipelineExecutableStatisticKHR *stats = calloc(n ? n : 1, sizeof *stats);
	if (!stats) return 0;
	for (uint32_t i = 0; i < n; i++) stats[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
	if (d->vkGetPipelineExecutableStatisticsKHR(d->handle, &which, &n, stats) < VK_SUCCESS) n = 0;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(list[i].name, stats[i].name, sizeof list[i].name);
		list[i].format = stats[i].format;
		list[i].bits = stats[i].value.u64;
	}
	free(stats);
	return (int)n;
}

char *vks_pipeline_listing(vks_device *d, uint64_t pipeline, uint32_t index, char *name, uint64_t *size) {
	if (!d->vkGetPipelineExecutableInternalRepresentationsKHR) return NULL;
	VkPipelineExecutableInfoKHR which = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, .pipeline = AS(VkPipeline, pipeline)};
	VkPipelineExecutableInternalRepresentationKHR list[16] = {0};
	uint32_t n = sizeof list / sizeof *list;
	for (uint32_t i = 0; i < n; i++) list[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
	if (d->vkGetPipelineExecutableInternalRepresentationsKHR(d->handle, &which, &n, list) < VK_SUCCESS || index >= n) return NULL;
	/* The first call gave the sizes; now memory for the one that is wanted. */
	char *text = calloc(list[index].dataSize + 1, 1);
	if (!text) return NULL;
	for (uint32_t i = 0; i < n; i++) list[i].dataSize = i == index ? list[i].dataSize : 0;
	list[index].pData = text;
	if (d->vkGetPipelineExecutableInternalRepresentationsKHR(d->handle, &which, &n, list) < VK_SUCCESS) {
		free(text);
		return NULL;
	}
	memcpy(name, list[index].name, sizeof list[index].name);
	*size = list[index].dataSize;
	return text;
}
