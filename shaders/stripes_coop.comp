#version 460
// Stage 3 of AnchorAttention (arXiv 2505.23520) on cooperative matrices: goes on from the state of anchor_coop over the group's
// stripes. The contract is that of stripes.comp.
#extension GL_GOOGLE_include_directive : require
#include "include/coop_spec.glsl"
#include "include/push.glsl"
layout(binding = 5, std430) readonly buffer StripeBuffer { uint stripes[]; };
layout(binding = 6, std430) readonly buffer CountBuffer { uint counts[]; };
uint list = 0; // where the slot's stripes begin
uint gap = 0;  // keys between sink and window
uint key_at(uint i) { return min(stripes[list + i], kv_end - 1); }
uint diagonal_key(uint i) { return i < sink ? i : i + gap; }
#include "include/coop_tile.glsl"
#define STATE_ACCESS readonly
#define ACC_BINDING 3
#define SUMS_BINDING 4
#include "include/coop_state.glsl"
#define OUT_BINDING 7
#define LSE_BINDING 8
#include "include/coop_output.glsl"
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
    [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
        [[unroll]] for (uint n = 0; n < DIM_PARTS; n++)
            if (part_exists(n)) coopMatLoad(acc[m * DIM_PARTS + n], saved_acc, acc_at(tile, m, n), DIM_PADDED / 4, gl_CooperativeMatrixLayoutRowMajor);
    // A sum of zero has no sign to tell, and NaN none either: then look for odd values, which may find none.
    float first_sum = saved_sums[tile.slot * group_rows + tile.first_row].y;
    bool odd = first_sum <= 0 || is_nan(first_sum);
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        vec2 sums = weighs_rows() && row_in_group(tile, r) ? saved_sums[sums_at(tile, r)] : vec2(LOWEST, 0);
        row_max[r] = sums.x;
        row_base[r] = sums.x;
        row_sum[r] = abs(sums.y);
        poisoned[r] = is_nan(sums.y);
    }
    uint count = counts[tile.unit.index];
    // Every stripe lies before the tile: only the tail of the list is masked.
    attend(count, count / KEYS * KEYS, false, tile.start, k_head_base, v_head_base);
    store_rows(tile.unit.head, tile.start, tile.end, v_head_base, odd, (tile.start - gap) / KEYS * KEYS);
}
