//go:build cgo

/* Wrappers around driver functions that fail on demand. */
#include "fault.h"
#include "inject.h"
#include "../../vk/internal/driver/vulkan_min_fn.h"
#include <string.h>
#include <unistd.h>

static fault_switches fault_switch;
static fault_counts fault_count;
static int64_t fault_atom = 1;

#define ADD(counter, n) __atomic_add_fetch(&(counter), n, __ATOMIC_SEQ_CST)

/* Both structs are numbers of 64 bits and nothing else. */
static void copy(void *to, const void *from, size_t size) {
	for (size_t i = 0; i < size / sizeof(int64_t); i++)
		__atomic_store_n((int64_t *)to + i, __atomic_load_n((const int64_t *)from + i, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
}

void fault_set(fault_switches to) { copy(&fault_switch, &to, sizeof to); }

fault_counts fault_counted(void) {
	fault_counts now;
	copy(&now, &fault_count, sizeof now);
	return now;
}

void fault_reset(void) {
	static const fault_counts none;
	copy(&fault_count, &none, sizeof none);
}

/* Counts a switch down; true once it has run out. */
static int due(int64_t *left) {
	int64_t now = __atomic_load_n(left, __ATOMIC_SEQ_CST);
	while (now > 0)
		if (__atomic_compare_exchange_n(left, &now, now - 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return 0;
	return now == 0;
}

int32_t fault_refused_features[FAULT_REFUSED];
char fault_refused_extension[256];

typedef struct chained { int32_t type; const struct chained *next; } chained;

static PFN_vkCreateDevice real_vkCreateDevice;
static VkResult VKAPI_CALL wrap_vkCreateDevice(VkPhysicalDevice p, const VkDeviceCreateInfo *info, const void *a, VkDevice *d) {
	const VkDeviceQueueGlobalPriorityCreateInfoKHR *priority = info->pQueueCreateInfos[0].pNext;
	fault_count.priority = priority ? priority->globalPriority : 0;
	if (priority && fault_switch.refuse_priority) return -1000174001; /* VK_ERROR_NOT_PERMITTED_KHR */
	for (uint32_t i = 0; i < info->enabledExtensionCount; i++)
		if (strcmp(info->ppEnabledExtensionNames[i], fault_refused_extension) == 0) return VK_ERROR_EXTENSION_NOT_PRESENT;
	for (const chained *s = info->pNext; s; s = s->next)
		for (int i = 0; i < FAULT_REFUSED && fault_refused_features[i]; i++)
			if (s->type == fault_refused_features[i]) return -8; /* VK_ERROR_FEATURE_NOT_PRESENT */
	return real_vkCreateDevice(p, info, a, d);
}

static PFN_vkAllocateMemory real_vkAllocateMemory;
static VkResult VKAPI_CALL wrap_vkAllocateMemory(VkDevice d, const VkMemoryAllocateInfo *info, const void *a, VkDeviceMemory *m) {
	__atomic_or_fetch(&fault_count.tried, (int64_t)1 << info->memoryTypeIndex, __ATOMIC_SEQ_CST);
	if (due(&fault_switch.fail_allocation) || fault_switch.no_type == info->memoryTypeIndex) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	VkResult r = real_vkAllocateMemory(d, info, a, m);
	if (r == VK_SUCCESS) ADD(fault_count.live, 1);
	return r;
}

static PFN_vkFreeMemory real_vkFreeMemory;
static void VKAPI_CALL wrap_vkFreeMemory(VkDevice d, VkDeviceMemory m, const void *a) {
	ADD(fault_count.live, -1);
	real_vkFreeMemory(d, m, a);
}

static PFN_vkGetDeviceQueue real_vkGetDeviceQueue;
static void VKAPI_CALL wrap_vkGetDeviceQueue(VkDevice d, uint32_t family, uint32_t index, VkQueue *q) {
	real_vkGetDeviceQueue(d, family, index, q);
	if (fault_switch.no_queue) *q = NULL;
}

static PFN_vkQueueSubmit real_vkQueueSubmit;
static VkResult VKAPI_CALL wrap_vkQueueSubmit(VkQueue q, uint32_t n, const VkSubmitInfo *s, VkFence f) {
	ADD(fault_count.submits, 1);
	if (due(&fault_switch.lose_submit)) return VK_ERROR_DEVICE_LOST;
	if (n == 0 || !due(&fault_switch.drop_submit)) return real_vkQueueSubmit(q, n, s, f);
	VkSubmitInfo empty = *s;
	empty.commandBufferCount = 0;
	return real_vkQueueSubmit(q, 1, &empty, f);
}

static PFN_vkWaitForFences real_vkWaitForFences;
static VkResult VKAPI_CALL wrap_vkWaitForFences(VkDevice d, uint32_t n, const VkFence *f, VkBool32 all, uint64_t ns) {
	if (due(&fault_switch.lose_wait)) return VK_ERROR_DEVICE_LOST;
	if (due(&fault_switch.hang_wait)) {
		usleep((useconds_t)(ns / 1000));
		return VK_TIMEOUT;
	}
	if (due(&fault_switch.fail_wait)) return VK_ERROR_OUT_OF_HOST_MEMORY;
	return real_vkWaitForFences(d, n, f, all, ns);
}

static PFN_vkGetQueryPoolResults real_vkGetQueryPoolResults;
static VkResult VKAPI_CALL wrap_vkGetQueryPoolResults(VkDevice d, VkQueryPool p, uint32_t first, uint32_t n, size_t size, void *data, VkDeviceSize stride, VkFlags flags) {
	VkResult r = real_vkGetQueryPoolResults(d, p, first, n, size, data, stride, flags);
	if (r != VK_SUCCESS || !due(&fault_switch.bad_clock)) return r;
	uint64_t *ticks = data;
	switch (fault_switch.clock_fault) {
	case FAULT_CLOCK_ZERO: ticks[n - 1] = 0; break;
	case FAULT_CLOCK_BACKWARDS: ticks[n - 1] = ticks[0] - 1000; break;
	case FAULT_CLOCK_FAST: ticks[n - 1] += (uint64_t)1 << 34; break;
	case FAULT_CLOCK_NOT_READY: return VK_NOT_READY;
	}
	return r;
}

static PFN_vkCreateComputePipelines real_vkCreateComputePipelines;
static VkResult VKAPI_CALL wrap_vkCreateComputePipelines(VkDevice d, VkPipelineCache c, uint32_t n, const VkComputePipelineCreateInfo *i, const void *a, VkPipeline *p) {
	return due(&fault_switch.fail_pipeline) ? VK_ERROR_OUT_OF_HOST_MEMORY : real_vkCreateComputePipelines(d, c, n, i, a, p);
}

static void check_ranges(uint32_t n, const VkMappedMemoryRange *r) {
	for (uint32_t i = 0; i < n; i++)
		if (r[i].offset % fault_atom || r[i].size % fault_atom) ADD(fault_count.misaligned, 1);
}

static PFN_vkFlushMappedMemoryRanges real_vkFlushMappedMemoryRanges;
static VkResult VKAPI_CALL wrap_vkFlushMappedMemoryRanges(VkDevice d, uint32_t n, const VkMappedMemoryRange *r) {
	ADD(fault_count.flushes, 1);
	check_ranges(n, r);
	return real_vkFlushMappedMemoryRanges(d, n, r);
}

static PFN_vkInvalidateMappedMemoryRanges real_vkInvalidateMappedMemoryRanges;
static VkResult VKAPI_CALL wrap_vkInvalidateMappedMemoryRanges(VkDevice d, uint32_t n, const VkMappedMemoryRange *r) {
	ADD(fault_count.invalidates, 1);
	check_ranges(n, r);
	return real_vkInvalidateMappedMemoryRanges(d, n, r);
}

static PFN_vkGetPhysicalDeviceMemoryProperties2 real_vkGetPhysicalDeviceMemoryProperties2;
static void VKAPI_CALL wrap_vkGetPhysicalDeviceMemoryProperties2(VkPhysicalDevice p, VkPhysicalDeviceMemoryProperties2 *m) {
	real_vkGetPhysicalDeviceMemoryProperties2(p, m);
	VkPhysicalDeviceMemoryProperties *t = &m->memoryProperties;
	for (uint32_t i = 0; fault_switch.incoherent && i < t->memoryTypeCount; i++) t->memoryTypes[i].propertyFlags &= ~(VkFlags)0x4;
}

static PFN_vkGetPhysicalDeviceProperties2 real_vkGetPhysicalDeviceProperties2;
static void VKAPI_CALL wrap_vkGetPhysicalDeviceProperties2(VkPhysicalDevice p, VkPhysicalDeviceProperties2 *props) {
	real_vkGetPhysicalDeviceProperties2(p, props);
	VkPhysicalDeviceLimits *l = &props->properties.limits;
	if (fault_switch.incoherent && l->nonCoherentAtomSize < 256) l->nonCoherentAtomSize = 256;
	fault_atom = (int64_t)l->nonCoherentAtomSize;
}

#define WRAP(f) \
	if (strcmp(name, #f) == 0) { \
		if (address == (void *)wrap_##f) return address; \
		real_##f = (PFN_##f)address; \
		return (void *)wrap_##f; \
	}

void *fault_wrap(const char *name, void *address) {
	address = inject_wrap(name, address);
	WRAP(vkCreateDevice)
	WRAP(vkAllocateMemory)
	WRAP(vkFreeMemory)
	WRAP(vkGetDeviceQueue)
	WRAP(vkQueueSubmit)
	WRAP(vkWaitForFences)
	WRAP(vkGetQueryPoolResults)
	WRAP(vkCreateComputePipelines)
	WRAP(vkFlushMappedMemoryRanges)
	WRAP(vkInvalidateMappedMemoryRanges)
	WRAP(vkGetPhysicalDeviceMemoryProperties2)
	WRAP(vkGetPhysicalDeviceProperties2)
	return address;
}
