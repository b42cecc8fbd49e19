/* A profile from a file gives the bits of the modes, thetas and weights that it
 * stands for, and others than the preset alone.
 *
 *   profile FILE    # made by TestProfile: layers 3 and 5 of 8 with 4 heads */
#include "fixture.h"

enum { N = 320, H = 4, KV = 2, D = 16 };

static struct fixture f;
static uint16_t q[H * N * D], k[KV * N * D], v[KV * N * D];

/* Values of 1 to 2, and their negatives. */
static void noise(uint16_t *to, size_t count, uint32_t state) {
	for (size_t i = 0; i < count; i++) {
		state = state * 1664525u + 1013904223u;
		to[i] = (uint16_t)(0x3c00 | (state >> 16 & 0x83ff));
	}
}

/* What a plan computes. Groups are small, so that the few rows have candidates, and
 * no guard keeps all of them, as each key is a peak in so few. */
static void compute(avk_plan_info info, uint16_t o[H * N * D], uint8_t stripes[H * N / 32 * N]) {
	avk_tensor tq = host_tensor(q, sizeof q), tk = host_tensor(k, sizeof k), tv = host_tensor(v, sizeof v), to = host_tensor(o, sizeof q);
	avk_tensors tensors = {0};
	avk_plan plan;
	avk_call call;
	info.block = 16, info.step = 2, info.tail = 0, info.no_fallback = 1;
	info.guard_stride = info.guard_look = 0, info.guard_peak = info.guard_limit = 0;
	tensors.struct_size = sizeof tensors;
	tensors.q = &tq, tensors.k = &tk, tensors.v = &tv, tensors.o = &to;
	tensors.stripes = stripes, tensors.stripes_size = H * N / 32 * N;
	memset(o, 0xff, sizeof q);
	OK(avk_plan_create(f.engine, &info, &plan));
	OK(avk_call_create(f.engine, plan, &tensors, &call));
	OK(avk_call_run(call, NULL));
	OK(avk_call_close(call));
	OK(avk_plan_close(plan));
}

static avk_plan_info problem(void) {
	avk_plan_info info = {0};
	info.struct_size = sizeof info;
	OK(avk_plan_defaults(&info));
	info.batch = 1, info.heads = H, info.kv_heads = KV, info.q_len = info.kv_len = N, info.head_dim = D;
	return info;
}

static void layer(avk_profile profile, int number, const avk_head own[H]) {
	static uint16_t from_profile[H * N * D], by_hand[H * N * D], preset[H * N * D];
	static uint8_t kept[3][H * N / 32 * N];
	avk_plan_info info = problem(), other = problem();
	avk_head heads[H];
	memset(heads, 0xff, sizeof heads);
	OK(avk_profile_apply(profile, number, &info, heads, H));
	HOLDS(info.head_modes == heads && info.head_mode_count == H && info.q_len == N);
	compute(info, from_profile, kept[0]);
	OK(avk_plan_preset(&other, "safe"));
	compute(other, preset, kept[1]);
	other.head_modes = own, other.head_mode_count = H;
	compute(other, by_hand, kept[2]);
	HOLDS(!memcmp(from_profile, by_hand, sizeof by_hand) && !memcmp(kept[0], kept[2], sizeof kept[0]));
	for (size_t h = 0; h < H; h++) { /* heads with nothing of their own are the preset's, others are not */
		int same = !memcmp(from_profile + h * N * D, preset + h * N * D, N * D * 2);
		HOLDS(same == (own[h].mode == AVK_HEAD_DEFAULT));
	}
}

int main(int argc, char **argv) {
	static const avk_head third[H] = {{AVK_HEAD_DENSE, 0, 0, 0}, {AVK_HEAD_ANCHOR, 0, 0, 1.5}, {0, 0, 0, 0}, {AVK_HEAD_ANCHOR_ONLY, 0, 0, 0}};
	static const avk_head fifth[H] = {{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, {AVK_HEAD_ANCHOR, 0, 2.5, 0}};
	avk_profile profile = 0, again = 0;
	avk_plan_info info = problem();
	avk_head heads[H];
	char text[1000], json[1000];
	size_t length;
	if (argc != 2) return 2;
	fixture_open(&f);
	noise(q, H * N * D, 1), noise(k, KV * N * D, 2), noise(v, KV * N * D, 3);
	OK(avk_profile_open(argv[1], &profile));
	OK(avk_profile_check(profile, 8, H));
	layer(profile, 3, third);
	layer(profile, 5, fifth);
	/* A layer that has nothing of its own. */
	memset(heads, 0xff, sizeof heads);
	info.head_modes = heads, info.head_mode_count = H;
	OK(avk_profile_apply(profile, 4, &info, heads, H));
	HOLDS(info.head_modes == NULL && info.head_mode_count == 0 && info.sample_stride == 16 && heads[0].mode == AVK_HEAD_DEFAULT && heads[H - 1].theta == 0);
	/* As text, and read again. */
	OK(avk_profile_text(profile, AVK_FORMAT_TEXT, text, sizeof text, NULL));
	HOLDS(strstr(text, "profile of vk.Adopt on preset safe") && strstr(text, "4 in 2 layers"));
	OK(avk_profile_text(profile, AVK_FORMAT_JSON, json, sizeof json, &length));
	OK(avk_profile_parse(json, length, &again));
	OK(avk_profile_close(profile));
	layer(again, 3, third);
	OK(avk_profile_close(again));
	fixture_close(&f);
	return finish();
}
