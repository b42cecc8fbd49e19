#version 460
// Stage 3 of AnchorAttention (arXiv 2505.23520) on cooperative matrices with softmax in registers: goes on from the state of
// anchor_coop2 over the group's stripes. The contract is that of stripes.comp.
#extension GL_GOOGLE_include_directive : require
#include "include/coop_spec.glsl"
#include "include/push.glsl"
layout(binding = 5, std430) readonly buffer StripeBuffer { uint stripes[]; };
layout(binding = 6, std430) readonly buffer CountBuffer { uint counts[]; };
uint list = 0; // where the slot's stripes begin
uint gap = 0;  // keys between sink and window
uint key_at(uint i) { return min(stripes[list + i], kv_end - 1); }
uint diagonal_key(uint i) { return i < sink ? i : i + gap; }
#include "include/coop2_tile.glsl"
#define STATE_ACCESS readonly
#define ACC_BINDING 3
#define SUMS_BINDING 4
#include "include/coop2_state.glsl"
#define OUT_BINDING 7
#define LSE_BINDING 8
#include "include/coop2_output.glsl"

// The saved maxima of rows, or the share that each element has of their sums.
SUM saved_of(Tile tile, uint q, bool of_sums) {
    subgroup_sync();
    for (uint query = gl_SubgroupInvocationID; query < QUERY_SIZE; query += LANES) {
        uint row = tile.first_row + subgroup_row() + q * QUERY_SIZE + query;
        vec2 saved = row < group_rows ? saved_sums[tile.slot * group_rows + row] : vec2(LOWEST, 0);
        row_value[own_values() + query] = of_sums ? abs(saved.y) / float(KEY_SIZE) : saved.x;
    }
    subgroup_sync();
    return spread_values();
}
#include "include/store_end.glsl"

void main() {
    Tile tile = sparse_tile(first_item + gl_WorkGroupID.x);
    tile.end = min(tile.end, STORE_END);
    if (tile_is_empty(tile)) return;
    list = tile.slot * stripe_stride();
    gap = tile.unit.group_start - window - sink;
    uint k_head_base = k_base + tile.unit.head / head_ratio * k_head;
    uint v_head_base = v_base + tile.unit.head / head_ratio * v_head;

    begin_tile(tile.unit.head, tile.start);
    [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++) {
        row_base[q] = saved_of(tile, q, false);
        row_sum[q] = saved_of(tile, q, true);
        [[unroll]] for (uint n = 0; n < DIM_TILES; n++)
            coopMatLoad(acc[q * DIM_TILES + n], saved_acc, acc_at(tile, q, n), ACC_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
    }
    // A sum of zero has no sign to tell, and NaN none either: then look for odd values, which may find none.
    float first_sum = saved_sums[tile.slot * group_rows + tile.first_row].y;
    bool odd = first_sum <= 0 || is_nan(first_sum);
    uint count = counts[tile.unit.index];
    // Every stripe lies before the tile: only the tail of the list is masked.
    attend(count, count / KEYS * KEYS, false, tile.start, k_head_base, v_head_base);
    store_rows(tile.unit.head, tile.start, tile.end, v_head_base, odd, (tile.start - gap) / KEYS * KEYS);
}
