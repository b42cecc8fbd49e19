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

// The element function that saves (maximum, sum), from the first key of each query.
float save_sums(ELEMENT, const in float sum, const in float top, const in uint first_row, const in uint slot) {
    uint row = first_row + query;
    float kept = !is_finite(sum) ? uintBitsToFloat(0x7fc00000u) : any_odd_value() ? -sum : sum;
    if (key == 0 && row < group_rows) saved_sums[slot * group_rows + row] = vec2(top, kept);
    return sum;
}

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
        SUM top, factor, sums;
        coopMatReduceNV(top, row_top[q], REDUCE_KEYS, larger);
        [[unroll]] for (uint e = 0; e < top.length(); e++) factor[e] = exp2(row_base[q][e] - top[e]);
        scale_rows(q, factor);
        sums = row_totals(q);
        coopMatPerElementNV(sums, sums, save_sums, top, tile.first_row + subgroup_row() + q * QUERY_SIZE, tile.slot);
        [[unroll]] for (uint n = 0; n < DIM_TILES; n++)
            coopMatStore(acc[q * DIM_TILES + n], saved_acc, acc_at(tile, q, n), ACC_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
    }
}
