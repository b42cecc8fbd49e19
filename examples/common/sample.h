/* The problem that the examples in every language compute: its inputs, a reference
 * in plain C, and a digest of the result's bits. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "anchorvk.h"

enum { HEADS = 4, KV_HEADS = 2, ROWS = 512, DIM = 32 };
enum { Q_COUNT = HEADS * ROWS * DIM, KV_COUNT = KV_HEADS * ROWS * DIM, LSE_COUNT = HEADS * ROWS };
enum { Q_BYTES = 2 * Q_COUNT, KV_BYTES = 2 * KV_COUNT, LSE_BYTES = 4 * LSE_COUNT };

struct sample {
	float q[Q_COUNT], k[KV_COUNT], v[KV_COUNT]; /* [heads, rows, dim]; every value is an F16 too */
};

/* Inputs are whole multiples of 1/256 made from a hash: queries and every 29th key
 * point the same way, the other keys the other way. */
void sample_fill(struct sample *s);

/* The plan of the sample; to be completed with mode and tier if need be. */
avk_status sample_plan_info(avk_plan_info *info);

/* The largest difference between the output o (F16) and AnchorAttention computed
 * here in double precision. */
double sample_error(const struct sample *s, const uint16_t *o);

/* FNV-1a over the bytes of output and log-sum-exps. */
uint64_t sample_digest(const uint16_t *o, const float *lse);

uint16_t half_of(float x); /* exact for the sample's values */
float float_of(uint16_t half);

/* Ends the program with the text of the error, unless status is AVK_OK. */
void check(avk_status status, const char *what);

#endif
