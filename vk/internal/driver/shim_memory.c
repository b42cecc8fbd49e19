//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

/* Device memory and buffers. */
#include "shim_internal.h"

int32_t vks_allocate(vks_device *d, uint64_t size, uint32_t type, uint64_t *memory) {
	VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO, .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
	VkMemoryAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = d->addresses ? &flags : NULL, .allocationSize = size, .memoryTypeIndex = type};
	VkDeviceMemory handle = NULL;
	VkResult result = d->vkAllocateMemory(d->handle, &info, NULL, &handle);
	UNLESS_MADE(result, handle);
	*memory = BITS(handle);
	return result;
}

int32_t vks_map(vks_device *d, uint64_t memory, void **mapped) {
	return d->vkMapMemory(d->handle, AS(VkDeviceMemory, memory), 0, VK_WHOLE_SIZE, 0, mapped);
}

void vks_free(vks_device *d, uint64_t memory) { d->vkFreeMemory(d->handle, AS(VkDeviceMemory, memory), NULL); }

int32_t vks_flush(vks_device *d, uint64_t memory, uint64_t offset, uint64_t size) {
	VkMappedMemoryRange range = {.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, .memory = AS(VkDeviceMemory, memory), .offset = offset, .size = size};
	return d->vkFlushMappedMemoryRanges(d->handle, 1, &range);
}

int32_t vks_invalidate(vks_device *d, uint64_t memory, uint64_t offset, uint64_t size) {
	VkMappedMemoryRange range = {.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, .memory = AS(VkDeviceMemory, memory), .offset = offset, .size = size};
	return d->vkInvalidateMappedMemoryRanges(d->handle, 1, &range);
}

int32_t vks_create_buffer(vks_device *d, uint64_t size, uint64_t *buffer, uint64_t *need, uint64_t *align, uint32_t *types) {
	VkBufferCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = size,
		.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
			(d->addresses ? VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT : 0)};
	VkBuffer handle = NULL;
	VkResult result = d->vkCreateBuffer(d->handle, &info, NULL, &handle);
	UNLESS_MADE(result, handle);
	*buffer = BITS(handle);
	if (result != VK_SUCCESS) return result;
	VkMemoryRequirements req;
	d->vkGetBufferMemoryRequirements(d->handle, handle, &req);
	*need = req.size;
	*align = req.alignment;
	*types = req.memoryTypeBits;
	return VK_SUCCESS;
}

int32_t vks_bind_buffer(vks_device *d, uint64_t buffer, uint64_t memory, uint64_t offset) {
	return d->vkBindBufferMemory(d->handle, AS(VkBuffer, buffer), AS(VkDeviceMemory, memory), offset);
}

uint64_t vks_buffer_address(vks_device *d, uint64_t buffer) {
	if (!d->addresses || !d->vkGetBufferDeviceAddress) return 0;
	VkBufferDeviceAddressInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, .buffer = AS(VkBuffer, buffer)};
	return d->vkGetBufferDeviceAddress(d->handle, &info);
}

void vks_destroy_buffer(vks_device *d, uint64_t buffer) { d->vkDestroyBuffer(d->handle, AS(VkBuffer, buffer), NULL); }
