#version 460
// Stage 3 of AnchorAttention (arXiv 2505.23520): goes on from the state of the anchor kernel over the group's stripes, whose
// keys are gathered by index, then normalises and writes O and the log-sum-exp.
#extension GL_GOOGLE_include_directive : require
#include "include/family.glsl"
layout(binding = 5, std430) readonly buffer StripeBuffer { uint stripes[]; };  // [slot][stripe_stride] key positions, ascending
layout(binding = 6, std430) readonly buffer CountBuffer { uint counts[]; };    // [unit] stripes kept
uint list = 0; // where the slot's stripes begin
uint gap = 0;  // keys between sink and window
#define GATHERED
uint key_at(uint i) { return min(stripes[list + i], kv_end - 1); }
uint diagonal_key(uint i) { return i < sink ? i : i + gap; }
#define STATE_ACCESS readonly
#define ACC_BINDING 3
#define SUMS_BINDING 4
#define OUT_BINDING 7
#define LSE_BINDING 8
#include "include/attend.glsl"
#include "include/store_end.glsl"

void main() {
    Tile tile = sparse_tile(first_item + gl_WorkGroupID.x);
    tile.end = min(tile.end, STORE_END);
    if (tile_is_empty(tile)) return;
    LEAVE_IF_PAST(counts[tile.unit.index])
    list = tile.slot * stripe_stride();
    gap = tile.unit.group_start - window - sink;
    uint k_head_base = k_base + tile.unit.head / head_ratio * k_head;
    uint v_head_base = v_base + tile.unit.head / head_ratio * v_head;

    begin_tile(tile.unit.head, tile.start);
    bool odd;
    LOAD_STATE(tile, odd)
    uint count = counts[tile.unit.index];
    // Every stripe lies before the tile: only the tail of the list is masked.
    attend(count, count / KEYS * KEYS, false, tile.start, k_head_base, v_head_base);
    LEAVE_TO_NEXT_RANGE(tile, count)
    store_rows(tile.unit.head, tile.start, tile.end, v_head_base, odd, (tile.start - gap) / KEYS * KEYS);
}
