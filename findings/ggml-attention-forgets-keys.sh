#!/bin/sh
# ggml 0.27.0 (Debian 13's backports), CPU backend: flash attention over values in
# F16 sums up in F16 if there are fewer than 64 queries, also where F32 was asked
# for. From 2,048 keys of equal weight on, what a key adds is rounded away: the mean
# of 32,768 values that are all 1 is 1/16. With 64 queries, or values in F32, it is 1.
#
# Seen, for the mean of so many ones: 2048 keys: 1, 4096 keys: 0.5, 32768 keys:
# 0.0625; the last with 64 queries: 1, with values in F32: 1
. "$(dirname "$0")/common.sh"

packages ggml install "trixie trixie-backports" libggml0=0.27.0-1~bpo13+1 libggml-dev=0.27.0-1~bpo13+1
lib=$(echo "$work"/ggml/usr/lib/*-linux-gnu*)

cat >"$work/mean.c" <<'EOF'
#include <stdio.h>
#include <stdlib.h>
#include "ggml-backend.h"
#include "ggml.h"

enum { DIM = 64 };

/* mean BACKEND.so KEYS QUERIES f16|f32: attention in which all is 1. */
int main(int argc, char **argv)
{
	if (argc != 5) return 2;
	int keys = atoi(argv[2]), queries = atoi(argv[3]);
	enum ggml_type type = argv[4][2] == '6' ? GGML_TYPE_F16 : GGML_TYPE_F32;
	ggml_backend_load(argv[1]);
	ggml_backend_t cpu = ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, NULL);
	struct ggml_init_params memory = {1 << 20, NULL, true};
	struct ggml_context *context = ggml_init(memory);
	if (!cpu || !context) return 2;
	struct ggml_tensor *q = ggml_new_tensor_2d(context, GGML_TYPE_F32, DIM, queries);
	struct ggml_tensor *k = ggml_new_tensor_2d(context, type, DIM, keys);
	struct ggml_tensor *v = ggml_new_tensor_2d(context, type, DIM, keys);
	struct ggml_tensor *o = ggml_flash_attn_ext(context, q, k, v, NULL, 0.125f, 0, 0);
	ggml_flash_attn_ext_set_prec(o, GGML_PREC_F32);
	struct ggml_cgraph *graph = ggml_new_graph(context);
	ggml_build_forward_expand(graph, o);
	if (!ggml_backend_alloc_ctx_tensors(context, cpu)) return 2;
	int64_t count = (int64_t)DIM * (keys > queries ? keys : queries);
	float *ones = malloc(count * sizeof *ones);
	ggml_fp16_t *halves = malloc(count * sizeof *halves);
	for (int64_t i = 0; i < count; i++) ones[i] = 1;
	ggml_fp32_to_fp16_row(ones, halves, count);
	const void *values = type == GGML_TYPE_F16 ? (const void *)halves : ones;
	ggml_backend_tensor_set(q, ones, 0, ggml_nbytes(q));
	ggml_backend_tensor_set(k, values, 0, ggml_nbytes(k));
	ggml_backend_tensor_set(v, values, 0, ggml_nbytes(v));
	if (ggml_backend_graph_compute(cpu, graph) != GGML_STATUS_SUCCESS) return 2;
	float mean;
	ggml_backend_tensor_get(o, &mean, 0, sizeof mean);
	printf("%g\n", mean);
	return 0;
}
EOF
"${CC:-cc}" -std=c11 -O1 -Wno-deprecated-declarations -I"$work/ggml/usr/include" -o "$work/mean" "$work/mean.c" \
	-L"$lib" -lggml -lggml-base -Wl,--unresolved-symbols=ignore-in-shared-libs

# The backend for any processor; those for newer ones give the same.
mean() { within ggml "$work/mean" "$lib/ggml/backends0/libggml-cpu-x64.so" "$@"; }

expect "2048 keys, 16 queries, F16" "$(mean 2048 16 f16)" 1
expect "4096 keys, 16 queries, F16" "$(mean 4096 16 f16)" 0.5
expect "32768 keys, 16 queries, F16" "$(mean 32768 16 f16)" 0.0625
expect "32768 keys, 64 queries, F16" "$(mean 32768 64 f16)" 1
expect "32768 keys, 16 queries, F32" "$(mean 32768 16 f32)" 1
finish
