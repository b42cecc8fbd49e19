/* A program on libplacebo, the renderer of mpv and others: libplacebo makes the
 * Vulkan device and uses its queue from a second thread; anchorvk adopts the device
 * with its extensions, its chain of features and its locks of queues.
 *
 *   cc -std=c99 -Iexamples/common -o example examples/libplacebo/main.c examples/common/sample.c \
 *       $(pkg-config --cflags --libs anchorvk libplacebo vulkan) -lm -lpthread */
#define _POSIX_C_SOURCE 200809L
#include <libplacebo/vulkan.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

static struct sample sample;

/* How often the library took the queue's lock. */
static struct {
	pl_vulkan vulkan;
	unsigned locked, unlocked;
} queue;

/* libplacebo counts queues as anchorvk does, by family and index. */
static void lock(void *user, uint32_t family, uint32_t index) {
	pl_vulkan vulkan = user;
	vulkan->lock_queue(vulkan, (int)family, (int)index);
	queue.locked++; /* under the lock */
}

static void unlock(void *user, uint32_t family, uint32_t index) {
	pl_vulkan vulkan = user;
	queue.unlocked++;
	vulkan->unlock_queue(vulkan, (int)family, (int)index);
}

static void die(const char *why) {
	fprintf(stderr, "%s\n", why);
	exit(1);
}

/* Features that anchorvk's faster kernels use; libplacebo enables those that the
 * device has. */
static pl_vulkan make_device(pl_log log) {
	VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES, .timelineSemaphore = VK_TRUE};
	VkPhysicalDeviceBufferDeviceAddressFeatures address = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES, .pNext = &timeline, .bufferDeviceAddress = VK_TRUE};
	VkPhysicalDeviceSubgroupSizeControlFeatures size = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES, .pNext = &address, .subgroupSizeControl = VK_TRUE, .computeFullSubgroups = VK_TRUE};
	VkPhysicalDeviceShaderFloat16Int8Features float16 = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES, .pNext = &size, .shaderFloat16 = VK_TRUE};
	VkPhysicalDevice16BitStorageFeatures storage = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES, .pNext = &float16, .storageBuffer16BitAccess = VK_TRUE};
	VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &storage, .features = {.shaderInt16 = VK_TRUE, .shaderInt64 = VK_TRUE}};
	static const char *const extensions[] = {"VK_EXT_subgroup_size_control"};
	pl_vulkan vulkan = pl_vulkan_create(log, pl_vulkan_params(.allow_software = true, .features = &features, .opt_extensions = extensions, .num_opt_extensions = 1));
	if (!vulkan) die("libplacebo finds no Vulkan device");
	return vulkan;
}

static avk_device adopt(pl_vulkan vulkan) {
	avk_adopt_info info = {
		.struct_size = sizeof info,
		.instance = vulkan->instance,
		.physical_device = vulkan->phys_device,
		.device = vulkan->device,
		.queue_family = vulkan->queue_compute.index,
		.api_version = vulkan->api_version,
		.extensions = vulkan->extensions,
		.extension_count = (uint32_t)vulkan->num_extensions,
		.feature_chain = vulkan->features,
		.lock_queue = lock,
		.unlock_queue = unlock,
		.lock_user = (void *)vulkan,
	};
	avk_device device;
	check(avk_check_abi(AVK_ABI_VERSION), "anchorvk");
	check(avk_device_adopt(&info, NULL, &device), "lend the device");
	return device;
}

/* The host's own work on the same queue: copies from buffer to buffer. */
struct traffic {
	pl_gpu gpu;
	volatile int stop;
	unsigned rounds;
};

static void *make_traffic(void *argument) {
	struct traffic *t = argument;
	enum { BYTES = 1 << 16 };
	static uint8_t sent[BYTES], got[BYTES];
	pl_buf from = pl_buf_create(t->gpu, pl_buf_params(.size = BYTES, .host_writable = true));
	pl_buf to = pl_buf_create(t->gpu, pl_buf_params(.size = BYTES, .host_readable = true));
	if (!from || !to) die("libplacebo makes no buffer");
	do {
		memset(sent, (int)t->rounds + 1, BYTES);
		pl_buf_write(t->gpu, from, 0, sent, BYTES);
		pl_buf_copy(t->gpu, to, 0, from, 0, BYTES);
		if (!pl_buf_read(t->gpu, to, 0, got, BYTES) || memcmp(sent, got, BYTES)) die("libplacebo reads something else than it wrote");
		t->rounds++;
	} while (!t->stop);
	pl_buf_destroy(t->gpu, &from);
	pl_buf_destroy(t->gpu, &to);
	return NULL;
}

int main(void) {
	static uint16_t q[Q_COUNT], k[KV_COUNT], v[KV_COUNT], o[Q_COUNT];
	static float lse[LSE_COUNT];
	pl_log log = pl_log_create(PL_API_VER, pl_log_params(.log_cb = pl_log_simple, .log_level = PL_LOG_WARN));
	pl_vulkan vulkan = make_device(log);
	avk_device device = adopt(vulkan);
	uint16_t *const to[3] = {q, k, v};
	const float *const from[3] = {sample.q, sample.k, sample.v};
	const uint64_t sizes[4] = {Q_BYTES, KV_BYTES, KV_BYTES, Q_BYTES};
	avk_buffer buffers[4];
	avk_tensor tensors[4];
	avk_tensors all = {.struct_size = sizeof all, .q = &tensors[0], .k = &tensors[1], .v = &tensors[2], .o = &tensors[3], .lse = lse, .lse_size = sizeof lse};
	avk_plan_info info;
	avk_engine engine;
	avk_plan plan;
	avk_call call;
	avk_stats stats = {.struct_size = sizeof stats};
	struct traffic traffic = {vulkan->gpu, 0, 0};
	pthread_t thread;
	char text[256];

	check(avk_device_report(device, AVK_FORMAT_TEXT, text, sizeof text, NULL), "report");
	puts(text);
	sample_fill(&sample);
	for (int i = 0; i < 3; i++) {
		for (uint64_t j = 0; j < sizes[i] / 2; j++) to[i][j] = half_of(from[i][j]);
	}
	check(avk_engine_create(device, &engine), "engine");
	check(sample_plan_info(&info), "plan");
	check(avk_plan_create(engine, &info, &plan), "plan");
	for (int i = 0; i < 4; i++) {
		check(avk_buffer_create(device, sizes[i], AVK_MEMORY_DEVICE, &buffers[i]), "buffer");
		tensors[i] = (avk_tensor){.struct_size = sizeof tensors[i], .buffer = buffers[i]};
		if (i < 3) check(avk_buffer_upload(buffers[i], 0, to[i], sizes[i]), "upload");
	}
	check(avk_call_create(engine, plan, &all, &call), "bind tensors");

	/* Both use the queue at the same time: the locks keep them apart. */
	if (pthread_create(&thread, NULL, make_traffic, &traffic)) die("no thread");
	for (int run = 0; run < 5; run++) check(avk_call_run(call, &stats), "run");
	traffic.stop = 1;
	pthread_join(thread, NULL);
	check(avk_buffer_download(buffers[3], 0, o, sizeof o), "download");

	double error = sample_error(&sample, o);
	printf("digest %016llx, largest error %.6f, computed %.3f of the causal pairs\n", (unsigned long long)sample_digest(o, lse), error, stats.computed_ratio);
	printf("queue locked %u times for anchorvk, while libplacebo made %u rounds\n", queue.locked, traffic.rounds);
	if (!(error < 2e-3)) die("the result is wrong");
	if (queue.locked < 5 || queue.locked != queue.unlocked) die("the queue was used without its lock");

	check(avk_call_close(call), "close");
	check(avk_plan_close(plan), "close");
	check(avk_engine_close(engine), "close");
	for (int i = 0; i < 4; i++) check(avk_buffer_close(buffers[i]), "close");
	check(avk_device_close(device), "close");
	pl_vulkan_destroy(&vulkan); /* its device is as it was: libplacebo still works on it here */
	pl_log_destroy(&log);
	return 0;
}
