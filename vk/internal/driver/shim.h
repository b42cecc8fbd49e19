/* The C shim: every Vulkan call. Structures are built on the C stack from flat
 * arguments and are gone when the call returns; no Go pointer is kept. Vulkan
 * handles travel as 64-bit integers. Some structs of this file have a twin in
 * types.go that is passed as it is. */
#ifndef ANCHORVK_SHIM_H
#define ANCHORVK_SHIM_H

#include "vulkan_min_fn.h"

#define VKS_MAX_BINDINGS 16
#define VKS_MAX_CONSTANTS 64
#define VKS_MAX_SHAPES 128
#define VKS_MAX_SYNC 16
#define VKS_MAX_PHYSICAL 64

/* Loader (shim_loader.c). Returns the address of vkGetInstanceProcAddr, or
 * NULL with a text in err. */
void *vks_open_loader(char *err, size_t err_size);
/* The highest version that the loader knows (shim_instance.c). */
uint32_t vks_loader_version(void *get_instance_proc_addr);

typedef struct vks_instance vks_instance;
typedef struct vks_device vks_device;
typedef struct vks_recorder vks_recorder;

/* Instance (shim_instance.c, shim_debug.c). */
typedef struct {
	void *get_instance_proc_addr;
	int validate; /* load the Khronos validation layer */
} vks_instance_options;
/* call: the function that failed, if one did and err is empty. */
int32_t vks_create_instance(const vks_instance_options *opt, vks_instance **out, const char **call, char *err, size_t err_size);
void vks_instance_destroy(vks_instance *in);
void vks_instance_close(vks_instance *in); /* frees the table alone */
/* Lists physical devices: count comes as the room for them. Those that do not fit are left out. */
int32_t vks_list_physical(vks_instance *in, uint64_t *list, uint32_t *count);
uint32_t vks_instance_version(vks_instance *in);
int vks_instance_function_count(void);
const char *vks_instance_function_name(int i);
int vks_instance_function_needed(int i);
void *vks_instance_resolve(vks_instance *in, int i);
void vks_instance_set(vks_instance *in, int i, void *address);
int32_t vks_start_messenger(vks_instance *in);
void vks_stop_messenger(vks_instance *in);
/* Takes the oldest message off the list: returns its length, at most cap, or -1 when there is none. */
int vks_next_message(vks_instance *in, char *text, int cap);

/* What a physical device offers (shim_query.c). */
typedef struct { uint32_t m, n, k, a, b, c, result, scope, saturating, invocations; } vks_shape;
typedef struct {
	uint8_t cache_uuid[16];
	uint32_t api, driver_version, vendor, device, type, driver_id;
	char name[256], driver[256], driver_info[256];
	/* limits */
	uint32_t max_storage_range, push_constants, shared_memory, max_invocations, max_groups[3], max_group_size[3], max_storage_buffers, max_allocations;
	uint64_t max_allocation, max_buffer, storage_align, atom;
	float timestamp_period;
	/* the queue family to use; UINT32_MAX when none computes */
	uint32_t queue_family, timestamp_bits;
	uint32_t priorities, priority[VK_MAX_GLOBAL_PRIORITY_SIZE_KHR]; /* VkQueueGlobalPriority values that it may ask for */
	/* features, 0 or 1 */
	uint32_t storage16, uniform16, float16, int8, int16, int64, float64, subgroup_extended, memory_model, memory_model_device;
	uint32_t timeline, size_control, full_subgroups, coopmat, executable_info, memory_budget, portability, buffer_address, maintenance4;
	uint32_t nv2_workgroup, nv2_flexible, nv2_reductions, nv2_conversions, nv2_per_element, nv2_tensor, nv2_block;
	uint32_t nv2_max_workgroup, nv2_max_dimension, nv2_reserved_shared;
	/* subgroups */
	uint32_t subgroup_size, subgroup_min, subgroup_max, subgroup_stages, subgroup_ops, required_stages, max_subgroups;
	/* what tells architectures apart, 0 when unknown */
	uint32_t sm_count, warps_per_sm, waves_per_simd, mixed_dot;
	/* memory */
	uint32_t types, heaps, type_flags[VK_MAX_MEMORY_TYPES], type_heap[VK_MAX_MEMORY_TYPES], heap_flags[VK_MAX_MEMORY_HEAPS];
	uint64_t heap_size[VK_MAX_MEMORY_HEAPS], heap_budget[VK_MAX_MEMORY_HEAPS], heap_usage[VK_MAX_MEMORY_HEAPS];
	uint32_t shapes, flexible_shapes;
	vks_shape shape[VKS_MAX_SHAPES], flexible[VKS_MAX_SHAPES];
	/* which extensions the driver lists */
	uint32_t has_float16_ext, has_memory_model_ext, has_size_control_ext, has_budget_ext, has_coopmat_ext, has_coopmat2_ext;
	uint32_t has_timeline_ext, has_executable_ext, has_extended_types_ext, has_driver_ext, has_maintenance4_ext, has_portability_ext;
	uint32_t has_sm_builtins_ext, has_shader_core_ext, has_dot_product_ext;
	uint32_t has_priority_ext, has_khr_priority_ext;
} vks_caps;
int32_t vks_query(vks_instance *in, uint64_t physical, vks_caps *caps);
void vks_query_budget(vks_instance *in, uint64_t physical, uint64_t *budget, uint64_t *usage);

/* Borrowed instances and devices (shim_adopt.c). */
int32_t vks_adopt_instance(void *get_instance_proc_addr, uint64_t instance, uint32_t api, vks_instance **out);
int32_t vks_adopt_device(vks_instance *in, uint64_t device, int addresses, vks_device **out);
/* Number of queues, flags and timestamp bits of a queue family; 0 queues when there is no such family. */
void vks_query_family(vks_instance *in, uint64_t physical, uint32_t family, uint32_t *queues, uint32_t *flags, uint32_t *timestamp_bits);
/* What was switched on: by the specification's name, or in a chain of feature structures. */
void vks_enable_name(vks_caps *enabled, const char *name);
void vks_enable_chain(vks_caps *enabled, const void *chain);
/* Takes from caps what is not enabled, or whose extension is neither core in api nor listed. */
void vks_restrict(vks_caps *caps, const vks_caps *enabled, uint32_t api, const char *const *extensions, uint32_t extension_count);
/* The names that vks_enable_name knows, NULL past the end. */
const char *vks_switch_name(uint32_t i);

/* Device (shim_device.c): enable says which features to switch on; queue_priority goes from 0 to 1; global_priority is a
 * VkQueueGlobalPriority, or 0 to ask for none. */
int32_t vks_create_device(vks_instance *in, uint64_t physical, const vks_caps *enable, float queue_priority, uint32_t global_priority, vks_device **out);
void vks_device_close(vks_device *d); /* frees the table alone */
void vks_device_destroy(vks_device *d); /* waits for the VkDevice, and destroys it */
uint64_t vks_device_handle(vks_device *d);
int vks_device_function_count(void);
const char *vks_device_function_name(int i);
int vks_device_function_needed(int i);
void *vks_device_resolve(vks_device *d, int i);
void vks_device_set(vks_device *d, int i, void *address);
uint64_t vks_get_queue(vks_device *d, uint32_t family, uint32_t index);
void vks_set_queue(vks_device *d, uint64_t queue, uint32_t family, uint32_t index);
void vks_set_lock(vks_device *d, void *lock, void *unlock, uintptr_t user); /* called around vkQueueSubmit */
void vks_name(vks_device *d, int type, uint64_t handle, const char *name);

/* Memory and buffers (shim_memory.c). */
int32_t vks_allocate(vks_device *d, uint64_t size, uint32_t type, uint64_t *memory);
int32_t vks_map(vks_device *d, uint64_t memory, void **mapped);
void vks_free(vks_device *d, uint64_t memory);
int32_t vks_flush(vks_device *d, uint64_t memory, uint64_t offset, uint64_t size);
int32_t vks_invalidate(vks_device *d, uint64_t memory, uint64_t offset, uint64_t size);
uint64_t vks_buffer_address(vks_device *d, uint64_t buffer);
int32_t vks_create_buffer(vks_device *d, uint64_t size, uint64_t *buffer, uint64_t *need, uint64_t *align, uint32_t *types);
int32_t vks_bind_buffer(vks_device *d, uint64_t buffer, uint64_t memory, uint64_t offset);
void vks_destroy_buffer(vks_device *d, uint64_t buffer);

/* Pipelines (shim_pipeline.c). */
int32_t vks_create_pipeline_cache(vks_device *d, const void *data, uint64_t size, uint64_t *cache);
int32_t vks_pipeline_cache_data(vks_device *d, uint64_t cache, void *data, uint64_t *size); /* data NULL: asks for the size */
int32_t vks_merge_pipeline_caches(vks_device *d, uint64_t into, uint64_t from);
void vks_destroy_pipeline_cache(vks_device *d, uint64_t cache);
int32_t vks_create_set_layout(vks_device *d, uint32_t bindings, uint64_t *layout);
int32_t vks_create_pipeline(vks_device *d, const void *code, uint64_t code_size, const uint32_t *constants, uint32_t constant_count,
	uint64_t set_layout, uint64_t cache, uint32_t push_bytes, uint32_t subgroup_size, uint32_t full_subgroups, uint32_t flags,
	uint64_t *layout, uint64_t *pipeline, const char **call); /* call: the function that failed, if one did */
void vks_destroy_set_layout(vks_device *d, uint64_t layout);
void vks_destroy_pipeline(vks_device *d, uint64_t pipeline, uint64_t layout);
typedef struct { char name[256]; uint32_t format; uint64_t bits; } vks_statistic;
/* Fills at most cap entries and returns how many; granted is the subgroup size the driver reports, 0 when unknown. */
int vks_pipeline_statistics(vks_device *d, uint64_t pipeline, vks_statistic *list, int cap, uint32_t *granted);
/* The index-th text of the compiler: its name (256 bytes) and, in memory that the caller frees, its characters. NULL past the last. */
char *vks_pipeline_listing(vks_device *d, uint64_t pipeline, uint32_t index, char *name, uint64_t *size);

/* Recording (shim_record.c) and submission (shim_submit.c). */
enum { VKS_DISPATCH, VKS_BARRIER, VKS_FILL, VKS_COPY, VKS_TIMESTAMP };
typedef struct {
	uint32_t kind;
	uint32_t first_binding, bindings;
	uint32_t push_offset, push_size;
	uint32_t x, y, z;
	uint32_t value; /* fill value or timestamp number */
	uint32_t set; /* number of its descriptor set, which the shim fills in */
	uint64_t pipeline, layout, set_layout;
	uint64_t src, src_offset, dst, dst_offset, size;
} vks_op;
typedef struct { uint64_t buffer, offset, range; } vks_binding;
typedef struct { uint64_t buffer, offset; uint32_t value; } vks_canary; /* the word that the last command writes */

int32_t vks_create_recorder(vks_device *d, vks_recorder **out, const char **call); /* call: the function that failed, if one did */
/* The function that made the latest call on the recorder fail. */
const char *vks_failed_call(const vks_recorder *r);
void vks_destroy_recorder(vks_device *d, vks_recorder *r);
/* Into the recorder's own command buffer. */
int32_t vks_record(vks_device *d, vks_recorder *r, vks_op *ops, uint64_t op_count,
	const vks_binding *bindings, const uint8_t *push, uint32_t timestamps, vks_canary canary);
/* Makes the descriptor sets that vks_record_into binds; they stay until the recorder is destroyed. */
int32_t vks_make_sets(vks_device *d, vks_recorder *r, vks_op *ops, uint64_t op_count, const vks_binding *bindings);
/* Into a command buffer of the caller, which is being recorded. */
void vks_record_into(vks_device *d, vks_recorder *r, uint64_t commands, const vks_op *ops, uint64_t op_count, const uint8_t *push, vks_canary canary);

typedef struct { uint64_t semaphore, value; } vks_timeline;
/* r may be NULL: then nothing runs, but the semaphores are signalled behind what was submitted before. */
int32_t vks_submit(vks_device *d, vks_recorder *r, const vks_timeline *wait, uint32_t waits, const vks_timeline *signal, uint32_t signals);
int32_t vks_semaphore_value(vks_device *d, uint64_t semaphore, uint64_t *value);
int32_t vks_wait(vks_device *d, vks_recorder *r, uint64_t nanoseconds);
/* Processor time of the process so far, in microseconds; wall time on Windows, whose clock() counts it. */
int64_t vks_processor_time(void);
int32_t vks_read_timestamps(vks_device *d, vks_recorder *r, uint64_t *ticks, uint32_t count);

#endif
