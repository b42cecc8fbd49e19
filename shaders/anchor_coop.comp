#version 460
// Stage 1 of AnchorAttention (arXiv 2505.23520) on cooperative matrices: attention of a group's rows over sink and window,
// left in scratch as softmax state. The contract is that of anchor.comp.
#extension GL_GOOGLE_include_directive : require
#include "include/coop_spec.glsl"
#include "include/push.glsl"
uint gap = 0; // keys between sink and window
uint key_at(uint i) { return i < sink ? i : i + gap; }
#include "include/coop_tile.glsl"
#define STATE_ACCESS writeonly
#define ACC_BINDING 3
#define SUMS_BINDING 4
#include "include/coop_state.glsl"

void main() {
    Tile tile = sparse_tile(first_item + gl_WorkGroupID.x);
    if (tile_is_empty(tile)) return;
    gap = tile.unit.group_start - window - sink;
    uint k_head_base = k_base + tile.unit.head / head_ratio * k_head;
    uint v_head_base = v_base + tile.unit.head / head_ratio * v_head;

    begin_tile(tile.unit.head, tile.start);
    clear_rows();
    attend(tile.end - gap, tile.start - gap, true, tile.start, k_head_base, v_head_base);

    // The saved maxima are the anchors, so that the state must be relative to them.
    team_sync(); // the last tile's row_factor has been read
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        if (!weighs_rows()) break;
        float factor = exp2(row_base[r] - row_max[r]);
        row_sum[r] *= factor;
        row_factor[own_row(r)] = factor;
    }
    team_sync();
    scale_acc();

    [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
        [[unroll]] for (uint n = 0; n < DIM_PARTS; n++)
            if (part_exists(n)) coopMatStore(acc[m * DIM_PARTS + n], saved_acc, acc_at(tile, m, n), DIM_PADDED / 4, gl_CooperativeMatrixLayoutRowMajor);
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        if (!weighs_rows()) break;
        uint bad = uint(poisoned[r]);
        [[unroll]] for (uint d = 1; d < ROW_LANES; d <<= 1) bad |= subgroupShuffleXor(bad, d);
        float sum = any_odd_value() ? -row_sum[r] : row_sum[r];
        if (own_part() == 0 && row_in_group(tile, r))
            saved_sums[sums_at(tile, r)] = vec2(row_max[r], bad != 0 ? uintBitsToFloat(0x7fc00000u) : sum);
    }
}
