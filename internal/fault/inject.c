//go:build cgo

/* A wrapper for every function, made from its signature. */
#include "inject.h"
#include "arity.h"
#include "../../vk/internal/driver/vulkan_min_fn.h"
#include <string.h>

#define FN(ret, name, ...) F_##name,
enum {
#include "../../vk/internal/driver/vulkan_min_fn.h"
	FUNCTIONS
};

#define FN(ret, name, ...) #name,
static const char *const names[] = {
#include "../../vk/internal/driver/vulkan_min_fn.h"
};

enum { RETURNS_VkResult = 1, RETURNS_void = 0, RETURNS_uint64_t = 0, RETURNS_PFN_vkVoidFunction = 0 };
#define FN(ret, name, ...) RETURNS_##ret,
static const int returns_result[] = {
#include "../../vk/internal/driver/vulkan_min_fn.h"
};

/* What functions do to the number of live objects. */
static const struct { int kind, change; } effects[FUNCTIONS] = {
#define LIVES(kind, make, destroy) [F_##make] = {kind, 1}, [F_##destroy] = {kind, -1},
	LIVES(LIVE_INSTANCE, vkCreateInstance, vkDestroyInstance)
	LIVES(LIVE_DEVICE, vkCreateDevice, vkDestroyDevice)
	LIVES(LIVE_MEMORY, vkAllocateMemory, vkFreeMemory)
	LIVES(LIVE_BUFFER, vkCreateBuffer, vkDestroyBuffer)
	LIVES(LIVE_MODULE, vkCreateShaderModule, vkDestroyShaderModule)
	LIVES(LIVE_PIPELINE_CACHE, vkCreatePipelineCache, vkDestroyPipelineCache)
	LIVES(LIVE_SET_LAYOUT, vkCreateDescriptorSetLayout, vkDestroyDescriptorSetLayout)
	LIVES(LIVE_PIPELINE_LAYOUT, vkCreatePipelineLayout, vkDestroyPipelineLayout)
	LIVES(LIVE_PIPELINE, vkCreateComputePipelines, vkDestroyPipeline)
	LIVES(LIVE_DESCRIPTOR_POOL, vkCreateDescriptorPool, vkDestroyDescriptorPool)
	LIVES(LIVE_FENCE, vkCreateFence, vkDestroyFence)
	LIVES(LIVE_COMMAND_POOL, vkCreateCommandPool, vkDestroyCommandPool)
	LIVES(LIVE_QUERY_POOL, vkCreateQueryPool, vkDestroyQueryPool)
	LIVES(LIVE_MESSENGER, vkCreateDebugUtilsMessengerEXT, vkDestroyDebugUtilsMessengerEXT)
};

static int64_t live[LIVE_KINDS], calls[FUNCTIONS];
static int armed = -1, fired;
static int64_t armed_calls;
static int32_t armed_code;
static char lock;

static void enter(void) {
	while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE)) {}
}

static void leave(void) { __atomic_clear(&lock, __ATOMIC_RELEASE); }

/* Memory that is mapped now. */
static void *mapped[1 << 12];

static void map(void *memory) {
	for (size_t i = 0; i < sizeof mapped / sizeof *mapped; i++) {
		if (mapped[i]) continue;
		mapped[i] = memory;
		live[LIVE_MAPPED]++;
		return;
	}
}

static void unmap(void *memory) {
	for (size_t i = 0; i < sizeof mapped / sizeof *mapped; i++)
		if (mapped[i] == memory) {
			mapped[i] = NULL;
			live[LIVE_MAPPED]--;
		}
}

/* The code to return instead of calling the driver, or VK_SUCCESS. */
static VkResult before(int f) {
	VkResult result = VK_SUCCESS;
	enter();
	calls[f]++;
	if (f == armed && --armed_calls == 0) {
		armed = -1;
		fired = 1;
		result = armed_code;
	}
	leave();
	return result;
}

/* The specification leaves results undefined where a call fails. */
static void spoil(int f, void *out) {
	if (effects[f].change > 0 && f != F_vkCreateComputePipelines) memset(out, 0x5a, sizeof(void *));
}

static void made(int f) {
	if (effects[f].change <= 0) return;
	enter();
	live[effects[f].kind]++;
	leave();
}

static void destroyed(int f, void *handle) {
	enter();
	calls[f]++;
	if (effects[f].change < 0 && handle) live[effects[f].kind]--;
	if (f == F_vkFreeMemory && handle) unmap(handle);
	leave();
}

static void note_map(int f, void *memory) {
	if (f != F_vkMapMemory) return;
	enter();
	map(memory);
	leave();
}

#define POINTER(x) ((void *)(uintptr_t)(x))

#define WRAPPER_VkResult(name, ...) \
	static VkResult VKAPI_CALL wrap_##name(PARAMS(__VA_ARGS__)) { \
		VkResult result = before(F_##name); \
		if (result < VK_SUCCESS) spoil(F_##name, POINTER(LAST(__VA_ARGS__))); \
		if (result != VK_SUCCESS && result != VK_INCOMPLETE) return result; \
		VkResult real = real_##name(ARGS(__VA_ARGS__)); \
		if (real == VK_SUCCESS) made(F_##name), note_map(F_##name, POINTER(SECOND(__VA_ARGS__))); \
		return real == VK_SUCCESS ? result : real; \
	}
#define WRAPPER_void(name, ...) \
	static void VKAPI_CALL wrap_##name(PARAMS(__VA_ARGS__)) { \
		destroyed(F_##name, POINTER(DESTROYED(__VA_ARGS__))); \
		real_##name(ARGS(__VA_ARGS__)); \
	}
#define WRAPPER_uint64_t(name, ...) \
	static uint64_t VKAPI_CALL wrap_##name(PARAMS(__VA_ARGS__)) { \
		destroyed(F_##name, NULL); \
		return real_##name(ARGS(__VA_ARGS__)); \
	}
/* What comes from vkGetDeviceProcAddr is wrapped where it is stored. */
#define WRAPPER_PFN_vkVoidFunction(name, ...) \
	static PFN_vkVoidFunction VKAPI_CALL wrap_##name(PARAMS(__VA_ARGS__)) { \
		destroyed(F_##name, NULL); \
		return (PFN_vkVoidFunction)inject_wrap(a2, (void *)real_##name(ARGS(__VA_ARGS__))); \
	}

#define FN(ret, name, ...) static PFN_##name real_##name; WRAPPER_##ret(name, __VA_ARGS__)
#include "../../vk/internal/driver/vulkan_min_fn.h"

static PFN_vkGetInstanceProcAddr real_vkGetInstanceProcAddr;
static PFN_vkVoidFunction VKAPI_CALL wrap_vkGetInstanceProcAddr(VkInstance in, const char *name) {
	return (PFN_vkVoidFunction)inject_wrap(name, (void *)real_vkGetInstanceProcAddr(in, name));
}

void *inject_wrap(const char *name, void *address) {
	if (!address) return NULL;
#define REPLACE(f) \
	if (strcmp(name, #f) == 0) { \
		if (address != (void *)wrap_##f) real_##f = (PFN_##f)keep_wrap(name, address); \
		return (void *)wrap_##f; \
	}
	REPLACE(vkGetInstanceProcAddr)
#define FN(ret, name, ...) REPLACE(name)
#include "../../vk/internal/driver/vulkan_min_fn.h"
	return address;
}

int inject_functions(void) { return FUNCTIONS; }
const char *inject_name(int f) { return names[f]; }
int inject_returns_result(int f) { return returns_result[f]; }

void inject_arm(int f, int64_t nth, int32_t code) {
	enter();
	armed = nth > 0 ? f : -1;
	armed_calls = nth;
	armed_code = code;
	fired = 0;
	leave();
}

int inject_fired(void) { return __atomic_load_n(&fired, __ATOMIC_SEQ_CST); }
int64_t inject_calls(int f) { return __atomic_load_n(&calls[f], __ATOMIC_SEQ_CST); }
int64_t inject_live(int kind) { return __atomic_load_n(&live[kind], __ATOMIC_SEQ_CST); }

void inject_reset_calls(void) {
	enter();
	memset(calls, 0, sizeof calls);
	leave();
}
