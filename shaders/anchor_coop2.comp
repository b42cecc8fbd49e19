#version 460
// Stage 1 of AnchorAttention (arXiv 2505.23520) on cooperative matrices with softmax in registers: attention of a group's rows over
// sink and window, left in scratch as softmax state. The contract is that of anchor.comp.
#extension GL_GOOGLE_include_directive : require
#include "include/coop_spec.glsl"
#include "include/push.glsl"
uint gap = 0; // keys between sink and window
uint key_at(uint i) { return i < sink ? i : i + gap; }
#define TRACK_MAXIMUM
#include "include/coop2_tile.glsl"
#define STATE_ACCESS writeonly
#define ACC_BINDING 3
#define SUMS_BINDING 4
#include "include/coop2_state.glsl"

void main() {
    Tile tile = sparse_tile(first_item + gl_WorkGroupID.x);
    if (tile_is_empty(tile)) return;
    gap = tile.unit.group_start - window - sink;
    uint k_head_base = k_base + tile.unit.head / head_ratio * k_head;
    uint v_head_base = v_base + tile.unit.head / head_ratio * v_head;

    begin_tile(tile.unit.head, tile.start);
    clear_rows();
    attend(tile.end - gap, tile.start - gap, true, tile.start, k_head_base, v_head_base);

    [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++) {
        // The saved maxima are the anchors, so that the state must be relative to them.
        SUM top = row_maxima(row_top[q]);
        SUM factor;
        [[unroll]] for (uint e = 0; e < top.length(); e++) factor[e] = exp2(row_base[q][e] - top[e]);
        scale_rows(q, factor);
        SUM sums = row_totals(q);
        put_rows(top);
        for (uint query = gl_SubgroupInvocationID; query < QUERY_SIZE; query += LANES) row_value[own_values() + query] = row_of(query);
        put_rows(sums);
        for (uint query = gl_SubgroupInvocationID; query < QUERY_SIZE; query += LANES) {
            uint row = tile.first_row + subgroup_row() + q * QUERY_SIZE + query;
            float sum = row_of(query);
            float kept = !is_finite(sum) ? uintBitsToFloat(0x7fc00000u) : any_odd_value() ? -sum : sum;
            if (row < group_rows) saved_sums[tile.slot * group_rows + row] = vec2(row_value[own_values() + query], kept);
        }
        [[unroll]] for (uint n = 0; n < DIM_TILES; n++)
            coopMatStore(acc[q * DIM_TILES + n], saved_acc, acc_at(tile, q, n), ACC_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
    }
}
