/* Every function, except those of misuse_plans.c, with what it must refuse: NULL,
 * handles of every wrong kind, wrong struct sizes, memory too small, values out of
 * range. The status and the text are checked, and after all of it the objects still
 * work. */
#include <math.h>

#include "misuse.h"

static void library(void) {
	char text[64];
	size_t length = 0;
	HOLDS(avk_abi_version() == AVK_ABI_VERSION);
	OK(avk_check_abi(AVK_ABI_VERSION));
	EXPECT(avk_check_abi(AVK_ABI_VERSION + 1), AVK_ERROR_ABI_VERSION, "built for version");
	EXPECT(avk_check_abi(AVK_ABI_VERSION + 0x10000), AVK_ERROR_ABI_VERSION, "built for version");
	EXPECT(avk_check_abi(0), AVK_ERROR_ABI_VERSION, "built for version");
	EXPECT(avk_version(NULL, 0, NULL), AVK_ERROR_ARGUMENT, "both NULL");
	EXPECT(avk_version(NULL, 9, &length), AVK_ERROR_ARGUMENT, "text is NULL");
	OK(avk_version(NULL, 0, &length));
	EXPECT(avk_version(text, 3, &length), AVK_ERROR_BUFFER_TOO_SMALL, "the text needs");
	EXPECT(avk_version(text, length, NULL), AVK_ERROR_BUFFER_TOO_SMALL, "the text needs");
	OK(avk_version(text, length + 1, NULL));
	HOLDS(strlen(text) == length && !strncmp(text, "anchorvk ", 9));
	/* The last error: cut to size, and its whole length returned. */
	EXPECT(avk_check_abi(0), AVK_ERROR_ABI_VERSION, NULL);
	length = avk_last_error(NULL, 0);
	HOLDS(length > 20 && avk_last_error(text, 9) == length && strlen(text) == 8);
	HOLDS(!strcmp(avk_status_name(AVK_ERROR_BUSY), "AVK_ERROR_BUSY"));
	HOLDS(!strcmp(avk_status_name(99), "unknown avk_status"));
}

static void devices(void) {
	avk_device device = 7;
	avk_device_options options = {0}, bad;
	size_t length;
	char text[16];
	options.struct_size = sizeof options;
	EXPECT(avk_device_open(&options, NULL), AVK_ERROR_ARGUMENT, "device is NULL");
	WRONG_SIZES(avk_device_open(s, &device), avk_device_options, options);
	UNKNOWN_FIELD(avk_device_open(s, &device), avk_device_options, options);
	WRONG_SIZES(avk_device_list(s, NULL, 0, &length), avk_device_options, options);
	bad = options;
	bad.device = "no device has this name";
	EXPECT(avk_device_open(&bad, &device), AVK_ERROR_NO_DEVICE, "no device has this name");
	bad = options;
	bad.disable = "float16,teleport";
	EXPECT(avk_device_open(&bad, &device), AVK_ERROR_ARGUMENT, "teleport");
	bad = options;
	bad.timeout_ms = -1;
	EXPECT(avk_device_open(&bad, &device), AVK_ERROR_ARGUMENT, "timeout_ms");
	bad = options;
	bad.priority = 3;
	EXPECT(avk_device_open(&bad, &device), AVK_ERROR_ARGUMENT, "priority is 3");
	bad = options;
	bad.reserved = 1;
	EXPECT(avk_device_open(&bad, &device), AVK_ERROR_ARGUMENT, "reserved");
	bad = options;
	bad.timeout_ms = NAN;
	EXPECT(avk_device_open(&bad, &device), AVK_ERROR_ARGUMENT, "timeout_ms");
	EXPECT(avk_device_list(&options, text, sizeof text, &length), AVK_ERROR_BUFFER_TOO_SMALL, "the text needs");
	WRONG_HANDLES(avk_device_report(h, AVK_FORMAT_TEXT, NULL, 0, &length), f.device);
	EXPECT(avk_device_report(f.device, 2, NULL, 0, &length), AVK_ERROR_ARGUMENT, "format is 2");
	EXPECT(avk_device_report(f.device, AVK_FORMAT_JSON, text, sizeof text, NULL), AVK_ERROR_BUFFER_TOO_SMALL, "the text needs");
	WRONG_HANDLES(avk_device_close(h), f.device);
	HOLDS(device == 7);
}

static void buffers(void) {
	avk_buffer buffer = 7;
	char data[Q_BYTES] = {0};
	WRONG_HANDLES(avk_buffer_create(h, 64, AVK_MEMORY_DEVICE, &buffer), f.device);
	EXPECT(avk_buffer_create(f.device, 64, AVK_MEMORY_DEVICE, NULL), AVK_ERROR_ARGUMENT, "buffer is NULL");
	EXPECT(avk_buffer_create(f.device, 0, AVK_MEMORY_DEVICE, &buffer), AVK_ERROR_ARGUMENT, "size is 0");
	EXPECT(avk_buffer_create(f.device, 64, 3, &buffer), AVK_ERROR_ARGUMENT, "memory is 3");
	EXPECT(avk_buffer_create(f.device, UINT64_MAX, AVK_MEMORY_UPLOAD, &buffer), AVK_ERROR_LIMIT, "maxMemoryAllocationSize");
	HOLDS(buffer == 7);
	WRONG_HANDLES(avk_buffer_upload(h, 0, data, 1), f.buffer);
	WRONG_HANDLES(avk_buffer_download(h, 0, data, 1), f.buffer);
	EXPECT(avk_buffer_upload(f.buffer, 0, NULL, 1), AVK_ERROR_ARGUMENT, "data is NULL");
	EXPECT(avk_buffer_download(f.buffer, 0, NULL, 1), AVK_ERROR_ARGUMENT, "data is NULL");
	EXPECT(avk_buffer_upload(f.buffer, 1, data, Q_BYTES), AVK_ERROR_ARGUMENT, "beyond");
	EXPECT(avk_buffer_download(f.buffer, UINT64_MAX, data, 2), AVK_ERROR_ARGUMENT, "beyond");
	EXPECT(avk_buffer_download(f.buffer, 2, data, UINT64_MAX), AVK_ERROR_ARGUMENT, "beyond");
	OK(avk_buffer_upload(f.buffer, Q_BYTES, NULL, 0));
	WRONG_HANDLES(avk_buffer_close(h), f.buffer);
}


static void engines(void) {
	avk_engine engine = 7;
	WRONG_HANDLES(avk_engine_create(h, &engine), f.device);
	EXPECT(avk_engine_create(f.device, NULL), AVK_ERROR_ARGUMENT, "engine is NULL");
	WRONG_HANDLES(avk_engine_warmup(h, f.plan), f.engine);
	WRONG_HANDLES(avk_engine_warmup(f.engine, h), f.plan);
	WRONG_HANDLES(avk_engine_close(h), f.engine);
	HOLDS(engine == 7);
}

static avk_status with_q(avk_tensor *q) {
	avk_call call;
	avk_tensors tensors = f.tensors;
	tensors.q = q;
	return avk_call_create(f.engine, f.plan, &tensors, &call);
}

static void calls(void) {
	avk_call call = 7;
	avk_tensor q;
	avk_tensors bad;
	avk_stats stats = {0};
	stats.struct_size = sizeof stats;
	WRONG_HANDLES(avk_call_create(h, f.plan, &f.tensors, &call), f.engine);
	WRONG_HANDLES(avk_call_create(f.engine, h, &f.tensors, &call), f.plan);
	EXPECT(avk_call_create(f.engine, f.plan, NULL, &call), AVK_ERROR_ARGUMENT, "avk_tensors is NULL");
	EXPECT(avk_call_create(f.engine, f.plan, &f.tensors, NULL), AVK_ERROR_ARGUMENT, "call is NULL");
	WRONG_SIZES(avk_call_create(f.engine, f.plan, s, &call), avk_tensors, f.tensors);
	UNKNOWN_FIELD(avk_call_create(f.engine, f.plan, s, &call), avk_tensors, f.tensors);
	WRONG_SIZES(with_q(s), avk_tensor, f.tq);
	EXPECT(with_q(NULL), AVK_ERROR_ARGUMENT, "avk_tensors.q is NULL");
#define BAD_TENSOR(change, status, words) \
	q = f.tq; \
	change; \
	EXPECT(with_q(&q), status, words)
	BAD_TENSOR(q.host = NULL, AVK_ERROR_ARGUMENT, "neither");
	BAD_TENSOR(q.buffer = f.buffer, AVK_ERROR_ARGUMENT, "both");
	BAD_TENSOR((q.host = NULL, q.buffer = f.plan), AVK_ERROR_HANDLE, "a buffer is needed");
	BAD_TENSOR((q.host = NULL, q.buffer = f.buffer, q.offset = 8), AVK_ERROR_ARGUMENT, "avk_tensors.q->offset is 8");
	BAD_TENSOR((q.host = NULL, q.buffer = f.buffer, q.offset = 16), AVK_ERROR_ARGUMENT, "avk_tensors.q->buffer has");
	BAD_TENSOR((q.host = NULL, q.buffer = f.buffer, q.offset = UINT64_MAX - 15), AVK_ERROR_ARGUMENT, "avk_tensors.q->buffer has");
	BAD_TENSOR(q.offset = 16, AVK_ERROR_ARGUMENT, "offset is 16");
	BAD_TENSOR(q.host_size = Q_BYTES - 2, AVK_ERROR_ARGUMENT, "has 1023 elements");
	BAD_TENSOR(q.host_size = UINT64_MAX, AVK_ERROR_ARGUMENT, "address space");
	BAD_TENSOR(q.host = (char *)q.host + 1, AVK_ERROR_ARGUMENT, "aligned");
	BAD_TENSOR(q.layout = 3, AVK_ERROR_ARGUMENT, "layout is 3");
	BAD_TENSOR((q.layout = AVK_LAYOUT_STRIDES, q.strides[2] = 4), AVK_ERROR_ARGUMENT, "avk_tensors.q->strides[2] is 4; use a contiguous layout (AVK_LAYOUT_BHSD, AVK_LAYOUT_BSHD)");
	BAD_TENSOR((q.layout = AVK_LAYOUT_STRIDES, q.strides[2] = -8), AVK_ERROR_ARGUMENT, "avk_tensors.q->strides");
	BAD_TENSOR((q.layout = AVK_LAYOUT_STRIDES, q.strides[2] = 8, q.strides[1] = INT64_MAX - 7), AVK_ERROR_ARGUMENT, "avk_tensors.q->strides");
	BAD_TENSOR(q.reserved = 1, AVK_ERROR_ARGUMENT, "reserved");
	bad = f.tensors;
	bad.lse_size -= 4;
	EXPECT(avk_call_create(f.engine, f.plan, &bad, &call), AVK_ERROR_ARGUMENT, "avk_tensors.lse has");
	bad = f.tensors;
	bad.lse = NULL;
	EXPECT(avk_call_create(f.engine, f.plan, &bad, &call), AVK_ERROR_ARGUMENT, "lse is NULL");
	bad = f.tensors;
	bad.stripes = (uint8_t *)f.o;
	bad.stripes_size = 5;
	EXPECT(avk_call_create(f.engine, f.plan, &bad, &call), AVK_ERROR_ARGUMENT, "avk_tensors.stripes has");
	HOLDS(call == 7);
	WRONG_HANDLES(avk_call_run(h, NULL), f.call);
	WRONG_SIZES(avk_call_run(f.call, s), avk_stats, stats);
	WRONG_HANDLES(avk_call_start(h), f.call);
	WRONG_HANDLES(avk_call_wait(h, 0, NULL), f.call);
	EXPECT(avk_call_wait(f.call, 0, NULL), AVK_ERROR_ARGUMENT, "was not started");
	EXPECT(avk_call_wait(f.call, NAN, NULL), AVK_ERROR_ARGUMENT, "NaN");
	WRONG_SIZES(avk_call_wait(f.call, 0, s), avk_stats, stats);
	WRONG_HANDLES(avk_call_cancel(h), f.call);
	OK(avk_call_cancel(f.call));
	WRONG_HANDLES(avk_call_close(h), f.call);
}

static avk_status with_o(avk_tensor o, avk_call *call) {
	avk_tensors tensors = f.tensors;
	tensors.o = &o;
	return avk_call_create(f.engine, f.plan, &tensors, call);
}

/* Outputs over inputs and over each other are refused, inputs over inputs are not. */
static void overlaps(void) {
	avk_call call = 7;
	avk_buffer again = 0;
	avk_tensor o = f.to, k = f.tk;
	avk_tensors tensors = f.tensors;
	static uint16_t both[(Q_BYTES + KV_BYTES) / 2];
	k.host = both;
	tensors.k = &k;
	tensors.o = &o;
	o.host = both + KV_BYTES / 2 - 8;
	EXPECT(avk_call_create(f.engine, f.plan, &tensors, &call), AVK_ERROR_ARGUMENT, "avk_tensors.o shares memory with k");
	EXPECT(with_o(f.tv, &call), AVK_ERROR_ARGUMENT, "avk_tensors.o->host has");
	o.layout = AVK_LAYOUT_STRIDES; /* all heads and rows in one place */
	EXPECT(with_o(o, &call), AVK_ERROR_ARGUMENT, "avk_tensors.o->strides");
	tensors = f.tensors;
	tensors.lse = (float *)(void *)f.o;
	EXPECT(avk_call_create(f.engine, f.plan, &tensors, &call), AVK_ERROR_ARGUMENT, "avk_tensors.lse shares memory with o");
	tensors = f.tensors;
	tensors.stripes = (uint8_t *)f.lse; /* one group: heads * kv_len */
	tensors.stripes_size = HEADS * ROWS;
	EXPECT(avk_call_create(f.engine, f.plan, &tensors, &call), AVK_ERROR_ARGUMENT, "avk_tensors.stripes shares memory with lse");
	tensors = f.tensors;
	OK(avk_buffer_create(f.device, 2 * Q_BYTES, AVK_MEMORY_DEVICE, &again));
	o = f.to;
	o.host = NULL, o.host_size = 0, o.buffer = again;
	k = o;
	tensors.k = tensors.v = &k;
	tensors.o = &o;
	o.offset = KV_BYTES / 2;
	EXPECT(avk_call_create(f.engine, f.plan, &tensors, &call), AVK_ERROR_ARGUMENT, "avk_tensors.o shares memory with k");
	o.offset = KV_BYTES;
	tensors.lse = NULL, tensors.lse_size = 0, tensors.lse_buffer = again, tensors.lse_offset = KV_BYTES + Q_BYTES - 4;
	EXPECT(avk_call_create(f.engine, f.plan, &tensors, &call), AVK_ERROR_ARGUMENT, "avk_tensors.lse_buffer shares memory with o");
	HOLDS(call == 7);
	tensors.lse_offset += 4;
	OK(avk_call_create(f.engine, f.plan, &tensors, &call)); /* K is V */
	OK(avk_call_close(call));
	k.layout = AVK_LAYOUT_STRIDES; /* one row for all */
	OK(avk_call_create(f.engine, f.plan, &tensors, &call));
	OK(avk_call_close(call));
	OK(with_o(f.tq, &call)); /* over q itself */
	OK(avk_call_close(call));
	OK(avk_buffer_close(again));
}

/* Buffers of another device are refused when the call is made. */
static void strangers(void) {
	struct fixture *g = malloc(sizeof *g);
	avk_call call = 7;
	avk_tensor q = f.tq;
	avk_tensors tensors = f.tensors;
	if (!g) exit(1);
	fixture_open(g);
	q.host = NULL;
	q.host_size = 0;
	q.buffer = g->buffer;
	EXPECT(with_q(&q), AVK_ERROR_ARGUMENT, "of another device");
	tensors.lse = NULL;
	tensors.lse_size = 0;
	tensors.lse_buffer = g->buffer;
	EXPECT(avk_call_create(f.engine, f.plan, &tensors, &call), AVK_ERROR_ARGUMENT, "of another device");
	HOLDS(call == 7);
	fixture_close(g);
	free(g);
}

/* A chunk that begins inside a group is warned of, before and after it runs. */
static void warnings(void) {
	enum { PREFIX = 3 * 16 + 8, LENGTH = PREFIX + 24 };
	static uint16_t q[HEADS * 24 * DIM], k[LENGTH * DIM], v[LENGTH * DIM], o[HEADS * 24 * DIM];
	avk_tensor tq = host_tensor(q, sizeof q), tk = host_tensor(k, sizeof k), tv = host_tensor(v, sizeof v), to = host_tensor(o, sizeof o);
	avk_tensors tensors = {0};
	avk_plan_info info = f.info;
	avk_plan plan;
	avk_call call;
	avk_stats stats = {0};
	struct {
		avk_stats stats;
		uint64_t behind;
	} old;
	char text[1000];
	size_t length = 7;
	WRONG_HANDLES(avk_call_warnings(h, NULL, 0, &length), f.call);
	EXPECT(avk_call_warnings(f.call, NULL, 0, NULL), AVK_ERROR_ARGUMENT, "both NULL");
	HOLDS(length == 7);
	OK(avk_call_warnings(f.call, text, sizeof text, &length));
	HOLDS(length == 0 && text[0] == 0);
	tensors.struct_size = sizeof tensors;
	tensors.q = &tq, tensors.k = &tk, tensors.v = &tv, tensors.o = &to;
	info.mode = AVK_MODE_ANCHOR, info.no_fallback = 1;
	info.block = 16, info.step = 1;
	info.q_len = 24, info.kv_len = LENGTH;
	OK(avk_plan_create(f.engine, &info, &plan));
	OK(avk_call_create(f.engine, plan, &tensors, &call));
	OK(avk_call_warnings(call, text, sizeof text, &length));
	HOLDS(length == strlen(text) && strstr(text, "the call begins at position 56, inside a group of 16"));
	EXPECT(avk_call_warnings(call, text, 9, &length), AVK_ERROR_BUFFER_TOO_SMALL, "the text needs");
	stats.struct_size = sizeof stats;
	OK(avk_call_run(call, &stats));
	HOLDS(stats.warnings == 1 && stats.mode == AVK_MODE_ANCHOR);
	OK(avk_call_warnings(call, text, sizeof text, NULL));
	HOLDS(strstr(text, "position 56"));
	/* A program of version 1.0 has no such field. */
	memset(&old, 0xab, sizeof old);
	old.stats.struct_size = offsetof(avk_stats, warnings);
	OK(avk_call_run(call, &old.stats));
	HOLDS(old.stats.struct_size == 88 && old.stats.mode == AVK_MODE_ANCHOR && old.stats.warnings == 0xabababab);
	OK(avk_call_close(call));
	OK(avk_plan_close(plan));
}

static void tell(void *user, double done) { *(double *)user = done; }

static double told;
static void tell_integer(void *user, double done) { if ((uintptr_t)user == 1) told = done; }

static void pace(void) {
	double done = 0;
	WRONG_HANDLES(avk_call_pace(h, 0, NULL, NULL), f.call);
	EXPECT(avk_call_pace(f.call, 2, NULL, NULL), AVK_ERROR_ARGUMENT, "duty_cycle is 2");
	EXPECT(avk_call_pace(f.call, 0.001, NULL, NULL), AVK_ERROR_ARGUMENT, "duty_cycle is 0.001; use a share of time from 0.01 to 1");
	EXPECT(avk_call_pace(f.call, NAN, NULL, NULL), AVK_ERROR_ARGUMENT, "duty_cycle is NaN");
	OK(avk_call_pace(f.call, 0.9, tell, &done));
	fixture_run(&f);
	HOLDS(done == 1);
	OK(avk_call_pace(f.call, 0, tell_integer, (void *)1)); /* no pointer */
	fixture_run(&f);
	HOLDS(told == 1);
	OK(avk_call_pace(f.call, 0, NULL, NULL));
}

/* Submitting and recording: what a device of the library's own cannot do. */
static void submission(void) {
	avk_timeline timeline = {0, 1};
	avk_sync sync = {0};
	avk_scratch scratch = 7;
	avk_stats stats = {0};
	uint32_t parts = 7;
	int dummy;
	sync.struct_size = sizeof sync;
	stats.struct_size = sizeof stats;
	WRONG_HANDLES(avk_call_submit(h, NULL), f.call);
	WRONG_SIZES(avk_call_submit(f.call, s), avk_sync, sync);
	sync.wait_count = 1;
	EXPECT(avk_call_submit(f.call, &sync), AVK_ERROR_ARGUMENT, "wait is NULL");
	sync.wait = &timeline;
	EXPECT(avk_call_submit(f.call, &sync), AVK_ERROR_ARGUMENT, "semaphore is 0");
	EXPECT(avk_call_submit(f.call, NULL), AVK_ERROR_ARGUMENT, "on the host");
	WRONG_HANDLES(avk_call_submitted(h, 0), f.call);
	EXPECT(avk_call_submitted(f.call, 0), AVK_ERROR_ARGUMENT, "was not started");
	WRONG_HANDLES(avk_scratch_create(h, f.plan, &scratch), f.engine);
	WRONG_HANDLES(avk_scratch_create(f.engine, h, &scratch), f.plan);
	EXPECT(avk_scratch_create(f.engine, f.plan, NULL), AVK_ERROR_ARGUMENT, "scratch is NULL");
	HOLDS(scratch == 7);
	OK(avk_scratch_create(f.engine, f.plan, &scratch));
	WRONG_HANDLES(avk_scratch_close(h), scratch);
	WRONG_HANDLES(avk_call_prepare(h, 0, &parts), f.call);
	EXPECT(avk_call_prepare(f.call, f.plan, &parts), AVK_ERROR_HANDLE, "scratch memory is needed");
	EXPECT(avk_call_prepare(f.call, scratch, &parts), AVK_ERROR_ARGUMENT, "on the host");
	HOLDS(parts == 7);
	WRONG_HANDLES(avk_call_record(h, AVK_ALL_PARTS, &dummy), f.call);
	EXPECT(avk_call_record(f.call, AVK_ALL_PARTS, NULL), AVK_ERROR_ARGUMENT, "command_buffer is NULL");
	EXPECT(avk_call_record(f.call, AVK_ALL_PARTS, &dummy), AVK_ERROR_ARGUMENT, "is not prepared");
	WRONG_HANDLES(avk_call_recorded(h, &stats), f.call);
	WRONG_SIZES(avk_call_recorded(f.call, s), avk_stats, stats);
	EXPECT(avk_call_recorded(f.call, &stats), AVK_ERROR_ARGUMENT, "is not prepared");
	OK(avk_scratch_close(scratch));
	EXPECT(avk_scratch_close(scratch), AVK_ERROR_HANDLE, "was closed");
}

/* A VkBuffer can only be lent to a device that was adopted. */
static void lending(void) {
	avk_adopt_info adopt = {0}, bad;
	avk_borrow_info borrow = {0};
	const char *none[1] = {NULL};
	avk_device device = 7;
	avk_buffer buffer = 7;
	adopt.struct_size = sizeof adopt;
	borrow.struct_size = sizeof borrow;
	EXPECT(avk_device_adopt(NULL, NULL, &device), AVK_ERROR_ARGUMENT, "avk_adopt_info is NULL");
	EXPECT(avk_device_adopt(&adopt, NULL, NULL), AVK_ERROR_ARGUMENT, "device is NULL");
	WRONG_SIZES(avk_device_adopt(s, NULL, &device), avk_adopt_info, adopt);
	UNKNOWN_FIELD(avk_device_adopt(s, NULL, &device), avk_adopt_info, adopt);
	EXPECT(avk_device_adopt(&adopt, NULL, &device), AVK_ERROR_BORROWED, "avk_adopt_info.instance");
	bad = adopt;
	bad.reserved = 1;
	EXPECT(avk_device_adopt(&bad, NULL, &device), AVK_ERROR_ARGUMENT, "reserved");
	bad = adopt;
	bad.extension_count = 1;
	EXPECT(avk_device_adopt(&bad, NULL, &device), AVK_ERROR_ARGUMENT, "extensions is NULL");
	bad.extensions = none;
	EXPECT(avk_device_adopt(&bad, NULL, &device), AVK_ERROR_ARGUMENT, "extensions[0] is NULL");
	bad = adopt;
	bad.feature_count = 1;
	EXPECT(avk_device_adopt(&bad, NULL, &device), AVK_ERROR_ARGUMENT, "features is NULL");
	HOLDS(device == 7);
	WRONG_HANDLES(avk_buffer_borrow(h, &borrow, &buffer), f.device);
	EXPECT(avk_buffer_borrow(f.device, NULL, &buffer), AVK_ERROR_ARGUMENT, "avk_borrow_info is NULL");
	EXPECT(avk_buffer_borrow(f.device, &borrow, NULL), AVK_ERROR_ARGUMENT, "buffer is NULL");
	WRONG_SIZES(avk_buffer_borrow(f.device, s, &buffer), avk_borrow_info, borrow);
	EXPECT(avk_buffer_borrow(f.device, &borrow, &buffer), AVK_ERROR_BORROWED, NULL);
	HOLDS(buffer == 7);
}

/* Objects that were closed, and objects whose device was. */
static void closed(void) {
	struct fixture *g = malloc(sizeof *g);
	avk_engine engine;
	avk_buffer buffer;
	size_t length;
	char byte = 0;
	if (!g) exit(1);
	fixture_open(g);
	OK(avk_device_close(g->device));
	EXPECT(avk_device_close(g->device), AVK_ERROR_HANDLE, "was closed");
	EXPECT(avk_device_report(g->device, 0, NULL, 0, &length), AVK_ERROR_HANDLE, "was closed");
	EXPECT(avk_engine_create(g->device, &engine), AVK_ERROR_HANDLE, "was closed");
	EXPECT(avk_buffer_create(g->device, 64, AVK_MEMORY_DEVICE, &buffer), AVK_ERROR_HANDLE, "was closed");
	EXPECT(avk_call_run(g->call, NULL), AVK_ERROR_CLOSED, "closed");
	EXPECT(avk_engine_warmup(g->engine, g->plan), AVK_ERROR_CLOSED, "closed");
	EXPECT(avk_buffer_upload(g->buffer, 0, &byte, 1), AVK_ERROR_CLOSED, "closed");
	OK(avk_call_start(g->call));
	EXPECT(avk_call_wait(g->call, -1, NULL), AVK_ERROR_CLOSED, "closed");
	OK(avk_call_close(g->call));
	EXPECT(avk_call_close(g->call), AVK_ERROR_HANDLE, "was closed");
	EXPECT(avk_call_run(g->call, NULL), AVK_ERROR_HANDLE, "was closed");
	OK(avk_plan_close(g->plan));
	EXPECT(avk_plan_close(g->plan), AVK_ERROR_HANDLE, "was closed");
	OK(avk_buffer_close(g->buffer));
	EXPECT(avk_buffer_close(g->buffer), AVK_ERROR_HANDLE, "was closed");
	OK(avk_engine_close(g->engine));
	EXPECT(avk_engine_close(g->engine), AVK_ERROR_HANDLE, "was closed");
	free(g);
}

int main(void) {
	fixture_open(&f);
	fixture_run(&f);
	library();
	devices();
	buffers();
	engines();
	calls();
	overlaps();
	warnings();
	strangers();
	pace();
	submission();
	lending();
	closed();
	fixture_run(&f); /* nothing of it did any harm */
	fixture_close(&f);
	return finish();
}
