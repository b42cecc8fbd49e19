/* Shared by the C files of the shim; Go does not see it. */
#ifndef ANCHORVK_SHIM_INTERNAL_H
#define ANCHORVK_SHIM_INTERNAL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

#define FIELD(name, needed) PFN_##name name;

typedef struct vks_messages vks_messages; /* shim_debug.c */

struct vks_instance {
	PFN_vkGetInstanceProcAddr get;
	VkInstance handle;
	uint32_t version;
	int debug_utils;
	VkDebugUtilsMessengerEXT messenger;
	vks_messages *messages;
	VKS_INSTANCE_FUNCTIONS(FIELD)
};

struct vks_device {
	VkDevice handle;
	VkQueue queue;
	uint32_t family, index;
	void (*lock)(void *, uint32_t, uint32_t);
	void (*unlock)(void *, uint32_t, uint32_t);
	void *lock_user;
	int addresses; /* buffers have device addresses */
	PFN_vkGetDeviceProcAddr get;
	VKS_DEVICE_FUNCTIONS(FIELD)
};

struct vks_recorder {
	VkCommandPool pool;
	VkCommandBuffer commands;
	VkFence fence;
	VkDescriptorPool sets;
	VkDescriptorSet *made;
	uint32_t made_capacity, set_capacity, descriptor_capacity;
	VkQueryPool queries;
	uint32_t query_capacity;
	const char *call; /* the latest Vulkan function that may have failed */
};

#undef FIELD

/* Calls a function of the device, and notes in a const char * which one it was. */
#define CALL(note, d, function, ...) ((note) = #function, (d)->function((d)->handle, __VA_ARGS__))

/* What a failed call should have made is undefined; a null handle may be destroyed. */
#define UNLESS_MADE(result, handle) ((result) == VK_SUCCESS ? (void)0 : (void)((handle) = NULL))

/* Handles cross the Go border as integers. */
#define AS(type, integer) ((type)(uintptr_t)(integer))
#define BITS(handle) ((uint64_t)(uintptr_t)(handle))

void vks_query_shapes(vks_instance *in, uint64_t physical, vks_caps *c); /* shim_coopmat.c */

VkResult vks_reserve_queries(vks_device *d, vks_recorder *r, uint32_t count); /* shim_recorder.c */

vks_messages *vks_messages_new(void);
void vks_messages_free(vks_messages *m);
VkBool32 VKAPI_PTR vks_on_message(VkFlags severity, VkFlags types, const VkDebugUtilsMessengerCallbackDataEXT *data, void *user);

#endif
