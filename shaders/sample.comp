#version 460
// Guard, first sweep: the softmax sums of a group's sampled rows over one run of their causal keys, in fp32.
// A workgroup takes a slot and a run, and TILE_ROWS sampled rows at a time.
#extension GL_GOOGLE_include_directive : require
#include "include/spec.glsl"
#include "include/push.glsl"
#include "include/kv.glsl"
#include "include/lanes.glsl"
DECLARE_K(1);
#include "include/score.glsl"
#include "include/guard.glsl"
#include "include/sampled_query.glsl"
#define SUMS_ACCESS writeonly
#define SUMS_BINDING 2
#include "include/sampled_sums.glsl"

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint slot = item / runs();
    uint run = item % runs();
    Unit unit = unit_of_slot(slot);
    uint count = sampled_rows(unit);
    uint first_key = run * RUN_KEYS;
    uint end_key = min(first_key + RUN_KEYS, causal_end(unit));
    if (first_key >= end_key || count == 0) return;
    uint k_head_base = k_base + unit.head / head_ratio * k_head;

    for (uint first_row = 0; first_row < count; first_row += TILE_ROWS) {
        load_sampled(unit, first_row);
        float top[ROWS], sum[ROWS];
        [[unroll]] for (uint r = 0; r < ROWS; r++) { top[r] = LOWEST; sum[r] = 0; }
        for (uint key = first_key; key < end_key; key += KEYS) {
            uint k_chunk[KEYS];
            [[unroll]] for (uint k = 0; k < KEYS; k++) k_chunk[k] = k_head_base + min(key + k, kv_end - 1) * k_row;
            float scores[ROWS * KEYS];
            SCORE_KEYS(KEYS, k_chunk, scores)
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                float higher = top[r];
                [[unroll]] for (uint k = 0; k < KEYS; k++) {
                    scores[r * KEYS + k] = key + k <= sampled_position[r] ? bounded_score(scores[r * KEYS + k]) : 2 * LOWEST;
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
