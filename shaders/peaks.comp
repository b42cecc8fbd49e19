#version 460
// Guard, second look, at the units that failed it: the peaks of one run of keys become stripes, and LOOK candidates on each side of
// them, since the rows between two sampled ones look near by. A workgroup takes a slot and a run, and TILE_ROWS sampled rows at a time.
#extension GL_GOOGLE_include_directive : require
#include "include/spec.glsl"
#include "include/push.glsl"
#include "include/scalar_kv.glsl"
#include "include/scalar_lanes.glsl"
DECLARE_K(1);
#include "include/scalar_score.glsl"
#include "include/guard.glsl"
#include "include/scalar_sampled.glsl"
#define SUMS_ACCESS readonly
#define SUMS_BINDING 2
#include "include/sampled_sums.glsl"
layout(binding = 3, std430) buffer MaskBuffer { uint mask[]; }; // [slot][word]
#define MISSED_BINDING 4
#include "include/failed.glsl"
#define ANCHORS_BINDING 5
#include "include/sampled_lse.glsl"
#include "include/mark_peak.glsl"

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint slot = item / runs();
    uint run = item % runs();
    Unit unit = unit_of_slot(slot);
    uint count = sampled_rows(unit);
    uint end = candidates_end(unit);
    uint first_key = run * RUN_KEYS;
    uint end_key = min(first_key + RUN_KEYS, end);
    if (first_key >= end || !failed(unit)) return;
    uint k_head_base = k_base + unit.head / head_ratio * k_head;

    for (uint first_row = 0; first_row < count; first_row += TILE_ROWS) {
        load_sampled(unit, first_row);
        float lse[ROWS];
        [[unroll]] for (uint r = 0; r < ROWS; r++) {
            uint row = first_row + first_tile_row() + r;
            bool counts = row < count && lane_in_row() == 0;
            lse[r] = counts ? sampled_lse(slot, unit, min(row, count - 1), sampled_position[r]) : NO_ROW;
        }
        for (uint key = first_key; key < end_key; key += KEYS) {
            uint k_chunk[KEYS];
            [[unroll]] for (uint k = 0; k < KEYS; k++) k_chunk[k] = k_head_base + min(key + k, kv_end - 1) * k_row;
            float scores[ROWS * KEYS];
            SCORE_KEYS(KEYS, k_chunk, scores)
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                [[unroll]] for (uint k = 0; k < KEYS; k++) {
                    float p = exp2(bounded_score(scores[r * KEYS + k]) - lse[r]);
                    if (p >= GUARD_PEAK && key + k >= sink && key + k < end) mark_peak(slot, key + k, end);
                }
            }
        }
    }
}
