/* A borrowed device without optional features, and what must be refused on it. The
 * host is that of examples/c. */
#include "check.h"
#include "host.h"
#include "sample.h"

static struct sample sample;
static struct host host;
static avk_adopt_info adopt_info;
static avk_device device;
static avk_engine engine;
static avk_plan plan;
static avk_buffer lent[5];
static struct buffer memory[5];
static avk_tensor tensors[4];
static avk_tensors all;

static unsigned locks;
static void lock(void *user, uint32_t family, uint32_t index) { locks += user == &host && family == host.family && index == 0; }
static void unlock(void *user, uint32_t family, uint32_t index) { (void)user, (void)family, (void)index; }

static void adoption(void) {
	avk_device none = 7;
	avk_adopt_info bad;
	const char *const unknown[] = {"VK_XYZ_not_an_extension"};
#define BAD(change, words) \
	bad = adopt_info; \
	change; \
	EXPECT(avk_device_adopt(&bad, NULL, &none), AVK_ERROR_BORROWED, words)
	BAD(bad.instance = NULL, "avk_adopt_info.instance");
	BAD(bad.physical_device = NULL, "avk_adopt_info.physical_device");
	BAD(bad.device = NULL, "avk_adopt_info.device");
	BAD(bad.queue_family = 77, "avk_adopt_info.queue_family");
	BAD(bad.queue_index = 77, "avk_adopt_info.queue_index");
	BAD(bad.api_version = 0, "avk_adopt_info.api_version");
	BAD(bad.api_version = VK_API_VERSION_1_0, "avk_adopt_info.api_version");
	BAD(bad.lock_queue = NULL, "avk_adopt_info.lock_queue");
	HOLDS(none == 7);
	/* What is not known does no harm. */
	bad = adopt_info;
	bad.extensions = bad.features = unknown;
	bad.extension_count = bad.feature_count = 1;
	OK(avk_device_adopt(&bad, NULL, &none));
	OK(avk_device_close(none));
}

/* Nothing was enabled: the kernels that need nothing run, others are refused. */
static void features(void) {
	avk_plan_info info;
	avk_plan none = 7;
	avk_call call;
	char report[20000];
	uint64_t semaphore = 1; /* never looked at */
	avk_timeline timeline = {semaphore, 1};
	avk_sync sync = {.struct_size = sizeof sync, .signal = &timeline, .signal_count = 1};
	OK(avk_device_report(device, AVK_FORMAT_JSON, report, sizeof report, NULL));
	HOLDS(strstr(report, "not enabled on the borrowed device"));
	OK(sample_plan_info(&info));
	info.tier = "scalar";
	EXPECT(avk_plan_create(engine, &info, &none), AVK_ERROR_FEATURE, "storage16");
	HOLDS(none == 7);
	OK(avk_call_create(engine, plan, &all, &call));
	EXPECT(avk_call_submit(call, &sync), AVK_ERROR_FEATURE, "timeline");
	OK(avk_call_submit(call, NULL)); /* without semaphores it needs no feature */
	OK(avk_call_submitted(call, -1));
	OK(avk_call_wait(call, -1, NULL));
	HOLDS(sample_error(&sample, memory[3].mapped) < 2e-3);
	OK(avk_call_close(call));
}

static void lending(void) {
	avk_borrow_info good = {.struct_size = sizeof good, .buffer = AVK_VULKAN(memory[0].handle), .size = memory[0].size, .usage = memory[0].usage}, bad;
	avk_buffer none = 7, small;
	avk_call call;
	avk_tensor tensor;
	avk_tensors changed = all;
	char byte = 0;
#define BAD_LOAN(change, words) \
	bad = good; \
	change; \
	EXPECT(avk_buffer_borrow(device, &bad, &none), AVK_ERROR_BORROWED, words)
	BAD_LOAN(bad.buffer = 0, "avk_borrow_info.buffer");
	BAD_LOAN(bad.size = 0, "avk_borrow_info.size");
	BAD_LOAN(bad.usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT, "avk_borrow_info.usage");
	bad = good;
	bad.reserved = 1;
	EXPECT(avk_buffer_borrow(device, &bad, &none), AVK_ERROR_ARGUMENT, "reserved");
	HOLDS(none == 7);
	/* One that is too small for its tensor, and one without TRANSFER bits. */
	bad = good;
	bad.size = Q_BYTES - 16;
	OK(avk_buffer_borrow(device, &bad, &small));
	tensor = tensors[0];
	tensor.buffer = small;
	changed.q = &tensor;
	EXPECT(avk_call_create(engine, plan, &changed, &call), AVK_ERROR_ARGUMENT, "avk_tensors.q->buffer");
	HOLDS(avk_buffer_upload(small, 0, &byte, 1) < 0);
	OK(avk_buffer_close(small));
	changed = all;
	changed.lse_offset = 2;
	EXPECT(avk_call_create(engine, plan, &changed, &call), AVK_ERROR_ARGUMENT, "avk_tensors.lse_offset is 2");
	changed.lse_buffer = lent[1];
	changed.lse_offset = KV_BYTES - 8;
	EXPECT(avk_call_create(engine, plan, &changed, &call), AVK_ERROR_ARGUMENT, "avk_tensors.lse_buffer has");
	/* The VkBuffer of K under another handle is still that of K. */
	bad = good;
	bad.buffer = AVK_VULKAN(memory[1].handle), bad.size = memory[1].size, bad.usage = memory[1].usage;
	OK(avk_buffer_borrow(device, &bad, &small));
	changed = all;
	tensor = tensors[2];
	tensor.buffer = small;
	changed.v = &tensor;
	OK(avk_call_create(engine, plan, &changed, &call)); /* read twice */
	OK(avk_call_close(call));
	changed = all;
	changed.lse_buffer = small;
	EXPECT(avk_call_create(engine, plan, &changed, &call), AVK_ERROR_ARGUMENT, "avk_tensors.lse_buffer shares memory with k");
	OK(avk_buffer_close(small));
}

/* Two recordings that share scratch memory, part by part, in one command buffer. */
static void recording(void) {
	avk_scratch scratch, other;
	avk_call calls[2];
	uint32_t parts;
	VkCommandBuffer commands = host_begin(&host);
	avk_plan_info info;
	avk_plan larger;
	OK(avk_scratch_create(engine, plan, &scratch));
	for (int i = 0; i < 2; i++) {
		OK(avk_call_create(engine, plan, &all, &calls[i]));
		EXPECT(avk_call_record(calls[i], 0, commands), AVK_ERROR_ARGUMENT, "is not prepared");
		OK(avk_call_prepare(calls[i], scratch, &parts));
		EXPECT(avk_call_prepare(calls[i], scratch, &parts), AVK_ERROR_ARGUMENT, "prepared already");
		EXPECT(avk_call_record(calls[i], (int32_t)parts, commands), AVK_ERROR_ARGUMENT, "part is");
		EXPECT(avk_call_record(calls[i], -2, commands), AVK_ERROR_ARGUMENT, "part is");
		for (uint32_t part = 0; part < parts; part++) OK(avk_call_record(calls[i], (int32_t)part, commands));
	}
	memset(memory[3].mapped, 0xff, Q_BYTES);
	host_submit_and_wait(&host, commands);
	HOLDS(sample_error(&sample, memory[3].mapped) < 2e-3);
	/* The device stays open while recordings are. */
	EXPECT(avk_device_close(device), AVK_ERROR_BUSY, "recordings");
	/* A plan that needs more than the scratch memory has. */
	OK(sample_plan_info(&info));
	info.q_len = info.kv_len = 8 * ROWS;
	info.scratch_bytes = 1ull << 32;
	info.no_fallback = 1;
	info.heads = 2 * HEADS;
	OK(avk_plan_create(engine, &info, &larger));
	OK(avk_scratch_create(engine, larger, &other));
	OK(avk_scratch_close(other));
	OK(avk_plan_close(larger));
	for (int i = 0; i < 2; i++) OK(avk_call_close(calls[i]));
	OK(avk_scratch_close(scratch));
}

int main(void) {
	const float *inputs[3] = {sample.q, sample.k, sample.v};
	const uint64_t sizes[5] = {Q_BYTES, KV_BYTES, KV_BYTES, Q_BYTES, LSE_BYTES};
	avk_plan_info info;
	host_open(&host);
	sample_fill(&sample);
	adopt_info.struct_size = sizeof adopt_info;
	adopt_info.get_instance_proc_addr = (avk_function)vkGetInstanceProcAddr;
	adopt_info.instance = host.instance;
	adopt_info.physical_device = host.physical;
	adopt_info.device = host.device;
	adopt_info.queue_family = host.family;
	adopt_info.api_version = host.api;
	adopt_info.lock_queue = lock;
	adopt_info.unlock_queue = unlock;
	adopt_info.lock_user = &host;
	adoption();
	OK(avk_device_adopt(&adopt_info, NULL, &device));
	OK(avk_engine_create(device, &engine));
	OK(sample_plan_info(&info));
	OK(avk_plan_create(engine, &info, &plan));
	for (int i = 0; i < 5; i++) {
		avk_borrow_info loan = {.struct_size = sizeof loan, .size = sizes[i]};
		memory[i] = host_buffer(&host, sizes[i]);
		loan.buffer = AVK_VULKAN(memory[i].handle);
		loan.usage = memory[i].usage;
		OK(avk_buffer_borrow(device, &loan, &lent[i]));
		for (uint64_t j = 0; i < 3 && j < sizes[i] / 2; j++) ((uint16_t *)memory[i].mapped)[j] = half_of(inputs[i][j]);
		if (i < 4) tensors[i] = (avk_tensor){.struct_size = sizeof tensors[i], .buffer = lent[i]};
	}
	all = (avk_tensors){.struct_size = sizeof all, .q = &tensors[0], .k = &tensors[1], .v = &tensors[2], .o = &tensors[3], .lse_buffer = lent[4]};
	features();
	lending();
	recording();
	HOLDS(locks > 0);
	OK(avk_plan_close(plan));
	OK(avk_engine_close(engine));
	OK(avk_device_close(device));
	for (int i = 0; i < 5; i++) {
		OK(avk_buffer_close(lent[i]));
		host_free(&host, &memory[i]);
	}
	host_close(&host);
	return finish();
}
