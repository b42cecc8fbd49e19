//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

/* A recorder's Vulkan objects: command buffer, fence, descriptor sets, queries. */
#include "shim_internal.h"

const char *vks_failed_call(const vks_recorder *r) { return r->call; }

int32_t vks_create_recorder(vks_device *d, vks_recorder **out, const char **call) {
	*call = "calloc";
	vks_recorder *r = calloc(1, sizeof *r);
	if (!r) return VK_ERROR_OUT_OF_HOST_MEMORY;
	VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, .queueFamilyIndex = d->family};
	VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
	VkResult result = CALL(r->call, d, vkCreateCommandPool, &pool, NULL, &r->pool);
	UNLESS_MADE(result, r->pool);
	if (result == VK_SUCCESS) {
		VkCommandBufferAllocateInfo commands = {
			.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = r->pool, .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY, .commandBufferCount = 1};
		result = CALL(r->call, d, vkAllocateCommandBuffers, &commands, &r->commands);
	}
	if (result == VK_SUCCESS) {
		result = CALL(r->call, d, vkCreateFence, &fence, NULL, &r->fence);
		UNLESS_MADE(result, r->fence);
	}
	if (result != VK_SUCCESS) {
		*call = r->call;
		vks_destroy_recorder(d, r);
		return result;
	}
	*out = r;
	return VK_SUCCESS;
}

void vks_destroy_recorder(vks_device *d, vks_recorder *r) {
	free(r->made);
	if (r->sets) d->vkDestroyDescriptorPool(d->handle, r->sets, NULL);
	if (r->queries) d->vkDestroyQueryPool(d->handle, r->queries, NULL);
	if (r->fence) d->vkDestroyFence(d->handle, r->fence, NULL);
	if (r->pool) d->vkDestroyCommandPool(d->handle, r->pool, NULL);
	free(r);
}

/* Empties the descriptor pool, or makes a larger one. */
static VkResult reserve_sets(vks_device *d, vks_recorder *r, uint32_t sets, uint32_t descriptors) {
	if (sets <= r->set_capacity && descriptors <= r->descriptor_capacity)
		return r->sets ? CALL(r->call, d, vkResetDescriptorPool, r->sets, 0) : VK_SUCCESS;
	if (r->sets) d->vkDestroyDescriptorPool(d->handle, r->sets, NULL);
	r->sets = NULL;
	r->set_capacity = r->descriptor_capacity = 0;
	sets += sets / 2 + 8;
	descriptors += descriptors / 2 + 32;
	VkDescriptorPoolSize size = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = descriptors};
	VkDescriptorPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = sets, .poolSizeCount = 1, .pPoolSizes = &size};
	r->call = "realloc";
	VkDescriptorSet *made = realloc(r->made, sets * sizeof *made);
	if (!made) return VK_ERROR_OUT_OF_HOST_MEMORY;
	r->made = made;
	VkResult result = CALL(r->call, d, vkCreateDescriptorPool, &info, NULL, &r->sets);
	UNLESS_MADE(result, r->sets);
	if (result != VK_SUCCESS) return result;
	r->set_capacity = sets;
	r->descriptor_capacity = descriptors;
	return VK_SUCCESS;
}

VkResult vks_reserve_queries(vks_device *d, vks_recorder *r, uint32_t count) {
	if (count <= r->query_capacity) return VK_SUCCESS;
	if (r->queries) d->vkDestroyQueryPool(d->handle, r->queries, NULL);
	r->queries = NULL;
	r->query_capacity = 0;
	count += count / 2 + 8;
	VkQueryPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryType = VK_QUERY_TYPE_TIMESTAMP, .queryCount = count};
	VkResult result = CALL(r->call, d, vkCreateQueryPool, &info, NULL, &r->queries);
	UNLESS_MADE(result, r->queries);
	if (result == VK_SUCCESS) r->query_capacity = count;
	return result;
}

static VkResult make_set(vks_device *d, vks_recorder *r, const vks_op *op, const vks_binding *b, VkDescriptorSet *set) {
	VkDescriptorSetLayout layout = AS(VkDescriptorSetLayout, op->set_layout);
	VkDescriptorSetAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, .descriptorPool = r->sets, .descriptorSetCount = 1, .pSetLayouts = &layout};
	VkResult result = CALL(r->call, d, vkAllocateDescriptorSets, &info, set);
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

/* A dispatch that binds what the one before it bound shares its descriptor set. */
static int same_bindings(const vks_op *a, const vks_op *b, const vks_binding *bindings) {
	return a && a->set_layout == b->set_layout && a->bindings == b->bindings &&
		memcmp(bindings + a->first_binding, bindings + b->first_binding, b->bindings * sizeof *bindings) == 0;
}

int32_t vks_make_sets(vks_device *d, vks_recorder *r, vks_op *ops, uint64_t op_count, const vks_binding *bindings) {
	uint32_t sets = 0, descriptors = 0;
	for (uint64_t i = 0; i < op_count; i++) {
		if (ops[i].kind != VKS_DISPATCH || ops[i].bindings == 0) continue;
		sets++;
		descriptors += ops[i].bindings;
	}
	VkResult result = reserve_sets(d, r, sets, descriptors);
	if (result != VK_SUCCESS) return result;
	const vks_op *last = NULL;
	uint32_t made = 0;
	for (vks_op *op = ops; op < ops + op_count; op++) {
		if (op->kind != VKS_DISPATCH || op->bindings == 0) continue;
		if (!same_bindings(last, op, bindings)) {
			result = make_set(d, r, op, bindings + op->first_binding, &r->made[made]);
			if (result != VK_SUCCESS) return result;
			made++;
		}
		op->set = made - 1;
		last = op;
	}
	return VK_SUCCESS;
}
