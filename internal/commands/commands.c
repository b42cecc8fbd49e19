//go:build cgo

/* Wrappers around the functions that record commands. */
#include "commands.h"
#include "../../vk/internal/driver/vulkan_min_fn.h"
#include <string.h>

commands_entry commands_log[COMMANDS_MOST];
int64_t commands_count;

static void note(commands_entry e) {
	if (commands_count < COMMANDS_MOST) commands_log[commands_count] = e;
	commands_count++;
}

static PFN_vkBeginCommandBuffer real_vkBeginCommandBuffer;
static VkResult VKAPI_CALL wrap_vkBeginCommandBuffer(VkCommandBuffer c, const VkCommandBufferBeginInfo *info) {
	note((commands_entry){"vkBeginCommandBuffer", 0, 0, 0, 0});
	return real_vkBeginCommandBuffer(c, info);
}

static PFN_vkEndCommandBuffer real_vkEndCommandBuffer;
static VkResult VKAPI_CALL wrap_vkEndCommandBuffer(VkCommandBuffer c) {
	note((commands_entry){"vkEndCommandBuffer", 0, 0, 0, 0});
	return real_vkEndCommandBuffer(c);
}

static PFN_vkCmdPipelineBarrier real_vkCmdPipelineBarrier;
static void VKAPI_CALL wrap_vkCmdPipelineBarrier(VkCommandBuffer c, VkFlags from, VkFlags to, VkFlags flags, uint32_t n, const VkMemoryBarrier *m,
	uint32_t buffers, const void *b, uint32_t images, const void *i) {
	note((commands_entry){"vkCmdPipelineBarrier", from, n ? m->srcAccessMask : 0, to, n ? m->dstAccessMask : 0});
	real_vkCmdPipelineBarrier(c, from, to, flags, n, m, buffers, b, images, i);
}

static PFN_vkCmdFillBuffer real_vkCmdFillBuffer;
static void VKAPI_CALL wrap_vkCmdFillBuffer(VkCommandBuffer c, VkBuffer b, VkDeviceSize offset, VkDeviceSize size, uint32_t value) {
	note((commands_entry){"vkCmdFillBuffer", 0, 0, 0, 0});
	real_vkCmdFillBuffer(c, b, offset, size, value);
}

static PFN_vkCmdCopyBuffer real_vkCmdCopyBuffer;
static void VKAPI_CALL wrap_vkCmdCopyBuffer(VkCommandBuffer c, VkBuffer from, VkBuffer to, uint32_t n, const VkBufferCopy *r) {
	note((commands_entry){"vkCmdCopyBuffer", 0, 0, 0, 0});
	real_vkCmdCopyBuffer(c, from, to, n, r);
}

static PFN_vkCmdDispatch real_vkCmdDispatch;
static void VKAPI_CALL wrap_vkCmdDispatch(VkCommandBuffer c, uint32_t x, uint32_t y, uint32_t z) {
	note((commands_entry){"vkCmdDispatch", 0, 0, 0, 0});
	real_vkCmdDispatch(c, x, y, z);
}

#define WRAP(f) \
	if (strcmp(name, #f) == 0) { \
		real_##f = (PFN_##f)address; \
		return (void *)wrap_##f; \
	}

void *commands_wrap(const char *name, void *address) {
	WRAP(vkBeginCommandBuffer)
	WRAP(vkEndCommandBuffer)
	WRAP(vkCmdPipelineBarrier)
	WRAP(vkCmdFillBuffer)
	WRAP(vkCmdCopyBuffer)
	WRAP(vkCmdDispatch)
	return address;
}
