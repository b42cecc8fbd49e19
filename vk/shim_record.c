//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

/* Turns a list of operations into a command buffer, in one call. */
#include "shim_internal.h"

static const VkFlags work_stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
static const VkFlags work_writes = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
static const VkFlags work_reads = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT;

int32_t vks_create_recorder(vks_device *d, vks_recorder **out) {
	vks_recorder *r = calloc(1, sizeof *r);
	if (!r) return VK_ERROR_OUT_OF_HOST_MEMORY;
	VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, .queueFamilyIndex = d->family};
	VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
	VkResult result = d->vkCreateCommandPool(d->handle, &pool, NULL, &r->pool);
	if (result == VK_SUCCESS) {
		VkCommandBufferAllocateInfo commands = {
			.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = r->pool, .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY, .commandBufferCount = 1};
		result = d->vkAllocateCommandBuffers(d->handle, &commands, &r->commands);
	}
	if (result == VK_SUCCESS) result = d->vkCreateFence(d->handle, &fence, NULL, &r->fence);
	if (result != VK_SUCCESS) {
		vks_destroy_recorder(d, r);
		return result;
	}
	*out = r;
	return VK_SUCCESS;
}

void vks_destroy_recorder(vks_device *d, vks_recorder *r) {
	if (r->sets) d->vkDestroyDescriptorPool(d->handle, r->sets, NULL);
	if (r->queries) d->vkDestroyQueryPool(d->handle, r->queries, NULL);
	if (r->fence) d->vkDestroyFence(d->handle, r->fence, NULL);
	if (r->pool) d->vkDestroyCommandPool(d->handle, r->pool, NULL);
	free(r);
}

/* Empties the descriptor pool, or makes a larger one. */
static VkResult reserve_sets(vks_device *d, vks_recorder *r, uint32_t sets, uint32_t descriptors) {
	if (sets <= r->set_capacity && descriptors <= r->descriptor_capacity)
		return r->sets ? d->vkResetDescriptorPool(d->handle, r->sets, 0) : VK_SUCCESS;
	if (r->sets) d->vkDestroyDescriptorPool(d->handle, r->sets, NULL);
	r->sets = NULL;
	r->set_capacity = r->descriptor_capacity = 0;
	sets += sets / 2 + 8;
	descriptors += descriptors / 2 + 32;
	VkDescriptorPoolSize size = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = descriptors};
	VkDescriptorPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = sets, .poolSizeCount = 1, .pPoolSizes = &size};
	VkResult result = d->vkCreateDescriptorPool(d->handle, &info, NULL, &r->sets);
	if (result != VK_SUCCESS) return result;
	r->set_capacity = sets;
	r->descriptor_capacity = descriptors;
	return VK_SUCCESS;
}

static VkResult reserve_queries(vks_device *d, vks_recorder *r, uint32_t count) {
	if (count <= r->query_capacity) return VK_SUCCESS;
	if (r->queries) d->vkDestroyQueryPool(d->handle, r->queries, NULL);
	r->queries = NULL;
	r->query_capacity = 0;
	count += count / 2 + 8;
	VkQueryPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryType = VK_QUERY_TYPE_TIMESTAMP, .queryCount = count};
	VkResult result = d->vkCreateQueryPool(d->handle, &info, NULL, &r->queries);
	if (result == VK_SUCCESS) r->query_capacity = count;
	return result;
}

static VkResult make_set(vks_device *d, vks_recorder *r, const vks_op *op, const vks_binding *b, VkDescriptorSet *set) {
	VkDescriptorSetLayout layout = AS(VkDescriptorSetLayout, op->set_layout);
	VkDescriptorSetAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, .descriptorPool = r->sets, .descriptorSetCount = 1, .pSetLayouts = &layout};
	VkResult result = d->vkAllocateDescriptorSets(d->handle, &info, set);
	if (result != VK_SUCCESS) return result;
	VkDescriptorBufferInfo buffers[VKS_MAX_BINDINGS];
	VkWriteDescriptorSet writes[VKS_MAX_BINDINGS];
	for (uint32_t i = 0; i < op->bindings; i++) {
		buffers[i] = (VkDescriptorBufferInfo){.buffer = AS(VkBuffer, b[i].buffer), .offset = b[i].offset, .range = b[i].range};
		writes[i] = (VkWriteDescriptorSet){
			.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, .dstSet = *set, .dstBinding = i, .descriptorCount = 1,
			.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .pBufferInfo = &buffers[i]};
	}
	d->vkUpdateDescriptorSets(d->handle, op->bindings, writes, 0, NULL);
	return VK_SUCCESS;
}

static void barrier(vks_device *d, VkCommandBuffer c, VkFlags to_stages, VkFlags to_access) {
	VkMemoryBarrier m = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = work_writes, .dstAccessMask = to_access};
	d->vkCmdPipelineBarrier(c, work_stages, to_stages, 0, 1, &m, 0, NULL, 0, NULL);
}

/* A dispatch that binds what the one before it bound shares its descriptor set. */
static int same_bindings(const vks_op *a, const vks_op *b, const vks_binding *bindings) {
	return a && a->set_layout == b->set_layout && a->bindings == b->bindings &&
		memcmp(bindings + a->first_binding, bindings + b->first_binding, b->bindings * sizeof *bindings) == 0;
}

static VkResult record_ops(vks_device *d, vks_recorder *r, const vks_op *ops, uint64_t op_count, const vks_binding *bindings, const uint8_t *push) {
	VkCommandBuffer c = r->commands;
	const vks_op *last = NULL;
	VkDescriptorSet set = NULL;
	for (const vks_op *op = ops; op < ops + op_count; op++) {
		switch (op->kind) {
		case VKS_DISPATCH:
			if (op->bindings && !same_bindings(last, op, bindings)) {
				VkResult result = make_set(d, r, op, bindings + op->first_binding, &set);
				if (result != VK_SUCCESS) return result;
			}
			if (!last || last->pipeline != op->pipeline) d->vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, AS(VkPipeline, op->pipeline));
			if (op->bindings) d->vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, AS(VkPipelineLayout, op->layout), 0, 1, &set, 0, NULL);
			if (op->push_size) d->vkCmdPushConstants(c, AS(VkPipelineLayout, op->layout), VK_SHADER_STAGE_COMPUTE_BIT, 0, op->push_size, push + op->push_offset);
			d->vkCmdDispatch(c, op->x, op->y, op->z);
			last = op;
			break;
		case VKS_BARRIER:
			barrier(d, c, work_stages, work_reads | work_writes);
			break;
		case VKS_FILL:
			d->vkCmdFillBuffer(c, AS(VkBuffer, op->dst), op->dst_offset, op->size, op->value);
			break;
		case VKS_COPY: {
			VkBufferCopy region = {.srcOffset = op->src_offset, .dstOffset = op->dst_offset, .size = op->size};
			d->vkCmdCopyBuffer(c, AS(VkBuffer, op->src), AS(VkBuffer, op->dst), 1, &region);
			break;
		}
		case VKS_TIMESTAMP:
			d->vkCmdWriteTimestamp(c, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, r->queries, op->value);
			break;
		}
	}
	return VK_SUCCESS;
}

int32_t vks_record(vks_device *d, vks_recorder *r, const vks_op *ops, uint64_t op_count,
	const vks_binding *bindings, const uint8_t *push, uint32_t timestamps) {
	uint32_t sets = 0, descriptors = 0;
	for (uint64_t i = 0; i < op_count; i++) {
		if (ops[i].kind != VKS_DISPATCH || ops[i].bindings == 0) continue;
		sets++;
		descriptors += ops[i].bindings;
	}
	VkResult result = d->vkResetCommandPool(d->handle, r->pool, 0);
	if (result == VK_SUCCESS) result = reserve_sets(d, r, sets, descriptors);
	if (result == VK_SUCCESS) result = reserve_queries(d, r, timestamps);
	if (result != VK_SUCCESS) return result;

	VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO, .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
	result = d->vkBeginCommandBuffer(r->commands, &begin);
	if (result != VK_SUCCESS) return result;
	if (timestamps) d->vkCmdResetQueryPool(r->commands, r->queries, 0, timestamps);
	/* A fence orders submissions for the host only; this makes what earlier submissions wrote visible to this one. */
	barrier(d, r->commands, work_stages, work_reads | work_writes);
	result = record_ops(d, r, ops, op_count, bindings, push);
	/* What was written becomes visible to the host once the fence has signalled. */
	barrier(d, r->commands, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
	VkResult ended = d->vkEndCommandBuffer(r->commands);
	return result != VK_SUCCESS ? result : ended;
}

int32_t vks_submit(vks_device *d, vks_recorder *r) {
	VkResult result = d->vkResetFences(d->handle, 1, &r->fence);
	if (result != VK_SUCCESS) return result;
	VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &r->commands};
	return d->vkQueueSubmit(d->queue, 1, &info, r->fence);
}

int32_t vks_wait(vks_device *d, vks_recorder *r, uint64_t nanoseconds) { return d->vkWaitForFences(d->handle, 1, &r->fence, 1, nanoseconds); }

int32_t vks_read_timestamps(vks_device *d, vks_recorder *r, uint64_t *ticks, uint32_t count) {
	return d->vkGetQueryPoolResults(d->handle, r->queries, 0, count, 8 * (size_t)count, ticks, 8, VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
}
