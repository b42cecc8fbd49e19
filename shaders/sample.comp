#version 460
// Sampled rows, first sweep: their softmax sums over one run of the candidates, in fp32. Of those every PART-th is taken.
// A workgroup takes a slot and a run, and TILE_ROWS sampled rows at a time.
#extension GL_GOOGLE_include_directive : require
#include "include/spec.glsl"
#include "include/push.glsl"
#include "include/scalar_kv.glsl"
#include "include/scalar_lanes.glsl"
DECLARE_K(1);
#include "include/scalar_score.glsl"
#include "include/guard.glsl"
#include "include/scalar_sampled.glsl"
#define SUMS_ACCESS writeonly
#define SUMS_BINDING 2
#include "include/sampled_sums.glsl"
#define MISSED_BINDING 3
#include "include/failed.glsl"

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint slot = item / sum_runs();
    uint run = item % sum_runs();
    Unit unit = unit_of_slot(slot);
    uint count = sampled_rows(unit);
    uint end = candidates_end(unit);
    uint first_step = run * RUN_KEYS;
    uint end_step = min(first_step + RUN_KEYS, sum_steps(unit));
    if (first_step >= end_step || count == 0 || LOOK != 0 && !failed(unit)) return;
    uint k_head_base = k_base + unit.head / head_ratio * k_head;

    for (uint first_row = 0; first_row < count; first_row += TILE_ROWS) {
        load_sampled(unit, first_row);
        float top[ROWS], sum[ROWS];
        [[unroll]] for (uint r = 0; r < ROWS; r++) { top[r] = LOWEST; sum[r] = 0; }
        for (uint i = first_step; i < end_step; i += KEYS) {
            uint k_chunk[KEYS];
            [[unroll]] for (uint k = 0; k < KEYS; k++) k_chunk[k] = k_head_base + min((i + k) * PART, kv_end - 1) * k_row;
            float scores[ROWS * KEYS];
            SCORE_KEYS(KEYS, k_chunk, scores)
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                float higher = top[r];
                [[unroll]] for (uint k = 0; k < KEYS; k++) {
                    uint key = (i + k) * PART;
                    scores[r * KEYS + k] = key >= sink && key < end ? bounded_score(scores[r * KEYS + k]) : 2 * LOWEST;
                    higher = max(higher, scores[r * KEYS + k]);
                }
                sum[r] *= exp2(top[r] - higher);
                [[unroll]] for (uint k = 0; k < KEYS; k++) sum[r] += exp2(scores[r * KEYS + k] - higher);
                top[r] = higher;
            }
        }
        [[unroll]] for (uint r = 0; r < ROWS; r++) {
            uint row = first_row + first_tile_row() + r;
            if (lane_in_row() == 0 && row < count) sampled_sums[sampled_at(slot, run, row)] = vec2(top[r], sum[r]);
        }
    }
}
