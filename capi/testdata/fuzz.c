/* Random calls of every function with good, closed, foreign and made-up handles,
 * NULL pointers and odd numbers. Any status may come, but no crash, no bug report
 * (AVK_ERROR_INTERNAL) and no error without a name (AVK_ERROR_OTHER).
 *
 *   fuzz [CALLS [SEED]] */
#include <math.h>

#include "fixture.h"

static uint64_t state;

static uint32_t next(uint32_t below) {
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

static struct fixture f;
static uint64_t handles[64]; /* open ones, closed ones and rubbish */
static unsigned calls, good;

static uint64_t any_handle(uint64_t good_one) {
	switch (next(4)) {
	case 0: return handles[next(64)];
	case 1: return handles[next(64)] + next(3);
	default: return good_one;
	}
}

static int64_t any_number(void) {
	static const int64_t list[] = {0, 1, 2, 7, 8, 16, 64, 128, -1, -8, 1 << 20, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
	return list[next(sizeof list / sizeof *list)];
}

static double any_double(void) {
	const double list[] = {0, 1, -1, 1e300, -1e300, 1e-300, 12, INFINITY, -INFINITY, NAN};
	return list[next(sizeof list / sizeof *list)];
}

/* No share just above 0: it asks for a pause of years. */
static double any_share(void) {
	const double list[] = {0, 1, 0.5, -1, 2, NAN};
	return list[next(sizeof list / sizeof *list)];
}

static size_t any_size(size_t right) { return next(4) ? right : (size_t)any_number(); }

/* The memory that a struct_size of up to 4096 may reach. */
#define SPACE 4096
static union {
	unsigned char bytes[SPACE];
	size_t size;
	double align;
} space[6];

static void *fresh(int i, const void *from, size_t size) {
	memset(&space[i], 0, SPACE);
	memcpy(&space[i], from, size);
	space[i].size = any_size(size);
	if (!next(8)) space[i].bytes[sizeof(size_t) + next((uint32_t)size)] ^= (unsigned char)next(256);
	return next(12) ? &space[i] : NULL;
}

/* Pointers inside a struct must not become wild: they are set last. */
static avk_device_options *any_options(void) {
	static const char *const names[] = {NULL, "", "0", "llvmpipe", "no such device", "9999999"};
	static const char *const features[] = {NULL, "", "float16", "float16,,subgroup", "nonsense"};
	avk_device_options o, *to;
	memset(&o, 0, sizeof o);
	o.struct_size = sizeof o;
	o.timeout_ms = any_double();
	o.environment = next(2);
	to = fresh(0, &o, sizeof o);
	if (to) {
		to->device = names[next(6)];
		to->disable = features[next(5)];
		to->cache_dir = NULL;
		to->validate = 0;
	}
	return to;
}

static avk_plan_info *any_plan_info(void) {
	static const char *const tiers[] = {NULL, "", "unpack", "scalar", "nonsense"};
	avk_plan_info p = f.info, *to;
	p.mode = next(4) ? (int32_t)next(2) : (int32_t)any_number();
	p.block = 16, p.step = 1;
	static avk_head modes[64];
	switch (next(15)) {
	case 12: p.tail = (int32_t)any_number(); break;
	case 13: p.guard_stride = (int32_t)any_number(), p.guard_peak = any_double(), p.guard_limit = any_double(); break;
	case 14:
		modes[next(64)].mode = (int32_t)next(5);
		p.head_modes = next(4) ? modes : NULL, p.head_mode_count = next(3) ? (uint64_t)p.heads : (uint64_t)any_number();
		break;
	case 0: p.batch = any_number(); break;
	case 1: p.heads = any_number(); break;
	case 2: p.kv_heads = any_number(); break;
	case 3: p.q_len = any_number(); break;
	case 4: p.kv_len = any_number(); break;
	case 5: p.head_dim = any_number(); break;
	case 6: p.step = (int32_t)any_number(); break;
	case 7: p.block = (int32_t)any_number(); break;
	case 8: p.theta = any_double(); break;
	case 9: p.scale = any_double(); break;
	case 10: p.slice_ms = any_double(); break;
	case 11: p.stripe_share = any_double(), p.scratch_bytes = (uint64_t)any_number(); break;
	}
	to = fresh(1, &p, sizeof p);
	if (to) {
		to->tier = tiers[next(5)];
		to->head_modes = p.head_modes;
		if ((uint64_t)to->heads == to->head_mode_count && to->heads > 64) to->heads = 0; /* so much is not there */
	}
	return to;
}

static avk_tensor *any_tensor(int i, avk_tensor t) {
	avk_tensor *to;
	void *host = t.host;
	uint64_t size = t.host_size;
	if (!next(6)) t.offset = (uint64_t)any_number();
	if (!next(6)) t.layout = (int32_t)any_number();
	if (!next(6)) t.strides[next(3)] = any_number();
	to = fresh(i, &t, sizeof t);
	if (to) {
		to->host = next(6) ? host : NULL;
		to->host_size = next(6) ? size : size / 2;
		to->buffer = next(6) ? 0 : any_handle(f.buffer);
	}
	return to;
}

static avk_tensors *any_tensors(void) {
	avk_tensors t, *to;
	memset(&t, 0, sizeof t);
	t.struct_size = sizeof t;
	to = fresh(5, &t, sizeof t);
	if (to) {
		to->q = any_tensor(1, f.tq);
		to->k = any_tensor(2, f.tk);
		to->v = any_tensor(3, f.tv);
		to->o = any_tensor(4, f.to);
		to->lse = next(3) ? f.lse : NULL;
		to->lse_size = next(3) ? sizeof f.lse : next(3) * 2;
		to->stripes = NULL;
		to->stripes_size = next(8) ? 0 : 4;
	}
	return to;
}

/* The new object, if there is one, is closed now, later or never. */
static void keep(avk_status status, uint64_t handle, avk_status (*close)(uint64_t)) {
	if (status != AVK_OK) return;
	handles[next(64)] = handle;
	if (next(8) || close == avk_device_close) HOLDS(close(handle) == AVK_OK);
}

static avk_profile profile;
static char profile_text[400];

/* A profile, now and then with a byte of it changed. */
static const char *any_profile(void) {
	static const char *const heads[] = {"\"mode\":\"dense\"", "\"theta\":8", "\"weight\":0.2", "\"mode\":\"anchor_only\"", "\"weight\":-1", "\"theta\":1e999"};
	unsigned kinds = next(8) ? 4 : 6; /* the last two are none */
	snprintf(profile_text, sizeof profile_text, "{\"schema\":1,\"preset\":\"%s\",\"heads\":[{\"layer\":%u,\"head\":%u,%s},{\"layer\":%u,\"head\":%u,%s}]}",
		next(3) ? "safe" : "paper", next(9), next(3), heads[next(kinds)], next(9), next(3), heads[next(kinds)]);
	if (!next(8)) profile_text[next((uint32_t)strlen(profile_text))] = (char)(1 + next(127));
	return profile_text;
}

static avk_status one(void) {
	static char text[4096];
	size_t length, size = next(3) ? sizeof text : next(40);
	char *to = next(8) ? text : NULL;
	size_t *into = next(4) ? &length : NULL;
	uint64_t made = 0, *out = next(8) ? &made : NULL;
	avk_stats stats = {0}, *s;
	avk_status status;
	stats.struct_size = sizeof stats;
	switch (next(40)) {
	case 0: return avk_check_abi((uint32_t)any_number());
	case 1: return avk_version(to, size, into);
	case 2: return avk_device_report(any_handle(f.device), (int32_t)next(4) - 1, to, size, into);
	case 3: return avk_plan_text(any_handle(f.plan), (int32_t)next(4) - 1, to, size, into);
	case 4: return next(20) ? AVK_OK : avk_device_list(any_options(), to, size, into);
	case 5:
		if (next(50)) return AVK_OK;
		status = avk_device_open(any_options(), out);
		keep(status, made, avk_device_close);
		return status;
	case 6:
		status = avk_engine_create(any_handle(f.device), out);
		keep(status, made, avk_engine_close);
		return status;
	case 7:
		status = avk_buffer_create(any_handle(f.device), (uint64_t)any_number() & ~(1ull << 30), (int32_t)next(5) - 1, out);
		keep(status, made, avk_buffer_close);
		return status;
	case 8:
		status = avk_plan_create(any_handle(f.engine), any_plan_info(), out);
		keep(status, made, avk_plan_close);
		return status;
	case 9:
	case 10:
	case 11:
		status = avk_call_create(any_handle(f.engine), any_handle(f.plan), any_tensors(), out);
		if (status == AVK_OK && next(2)) avk_call_run(made, NULL);
		if (status == AVK_OK && next(2)) avk_call_start(made);
		keep(status, made, avk_call_close);
		return status;
	case 12: return avk_plan_defaults(any_plan_info());
	case 13: return avk_buffer_upload(any_handle(f.buffer), (uint64_t)any_number(), next(4) ? f.q : NULL, next(Q_BYTES + 1));
	case 14: return avk_buffer_download(any_handle(f.buffer), (uint64_t)any_number(), next(4) ? f.q : NULL, next(Q_BYTES + 1));
	case 38: return avk_engine_tuned(any_handle(0), next(3) ? "no such folder" : NULL);
	case 15: return avk_engine_warmup(any_handle(0), any_handle(f.plan));
	case 16:
		s = fresh(0, &stats, sizeof stats);
		return avk_call_run(any_handle(f.call), s);
	case 17: return avk_call_start(any_handle(f.call));
	case 18:
		s = fresh(0, &stats, sizeof stats);
		return avk_call_wait(any_handle(f.call), next(3) ? next(100) : any_double(), s);
	case 19: return avk_call_cancel(any_handle(f.call));
	case 20: return avk_call_close(any_handle(0));
	case 21: return avk_plan_close(any_handle(0));
	case 22: return avk_engine_close(any_handle(0));
	case 23: return avk_call_submit(any_handle(f.call), NULL);
	case 24: return avk_call_submitted(any_handle(f.call), any_double() < 0 ? 0 : next(20));
	case 25:
		status = avk_scratch_create(any_handle(f.engine), any_handle(f.plan), out);
		keep(status, made, avk_scratch_close);
		return status;
	case 26: return avk_call_prepare(any_handle(f.call), any_handle(0), NULL);
	case 27: return avk_call_pace(any_handle(f.call), any_share(), NULL, NULL);
	case 28:
		s = fresh(0, &stats, sizeof stats);
		return avk_call_recorded(any_handle(f.call), s);
	case 29: return avk_scratch_close(any_handle(0));
	case 30: {
		avk_memory m = {0};
		m.struct_size = sizeof m;
		return avk_plan_memory(any_handle(f.plan), fresh(0, &m, sizeof m));
	}
	case 31: return avk_call_warnings(any_handle(f.call), to, size, into);
	case 32: return next(4) ? AVK_OK : avk_profile_open(next(3) ? "no such profile.json" : NULL, out);
	case 33:
		status = avk_profile_parse(next(8) ? any_profile() : NULL, next(8) ? strlen(profile_text) : (size_t)any_number() % sizeof profile_text, out);
		keep(status, made, avk_profile_close);
		return status;
	case 34: return avk_profile_text(any_handle(profile), (int32_t)next(4) - 1, to, size, into);
	case 35: return avk_profile_check(any_handle(profile), next(6) ? 9 : any_number(), next(6) ? 3 : any_number());
	case 36: {
		static avk_head modes[64];
		avk_plan_info *info = any_plan_info();
		uint64_t count = next(8) ? HEADS : (uint64_t)any_number();
		if (info && (uint64_t)info->heads == count && count > 64) info->heads = 0; /* so much is not there */
		return avk_profile_apply(any_handle(profile), next(3) ? next(9) : any_number(), info, next(8) ? modes : NULL, count);
	}
	case 37: return avk_profile_close(any_handle(0));
	default: return avk_buffer_close(any_handle(0));
	}
}

/* A random close may hit an object of the fixture's: then it is made anew. */
static void mend(void) {
	size_t length;
	if (avk_plan_text(f.plan, 0, NULL, 0, &length) != AVK_OK) {
		if (avk_plan_create(f.engine, &f.info, &f.plan) != AVK_OK) {
			OK(avk_engine_create(f.device, &f.engine));
			OK(avk_plan_create(f.engine, &f.info, &f.plan));
		}
	}
	if (avk_buffer_download(f.buffer, 0, f.o, 0) != AVK_OK) OK(avk_buffer_create(f.device, Q_BYTES, AVK_MEMORY_DEVICE, &f.buffer));
	if (avk_call_cancel(f.call) != AVK_OK || next(100) == 0) {
		avk_call_close(f.call);
		if (avk_call_create(f.engine, f.plan, &f.tensors, &f.call) != AVK_OK) {
			OK(avk_engine_create(f.device, &f.engine));
			OK(avk_call_create(f.engine, f.plan, &f.tensors, &f.call));
		}
	}
	if (avk_profile_check(profile, 1 << 20, 1 << 20) != AVK_OK) {
		static const char text[] = "{\"schema\":1,\"preset\":\"safe\",\"heads\":[{\"layer\":2,\"head\":1,\"weight\":0.1}]}";
		OK(avk_profile_parse(text, sizeof text - 1, &profile));
	}
	handles[5] = profile;
	handles[0] = f.device, handles[1] = f.engine, handles[2] = f.plan, handles[3] = f.buffer, handles[4] = f.call;
}

int main(int argc, char **argv) {
	unsigned many = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20000;
	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	fixture_open(&f);
	for (int i = 0; i < 64; i++) handles[i] = (uint64_t)next(1u << 31) << 32 | next(1u << 31);
	mend();
	for (calls = 0; calls < many && failures < 10; calls++) {
		avk_status status = one();
		good += status == AVK_OK;
		if (status == AVK_ERROR_INTERNAL || status == AVK_ERROR_OTHER || status < AVK_ERROR_INTERNAL) {
			char text[4096];
			avk_last_error(text, sizeof text);
			fprintf(stderr, "call %u: %s: %s\n", calls, avk_status_name(status), text);
			failures++;
		}
		mend();
	}
	/* The library is as good as new. */
	OK(avk_call_close(f.call));
	avk_engine_close(f.engine);
	OK(avk_engine_create(f.device, &f.engine));
	memset(f.q, 0, sizeof f.q);
	memset(f.k, 0, sizeof f.k);
	for (size_t i = 0; i < sizeof f.v / 2; i++) f.v[i] = 0x3c00;
	OK(avk_call_create(f.engine, f.plan, &f.tensors, &f.call));
	fixture_run(&f);
	fixture_close(&f);
	printf("%u calls, %u good\n", calls, good);
	/* Neither kind may be rare, or nothing is tried: about a quarter are good, and one seed in a hundred has less than a fifth. */
	HOLDS(good > calls / 10 && good < calls * 4 / 5);
	return finish();
}
