#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *why, const char *what) {
	fprintf(stderr, "%s %s\n", why, what);
	exit(1);
}

void vulkan_check(VkResult result, const char *call) {
	if (result == VK_SUCCESS) return;
	fprintf(stderr, "%s gave VkResult %d\n", call, (int)result);
	exit(1);
}

/* The device that ANCHORVK_DEVICE names by its index, else the first. */
static void pick_device(struct host *h) {
	VkPhysicalDevice found[16];
	uint32_t count = 16, index = 0;
	const char *chosen = getenv("ANCHORVK_DEVICE");
	VkResult result = vkEnumeratePhysicalDevices(h->instance, &count, found);
	if (result != VK_INCOMPLETE) VK(result);
	if (chosen) index = (uint32_t)strtoul(chosen, NULL, 10);
	if (index >= count) die("no Vulkan device of index", chosen ? chosen : "0");
	h->physical = found[index];
}

static void pick_family(struct host *h) {
	VkQueueFamilyProperties families[16];
	uint32_t count = 16;
	vkGetPhysicalDeviceQueueFamilyProperties(h->physical, &count, families);
	for (h->family = 0; h->family < count; h->family++) {
		if (families[h->family].queueFlags & VK_QUEUE_COMPUTE_BIT) return;
	}
	die("no queue family", "computes");
}

/* Enables every feature of core Vulkan that there is, except checks of bounds,
 * which cost time. A host enables what it needs; anchorvk makes do with that. */
static void query_features(struct host *h) {
	VkPhysicalDeviceProperties properties;
	vkGetPhysicalDeviceProperties(h->physical, &properties);
	if (properties.apiVersion < VK_API_VERSION_1_2) die("this example needs Vulkan 1.2, more than", properties.deviceName);
	h->features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
	h->features11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
	h->features12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
	h->features13.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES;
	h->features.pNext = &h->features11;
	h->features11.pNext = &h->features12;
	h->api = VK_API_VERSION_1_2;
	if (properties.apiVersion >= VK_API_VERSION_1_3) {
		h->features12.pNext = &h->features13;
		h->api = VK_API_VERSION_1_3;
	}
	vkGetPhysicalDeviceFeatures2(h->physical, &h->features);
	h->features.features.robustBufferAccess = VK_FALSE;
	h->features13.robustImageAccess = VK_FALSE;
}

void host_open(struct host *h) {
	const float priority = 1;
	VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_3};
	VkInstanceCreateInfo instance = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &application};
	VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
	VkDeviceCreateInfo device = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue};
	VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
	VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 32};
	VkDescriptorPoolCreateInfo descriptors = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 16, .poolSizeCount = 1, .pPoolSizes = &size};
	VkDescriptorSetLayoutBinding bindings[2] = {
		{0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
		{1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
	};
	VkDescriptorSetLayoutCreateInfo set_layout = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 2, .pBindings = bindings};
	VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 4};
	VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pushConstantRangeCount = 1, .pPushConstantRanges = &push};

	memset(h, 0, sizeof *h);
	VK(vkCreateInstance(&instance, NULL, &h->instance));
	pick_device(h);
	pick_family(h);
	query_features(h);
	queue.queueFamilyIndex = h->family;
	device.pNext = &h->features;
	VK(vkCreateDevice(h->physical, &device, NULL, &h->device));
	vkGetDeviceQueue(h->device, h->family, 0, &h->queue);
	pool.queueFamilyIndex = h->family;
	VK(vkCreateCommandPool(h->device, &pool, NULL, &h->pool));
	VK(vkCreateDescriptorPool(h->device, &descriptors, NULL, &h->descriptors));
	VK(vkCreateDescriptorSetLayout(h->device, &set_layout, NULL, &h->set_layout));
	layout.pSetLayouts = &h->set_layout;
	VK(vkCreatePipelineLayout(h->device, &layout, NULL, &h->layout));
}

void host_close(struct host *h) {
	vkDestroyPipelineLayout(h->device, h->layout, NULL);
	vkDestroyDescriptorSetLayout(h->device, h->set_layout, NULL);
	vkDestroyDescriptorPool(h->device, h->descriptors, NULL);
	vkDestroyCommandPool(h->device, h->pool, NULL);
	vkDestroyDevice(h->device, NULL);
	vkDestroyInstance(h->instance, NULL);
}

static uint32_t visible_type(struct host *h, uint32_t allowed) {
	const VkMemoryPropertyFlags want = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	VkPhysicalDeviceMemoryProperties memory;
	vkGetPhysicalDeviceMemoryProperties(h->physical, &memory);
	for (uint32_t i = 0; i < memory.memoryTypeCount; i++) {
		if (allowed >> i & 1 && (memory.memoryTypes[i].propertyFlags & want) == want) return i;
	}
	die("no memory type", "that the host sees");
	return 0;
}

struct buffer host_buffer(struct host *h, VkDeviceSize size) {
	struct buffer b = {.size = size, .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
	VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = size};
	VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO, .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
	VkMemoryAllocateInfo memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
	VkMemoryRequirements need;
	if (h->features12.bufferDeviceAddress) { /* some kernels read K and V faster so */
		b.usage |= VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
		memory.pNext = &flags;
	}
	info.usage = b.usage;
	VK(vkCreateBuffer(h->device, &info, NULL, &b.handle));
	vkGetBufferMemoryRequirements(h->device, b.handle, &need);
	memory.allocationSize = need.size;
	memory.memoryTypeIndex = visible_type(h, need.memoryTypeBits);
	VK(vkAllocateMemory(h->device, &memory, NULL, &b.memory));
	VK(vkBindBufferMemory(h->device, b.handle, b.memory, 0));
	VK(vkMapMemory(h->device, b.memory, 0, VK_WHOLE_SIZE, 0, &b.mapped));
	return b;
}

void host_free(struct host *h, struct buffer *b) {
	vkDestroyBuffer(h->device, b->handle, NULL);
	vkFreeMemory(h->device, b->memory, NULL);
}

VkPipeline host_pass(struct host *h, const char *file) {
	static uint32_t code[4096];
	FILE *f = fopen(file, "rb");
	size_t words = f ? fread(code, 4, sizeof code / 4, f) : 0;
	VkShaderModuleCreateInfo module = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = 4 * words, .pCode = code};
	VkComputePipelineCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
		.stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, .stage = VK_SHADER_STAGE_COMPUTE_BIT, .pName = "main"},
		.layout = h->layout,
	};
	VkPipeline pipeline;
	if (!words) die("cannot read the shader", file);
	fclose(f);
	VK(vkCreateShaderModule(h->device, &module, NULL, &info.stage.module));
	VK(vkCreateComputePipelines(h->device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline));
	vkDestroyShaderModule(h->device, info.stage.module, NULL);
	return pipeline;
}

void host_dispatch(struct host *h, VkCommandBuffer commands, VkPipeline pass, const struct buffer *in, const struct buffer *out, uint32_t count) {
	VkDescriptorSetAllocateInfo allocate = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, .descriptorPool = h->descriptors, .descriptorSetCount = 1, .pSetLayouts = &h->set_layout};
	VkDescriptorBufferInfo buffers[2] = {{in->handle, 0, VK_WHOLE_SIZE}, {out->handle, 0, VK_WHOLE_SIZE}};
	VkWriteDescriptorSet write = {
		.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, .descriptorCount = 2, .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .pBufferInfo = buffers};
	VK(vkAllocateDescriptorSets(h->device, &allocate, &write.dstSet));
	vkUpdateDescriptorSets(h->device, 1, &write, 0, NULL);
	vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pass);
	vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, h->layout, 0, 1, &write.dstSet, 0, NULL);
	vkCmdPushConstants(commands, h->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, 4, &count);
	vkCmdDispatch(commands, (count + 63) / 64, 1, 1);
}

VkCommandBuffer host_begin(struct host *h) {
	VkCommandBufferAllocateInfo allocate = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = h->pool, .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY, .commandBufferCount = 1};
	VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
	VkCommandBuffer commands;
	VK(vkAllocateCommandBuffers(h->device, &allocate, &commands));
	VK(vkBeginCommandBuffer(commands, &begin));
	return commands;
}

void host_submit_and_wait(struct host *h, VkCommandBuffer commands) {
	VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
	VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
	VkFence fence;
	VK(vkEndCommandBuffer(commands));
	VK(vkCreateFence(h->device, &info, NULL, &fence));
	VK(vkQueueSubmit(h->queue, 1, &submit, fence));
	VK(vkWaitForFences(h->device, 1, &fence, VK_TRUE, UINT64_MAX));
	vkDestroyFence(h->device, fence, NULL);
}
