#version 460
// Stage 3 of AnchorAttention (arXiv 2505.23520): goes on from the state of the anchor kernel over the group's stripes, whose
// keys are gathered by index, then normalises and writes O and the log-sum-exp.
#extension GL_GOOGLE_include_directive : require
#include "include/spec.glsl"
#include "include/push.glsl"
#include "include/kv.glsl"
#include "include/lanes.glsl"
DECLARE_K(1);
DECLARE_V(2);
#include "include/score.glsl"
#include "include/query.glsl"
#include "include/online.glsl"
#define STATE_ACCESS readonly
#define ACC_BINDING 3
#define SUMS_BINDING 4
#include "include/state.glsl"
layout(binding = 5, std430) readonly buffer StripeBuffer { uint stripes[]; };  // [slot][stripe_stride] key positions, ascending
layout(binding = 6, std430) readonly buffer CountBuffer { uint counts[]; };    // [unit] stripes kept
#define OUT_BINDING 7
#define LSE_BINDING 8
#include "include/output.glsl"
#include "include/store_end.glsl"

void main() {
    Tile tile = sparse_tile(first_item + gl_WorkGroupID.x);
    tile.end = min(tile.end, STORE_END);
    if (tile_is_empty(tile)) return;
    uint first_position = tile.start + first_tile_row();
    uint k_head_base = k_base + tile.unit.head / head_ratio * k_head;
    uint v_head_base = v_base + tile.unit.head / head_ratio * v_head;

    load_queries(tile.unit.head, first_position);
    [[unroll]] for (uint i = 0; i < ROWS * CHUNKS * 2; i++) acc[i] = saved_acc[acc_at(tile, i)];
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        vec2 sums = row_in_group(tile, r) ? saved_sums[sums_at(tile, r)] : vec2(LOWEST, 0);
        row_max[r] = sums.x;
        row_sum[r] = sums.y;
        poisoned[r] = is_nan(sums.y);
    }

    uint count = counts[tile.unit.index];
    uint list = tile.slot * stripe_stride();
    uint whole = count / KEYS * KEYS;
    for (uint i = 0; i < whole; i += KEYS) {
        uint k_chunk[KEYS], v_chunk[KEYS];
        [[unroll]] for (uint k = 0; k < KEYS; k++) {
            uint key = min(stripes[list + i + k], kv_end - 1);
            k_chunk[k] = k_head_base + key * k_row;
            v_chunk[k] = v_head_base + key * v_row;
        }
        attend_keys(k_chunk, v_chunk);
    }
    for (uint i = whole; i < count; i++) {
        uint key = min(stripes[list + i], kv_end - 1);
        bool visible[ROWS];
        [[unroll]] for (uint r = 0; r < ROWS; r++) visible[r] = true;
        attend_key(k_head_base + key * k_row, v_head_base + key * v_row, visible);
    }
    store_rows(tile.unit.head, first_position, tile.end);
}
