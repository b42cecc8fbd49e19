/* A C99 program with a Vulkan device of its own: records AnchorAttention between
 * two passes of its own in one command buffer, checks the result against a reference
 * of its own, and computes the same by the two other ways, which must give the same
 * bits.
 *
 *   cc -std=c99 -Iexamples/common -o example examples/c/main.c examples/c/host.c examples/common/sample.c \
 *       $(pkg-config --cflags --libs anchorvk vulkan) -lm
 *   ./example [FOLDER OF before.spv AND after.spv] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "sample.h"

static struct sample sample;

/* Lends a buffer of the host's to anchorvk. */
static avk_buffer lend(avk_device device, const struct buffer *b) {
	avk_borrow_info info = {.struct_size = sizeof info, .buffer = AVK_VULKAN(b->handle), .size = b->size, .usage = b->usage};
	avk_buffer lent;
	check(avk_buffer_borrow(device, &info, &lent), "lend a buffer");
	return lent;
}

static avk_device adopt(const struct host *h) {
	avk_adopt_info info = {
		.struct_size = sizeof info,
		.get_instance_proc_addr = (avk_function)vkGetInstanceProcAddr,
		.instance = h->instance,
		.physical_device = h->physical,
		.device = h->device,
		.queue = h->queue,
		.queue_family = h->family,
		.api_version = h->api,
		.feature_chain = &h->features,
	}; /* this program has one thread, so that the queue needs no lock */
	avk_device device;
	check(avk_check_abi(AVK_ABI_VERSION), "anchorvk");
	check(avk_device_adopt(&info, NULL, &device), "lend the device");
	return device;
}

/* The result must be right, and must have the bits of the first way. */
static void judge(const char *way, const struct buffer *o, const struct buffer *lse) {
	static uint64_t first;
	uint64_t digest = sample_digest(o->mapped, lse->mapped);
	double error = sample_error(&sample, o->mapped);
	printf("digest %016llx %s, largest error %.6f\n", (unsigned long long)digest, way, error);
	if (!first) first = digest;
	if (!(error < 2e-3) || digest != first) {
		fprintf(stderr, "%s: the result is wrong\n", way);
		exit(1);
	}
	memset(o->mapped, 0xff, Q_BYTES);
	memset(lse->mapped, 0xff, LSE_BYTES);
}

static VkPipeline load(struct host *h, const char *folder, const char *name) {
	char file[512];
	snprintf(file, sizeof file, "%s/%s.spv", folder, name);
	return host_pass(h, file);
}

/* One command buffer: the host's pass, attention, the host's pass. */
static void record(struct host *h, avk_call call, VkPipeline before, VkPipeline after, const struct buffer *wide, const struct buffer *half, const struct buffer *y) {
	VkCommandBuffer commands = host_begin(h);
	const uint32_t pairs[3] = {Q_COUNT / 2, KV_COUNT / 2, KV_COUNT / 2};
	uint32_t parts;
	avk_stats stats = {.struct_size = sizeof stats};
	for (int i = 0; i < 3; i++) host_dispatch(h, commands, before, &wide[i], &half[i], pairs[i]);
	check(avk_call_prepare(call, 0, &parts), "prepare the recording");
	check(avk_call_record(call, AVK_ALL_PARTS, commands), "record");
	host_dispatch(h, commands, after, &half[3], y, Q_COUNT / 2);
	/* y goes to the host; what anchorvk wrote, it has made visible to it. */
	VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT, .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
	vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
	host_submit_and_wait(h, commands);
	check(avk_call_recorded(call, &stats), "statistics");
	printf("recorded in %u part(s), computed %.3f of the causal pairs\n", parts, stats.computed_ratio);
}

/* Submits on the host's queue, after a value of the host's timeline and before the next. */
static void submit(struct host *h, avk_call call) {
	VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO, .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
	VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
	const uint64_t ready = 1, finished = 2;
	VkSemaphore semaphore;
	VK(vkCreateSemaphore(h->device, &info, NULL, &semaphore));
	avk_timeline wait = {AVK_VULKAN(semaphore), ready}, signal = {AVK_VULKAN(semaphore), finished};
	avk_sync sync = {.struct_size = sizeof sync, .wait = &wait, .signal = &signal, .wait_count = 1, .signal_count = 1};
	VkSemaphoreSignalInfo go = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, .semaphore = semaphore, .value = ready};
	VkSemaphoreWaitInfo until = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO, .semaphoreCount = 1, .pSemaphores = &semaphore, .pValues = &finished};
	check(avk_call_submit(call, &sync), "submit");
	if (avk_call_wait(call, 0, NULL) != AVK_NOT_READY) {
		fprintf(stderr, "the work did not wait for the semaphore\n");
		exit(1);
	}
	VK(vkSignalSemaphore(h->device, &go));
	VK(vkWaitSemaphores(h->device, &until, UINT64_MAX));
	check(avk_call_wait(call, -1, NULL), "the submitted call");
	vkDestroySemaphore(h->device, semaphore, NULL);
}

int main(int argc, char **argv) {
	const char *folder = argc > 1 ? argv[1] : "examples/c";
	const float *inputs[3] = {sample.q, sample.k, sample.v};
	const VkDeviceSize counts[4] = {Q_COUNT, KV_COUNT, KV_COUNT, Q_COUNT};
	struct host host;
	struct buffer wide[3], half[4], y, lse;
	avk_buffer lent[5];
	avk_tensor tensors[4];
	avk_plan_info info;
	avk_engine engine;
	avk_plan plan;
	avk_call call;

	/* The host's own things: fp32 inputs, and buffers for F16 tensors. */
	host_open(&host);
	VkPipeline before = load(&host, folder, "before"), after = load(&host, folder, "after");
	sample_fill(&sample);
	for (int i = 0; i < 4; i++) half[i] = host_buffer(&host, 2 * counts[i]);
	for (int i = 0; i < 3; i++) {
		wide[i] = host_buffer(&host, 4 * counts[i]);
		memcpy(wide[i].mapped, inputs[i], 4 * counts[i]);
	}
	y = host_buffer(&host, 4 * Q_COUNT);
	lse = host_buffer(&host, LSE_BYTES);

	/* They are lent, and bound to a plan. */
	avk_device device = adopt(&host);
	for (int i = 0; i < 4; i++) {
		lent[i] = lend(device, &half[i]);
		tensors[i] = (avk_tensor){.struct_size = sizeof tensors[i], .buffer = lent[i]};
	}
	lent[4] = lend(device, &lse);
	check(avk_engine_create(device, &engine), "engine");
	check(sample_plan_info(&info), "plan");
	info.tier = getenv("ANCHORVK_TIER");
	check(avk_plan_create(engine, &info, &plan), "plan");
	avk_tensors all = {
		.struct_size = sizeof all, .q = &tensors[0], .k = &tensors[1], .v = &tensors[2], .o = &tensors[3], .lse_buffer = lent[4]};
	check(avk_call_create(engine, plan, &all, &call), "bind tensors");

	record(&host, call, before, after, wide, half, &y);
	for (int i = 0; i < Q_COUNT; i++) {
		if (((float *)y.mapped)[i] != -float_of(((uint16_t *)half[3].mapped)[i])) {
			fprintf(stderr, "the pass after attention read something else at %d\n", i);
			return 1;
		}
	}
	judge("recorded", &half[3], &lse);
	check(avk_call_run(call, NULL), "run");
	judge("run", &half[3], &lse);
	if (host.features12.timelineSemaphore) {
		submit(&host, call);
		judge("submitted", &half[3], &lse);
	}

	check(avk_call_close(call), "close");
	check(avk_plan_close(plan), "close");
	check(avk_engine_close(engine), "close");
	for (int i = 0; i < 5; i++) check(avk_buffer_close(lent[i]), "close");
	check(avk_device_close(device), "close");
	for (int i = 0; i < 4; i++) host_free(&host, &half[i]);
	for (int i = 0; i < 3; i++) host_free(&host, &wide[i]);
	host_free(&host, &y);
	host_free(&host, &lse);
	vkDestroyPipeline(host.device, before, NULL);
	vkDestroyPipeline(host.device, after, NULL);
	host_close(&host);
	return 0;
}
