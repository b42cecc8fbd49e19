/* anchorvk: sparse prefill attention on Vulkan devices, for C and all that calls C.
 *
 * AnchorAttention and dense causal attention over F16 tensors; docs/c-api.md
 * says how to use it, and what a Go runtime in the process means.
 *
 * Rules that hold everywhere:
 *
 * - A function that can fail returns an avk_status: AVK_OK (0), a positive value
 *   for "not yet", or a negative one for an error, whose text avk_last_error
 *   gives on the same thread. Results go through the last pointers of a call,
 *   and are only written when it succeeds.
 * - Objects are named by integers, never 0. A handle that was closed, is of
 *   another kind or was made up is refused with AVK_ERROR_HANDLE.
 * - A struct starts with struct_size, which the caller sets to its sizeof; all
 *   other fields that are not used are 0. So structs can grow: what an older
 *   program does not know of is 0, and a newer program that sets what this
 *   library does not know of is refused with AVK_ERROR_STRUCT_SIZE.
 * - Every function may be called from any thread. A library that was loaded stays
 *   loaded. A child that was forked after that gets AVK_ERROR_UNSUPPORTED from every
 *   function that can fail.
 * - Vulkan handles cross as void * (VkInstance, VkPhysicalDevice, VkDevice,
 *   VkQueue, VkCommandBuffer) or uint64_t (VkBuffer, VkSemaphore); AVK_VULKAN
 *   turns the second kind into that. vulkan.h is not needed.
 * - Text is UTF-8. A function that returns text takes the caller's memory and its
 *   size; *length, where length is not NULL, gets the bytes of the text without
 *   its final zero, also when the memory is too small
 *   (AVK_ERROR_BUFFER_TOO_SMALL). With text NULL and size 0 it only measures.
 */
#ifndef ANCHORVK_H
#define ANCHORVK_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(AVK_BUILD)
#define AVK_API __declspec(dllexport)
#elif defined(_WIN32)
#define AVK_API __declspec(dllimport)
#else
#define AVK_API __attribute__((visibility("default")))
#endif

/* What callbacks get back: a pointer, or any integer as one. */
#ifdef AVK_BUILD
typedef uintptr_t avk_user; /* Go holds no integers as pointers */
#else
typedef void *avk_user;
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface. Another major version (the upper 16 bits) is
 * another interface; a higher minor version only adds to it. */
#define AVK_ABI_VERSION 0x00010002u

#define AVK_VULKAN(handle) ((uint64_t)(handle))

typedef int32_t avk_status;
enum {
	AVK_NOT_READY = 1,               /* the work has not ended yet */
	AVK_OK = 0,
	AVK_ERROR_OTHER = -1,
	AVK_ERROR_ARGUMENT = -2,         /* a NULL pointer, a value out of range, sizes that do not agree */
	AVK_ERROR_HANDLE = -3,           /* no open object of the right kind */
	AVK_ERROR_STRUCT_SIZE = -4,      /* struct_size was not set, or by another version */
	AVK_ERROR_BUFFER_TOO_SMALL = -5, /* the caller's memory for text */
	AVK_ERROR_ABI_VERSION = -6,      /* the library does not serve programs built with this header */
	AVK_ERROR_NO_DEVICE = -7,        /* no driver, no device, or no device of the name */
	AVK_ERROR_FEATURE = -8,          /* the device lacks a feature, or it was not enabled */
	AVK_ERROR_LIMIT = -9,            /* more than the device allows, or no handle is left */
	AVK_ERROR_OUT_OF_MEMORY = -10,
	AVK_ERROR_DEVICE_LOST = -11,
	AVK_ERROR_TIMEOUT = -12,         /* the device made no progress and is given up */
	AVK_ERROR_CLOSED = -13,          /* an object that this one needs was closed */
	AVK_ERROR_CANCELLED = -14,
	AVK_ERROR_BUSY = -15,            /* the call is running, or something needs the object */
	AVK_ERROR_UNSUPPORTED = -16,     /* not on this operating system, or not in a forked child */
	AVK_ERROR_MEMORY_BUDGET = -17,   /* more memory than the budget allows; nothing was allocated */
	AVK_ERROR_BORROWED = -18,        /* something that was lent cannot be used */
	AVK_ERROR_INTERNAL = -19         /* a bug in anchorvk; the text says where */
};

typedef uint64_t avk_device;
typedef uint64_t avk_engine;
typedef uint64_t avk_plan;
typedef uint64_t avk_buffer;
typedef uint64_t avk_scratch;
typedef uint64_t avk_call;
typedef uint64_t avk_profile;

/* Any function; Vulkan's PFN_vkVoidFunction. */
typedef void (*avk_function)(void);

/* How a description is written. */
enum { AVK_FORMAT_TEXT = 0, AVK_FORMAT_JSON = 1 };

/* ---- the library ---- */

/* The version that the library implements. Never fails. */
AVK_API uint32_t avk_abi_version(void);

/* AVK_OK when the library serves a program that was built with this version:
 * avk_check_abi(AVK_ABI_VERSION). To be called first. */
AVK_API avk_status avk_check_abi(uint32_t version);

/* The version of anchorvk and of Go, as "anchorvk v0.1.0 (go1.26.1)". */
AVK_API avk_status avk_version(char *text, size_t size, size_t *length);

/* The text of the last error on this thread, cut to size, and its length, as
 * snprintf does. Stays until the next error on this thread. Never fails. */
AVK_API size_t avk_last_error(char *text, size_t size);

/* The name of a status, as "AVK_ERROR_HANDLE"; for the log. Never fails. */
AVK_API const char *avk_status_name(avk_status status);

/* ---- devices ---- */

/* How urgent the device's work is beside other programs'. */
enum { AVK_PRIORITY_NORMAL = 0, AVK_PRIORITY_LOW = 1, AVK_PRIORITY_HIGH = 2 };

typedef struct avk_device_options {
	size_t struct_size;
	const char *device;     /* index in avk_device_list or part of a name; NULL: the best */
	const char *disable;    /* features to do without, with commas; NULL: none */
	const char *cache_dir;  /* folder for compiled kernels; NULL: none is kept */
	uint64_t memory_budget; /* bound of the device memory allocated at a time, in bytes; 0: none */
	double timeout_ms;      /* how long work may go without progress; 0: 60,000 */
	int32_t priority;       /* taken as normal where the driver does not grant it */
	uint32_t validate;      /* 1 loads the Khronos validation layer */
	uint32_t environment;   /* 1: where device, disable or validate is 0, ANCHORVK_DEVICE, _DISABLE, _VALIDATE decide */
	uint32_t reserved;      /* 0 */
} avk_device_options;

/* All devices, as a JSON array, best choice marked "default". options may be
 * NULL, as in avk_device_open. */
AVK_API avk_status avk_device_list(const avk_device_options *options, char *text, size_t size, size_t *length);

/* Opens a device of the library's own. */
AVK_API avk_status avk_device_open(const avk_device_options *options, avk_device *device);

/* A device that the caller has made and keeps, which must outlive the avk_device:
 * what was enabled of it, and the queue to use. docs/c-api.md says what is done
 * with it, and what never. */
typedef struct avk_adopt_info {
	size_t struct_size;
	avk_function get_instance_proc_addr; /* vkGetInstanceProcAddr; NULL: the system's loader */
	void *instance, *physical_device, *device;
	void *queue;                         /* NULL: vkGetDeviceQueue(queue_family, queue_index) */
	uint32_t queue_family, queue_index;
	uint32_t api_version;                /* VkApplicationInfo.apiVersion, VK_API_VERSION_1_1 or higher */
	uint32_t extension_count;            /* enabled device extensions */
	const char *const *extensions;
	uint32_t feature_count;              /* enabled features by name, as "shaderFloat16" */
	uint32_t reserved;                   /* 0 */
	const char *const *features;
	const void *feature_chain;           /* or as a chain of structs, such as VkPhysicalDeviceFeatures2 */
	/* Around every vkQueueSubmit, on one thread; NULL: nobody else uses the queue
	 * while calls run. Must not call this library. */
	void (*lock_queue)(void *user, uint32_t queue_family, uint32_t queue_index);
	void (*unlock_queue)(void *user, uint32_t queue_family, uint32_t queue_index);
	avk_user lock_user;
} avk_adopt_info;

/* Uses a device of the caller's. Of the options, which may be NULL, disable,
 * memory_budget, timeout_ms and cache_dir count. */
AVK_API avk_status avk_device_adopt(const avk_adopt_info *info, const avk_device_options *options, avk_device *device);

/* What the device offers: one line, or all of it as JSON. */
AVK_API avk_status avk_device_report(avk_device device, int32_t format, char *text, size_t size, size_t *length);

/* Waits for running calls, then frees what belongs to the device; its engines,
 * buffers and calls fail with AVK_ERROR_CLOSED from then on, and their handles
 * are still to be closed. While prepared calls (avk_call_prepare) are open it frees
 * nothing and gives AVK_ERROR_BUSY; the handle stays then. AVK_ERROR_TIMEOUT: the
 * device and the handle are closed, but the device's work hangs, and what it may
 * still use was not freed. */
AVK_API avk_status avk_device_close(avk_device device);

/* ---- buffers of a device ---- */

enum {
	AVK_MEMORY_DEVICE = 0,   /* fast for kernels */
	AVK_MEMORY_UPLOAD = 1,   /* written by the host */
	AVK_MEMORY_READBACK = 2  /* read by the host */
};

/* A buffer of size bytes of the library's own; what it holds is undefined. */
AVK_API avk_status avk_buffer_create(avk_device device, uint64_t size, int32_t memory, avk_buffer *buffer);

/* A VkBuffer of the caller's on an adopted device, bound to memory. */
typedef struct avk_borrow_info {
	size_t struct_size;
	uint64_t buffer;    /* AVK_VULKAN(VkBuffer) */
	uint64_t size;      /* as created */
	uint64_t address;   /* device address; 0: asked of the driver where usage allows it */
	uint32_t usage;     /* VkBufferUsageFlags as created; STORAGE_BUFFER is needed, TRANSFER by upload and download */
	uint32_t reserved;  /* 0 */
} avk_borrow_info;

/* Closing it frees nothing of the caller's. */
AVK_API avk_status avk_buffer_borrow(avk_device device, const avk_borrow_info *info, avk_buffer *buffer);

/* Copies size bytes from or to the host, and returns when that is done. */
AVK_API avk_status avk_buffer_upload(avk_buffer buffer, uint64_t offset, const void *data, uint64_t size);
AVK_API avk_status avk_buffer_download(avk_buffer buffer, uint64_t offset, void *data, uint64_t size);

/* Frees the buffer once submitted work that uses it has ended. */
AVK_API avk_status avk_buffer_close(avk_buffer buffer);

/* ---- engines ---- */

/* Owns pipelines and scratch memory on a device. Calls of one engine take turns. */
AVK_API avk_status avk_engine_create(avk_device device, avk_engine *engine);

/* Compiles the kernels of a plan, so that its first run does not. Takes up to
 * seconds. */
AVK_API avk_status avk_engine_warmup(avk_engine engine, avk_plan plan);

/* What to tune for. Only head_dim is needed; the rest may be 0. Since 1.2. */
typedef struct avk_tune_info {
	size_t struct_size;
	int64_t head_dim;         /* of the model */
	int64_t heads, kv_heads;  /* the model's; 0 for both: what keeps the device busy */
	int64_t length;           /* positions that a measurement prefills; 0: 8,192, on a CPU 4,096 */
	double budget_ms;         /* after which nothing new is tried; 0: 60,000 */
	const char *tier;         /* NULL: the one that plans take */
	const char *folder;       /* of the program's own, where winners are kept; NULL keeps nothing */
} avk_tune_info;

/* Measures the neighbours of the kernels' shapes on the engine's device, with
 * generated input, and lets what wins go before the table of shapes that the library
 * brings: in plans that the engine makes from then on, and where a folder is named
 * at later starts too (avk_engine_tuned). Speed and the last bits of results depend on it.
 * Nothing else should use the device meanwhile; kernels that are tried are released at
 * the end. Takes the budget, and what runs at its end. What was found before for
 * other head dimensions or tiers stays. text says how much faster the kernels are, ""
 * where the table's are the best; text and length may both be NULL. Where text is too
 * small (AVK_ERROR_BUFFER_TOO_SMALL), what was found holds all the same.
 * Since 1.2. */
AVK_API avk_status avk_engine_tune(avk_engine engine, const avk_tune_info *info, char *text, size_t size, size_t *length);

/* Has plans that the engine makes from then on take what avk_engine_tune has kept in
 * a folder for the engine's device and driver, in any process. There may be nothing.
 * An error says that something there is damaged or another driver's; the rest
 * is taken all the same. Since 1.2. */
AVK_API avk_status avk_engine_tuned(avk_engine engine, const char *folder);

/* Frees what the engine owns, after the running call has ended. */
AVK_API avk_status avk_engine_close(avk_engine engine);

/* ---- plans ---- */

enum { AVK_MODE_ANCHOR = 0, AVK_MODE_DENSE = 1 };

/* How one query head is computed where its model needs another way than the rest. */
enum {
	AVK_HEAD_DEFAULT = 0,    /* as avk_plan_info says */
	AVK_HEAD_ANCHOR = 1,     /* with a theta or a weight of its own */
	AVK_HEAD_DENSE = 2,      /* every key */
	AVK_HEAD_ANCHOR_ONLY = 3 /* no stripes and no guard */
};

typedef struct avk_head {
	int32_t mode;
	uint32_t reserved; /* 0 */
	double theta;      /* of AVK_HEAD_ANCHOR: pooled rows choose its stripes; else 0 */
	double weight;     /* of AVK_HEAD_ANCHOR, above 0: sampled rows do, as with sample_weight, and theta is 0 */
} avk_head;

/* What is to be computed, and how. Row i of a call sits at position
 * kv_len - q_len + i; query head h reads KV head h / (heads / kv_heads).
 *
 * q, k, v and o have the same head_dim, a multiple of 8 up to 256. Pad the rows of a
 * narrower v with zeros and ignore the last elements of o; for a head_dim in between
 * pad q, k and v, and set scale to 1/sqrt of the true one.
 *
 * A prompt may be prefilled in chunks, a call each. Chunks that end on multiples
 * of block * step, except the last one, which may end anywhere, give the bits of
 * one call over the whole prompt, where no call falls back to dense (no_fallback).
 * One that begins inside such a group (kv_len - q_len is no multiple) selects other
 * keys for the rest of the group: results differ, by up to about 1 in single
 * elements, and avk_call_warnings says so. A small step keeps chunks small: 512 rows
 * with step 4 and block 128. */
typedef struct avk_plan_info {
	size_t struct_size;
	int64_t batch, heads, kv_heads, q_len, kv_len, head_dim;
	int32_t mode;
	int32_t step, block, sink_blocks, window_blocks; /* AVK_MODE_ANCHOR only, and theta */
	uint32_t no_fallback;   /* 1: sparse also where dense is predicted to be cheaper */
	double theta;           /* may be infinite */
	double scale;           /* of the scores; 0: 1/sqrt(head_dim) */
	const char *tier;       /* of kernels: coop2, coop, coop-f16, scalar, scalar-f16 or unpack;
	                         * NULL: the best that the device passes */
	double slice_ms;        /* device time of a submission; 0: 100 */
	uint64_t scratch_bytes; /* bound of the scratch memory; 0: 60 MiB */
	double stripe_share;    /* expected share of kept candidates; 0: 0.1 */
	uint64_t memory_budget; /* bound of avk_memory.total; 0: that of the device */
	uint32_t device_tensors; /* 1: tensors are in buffers already, and not counted */
	uint32_t reserved;      /* 0 */
	/* since 1.1 */
	int32_t tail;           /* last rows of the call that attend every key; 0: none */
	int32_t guard_stride;   /* positions from one row that the guard samples to the next; 0: no guard */
	double guard_peak;      /* probability from which it counts a key, above 0 to 1 */
	double guard_limit;     /* mean probability of missed peaks above which a head and group fails */
	const avk_head *head_modes; /* one for each query head, or NULL; read by avk_plan_create only */
	uint64_t head_mode_count;
	int32_t guard_look;     /* stride of a second look at those that fail, up to 15; 0: all their candidates are kept */
	int32_t sample_stride;  /* positions from one row that chooses stripes to the next; 0: pooled rows choose, by theta */
	double sample_weight;   /* least mean probability of a stripe, times the group's first position */
	int32_t sample_part;    /* candidates that one stands for in their softmax sums; 0 and 1: each for itself */
	uint32_t reserved2;     /* 0 */
} avk_plan_info;

/* Fills in the parameters of the paper and leaves the shape 0. struct_size must
 * be set. */
AVK_API avk_status avk_plan_defaults(avk_plan_info *info);

/* Fills in the parameters of a preset and leaves all else as it is: "paper", the
 * published definition, or what real models need: "safe", groups of 256 rows whose
 * stripes every 16th row chooses, a guard and a dense tail of 128 rows, or "lean", which
 * keeps less and has a tail of 32. Of a prompt in chunks only the last call needs a
 * tail. */
AVK_API avk_status avk_plan_preset(avk_plan_info *info, const char *name);

/* Checks the problem against the engine's device and decides how to compute it.
 * No work is done and no memory is taken. */
AVK_API avk_status avk_plan_create(avk_engine engine, const avk_plan_info *info, avk_plan *plan);

/* The decisions: shape, what runs and why, tier, tile, predicted work, scratch
 * memory. */
AVK_API avk_status avk_plan_text(avk_plan plan, int32_t format, char *text, size_t size, size_t *length);

/* Device memory that a run takes, in bytes; all of it except stripes is in total. */
typedef struct avk_memory {
	size_t struct_size;
	uint64_t tensors; /* copies of q, k, v and o, contiguous; 0 with device_tensors */
	uint64_t staging; /* for copies between host and device */
	uint64_t scratch;
	uint64_t counts;
	uint64_t lse;
	uint64_t total;
	uint64_t stripes; /* where avk_tensors.stripes is set */
} avk_memory;

AVK_API avk_status avk_plan_memory(avk_plan plan, avk_memory *memory);

/* Calls that were made from the plan keep working. */
AVK_API avk_status avk_plan_close(avk_plan plan);

/* ---- profiles: what suits the heads of a model (since 1.1) ---- */

/* A profile is what `anchorvk eval --target` writes: a preset, and for single heads
 * of single layers a mode, a theta or a weight of their own, as JSON. It needs no
 * device, and stays as it was read. From a file, or from size bytes of text, which
 * are not kept. AVK_ERROR_ARGUMENT where it is none; the text says what, and where. */
AVK_API avk_status avk_profile_open(const char *path, avk_profile *profile);
AVK_API avk_status avk_profile_parse(const char *text, size_t size, avk_profile *profile);

/* A line that says what it holds, or all of it as JSON that avk_profile_parse reads. */
AVK_API avk_status avk_profile_text(avk_profile profile, int32_t format, char *text, size_t size, size_t *length);

/* AVK_OK when a model with so many layers of so many query heads can use it;
 * AVK_ERROR_ARGUMENT names the first entry that it cannot. To be called once for a
 * model: avk_profile_apply sees one layer only, and a layer that the profile does
 * not name is none of its errors. */
AVK_API avk_status avk_profile_check(avk_profile profile, int64_t layers, int64_t heads);

/* Fills in the parameters of the profile's preset, as avk_plan_preset does, and what
 * a layer's heads have of their own: layers count from 0, info->heads is set before.
 * heads is the caller's memory for head_count entries, info->heads many. All are
 * written, and info->head_modes points to them where the layer has anything of its
 * own, so that they stay until avk_plan_create has read them; else it is NULL. */
AVK_API avk_status avk_profile_apply(avk_profile profile, int64_t layer, avk_plan_info *info, avk_head *heads, uint64_t head_count);

AVK_API avk_status avk_profile_close(avk_profile profile);

/* ---- calls: a plan with its tensors ---- */

enum {
	AVK_LAYOUT_BHSD = 0,   /* contiguous [batch, heads, positions, head_dim] */
	AVK_LAYOUT_BSHD = 1,   /* contiguous [batch, positions, heads, head_dim] */
	AVK_LAYOUT_STRIDES = 2 /* as strides says */
};

/* Where the F16 elements of a tensor are: in a buffer, or in host memory. Its
 * shape follows from the plan. What is only read may repeat rows: a stride of 0
 * gives every batch entry, head or position the same. */
typedef struct avk_tensor {
	size_t struct_size;
	avk_buffer buffer;  /* 0: host memory */
	uint64_t offset;    /* in the buffer, in bytes, a multiple of 16 */
	void *host;         /* NULL: a buffer. Stays the caller's, and in place until the call is closed */
	uint64_t host_size; /* bytes at host */
	int32_t layout;
	uint32_t reserved;  /* 0 */
	int64_t strides[3]; /* AVK_LAYOUT_STRIDES: elements between neighbours in batch, head, position; multiples of 8, not negative */
} avk_tensor;

/* Inputs may share memory. Outputs share none of their elements with inputs, nor
 * with each other, in buffers and in host memory; o alone may lie exactly over q, at
 * the same place with the same strides. Lanes of one buffer, such as those of q, k,
 * v and o side by side in each position's row, share no element. All of this is
 * checked, except for two VkBuffers that are bound to the same memory and have no
 * device address. */
typedef struct avk_tensors {
	size_t struct_size;
	const avk_tensor *q; /* [batch, heads, q_len, head_dim] */
	const avk_tensor *k; /* [batch, kv_heads, kv_len, head_dim] */
	const avk_tensor *v; /* as k */
	const avk_tensor *o; /* as q; written */
	float *lse;          /* NULL, or gets the log-sum-exp of every row: [batch, heads, q_len] */
	uint64_t lse_size;   /* bytes at lse */
	avk_buffer lse_buffer; /* 0, or gets them on the device, instead of lse */
	uint64_t lse_offset; /* in lse_buffer, in bytes, a multiple of 4 */
	uint8_t *stripes;    /* NULL, or gets 1 for each kept stripe: [batch, heads, groups, kv_len] */
	uint64_t stripes_size;
} avk_tensors;

typedef struct avk_stats {
	size_t struct_size;
	double total_ms, anchor_ms, identify_ms, attention_ms; /* of the GPU's clock; 0 without timestamps */
	double host_ms;        /* wall time of the run, from its turn on */
	double own_ms;         /* its share outside of waiting for the device and of moving host tensors */
	double computed_ratio; /* computed (row, key) pairs / causal pairs */
	double stripe_ratio;   /* kept stripes / candidates */
	uint64_t scratch_bytes;
	int32_t slices;        /* submissions */
	int32_t mode;          /* what ran; AVK_MODE_DENSE also as a fallback */
	/* since 1.1 */
	uint32_t warnings;     /* how many; avk_call_warnings has them */
	uint32_t reserved;
	double selection_ratio; /* what the choice of keys cost besides, in pairs / causal pairs */
	double guarded_ratio;  /* share of the (head, group)s whose candidates the guard kept */
	double missed_mass;    /* probability on missed peaks, as the guard measured it, in the mean over all rows */
} avk_stats;

/* Binds a plan to its tensors once, so that a run costs little. Everything about
 * the arguments is checked here. */
AVK_API avk_status avk_call_create(avk_engine engine, avk_plan plan, const avk_tensors *tensors, avk_call *call);

/* Runs the call and waits for the result. stats may be NULL. */
AVK_API avk_status avk_call_run(avk_call call, avk_stats *stats);

/* What the caller should know though the result is right, a sentence a line; ""
 * where there is nothing: of the last run that succeeded, before one what the plan
 * knows already. Since 1.1. */
AVK_API avk_status avk_call_warnings(avk_call call, char *text, size_t size, size_t *length);

/* From the next run or start on: the share of time, from 0.01 to 1, that runs may
 * keep the device busy (0: 1), and a function that is called after every slice with
 * the share of the work that is done, or NULL. It is called on a thread of its own choice,
 * while the run goes on; it should return at once and must not call this library.
 * Neither holds for submitted and recorded work (avk_call_submit, avk_call_record). */
typedef void (*avk_progress)(void *user, double done);
AVK_API avk_status avk_call_pace(avk_call call, double duty_cycle, avk_progress progress, avk_user user);

/* Starts the call and returns. avk_call_wait waits for its end, for as long as
 * timeout_ms says (0: not at all; negative: without limit), and gives
 * AVK_NOT_READY or what avk_call_run would have. */
AVK_API avk_status avk_call_start(avk_call call);
AVK_API avk_status avk_call_wait(avk_call call, double timeout_ms, avk_stats *stats);

/* Submits the call to the device's queue and returns; avk_call_wait as above.
 * Tensors are in buffers, lse too, and stripes is NULL. The first slice waits for
 * the timeline semaphores of wait, the last one signals those of signal, which
 * happens in every case, also when it is cancelled, unless the device is lost. At
 * most two slices are in the queue at a time: work of the caller's on the same
 * queue that waits for signal must be submitted after avk_call_submitted. The
 * semaphores stay alive until avk_call_wait has said that the call has ended. A
 * call whose wait semaphores are never signalled does not end, cancelled or not. */
typedef struct avk_timeline {
	uint64_t semaphore; /* AVK_VULKAN(VkSemaphore), of type timeline */
	uint64_t value;
} avk_timeline;

typedef struct avk_sync {
	size_t struct_size;
	const avk_timeline *wait;
	const avk_timeline *signal;
	uint32_t wait_count, signal_count;
} avk_sync;

AVK_API avk_status avk_call_submit(avk_call call, const avk_sync *sync); /* sync may be NULL */

/* Waits, as avk_call_wait does, until the last slice is in the queue. */
AVK_API avk_status avk_call_submitted(avk_call call, double timeout_ms);

/* Makes the running call end with AVK_ERROR_CANCELLED after the slice that the
 * device works on; its output is undefined then. Without a running call it does
 * nothing. */
AVK_API avk_status avk_call_cancel(avk_call call);

/* Cancels and waits where the call is running. A call that was recorded is closed
 * after the command buffers have ended for the last time. */
AVK_API avk_status avk_call_close(avk_call call);

/* ---- recording into the caller's command buffers (adopted devices) ---- */

/* Scratch memory for recordings that run one after the other, such as the layers
 * of a model. Closed after them. */
AVK_API avk_status avk_scratch_create(avk_engine engine, avk_plan plan, avk_scratch *scratch);
AVK_API avk_status avk_scratch_close(avk_scratch scratch);

/* Makes what recording needs: kernels, descriptors and, where scratch is 0, memory
 * of its own. Tensors as for avk_call_submit. *parts, where parts is not NULL,
 * gets the number of parts, each as long as a slice should be. */
AVK_API avk_status avk_call_prepare(avk_call call, avk_scratch scratch, uint32_t *parts);

/* Records a part, or with AVK_ALL_PARTS all of them, into a VkCommandBuffer in the
 * recording state, outside of a render pass. Parts run in order on the adopted
 * queue. A part begins and ends with a global barrier, so that none of the
 * caller's is needed before or after it; the compute pipeline, its descriptor set 0
 * and its push constants are not what they were. */
#define AVK_ALL_PARTS (-1)
AVK_API avk_status avk_call_record(avk_call call, int32_t part, void *command_buffer);

/* Statistics of the recorded work, without times, once it has ended; asked once
 * after a run. Where a part has not run to its end since it was last asked, as
 * when the device has dropped it, the result is AVK_ERROR_OTHER. */
AVK_API avk_status avk_call_recorded(avk_call call, avk_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
