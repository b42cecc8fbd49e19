#include "sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 4, BLOCK = 16, GROUP = STEP * BLOCK, SINK = BLOCK, WINDOW = BLOCK };
static const double theta = 2;

/* A hash of seed and i, from -span/2 to span/2-1. */
static int noise(uint32_t seed, uint32_t i, uint32_t span) {
	uint32_t x = i * 2654435761u + seed * 40503u;
	x ^= x >> 16;
	x *= 0x85ebca6bu;
	x ^= x >> 13;
	x *= 0xc2b2ae35u;
	x ^= x >> 16;
	return (int)(x % span) - (int)(span / 2);
}

void sample_fill(struct sample *s) {
	for (uint32_t i = 0; i < Q_COUNT; i++) s->q[i] = (float)((i % DIM ? 0 : 1024) + noise(1, i, 128)) / 256;
	for (uint32_t i = 0; i < KV_COUNT; i++) {
		int strong = i / DIM % ROWS % 29 == 5;
		s->k[i] = (float)((i % DIM ? 0 : strong ? 768 : -768) + noise(2, i, 128)) / 256;
		s->v[i] = (float)noise(3, i, 512) / 256;
	}
}

avk_status sample_plan_info(avk_plan_info *info) {
	avk_status status;
	memset(info, 0, sizeof *info);
	info->struct_size = sizeof *info;
	status = avk_plan_defaults(info);
	info->batch = 1;
	info->heads = HEADS;
	info->kv_heads = KV_HEADS;
	info->q_len = info->kv_len = ROWS;
	info->head_dim = DIM;
	info->theta = theta;
	info->step = STEP;
	info->block = BLOCK;
	info->sink_blocks = SINK / BLOCK;
	info->window_blocks = WINDOW / BLOCK;
	info->no_fallback = 1; /* at this length dense attention would be cheaper */
	return status;
}

static double dot(const double *a, const float *b) {
	double sum = 0;
	for (int d = 0; d < DIM; d++) sum += a[d] * b[d];
	return sum / sqrt(DIM);
}

static double score(const float *a, const float *b) {
	double sum = 0;
	for (int d = 0; d < DIM; d++) sum += (double)a[d] * b[d];
	return sum / sqrt(DIM);
}

/* Whether key is neither in the sink, nor in the window, nor in the group itself. */
static int is_candidate(int key, int start) { return key >= SINK && key < start - WINDOW; }

/* Keeps the candidates that come within theta of the anchors of some block. */
static void find_stripes(const float *q, const float *keys, int start, unsigned char *kept) {
	for (int block = start; block < start + GROUP; block += BLOCK) {
		double mean_query[DIM] = {0}, mean_anchor = 0;
		for (int row = block; row < block + BLOCK; row++) {
			double anchor = -INFINITY;
			for (int d = 0; d < DIM; d++) mean_query[d] += (double)q[row * DIM + d] / BLOCK;
			for (int key = 0; key <= row; key++) {
				double x = score(q + row * DIM, keys + key * DIM);
				if (!is_candidate(key, start) && x > anchor) anchor = x;
			}
			mean_anchor += anchor / BLOCK;
		}
		for (int key = SINK; key < start - WINDOW; key++) {
			if (dot(mean_query, keys + key * DIM) >= mean_anchor - theta) kept[key] = 1;
		}
	}
}

static void attend(const float *q, const float *keys, const float *values, int row, int start, const unsigned char *kept, double *out) {
	double top = -INFINITY, sum = 0, scores[ROWS];
	memset(out, 0, DIM * sizeof *out);
	for (int pass = 0; pass < 2; pass++) {
		for (int key = 0; key <= row; key++) {
			double weight;
			if (is_candidate(key, start) && !kept[key]) continue;
			if (pass == 0) {
				scores[key] = score(q + row * DIM, keys + key * DIM);
				top = fmax(top, scores[key]);
				continue;
			}
			weight = exp(scores[key] - top);
			sum += weight;
			for (int d = 0; d < DIM; d++) out[d] += weight * values[key * DIM + d];
		}
	}
	for (int d = 0; d < DIM; d++) out[d] /= sum;
}

double sample_error(const struct sample *s, const uint16_t *o) {
	double worst = 0;
	for (int head = 0; head < HEADS; head++) {
		const float *q = s->q + head * ROWS * DIM;
		const float *keys = s->k + head * KV_HEADS / HEADS * ROWS * DIM;
		const float *values = s->v + head * KV_HEADS / HEADS * ROWS * DIM;
		for (int start = 0; start < ROWS; start += GROUP) {
			unsigned char kept[ROWS] = {0};
			find_stripes(q, keys, start, kept);
			for (int row = start; row < start + GROUP; row++) {
				double want[DIM];
				attend(q, keys, values, row, start, kept, want);
				for (int d = 0; d < DIM; d++) {
					double error = fabs((double)float_of(o[(head * ROWS + row) * DIM + d]) - want[d]);
					if (!(error <= worst)) worst = error; /* a NaN too */
				}
			}
		}
	}
	return worst;
}

static uint64_t fnv(uint64_t hash, const void *data, size_t size) {
	const unsigned char *bytes = data;
	for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return hash;
}

uint64_t sample_digest(const uint16_t *o, const float *lse) {
	return fnv(fnv(0xcbf29ce484222325u, o, Q_BYTES), lse, LSE_BYTES);
}

uint16_t half_of(float x) {
	int exponent;
	float fraction = frexpf(fabsf(x), &exponent); /* 0.5 to 1 */
	if (x == 0) return 0;
	return (uint16_t)((x < 0) << 15 | (exponent + 14) << 10 | ((int)(fraction * 2048) & 1023));
}

float float_of(uint16_t half) {
	int exponent = half >> 10 & 31, fraction = half & 1023;
	float x = exponent == 31 ? (fraction ? NAN : INFINITY)
	          : exponent     ? ldexpf((float)(fraction + 1024), exponent - 25)
	                         : ldexpf((float)fraction, -24);
	return half >> 15 ? -x : x;
}

void check(avk_status status, const char *what) {
	char text[1024];
	if (status == AVK_OK) return;
	avk_last_error(text, sizeof text);
	fprintf(stderr, "%s: %s: %s\n", what, avk_status_name(status), text);
	exit(1);
}
