/* Every function with what it must refuse: NULL, handles of every wrong kind,
 * wrong struct sizes, memory too small, values out of range. The status and the
 * text are checked, and after all of it the objects still work. */
#include <math.h>

#include "fixture.h"

static struct fixture f;

/* Runs a call with every handle that is not the right one. */
#define WRONG_HANDLES(statement, right) \
	do { \
		const uint64_t wrong[] = {f.device, f.engine, f.plan, f.buffer, f.call, 1, 42, UINT64_MAX, (right) + 1, (right) + (1u << 24), (right) ^ (1ull << 63)}; \
		uint64_t h = 0; \
		EXPECT(statement, AVK_ERROR_HANDLE, "is zero"); \
		for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) { \
			h = wrong[i]; \
			if (h != (right)) EXPECT(statement, AVK_ERROR_HANDLE, "is needed"); \
		} \
	} while (0)

/* Runs a call with every struct_size that is refused. The struct lies at the
 * start of more memory, as that of a newer program. */
#define WRONG_SIZES(statement, type, value) \
	do { \
		union { \
			type s; \
			unsigned char bytes[sizeof(type) + 64]; \
		} u; \
		type *s = &u.s; \
		const size_t wrong[] = {0, 1, sizeof(size_t), sizeof(type) - 1, 5000, SIZE_MAX}; \
		for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) { \
			memset(&u, 0, sizeof u); \
			*s = (value); \
			s->struct_size = wrong[i]; \
			EXPECT(statement, AVK_ERROR_STRUCT_SIZE, "set struct_size to sizeof(" #type ")"); \
		} \
	} while (0)

/* A newer program's struct: refused if it sets what is not known here. */
#define UNKNOWN_FIELD(statement, type, value) \
	do { \
		union { \
			type s; \
			unsigned char bytes[sizeof(type) + 64]; \
		} u; \
		type *s = &u.s; \
		memset(&u, 0, sizeof u); \
		*s = (value); \
		s->struct_size = sizeof u; \
		u.bytes[sizeof u - 1] = 1; \
		EXPECT(statement, AVK_ERROR_STRUCT_SIZE, "sets a field"); \
	} while (0)

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

/* Presets, and modes of single heads. */
static void heads(void) {
	avk_plan plan = 7;
	avk_head modes[HEADS] = {{0}};
	avk_plan_info info = f.info;
	char text[4096];
	OK(avk_plan_preset(&info, "safe"));
	HOLDS(info.step == 16 && info.tail == 128 && info.sample_stride == 16 && info.guard_look == 2 && info.kv_len == f.info.kv_len);
	EXPECT(avk_plan_preset(&info, "fast"), AVK_ERROR_ARGUMENT, "use one of lean, paper, safe");
	EXPECT(avk_plan_preset(&info, NULL), AVK_ERROR_ARGUMENT, "name is NULL");
	EXPECT(avk_plan_preset(NULL, "safe"), AVK_ERROR_ARGUMENT, "avk_plan_info is NULL");
	WRONG_SIZES(avk_plan_preset(s, "paper"), avk_plan_info, f.info);
	info.struct_size = offsetof(avk_plan_info, tail);
	EXPECT(avk_plan_preset(&info, "safe"), AVK_ERROR_ARGUMENT, "sets fields behind that");
	OK(avk_plan_preset(&info, "paper"));
	info = f.info;
	info.mode = AVK_MODE_ANCHOR;
	info.head_modes = modes;
	EXPECT(avk_plan_create(f.engine, &info, &plan), AVK_ERROR_ARGUMENT, "head_mode_count is 0");
	info.head_mode_count = UINT64_MAX;
	EXPECT(avk_plan_create(f.engine, &info, &plan), AVK_ERROR_ARGUMENT, "head_mode_count is 18446744073709551615");
	info.head_mode_count = HEADS;
	modes[0].mode = 9;
	EXPECT(avk_plan_create(f.engine, &info, &plan), AVK_ERROR_ARGUMENT, "head_modes[0].mode is 9");
	modes[0].mode = AVK_HEAD_ANCHOR, modes[0].theta = NAN;
	EXPECT(avk_plan_create(f.engine, &info, &plan), AVK_ERROR_ARGUMENT, "head_modes[0].theta is NaN");
	modes[0].mode = AVK_HEAD_DENSE, modes[0].theta = 1;
	EXPECT(avk_plan_create(f.engine, &info, &plan), AVK_ERROR_ARGUMENT, "set mode to AVK_HEAD_ANCHOR");
	modes[0].mode = AVK_HEAD_ANCHOR, modes[0].weight = 1;
	EXPECT(avk_plan_create(f.engine, &info, &plan), AVK_ERROR_ARGUMENT, "head_modes[0].weight is 1 beside a theta of 1");
	modes[0].theta = 0;
	EXPECT(avk_plan_create(f.engine, &info, &plan), AVK_ERROR_ARGUMENT, "but there are no sampled rows to choose by");
	modes[0].mode = AVK_HEAD_DENSE, modes[0].weight = 0, modes[1].reserved = 1;
	EXPECT(avk_plan_create(f.engine, &info, &plan), AVK_ERROR_ARGUMENT, "head_modes[1].reserved is 1");
	modes[1].reserved = 0;
	OK(avk_plan_create(f.engine, &info, &plan));
	OK(avk_plan_text(plan, AVK_FORMAT_TEXT, text, sizeof text, NULL));
	HOLDS(strstr(text, "1 is dense"));
	OK(avk_plan_close(plan));
}

/* Profiles: what is none, and what does not fit. */
static void profiles(void) {
	static const char good[] = "{\"schema\":1,\"preset\":\"safe\",\"heads\":[{\"layer\":2,\"head\":1,\"weight\":0.1},{\"layer\":3,\"head\":2,\"theta\":8}]}";
	static const char pooled[] = "{\"schema\":1,\"preset\":\"paper\",\"heads\":[{\"layer\":0,\"head\":0,\"weight\":0.1}]}";
	avk_profile profile = 7, other = 7;
	avk_head modes[HEADS];
	avk_plan_info info = f.info;
	char text[8];
	size_t length;
	EXPECT(avk_profile_open(NULL, &profile), AVK_ERROR_ARGUMENT, "path is NULL");
	EXPECT(avk_profile_open("no such profile.json", NULL), AVK_ERROR_ARGUMENT, "profile is NULL");
	EXPECT(avk_profile_open("no such profile.json", &profile), AVK_ERROR_ARGUMENT, "anchorvk: profile: no such profile.json: no such file; make one with");
	EXPECT(avk_profile_parse(NULL, 0, &profile), AVK_ERROR_ARGUMENT, "text is NULL");
	EXPECT(avk_profile_parse(good, sizeof good - 1, NULL), AVK_ERROR_ARGUMENT, "profile is NULL");
	EXPECT(avk_profile_parse(good, SIZE_MAX, &profile), AVK_ERROR_ARGUMENT, "a profile has 16777216 at most");
	EXPECT(avk_profile_parse(good, 0, &profile), AVK_ERROR_ARGUMENT, "not valid JSON");
	EXPECT(avk_profile_parse(good, sizeof good - 2, &profile), AVK_ERROR_ARGUMENT, "not valid JSON");
	EXPECT(avk_profile_parse(good, sizeof good, &profile), AVK_ERROR_ARGUMENT, "1 byte follows the JSON object");
	EXPECT(avk_profile_parse("{\"schema\":9}", 12, &profile), AVK_ERROR_ARGUMENT, "schema: 9 is not supported");
	HOLDS(profile == 7);
	OK(avk_profile_parse(good, sizeof good - 1, &profile));
	WRONG_HANDLES(avk_profile_text(h, AVK_FORMAT_TEXT, NULL, 0, &length), profile);
	EXPECT(avk_profile_text(profile, 2, NULL, 0, &length), AVK_ERROR_ARGUMENT, "format is 2");
	EXPECT(avk_profile_text(profile, AVK_FORMAT_JSON, text, sizeof text, NULL), AVK_ERROR_BUFFER_TOO_SMALL, "the text needs");
	WRONG_HANDLES(avk_profile_check(h, 4, 3), profile);
	OK(avk_profile_check(profile, 4, 3));
	EXPECT(avk_profile_check(profile, 3, 3), AVK_ERROR_ARGUMENT, "heads[1]: the model has 3 layers, but layer 3 is named");
	EXPECT(avk_profile_check(profile, 4, 2), AVK_ERROR_ARGUMENT, "heads[1]: the model has 2 query heads, but head 2 is named");
	EXPECT(avk_profile_check(profile, 0, 3), AVK_ERROR_ARGUMENT, "layers is 0");
	EXPECT(avk_profile_check(profile, 4, INT64_MIN), AVK_ERROR_ARGUMENT, "heads -9223372036854775808");
	WRONG_HANDLES(avk_profile_apply(h, 0, &info, modes, HEADS), profile);
	WRONG_SIZES(avk_profile_apply(profile, 0, s, modes, HEADS), avk_plan_info, f.info);
	UNKNOWN_FIELD(avk_profile_apply(profile, 0, s, modes, HEADS), avk_plan_info, f.info);
	EXPECT(avk_profile_apply(profile, 0, NULL, modes, HEADS), AVK_ERROR_ARGUMENT, "avk_plan_info is NULL");
	EXPECT(avk_profile_apply(profile, -1, &info, modes, HEADS), AVK_ERROR_ARGUMENT, "layer is -1");
	EXPECT(avk_profile_apply(profile, 0, &info, NULL, HEADS), AVK_ERROR_ARGUMENT, "heads is NULL");
	EXPECT(avk_profile_apply(profile, 0, &info, modes, HEADS - 1), AVK_ERROR_ARGUMENT, "head_count is 1; have room for each of the 2 query heads");
	EXPECT(avk_profile_apply(profile, 0, &info, modes, UINT64_MAX), AVK_ERROR_ARGUMENT, "head_count is 18446744073709551615");
	EXPECT(avk_profile_apply(profile, 3, &info, modes, HEADS), AVK_ERROR_ARGUMENT, "layer 3 has 2 query heads, but head 2 is named");
	info.heads = 0;
	EXPECT(avk_profile_apply(profile, 0, &info, modes, 0), AVK_ERROR_ARGUMENT, "avk_plan_info.heads is 0; set it before");
	info.heads = INT64_MAX;
	EXPECT(avk_profile_apply(profile, 0, &info, modes, INT64_MAX), AVK_ERROR_ARGUMENT, "avk_plan_info.heads is 9223372036854775807");
	info = f.info;
	info.struct_size = offsetof(avk_plan_info, tail);
	EXPECT(avk_profile_apply(profile, 2, &info, modes, HEADS), AVK_ERROR_ARGUMENT, "the profile sets fields behind that");
	info.struct_size = f.info.struct_size;
	HOLDS(!memcmp(&info, &f.info, sizeof info)); /* nothing of all that was written */
	OK(avk_profile_apply(profile, 2, &info, modes, HEADS));
	HOLDS(info.head_modes == modes && modes[1].mode == AVK_HEAD_ANCHOR && modes[1].weight == 0.1 && info.sample_stride == 16 && info.kv_len == ROWS);
	OK(avk_profile_parse(pooled, sizeof pooled - 1, &other));
	EXPECT(avk_profile_check(other, 1, 1), AVK_ERROR_ARGUMENT, "heads[0]: weight 0.1 is of sampled rows, and preset paper has none");
	OK(avk_profile_close(other));
	EXPECT(avk_profile_close(other), AVK_ERROR_HANDLE, "was closed");
	EXPECT(avk_profile_check(other, 1, 1), AVK_ERROR_HANDLE, "was closed");
	EXPECT(avk_profile_apply(other, 0, &info, modes, HEADS), AVK_ERROR_HANDLE, "was closed");
	EXPECT(avk_plan_text(profile, AVK_FORMAT_TEXT, NULL, 0, &length), AVK_ERROR_HANDLE, "a plan is needed");
	WRONG_HANDLES(avk_profile_close(h), profile);
	OK(avk_profile_close(profile));
}

static void plans(void) {
	avk_plan plan = 7;
	avk_plan_info bad;
	avk_memory memory = {0};
	size_t length;
	memory.struct_size = sizeof memory;
	EXPECT(avk_plan_defaults(NULL), AVK_ERROR_ARGUMENT, "avk_plan_info is NULL");
	WRONG_SIZES(avk_plan_defaults(s), avk_plan_info, f.info);
	WRONG_HANDLES(avk_plan_create(h, &f.info, &plan), f.engine);
	EXPECT(avk_plan_create(f.engine, NULL, &plan), AVK_ERROR_ARGUMENT, "avk_plan_info is NULL");
	EXPECT(avk_plan_create(f.engine, &f.info, NULL), AVK_ERROR_ARGUMENT, "plan is NULL");
	WRONG_SIZES(avk_plan_create(f.engine, s, &plan), avk_plan_info, f.info);
	UNKNOWN_FIELD(avk_plan_create(f.engine, s, &plan), avk_plan_info, f.info);
#define BAD_FIELD(field, value, status, words) \
	bad = f.info; \
	bad.mode = AVK_MODE_ANCHOR; \
	bad.field = value; \
	EXPECT(avk_plan_create(f.engine, &bad, &plan), status, words)
	BAD_FIELD(batch, 0, AVK_ERROR_ARGUMENT, "batch is 0");
	BAD_FIELD(heads, -3, AVK_ERROR_ARGUMENT, "heads is -3");
	BAD_FIELD(kv_heads, 3, AVK_ERROR_ARGUMENT, "do not divide");
	BAD_FIELD(q_len, ROWS + 1, AVK_ERROR_ARGUMENT, "avk_plan_info.q_len is 65, more than the 64 keys");
	BAD_FIELD(kv_len, INT64_MAX, AVK_ERROR_ARGUMENT, "kv_len is 9223372036854775807");
	BAD_FIELD(head_dim, 7, AVK_ERROR_ARGUMENT, "pad each row of q, k and v with zeros to 8 elements, and set scale");
	BAD_FIELD(mode, 2, AVK_ERROR_ARGUMENT, "mode is 2");
	BAD_FIELD(theta, NAN, AVK_ERROR_ARGUMENT, "avk_plan_info.theta is NaN");
	BAD_FIELD(step, 0, AVK_ERROR_ARGUMENT, "avk_plan_info.step is 0");
	BAD_FIELD(block, 5, AVK_ERROR_ARGUMENT, "avk_plan_info.block is 5");
	BAD_FIELD(sink_blocks, -1, AVK_ERROR_ARGUMENT, "avk_plan_info.sink_blocks is -1");
	BAD_FIELD(window_blocks, INT32_MAX, AVK_ERROR_ARGUMENT, "avk_plan_info.window_blocks");
	BAD_FIELD(scale, INFINITY, AVK_ERROR_ARGUMENT, "avk_plan_info.scale");
	BAD_FIELD(slice_ms, -1, AVK_ERROR_ARGUMENT, "avk_plan_info.slice_ms is -1");
	BAD_FIELD(tail, -1, AVK_ERROR_ARGUMENT, "avk_plan_info.tail is -1");
	BAD_FIELD(guard_stride, -1, AVK_ERROR_ARGUMENT, "avk_plan_info.guard_stride is -1");
	BAD_FIELD(guard_stride, 32, AVK_ERROR_ARGUMENT, "avk_plan_info.guard_peak is 0");
	BAD_FIELD(guard_limit, 0.5, AVK_ERROR_ARGUMENT, "a limit of 0.5");
	BAD_FIELD(head_mode_count, 1, AVK_ERROR_ARGUMENT, "head_modes is NULL");
	heads();
	BAD_FIELD(stripe_share, 2, AVK_ERROR_ARGUMENT, "avk_plan_info.stripe_share is 2");
	BAD_FIELD(tier, "warp-drive", AVK_ERROR_ARGUMENT, "warp-drive");
	HOLDS(plan == 7);
	WRONG_HANDLES(avk_plan_text(h, AVK_FORMAT_JSON, NULL, 0, &length), f.plan);
	EXPECT(avk_plan_text(f.plan, -1, NULL, 0, &length), AVK_ERROR_ARGUMENT, "format is -1");
	BAD_FIELD(reserved, 1, AVK_ERROR_ARGUMENT, "reserved");
	BAD_FIELD(memory_budget, 1, AVK_ERROR_MEMORY_BUDGET, "budget");
	WRONG_HANDLES(avk_plan_memory(h, &memory), f.plan);
	EXPECT(avk_plan_memory(f.plan, NULL), AVK_ERROR_ARGUMENT, "avk_memory is NULL");
	WRONG_SIZES(avk_plan_memory(f.plan, s), avk_memory, memory);
	OK(avk_plan_memory(f.plan, &memory));
	HOLDS(memory.tensors == 2 * (Q_BYTES + KV_BYTES) && memory.total >= memory.tensors && memory.struct_size == sizeof memory);
	WRONG_HANDLES(avk_plan_close(h), f.plan);
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
	plans();
	profiles();
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
