#version 460
// Guard, second sweep: the probability that a group's sampled rows give to peaks of one run that no stripe keeps: candidates with a
// probability of at least GUARD_PEAK. A workgroup takes a slot and a run, and TILE_ROWS sampled rows at a time.
#extension GL_GOOGLE_include_directive : require
#include "include/spec.glsl"
#include "include/push.glsl"
#include "include/scalar_kv.glsl"
#include "include/scalar_lanes.glsl"
DECLARE_K(1);
#include "include/scalar_score.glsl"
#include "include/guard.glsl"
#include "include/candidates.glsl"
#include "include/scalar_sampled.glsl"
#define SUMS_ACCESS readonly
#define SUMS_BINDING 2
#include "include/sampled_sums.glsl"
#define ANCHORS_BINDING 5
#include "include/sampled_lse.glsl"
layout(binding = 3, std430) readonly buffer MaskBuffer { uint mask[]; };       // [slot][word]
layout(binding = 4, std430) writeonly buffer MissBuffer { float missed[]; };   // [slot][run] sums over the sampled rows

shared float found[LOCAL_X];

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint slot = item / runs();
    uint run = item % runs();
    Unit unit = unit_of_slot(slot);
    uint count = sampled_rows(unit);
    uint end = candidates_end(unit);
    uint first_key = run * RUN_KEYS;
    uint end_key = min(first_key + RUN_KEYS, end);
    if (first_key >= end) return; // the whole workgroup: barriers follow
    uint k_head_base = k_base + unit.head / head_ratio * k_head;

    float own = 0;
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
            uint open = (candidates(key / 32, end) & ~mask[slot * mask_words() + key / 32]) >> key % 32; // KEYS divides 32
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                [[unroll]] for (uint k = 0; k < KEYS; k++) {
                    float p = min(exp2(bounded_score(scores[r * KEYS + k]) - lse[r]), 1.0); // a key that the sum leaves out may exceed it
                    if ((open >> k & 1) != 0 && p >= GUARD_PEAK) own += p;
                }
            }
        }
    }
    found[gl_LocalInvocationIndex] = own;
    barrier();
    if (gl_LocalInvocationIndex != 0) return;
    float sum = 0;
    for (uint i = 0; i < LOCAL_X; i++) sum += found[i];
    missed[slot * runs() + run] = sum;
}
