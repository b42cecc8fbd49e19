/* The interface's functions as C sees them. They tell a forked child that it
 * cannot use the library; else they are those in Go, which go by the same names
 * there (go_names.h).
 *
 * A child has only the thread that forked. The Go runtime needs its others, so
 * that a call into it would hang. Windows has no fork, and the functions in Go are
 * the interface there. */
#define AVK_BUILD
#include "anchorvk.h"

#ifndef _WIN32
#include <pthread.h>
#include <string.h>

void avk_keep_error(const char *text, size_t length); /* bridge.c */

static volatile int forked;

static void in_child(void) { forked = 1; }

/* When the library is loaded: its runtime starts then. */
__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, in_child); }

static avk_status refuse(void) {
	static const char text[] =
		"anchorvk: this process was forked from one that had loaded the library, whose Go runtime does not live on in a child; "
		"start a new program instead (exec, posix_spawn; in Python multiprocessing with \"spawn\" or \"forkserver\"), or load the library in the child alone";
	avk_keep_error(text, strlen(text));
	return AVK_ERROR_UNSUPPORTED;
}

/* The types are those of the header: the compiler holds these parameters, and
 * with go_names.h those of the function in Go, against it. */
#define ENTRY(name, parameters, arguments) \
	extern __typeof__(name) go_##name; \
	avk_status name parameters { return forked ? refuse() : go_##name arguments; }

ENTRY(avk_buffer_borrow, (avk_device device, const avk_borrow_info *info, avk_buffer *buffer), (device, info, buffer))
ENTRY(avk_buffer_close, (avk_buffer buffer), (buffer))
ENTRY(avk_buffer_create, (avk_device device, uint64_t size, int32_t memory, avk_buffer *buffer), (device, size, memory, buffer))
ENTRY(avk_buffer_download, (avk_buffer buffer, uint64_t offset, void *data, uint64_t size), (buffer, offset, data, size))
ENTRY(avk_buffer_upload, (avk_buffer buffer, uint64_t offset, const void *data, uint64_t size), (buffer, offset, data, size))
ENTRY(avk_call_cancel, (avk_call call), (call))
ENTRY(avk_call_close, (avk_call call), (call))
ENTRY(avk_call_create, (avk_engine engine, avk_plan plan, const avk_tensors *tensors, avk_call *call), (engine, plan, tensors, call))
ENTRY(avk_call_pace, (avk_call call, double duty_cycle, avk_progress progress, avk_user user), (call, duty_cycle, progress, user))
ENTRY(avk_call_prepare, (avk_call call, avk_scratch scratch, uint32_t *parts), (call, scratch, parts))
ENTRY(avk_call_record, (avk_call call, int32_t part, void *command_buffer), (call, part, command_buffer))
ENTRY(avk_call_recorded, (avk_call call, avk_stats *stats), (call, stats))
ENTRY(avk_call_run, (avk_call call, avk_stats *stats), (call, stats))
ENTRY(avk_call_start, (avk_call call), (call))
ENTRY(avk_call_submit, (avk_call call, const avk_sync *sync), (call, sync))
ENTRY(avk_call_submitted, (avk_call call, double timeout_ms), (call, timeout_ms))
ENTRY(avk_call_wait, (avk_call call, double timeout_ms, avk_stats *stats), (call, timeout_ms, stats))
ENTRY(avk_call_warnings, (avk_call call, char *text, size_t size, size_t *length), (call, text, size, length))
ENTRY(avk_check_abi, (uint32_t version), (version))
ENTRY(avk_device_adopt, (const avk_adopt_info *info, const avk_device_options *options, avk_device *device), (info, options, device))
ENTRY(avk_device_close, (avk_device device), (device))
ENTRY(avk_device_list, (const avk_device_options *options, char *text, size_t size, size_t *length), (options, text, size, length))
ENTRY(avk_device_open, (const avk_device_options *options, avk_device *device), (options, device))
ENTRY(avk_device_report, (avk_device device, int32_t format, char *text, size_t size, size_t *length), (device, format, text, size, length))
ENTRY(avk_engine_close, (avk_engine engine), (engine))
ENTRY(avk_engine_create, (avk_device device, avk_engine *engine), (device, engine))
ENTRY(avk_engine_tune, (avk_engine engine, const avk_tune_info *info, char *text, size_t size, size_t *length), (engine, info, text, size, length))
ENTRY(avk_engine_tuned, (avk_engine engine, const char *folder), (engine, folder))
ENTRY(avk_engine_warmup, (avk_engine engine, avk_plan plan), (engine, plan))
ENTRY(avk_plan_close, (avk_plan plan), (plan))
ENTRY(avk_plan_create, (avk_engine engine, const avk_plan_info *info, avk_plan *plan), (engine, info, plan))
ENTRY(avk_plan_defaults, (avk_plan_info *info), (info))
ENTRY(avk_plan_memory, (avk_plan plan, avk_memory *memory), (plan, memory))
ENTRY(avk_plan_preset, (avk_plan_info *info, const char *name), (info, name))
ENTRY(avk_plan_text, (avk_plan plan, int32_t format, char *text, size_t size, size_t *length), (plan, format, text, size, length))
ENTRY(avk_profile_apply, (avk_profile profile, int64_t layer, avk_plan_info *info, avk_head *heads, uint64_t head_count), (profile, layer, info, heads, head_count))
ENTRY(avk_profile_check, (avk_profile profile, int64_t layers, int64_t heads), (profile, layers, heads))
ENTRY(avk_profile_close, (avk_profile profile), (profile))
ENTRY(avk_profile_open, (const char *path, avk_profile *profile), (path, profile))
ENTRY(avk_profile_parse, (const char *text, size_t size, avk_profile *profile), (text, size, profile))
ENTRY(avk_profile_text, (avk_profile profile, int32_t format, char *text, size_t size, size_t *length), (profile, format, text, size, length))
ENTRY(avk_scratch_close, (avk_scratch scratch), (scratch))
ENTRY(avk_scratch_create, (avk_engine engine, avk_plan plan, avk_scratch *scratch), (engine, plan, scratch))
ENTRY(avk_version, (char *text, size_t size, size_t *length), (text, size, length))
#endif
