/* Every Vulkan function of vulkan_min_fn.h, wrapped: one chosen call of one
 * function fails once, and what is made and destroyed is counted. */
#ifndef FAULT_INJECT_H
#define FAULT_INJECT_H

#include <stdint.h>

enum {
	LIVE_INSTANCE, LIVE_DEVICE, LIVE_MEMORY, LIVE_MAPPED, LIVE_BUFFER, LIVE_MODULE, LIVE_PIPELINE_CACHE, LIVE_SET_LAYOUT,
	LIVE_PIPELINE_LAYOUT, LIVE_PIPELINE, LIVE_DESCRIPTOR_POOL, LIVE_FENCE, LIVE_COMMAND_POOL, LIVE_QUERY_POOL, LIVE_MESSENGER, LIVE_KINDS
};

/* The address of a function's wrapper, which calls the one given. */
void *inject_wrap(const char *name, void *address);

/* The functions that are wrapped, and whether they return a VkResult. */
int inject_functions(void);
const char *inject_name(int function);
int inject_returns_result(int function);

/* The nth call from now on, counted from 1, of a function returns code, and
 * nothing is done. Only one function is armed at a time; nth 0 disarms. */
void inject_arm(int function, int64_t nth, int32_t code);
int inject_fired(void);

int64_t inject_calls(int function); /* since the last inject_reset_calls */
void inject_reset_calls(void);
int64_t inject_live(int kind);

/* Instance, device and pipelines stay when they are destroyed, and are found
 * again when they are made anew, so that tests need not compile so often. 0
 * destroys what was kept. */
void inject_keep(int on);

/* The part of the wrappers in keep.c. */
void *keep_wrap(const char *name, void *address);

#endif
