/* A small Vulkan application, as tests need one that owns a device and lends
 * it: instance, device, queue with a lock, buffers, command buffers, timeline
 * semaphores and a compute pass of its own. It shares no code with package vk,
 * only the declarations of vulkan_min*.h. */
#ifndef ANCHORVK_TESTHOST_H
#define ANCHORVK_TESTHOST_H

#include "../../vk/internal/driver/vulkan_min_fn.h"

/* Sets of features that the host enables, where the device offers them. */
enum {
	HOST_STORAGE16 = 1, HOST_FLOAT16 = 2, HOST_SUBGROUP_SIZE = 4, HOST_MEMORY_MODEL = 8,
	HOST_ADDRESS = 16, HOST_TIMELINE = 32, HOST_COOPMAT = 64, HOST_COOPMAT2 = 128, HOST_ALL = 255,
};

typedef struct {
	uint32_t api;          /* of the instance */
	uint32_t enable;       /* HOST_* */
	uint32_t single_chain; /* chain one structure for each feature, instead of those of whole Vulkan versions */
} host_options;

typedef struct host host;

host *host_open(const host_options *o, char *err, size_t err_size);
void host_close(host *h);

void *host_get_instance_proc_addr(void);
uint64_t host_instance(host *h);
uint64_t host_physical(host *h);
uint64_t host_device(host *h);
uint64_t host_queue(host *h);
uint32_t host_family(host *h);
const void *host_features(host *h); /* the chain that vkCreateDevice got */
int host_extension_count(host *h);
const char *host_extension(host *h, int i);

/* The queue's lock, in the shape of FFmpeg's and libplacebo's; user is the host. */
void host_lock(void *user, uint32_t family, uint32_t index);
void host_unlock(void *user, uint32_t family, uint32_t index);
int64_t host_locks(host *h); /* how often it was taken from outside */
int64_t host_bad_locks(host *h); /* with a wrong family or index, or unlocked by another thread */

/* Buffers in memory that the host sees. */
typedef struct { uint64_t buffer, memory, address; void *mapped; } host_buffer;
int32_t host_make_buffer(host *h, uint64_t size, uint32_t usage, host_buffer *out);
void host_free_buffer(host *h, const host_buffer *b);

/* Command buffers. Passes come without barriers; host_barrier orders the host's own. */
int32_t host_make_commands(host *h, uint64_t *commands);
int32_t host_begin(host *h, uint64_t commands);
int32_t host_end(host *h, uint64_t commands);
void host_fill(host *h, uint64_t commands, uint64_t buffer, uint64_t size, uint32_t value);
void host_copy(host *h, uint64_t commands, uint64_t from, uint64_t to, uint64_t size);
/* A kernel that copies words, with the shader of host_make_pass. */
int32_t host_make_pass(host *h, const void *code, uint64_t code_size);
int32_t host_pass(host *h, uint64_t commands, uint64_t from, uint64_t to, uint32_t words);
void host_barrier(host *h, uint64_t commands);

/* Submission, with the lock held; a wait or signal of semaphore 0 is left out. host_finish waits for all submissions. */
int32_t host_submit(host *h, const uint64_t *commands, uint32_t count, uint64_t wait, uint64_t wait_value, uint64_t signal, uint64_t signal_value);
int32_t host_finish(host *h);
int32_t host_make_timeline(host *h, uint64_t initial, uint64_t *semaphore);
void host_free_timeline(host *h, uint64_t semaphore);
int32_t host_timeline_value(host *h, uint64_t semaphore, uint64_t *value);
int32_t host_timeline_signal(host *h, uint64_t semaphore, uint64_t value);
int32_t host_timeline_wait(host *h, uint64_t semaphore, uint64_t value, uint64_t nanoseconds);

#endif
