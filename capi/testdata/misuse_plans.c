/* Plans, the modes of their heads and profiles, with what they must refuse. */
#include <math.h>

#include "misuse.h"

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

int main(void) {
	fixture_open(&f);
	fixture_run(&f);
	plans();
	profiles();
	fixture_run(&f); /* nothing of it did any harm */
	fixture_close(&f);
	return finish();
}
