#version 460
// Stage 3 of AnchorAttention (arXiv 2505.23520): goes on from the state of the anchor kernel over the group's stripes, whose
// keys are gathered by index, then normalises and writes O and the log-sum-exp.
#extension GL_GOOGLE_include_directive : require
#include "include/spec.glsl"
#include "include/push.glsl"
#include "include/key_range.glsl"
#include "include/kv.glsl"
#include "include/lanes.glsl"
DECLARE_K(1);
DECLARE_V(2);
#include "include/score.glsl"
#include "include/query.glsl"
#include "include/online.glsl"
#ifdef KEY_RANGE
#define STATE_ACCESS
#else
#define STATE_ACCESS readonly
#endif
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
#ifdef KEY_RANGE
    if (range_is_past(counts[tile.unit.index])) return;
#endif
    uint first_position = tile.start + first_tile_row();
    uint k_head_base = k_base + tile.unit.head / head_ratio * k_head;
    uint v_head_base = v_base + tile.unit.head / head_ratio * v_head;

    load_queries(tile.unit.head, first_position);
    LOAD_ROWS(tile)

    uint count = counts[tile.unit.index];
    uint list = tile.slot * stripe_stride();
    uint whole = count / KEYS * KEYS;
    for (uint i = FROM_KEY(0); i < TO_KEY(whole); i += KEYS) {
        uint k_chunk[KEYS], v_chunk[KEYS];
        [[unroll]] for (uint k = 0; k < KEYS; k++) {
            uint key = min(stripes[list + i + k], kv_end - 1);
            k_chunk[k] = k_head_base + key * k_row;
            v_chunk[k] = v_head_base + key * v_row;
        }
        attend_keys(k_chunk, v_chunk);
    }
    for (uint i = FROM_KEY(whole); i < TO_KEY(count); i++) {
        uint key = min(stripes[list + i], kv_end - 1);
        bool visible[ROWS];
        [[unroll]] for (uint r = 0; r < ROWS; r++) visible[r] = true;
        attend_key(k_head_base + key * k_row, v_head_base + key * v_row, visible);
    }
#ifdef KEY_RANGE
    if (!range_is_last(count)) {
        SAVE_ROWS(tile)
        return;
    }
#endif
    store_rows(tile.unit.head, first_position, tile.end);
}
