/* A device opened, used in every way and closed through the interface, while one
 * Vulkan call fails:
 *
 *   faults calls    what a life without faults calls: "function<TAB>count" a line
 *   faults fail     for each line "function<TAB>nth<TAB>VkResult" of its input a line
 *                   "fired<TAB>status<TAB>step<TAB>status of a second try<TAB>leaked objects<TAB>text"
 *
 * The library finds Vulkan's functions by dlsym. The one below, which goes before
 * the C library's, gives it those of internal/fault. */
#include <dlfcn.h>
#include <stdint.h>

#include "../../internal/fault/inject.h"
#include "fixture.h"

void *dlsym(void *library, const char *name) {
	static void *(*real)(void *, const char *);
	for (const char *const *version = (const char *const[]){"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5", "GLIBC_2.27", NULL}; !real && *version; version++)
		*(void **)&real = dlvsym(RTLD_NEXT, "dlsym", *version);
	if (!real) abort();
	void *found = real(library, name);
	return strcmp(name, "vkGetInstanceProcAddr") == 0 ? inject_wrap(name, found) : found;
}

static const char *step;
static char text[2048];

#define TRY(call) \
	do { \
		step = #call; \
		avk_status status = call; \
		if (status != AVK_OK) { \
			avk_last_error(text, sizeof text); \
			return status; \
		} \
	} while (0)

struct life {
	avk_device device;
	avk_engine engine;
	avk_plan plan;
	avk_call call;    /* on host tensors */
	avk_call on_device;
	avk_buffer buffer[4];
	uint16_t q[Q_BYTES / 2], k[KV_BYTES / 2], v[KV_BYTES / 2], o[Q_BYTES / 2];
};

static avk_status check(const uint16_t *o) {
	for (size_t i = 0; i < Q_BYTES / 2; i++)
		if (o[i] != 0x3c00) {
			snprintf(text, sizeof text, "wrong result: element %zu is %#x", i, o[i]);
			return AVK_ERROR_INTERNAL;
		}
	return AVK_OK;
}

static avk_tensor buffer_tensor(avk_buffer b) {
	avk_tensor t;
	memset(&t, 0, sizeof t);
	t.struct_size = sizeof t;
	t.buffer = b;
	return t;
}

/* Makes what is missing, and runs it: the mean of ones is one. */
static avk_status live(struct life *l) {
	if (!l->device) {
		avk_device_options options;
		memset(&options, 0, sizeof options);
		options.struct_size = sizeof options;
		options.environment = 1;
		TRY(avk_device_open(&options, &l->device));
	}
	if (!l->engine) TRY(avk_engine_create(l->device, &l->engine));
	if (!l->plan) {
		avk_plan_info info;
		memset(&info, 0, sizeof info);
		info.struct_size = sizeof info;
		TRY(avk_plan_defaults(&info));
		info.batch = 1;
		info.heads = HEADS;
		info.kv_heads = KV_HEADS;
		info.q_len = info.kv_len = ROWS;
		info.head_dim = DIM;
		info.block = 16;
		info.step = info.sink_blocks = info.window_blocks = 1;
		info.no_fallback = 1;
		info.slice_ms = 1e6;
		TRY(avk_plan_create(l->engine, &info, &l->plan));
	}
	for (size_t i = 0; i < KV_BYTES / 2; i++) l->v[i] = 0x3c00; /* 1 */
	avk_tensor t[4];
	avk_tensors tensors;
	memset(&tensors, 0, sizeof tensors);
	tensors.struct_size = sizeof tensors;
	tensors.q = &t[0], tensors.k = &t[1], tensors.v = &t[2], tensors.o = &t[3];
	if (!l->call) {
		t[0] = host_tensor(l->q, Q_BYTES), t[1] = host_tensor(l->k, KV_BYTES), t[2] = host_tensor(l->v, KV_BYTES), t[3] = host_tensor(l->o, Q_BYTES);
		TRY(avk_call_create(l->engine, l->plan, &tensors, &l->call));
	}
	TRY(avk_engine_warmup(l->engine, l->plan));
	memset(l->o, 0xff, Q_BYTES);
	TRY(avk_call_run(l->call, NULL));
	TRY(check(l->o));

	const void *data[4] = {l->q, l->k, l->v, l->o};
	const uint64_t size[4] = {Q_BYTES, KV_BYTES, KV_BYTES, Q_BYTES};
	memset(l->o, 0xff, Q_BYTES);
	for (int i = 0; i < 4; i++) {
		if (!l->buffer[i]) TRY(avk_buffer_create(l->device, size[i], AVK_MEMORY_DEVICE, &l->buffer[i]));
		TRY(avk_buffer_upload(l->buffer[i], 0, data[i], size[i]));
	}
	if (!l->on_device) {
		for (int i = 0; i < 4; i++) t[i] = buffer_tensor(l->buffer[i]);
		TRY(avk_call_create(l->engine, l->plan, &tensors, &l->on_device));
	}
	TRY(avk_call_submit(l->on_device, NULL));
	TRY(avk_call_wait(l->on_device, -1, NULL));
	TRY(avk_buffer_download(l->buffer[3], 0, l->o, Q_BYTES));
	TRY(check(l->o));
	return AVK_OK;
}

/* Closes what there is, which always works. */
static void end(struct life *l) {
	if (l->on_device) OK(avk_call_close(l->on_device));
	if (l->call) OK(avk_call_close(l->call));
	for (int i = 0; i < 4; i++)
		if (l->buffer[i]) OK(avk_buffer_close(l->buffer[i]));
	if (l->plan) OK(avk_plan_close(l->plan));
	if (l->engine) OK(avk_engine_close(l->engine));
	if (l->device) OK(avk_device_close(l->device));
}

static int64_t objects(void) {
	int64_t all = 0;
	for (int kind = 0; kind < LIVE_KINDS; kind++) all += inject_live(kind);
	return all;
}

static int number(const char *function) {
	for (int f = 0; f < inject_functions(); f++)
		if (strcmp(inject_name(f), function) == 0) return f;
	fprintf(stderr, "no function %s\n", function);
	exit(2);
}

int main(int argc, char **argv) {
	struct life l;
	inject_keep(1);
	if (argc == 2 && strcmp(argv[1], "calls") == 0) {
		memset(&l, 0, sizeof l);
		OK(live(&l));
		end(&l);
		HOLDS(objects() == 0);
		for (int f = 0; f < inject_functions(); f++) printf("%s\t%d\n", inject_name(f), (int)inject_calls(f));
		return finish();
	}
	char function[128];
	int nth, code;
	while (scanf("%127s %d %d", function, &nth, &code) == 3) {
		memset(&l, 0, sizeof l);
		text[0] = 0;
		inject_arm(number(function), nth, code);
		avk_status status = live(&l), again = AVK_OK;
		const char *failed = step;
		char first[sizeof text];
		memcpy(first, text, sizeof text);
		if (status == AVK_ERROR_OUT_OF_MEMORY) again = live(&l);
		end(&l);
		for (char *c = first; *c; c++)
			if (*c == '\n' || *c == '\t') *c = ' ';
		printf("%d\t%s\t%.*s\t%s\t%d\t%s\n", inject_fired(), avk_status_name(status), (int)strcspn(failed, "("), failed, avk_status_name(again), (int)objects(), first);
	}
	inject_arm(0, 0, 0);
	memset(&l, 0, sizeof l);
	OK(live(&l)); /* and all is as before */
	end(&l);
	return finish();
}
