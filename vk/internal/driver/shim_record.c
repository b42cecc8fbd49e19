//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

/* Turns a list of operations into a command buffer, in one call. */
#include "shim_internal.h"

static const VkFlags work_stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
static const VkFlags work_writes = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
static const VkFlags work_access = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
static const VkFlags all_access = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;

static void barrier(vks_device *d, VkCommandBuffer c, VkFlags from_stages, VkFlags from_access, VkFlags to_stages, VkFlags to_access) {
	VkMemoryBarrier m = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = from_access, .dstAccessMask = to_access};
	d->vkCmdPipelineBarrier(c, from_stages, to_stages, 0, 1, &m, 0, NULL, 0, NULL);
}

static void record_op(vks_device *d, vks_recorder *r, VkCommandBuffer c, const vks_op *op, const vks_op *last, const uint8_t *push) {
	switch (op->kind) {
	case VKS_DISPATCH:
		if (!last || last->pipeline != op->pipeline) d->vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, AS(VkPipeline, op->pipeline));
		if (op->bindings) d->vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, AS(VkPipelineLayout, op->layout), 0, 1, &r->made[op->set], 0, NULL);
		if (op->push_size) d->vkCmdPushConstants(c, AS(VkPipelineLayout, op->layout), VK_SHADER_STAGE_COMPUTE_BIT, 0, op->push_size, push + op->push_offset);
		d->vkCmdDispatch(c, op->x, op->y, op->z);
		break;
	case VKS_BARRIER:
		barrier(d, c, work_stages, work_writes, work_stages, work_access);
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

/* The work stands between two barriers that order it with everything else on
 * the queue. A fence or the order of submission alone makes nothing visible.
 * The canary comes last, once all of the work has ended. */
static void record_ops(vks_device *d, vks_recorder *r, VkCommandBuffer c, const vks_op *ops, uint64_t op_count, const uint8_t *push, vks_canary canary) {
	barrier(d, c, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_ACCESS_MEMORY_WRITE_BIT, work_stages, work_access);
	const vks_op *last = NULL;
	for (const vks_op *op = ops; op < ops + op_count; op++) {
		record_op(d, r, c, op, last, push);
		if (op->kind == VKS_DISPATCH) last = op;
	}
	barrier(d, c, work_stages, work_writes, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT);
	d->vkCmdFillBuffer(c, AS(VkBuffer, canary.buffer), canary.offset, 4, canary.value);
	barrier(d, c, work_stages, work_writes, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, all_access | VK_ACCESS_HOST_READ_BIT);
}

void vks_record_into(vks_device *d, vks_recorder *r, uint64_t commands, const vks_op *ops, uint64_t op_count, const uint8_t *push, vks_canary canary) {
	record_ops(d, r, AS(VkCommandBuffer, commands), ops, op_count, push, canary);
}

int32_t vks_record(vks_device *d, vks_recorder *r, vks_op *ops, uint64_t op_count,
	const vks_binding *bindings, const uint8_t *push, uint32_t timestamps, vks_canary canary) {
	VkResult result = CALL(r->call, d, vkResetCommandPool, r->pool, 0);
	if (result == VK_SUCCESS) result = vks_make_sets(d, r, ops, op_count, bindings);
	if (result == VK_SUCCESS) result = vks_reserve_queries(d, r, timestamps);
	if (result != VK_SUCCESS) return result;

	VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO, .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
	r->call = "vkBeginCommandBuffer";
	result = d->vkBeginCommandBuffer(r->commands, &begin);
	if (result != VK_SUCCESS) return result;
	if (timestamps) d->vkCmdResetQueryPool(r->commands, r->queries, 0, timestamps);
	record_ops(d, r, r->commands, ops, op_count, push, canary);
	r->call = "vkEndCommandBuffer";
	return d->vkEndCommandBuffer(r->commands);
}
