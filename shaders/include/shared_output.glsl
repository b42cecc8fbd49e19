// Rows from the accumulators to the output, through the team's part of score_tile, KEYS columns at a time.
#include "matrix_chunk.glsl"

// The member's slice of its team's rows.
void store_slice(uint head, uint first_position, uint end_position, uint v_head_base, bool odd, uint diagonal) {
    for (uint slab = 0; slab < DIM_PARTS * MAT_N; slab += KEYS) {
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
            [[unroll]] for (uint n = 0; n < KEY_PARTS; n++)
                if (slab + n * MAT_N < DIM_PARTS * MAT_N)
                    coopMatStore(acc[m * DIM_PARTS + min(n, DIM_PARTS - 1)], score_tile, (team_row() + m * MAT_M) * SCORE_STRIDE + n * MAT_N / 4, SCORE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        subgroup_sync();
        for (uint i = gl_SubgroupInvocationID; i < ROWS * (KEYS / 8); i += LANES) {
            uint row = team_row() + i / (KEYS / 8);
            uint in_slab = i % (KEYS / 8);
            uint chunk = first_part() * MAT_N / 8 + slab / 8 + in_slab;
            uint position = first_position + row;
            if (slab + in_slab * 8 >= DIM_PARTS * MAT_N || chunk >= CHUNKS_ROW || position < q_offset || position >= end_position) continue;
            vec4 low = uintBitsToFloat(score_tile[row * SCORE_STRIDE + in_slab * 2]);
            vec4 high = uintBitsToFloat(score_tile[row * SCORE_STRIDE + in_slab * 2 + 1]);
            store_chunk(head, position, chunk, low, high, v_head_base, odd, diagonal);
        }
        subgroup_sync();
        // The next slab moves to the front: matrices that are indexed by a variable would live in memory, not in registers.
        [[unroll]] for (uint i = 0; i + KEY_PARTS < ROW_PARTS * DIM_PARTS; i++) acc[i] = acc[i + KEY_PARTS];
    }
}

void store_rows(uint head, uint first_position, uint end_position, uint v_head_base, bool odd, uint diagonal) {
    team_sync();
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        if (!weighs_rows()) break;
        bool is_nan_row = poisoned[r] || row_max[r] == LOWEST;
        [[unroll]] for (uint d = 1; d < ROW_LANES; d <<= 1) is_nan_row = subgroupShuffleXor(uint(is_nan_row), d) != 0 || is_nan_row;
        uint position = first_position + own_row(r);
        row_factor[own_row(r)] = is_nan_row ? NAN : 1 / row_sum[r];
        if (lse_base != NO_LSE && own_part() == 0 && position >= q_offset && position < end_position)
            lse[lse_base + head * q_len + position - q_offset] =
                is_nan_row ? NAN : LN2 * (row_base[r] + log2(row_sum[r]));
    }
    team_sync();
    scale_acc();
    // Members share their team's part of score_tile.
    for (uint turn = 0; turn < SLICES; turn++) {
        if (turn == member()) store_slice(head, first_position, end_position, v_head_base, odd, diagonal);
        if (SLICES > 1) barrier();
    }
}
