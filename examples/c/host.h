/* The host of the example: a Vulkan device of its own, buffers, and two compute
 * passes. It is what an application has before it meets anchorvk. */
#ifndef HOST_H
#define HOST_H

#include <stdint.h>
#include <vulkan/vulkan.h>

struct host {
	VkInstance instance;
	VkPhysicalDevice physical;
	VkDevice device;
	VkQueue queue;
	uint32_t family, api;
	VkPhysicalDeviceFeatures2 features; /* all that were enabled, as a chain */
	VkPhysicalDeviceVulkan11Features features11;
	VkPhysicalDeviceVulkan12Features features12;
	VkPhysicalDeviceVulkan13Features features13;
	VkCommandPool pool;
	VkDescriptorPool descriptors;
	VkDescriptorSetLayout set_layout;
	VkPipelineLayout layout;
};

struct buffer {
	VkBuffer handle;
	VkDeviceMemory memory;
	VkDeviceSize size;
	VkBufferUsageFlags usage;
	void *mapped;
};

void host_open(struct host *h);
void host_close(struct host *h);

/* A storage buffer in memory that the host sees. */
struct buffer host_buffer(struct host *h, VkDeviceSize size);
void host_free(struct host *h, struct buffer *b);

/* A compute pass from a SPIR-V file with two bindings and a count. */
VkPipeline host_pass(struct host *h, const char *file);
void host_dispatch(struct host *h, VkCommandBuffer commands, VkPipeline pass, const struct buffer *in, const struct buffer *out, uint32_t count);

VkCommandBuffer host_begin(struct host *h);
void host_submit_and_wait(struct host *h, VkCommandBuffer commands);

/* Ends the program where a Vulkan call fails. */
void vulkan_check(VkResult result, const char *call);
#define VK(call) vulkan_check(call, #call)

#endif
