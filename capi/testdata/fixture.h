/* A small problem on a device: every object of the interface, once. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "check.h"

enum { HEADS = 2, KV_HEADS = 1, ROWS = 64, DIM = 8, Q_BYTES = HEADS * ROWS * DIM * 2, KV_BYTES = KV_HEADS * ROWS * DIM * 2 };

struct fixture {
	avk_device device;
	avk_engine engine;
	avk_plan plan;
	avk_buffer buffer; /* Q_BYTES */
	avk_call call;
	avk_plan_info info;
	uint16_t q[Q_BYTES / 2], k[KV_BYTES / 2], v[KV_BYTES / 2], o[Q_BYTES / 2];
	float lse[HEADS * ROWS];
	avk_tensor tq, tk, tv, to;
	avk_tensors tensors;
};

static inline avk_tensor host_tensor(void *data, uint64_t size) {
	avk_tensor t;
	memset(&t, 0, sizeof t);
	t.struct_size = sizeof t;
	t.host = data;
	t.host_size = size;
	return t;
}

static inline void fixture_open(struct fixture *f) {
	avk_device_options options;
	memset(f, 0, sizeof *f);
	memset(&options, 0, sizeof options);
	options.struct_size = sizeof options;
	options.environment = 1;
	options.timeout_ms = 600000; /* under valgrind lavapipe compiles for long */
	OK(avk_check_abi(AVK_ABI_VERSION));
	OK(avk_device_open(&options, &f->device));
	OK(avk_engine_create(f->device, &f->engine));
	OK(avk_buffer_create(f->device, Q_BYTES, AVK_MEMORY_DEVICE, &f->buffer));
	f->info.struct_size = sizeof f->info;
	OK(avk_plan_defaults(&f->info));
	f->info.batch = 1;
	f->info.heads = HEADS;
	f->info.kv_heads = KV_HEADS;
	f->info.q_len = f->info.kv_len = ROWS;
	f->info.head_dim = DIM;
	f->info.mode = AVK_MODE_DENSE;
	OK(avk_plan_create(f->engine, &f->info, &f->plan));
	for (size_t i = 0; i < sizeof f->v / 2; i++) f->v[i] = 0x3c00; /* 1 */
	f->tq = host_tensor(f->q, sizeof f->q);
	f->tk = host_tensor(f->k, sizeof f->k);
	f->tv = host_tensor(f->v, sizeof f->v);
	f->to = host_tensor(f->o, sizeof f->o);
	f->tensors.struct_size = sizeof f->tensors;
	f->tensors.q = &f->tq;
	f->tensors.k = &f->tk;
	f->tensors.v = &f->tv;
	f->tensors.o = &f->to;
	f->tensors.lse = f->lse;
	f->tensors.lse_size = sizeof f->lse;
	OK(avk_call_create(f->engine, f->plan, &f->tensors, &f->call));
}

/* Runs the call and holds its result against what it must be: the mean of ones,
 * over the keys up to the row. */
static inline void fixture_run(struct fixture *f) {
	memset(f->o, 0xff, sizeof f->o);
	memset(f->lse, 0xff, sizeof f->lse);
	OK(avk_call_run(f->call, NULL));
	for (size_t i = 0; i < sizeof f->o / 2; i++) HOLDS(f->o[i] == 0x3c00);
	for (int row = 0; row < HEADS * ROWS; row++) {
		float keys = (float)(row % ROWS + 1);
		/* exp(lse) = keys, as every score is 0: the series of exp */
		float lse = f->lse[row], sum = 1, term = 1;
		for (int n = 1; n < 40; n++) {
			term *= lse / (float)n;
			sum += term;
		}

		HOLDS(sum > 0.999f * keys && sum < 1.001f * keys);
	}
}

static inline void fixture_close(struct fixture *f) {
	OK(avk_call_close(f->call));
	OK(avk_plan_close(f->plan));
	OK(avk_buffer_close(f->buffer));
	OK(avk_engine_close(f->engine));
	OK(avk_device_close(f->device));
}

#endif
