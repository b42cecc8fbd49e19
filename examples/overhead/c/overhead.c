/* What a call costs through C: medians of the time around avk_call_run, and of its
 * part outside of the run itself (avk_stats.host_ms), in microseconds. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sample.h"

enum { WARMUP = 200, RUNS = 2000 };

static double now_us(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(void) {
	static double wall[RUNS], outside[RUNS];
	avk_device_options options = {.struct_size = sizeof options, .environment = 1};
	avk_tensor tensors[4];
	avk_tensors all = {.struct_size = sizeof all, .q = &tensors[0], .k = &tensors[1], .v = &tensors[2], .o = &tensors[3]};
	avk_stats stats = {.struct_size = sizeof stats};
	avk_plan_info info = {.struct_size = sizeof info};
	avk_device device;
	avk_engine engine;
	avk_plan plan;
	avk_call call;
	check(avk_device_open(&options, &device), "device");
	check(avk_engine_create(device, &engine), "engine");
	check(avk_plan_defaults(&info), "plan");
	info.batch = info.heads = info.kv_heads = 1;
	info.q_len = info.kv_len = 16;
	info.head_dim = 8;
	info.mode = AVK_MODE_DENSE;
	check(avk_plan_create(engine, &info, &plan), "plan");
	for (int i = 0; i < 4; i++) {
		tensors[i] = (avk_tensor){.struct_size = sizeof tensors[i]};
		check(avk_buffer_create(device, 16 * 8 * 2, AVK_MEMORY_DEVICE, &tensors[i].buffer), "buffer");
	}
	check(avk_call_create(engine, plan, &all, &call), "call");
	for (int i = -WARMUP; i < RUNS; i++) {
		double start = now_us(), took;
		check(avk_call_run(call, &stats), "run");
		took = now_us() - start;
		if (i >= 0) wall[i] = took, outside[i] = took - 1e3 * stats.host_ms;
	}
	qsort(wall, RUNS, sizeof *wall, ascending);
	qsort(outside, RUNS, sizeof *outside, ascending);
	printf("wall %.2f outside %.2f\n", wall[RUNS / 2], outside[RUNS / 2]);
	check(avk_device_close(device), "close");
	return 0;
}
