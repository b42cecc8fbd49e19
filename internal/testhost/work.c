//go:build cgo && !windows

/* The host's buffers, passes, submissions and semaphores. */
#include "internal.h"

int32_t host_make_buffer(host *h, uint64_t size, uint32_t usage, host_buffer *out) {
	memset(out, 0, sizeof *out);
	VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = size, .usage = usage};
	VkBuffer buffer = NULL;
	VkDeviceMemory memory = NULL;
	VkResult result = h->vkCreateBuffer(h->device, &info, NULL, &buffer);
	if (result != VK_SUCCESS) return result;
	VkMemoryRequirements need;
	h->vkGetBufferMemoryRequirements(h->device, buffer, &need);
	VkPhysicalDeviceMemoryProperties2 types = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
	h->vkGetPhysicalDeviceMemoryProperties2(h->physical, &types);
	uint32_t type = 0;
	const VkFlags wanted = 0x2 | 0x4; /* host visible and coherent: there is always such a type */
	while (!(need.memoryTypeBits >> type & 1) || (types.memoryProperties.memoryTypes[type].propertyFlags & wanted) != wanted) type++;
	int addressed = (usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT) != 0;
	VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO, .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
	VkMemoryAllocateInfo allocate = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = addressed ? &flags : NULL, .allocationSize = need.size, .memoryTypeIndex = type};
	result = h->vkAllocateMemory(h->device, &allocate, NULL, &memory);
	if (result == VK_SUCCESS) result = h->vkBindBufferMemory(h->device, buffer, memory, 0);
	if (result == VK_SUCCESS) result = h->vkMapMemory(h->device, memory, 0, VK_WHOLE_SIZE, 0, &out->mapped);
	if (result == VK_SUCCESS && addressed) {
		VkBufferDeviceAddressInfo which = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, .buffer = buffer};
		out->address = h->vkGetBufferDeviceAddress(h->device, &which);
	}
	out->buffer = BITS(buffer);
	out->memory = BITS(memory);
	if (result != VK_SUCCESS) host_free_buffer(h, out);
	return result;
}

void host_free_buffer(host *h, const host_buffer *b) {
	h->vkDestroyBuffer(h->device, AS(VkBuffer, b->buffer), NULL);
	h->vkFreeMemory(h->device, AS(VkDeviceMemory, b->memory), NULL);
}

int32_t host_make_commands(host *h, uint64_t *commands) {
	VkCommandBufferAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = h->pool, .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY, .commandBufferCount = 1};
	VkCommandBuffer made = NULL;
	VkResult result = h->vkAllocateCommandBuffers(h->device, &info, &made);
	*commands = BITS(made);
	return result;
}

int32_t host_begin(host *h, uint64_t commands) {
	VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
	return h->vkBeginCommandBuffer(AS(VkCommandBuffer, commands), &begin);
}

int32_t host_end(host *h, uint64_t commands) { return h->vkEndCommandBuffer(AS(VkCommandBuffer, commands)); }

void host_fill(host *h, uint64_t commands, uint64_t buffer, uint64_t size, uint32_t value) {
	h->vkCmdFillBuffer(AS(VkCommandBuffer, commands), AS(VkBuffer, buffer), 0, size, value);
}

void host_copy(host *h, uint64_t commands, uint64_t from, uint64_t to, uint64_t size) {
	VkBufferCopy region = {.size = size};
	h->vkCmdCopyBuffer(AS(VkCommandBuffer, commands), AS(VkBuffer, from), AS(VkBuffer, to), 1, &region);
}

void host_barrier(host *h, uint64_t commands) {
	const VkFlags stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
	const VkFlags reads = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT, writes = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
	VkMemoryBarrier m = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = writes, .dstAccessMask = reads | writes | VK_ACCESS_HOST_READ_BIT};
	h->vkCmdPipelineBarrier(AS(VkCommandBuffer, commands), stages, stages | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &m, 0, NULL, 0, NULL);
}

int32_t host_make_pass(host *h, const void *code, uint64_t code_size) {
	VkDescriptorSetLayoutBinding bindings[2];
	for (uint32_t i = 0; i < 2; i++)
		bindings[i] = (VkDescriptorSetLayoutBinding){
			.binding = i, .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = 1, .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT};
	VkDescriptorSetLayoutCreateInfo set = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 2, .pBindings = bindings};
	VkPushConstantRange push = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = 8};
	VkDescriptorPoolSize size = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = 2 * 256};
	VkDescriptorPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 256, .poolSizeCount = 1, .pPoolSizes = &size};
	VkShaderModuleCreateInfo shader = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = code_size, .pCode = code};
	VkShaderModule module = NULL;
	VkResult result = h->vkCreateDescriptorSetLayout(h->device, &set, NULL, &h->set_layout);
	VkPipelineLayoutCreateInfo layout = {
		.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &h->set_layout, .pushConstantRangeCount = 1, .pPushConstantRanges = &push};
	if (result == VK_SUCCESS) result = h->vkCreatePipelineLayout(h->device, &layout, NULL, &h->layout);
	if (result == VK_SUCCESS) result = h->vkCreateDescriptorPool(h->device, &pool, NULL, &h->descriptors);
	if (result == VK_SUCCESS) result = h->vkCreateShaderModule(h->device, &shader, NULL, &module);
	VkComputePipelineCreateInfo pipeline = {
		.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
		.stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, .stage = VK_SHADER_STAGE_COMPUTE_BIT, .module = module, .pName = "main"},
		.layout = h->layout};
	if (result == VK_SUCCESS) result = h->vkCreateComputePipelines(h->device, NULL, 1, &pipeline, NULL, &h->pipeline);
	if (module) h->vkDestroyShaderModule(h->device, module, NULL);
	return result;
}

int32_t host_pass(host *h, uint64_t commands, uint64_t from, uint64_t to, uint32_t words) {
	VkDescriptorSetAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, .descriptorPool = h->descriptors, .descriptorSetCount = 1, .pSetLayouts = &h->set_layout};
	VkDescriptorSet set = NULL;
	VkResult result = h->vkAllocateDescriptorSets(h->device, &info, &set);
	if (result != VK_SUCCESS) return result;
	VkDescriptorBufferInfo buffers[2] = {{AS(VkBuffer, from), 0, 4ull * words}, {AS(VkBuffer, to), 0, 4ull * words}};
	VkWriteDescriptorSet writes[2];
	for (uint32_t i = 0; i < 2; i++)
		writes[i] = (VkWriteDescriptorSet){
			.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, .dstSet = set, .dstBinding = i, .descriptorCount = 1,
			.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .pBufferInfo = &buffers[i]};
	h->vkUpdateDescriptorSets(h->device, 2, writes, 0, NULL);
	VkCommandBuffer c = AS(VkCommandBuffer, commands);
	const uint32_t push[2] = {words, 0};
	h->vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, h->pipeline);
	h->vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, h->layout, 0, 1, &set, 0, NULL);
	h->vkCmdPushConstants(c, h->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, 8, push);
	h->vkCmdDispatch(c, (words + 63) / 64, 1, 1);
	return VK_SUCCESS;
}

int32_t host_submit(host *h, const uint64_t *commands, uint32_t count, uint64_t wait, uint64_t wait_value, uint64_t signal, uint64_t signal_value) {
	VkCommandBuffer list[16];
	for (uint32_t i = 0; i < count && i < 16; i++) list[i] = AS(VkCommandBuffer, commands[i]);
	VkSemaphore wait_semaphore = AS(VkSemaphore, wait), signal_semaphore = AS(VkSemaphore, signal);
	const VkFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
	VkTimelineSemaphoreSubmitInfo values = {
		.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO, .waitSemaphoreValueCount = wait ? 1 : 0, .pWaitSemaphoreValues = &wait_value,
		.signalSemaphoreValueCount = signal ? 1 : 0, .pSignalSemaphoreValues = &signal_value};
	VkSubmitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .pNext = wait || signal ? &values : NULL, .waitSemaphoreCount = wait ? 1 : 0, .pWaitSemaphores = &wait_semaphore,
		.pWaitDstStageMask = &stage, .commandBufferCount = count, .pCommandBuffers = list, .signalSemaphoreCount = signal ? 1 : 0, .pSignalSemaphores = &signal_semaphore};
	pthread_mutex_lock(&h->mutex);
	VkResult result = h->vkQueueSubmit(h->queue, 1, &info, NULL);
	pthread_mutex_unlock(&h->mutex);
	return result;
}

int32_t host_finish(host *h) {
	pthread_mutex_lock(&h->mutex);
	VkResult result = h->vkQueueWaitIdle(h->queue);
	pthread_mutex_unlock(&h->mutex);
	return result;
}

int32_t host_make_timeline(host *h, uint64_t initial, uint64_t *semaphore) {
	VkSemaphoreTypeCreateInfo type = {.sType = 1000207002, .semaphoreType = 1 /* timeline */, .initialValue = initial};
	VkSemaphoreCreateInfo info = {.sType = 9, .pNext = &type};
	VkSemaphore made = NULL;
	VkResult result = h->vkCreateSemaphore(h->device, &info, NULL, &made);
	*semaphore = BITS(made);
	return result;
}

void host_free_timeline(host *h, uint64_t semaphore) { h->vkDestroySemaphore(h->device, AS(VkSemaphore, semaphore), NULL); }

int32_t host_timeline_value(host *h, uint64_t semaphore, uint64_t *value) {
	return h->vkGetSemaphoreCounterValue(h->device, AS(VkSemaphore, semaphore), value);
}

int32_t host_timeline_signal(host *h, uint64_t semaphore, uint64_t value) {
	VkSemaphoreSignalInfo info = {.sType = 1000207005, .semaphore = AS(VkSemaphore, semaphore), .value = value};
	return h->vkSignalSemaphore(h->device, &info);
}

int32_t host_timeline_wait(host *h, uint64_t semaphore, uint64_t value, uint64_t nanoseconds) {
	VkSemaphore list = AS(VkSemaphore, semaphore);
	VkSemaphoreWaitInfo info = {.sType = 1000207004, .semaphoreCount = 1, .pSemaphores = &list, .pValues = &value};
	return h->vkWaitSemaphores(h->device, &info, nanoseconds);
}
