// Normalised rows from the accumulators to O (fp16) and the log-sum-exp (fp32), through the subgroup's part of score_tile, KEYS
// columns at a time. The kernel gives OUT_BINDING, LSE_BINDING and uint diagonal_key(uint i), the position of key i of the sequence
// whose last tiles lie on the diagonal.
layout(binding = OUT_BINDING, std430) writeonly buffer OutputBuffer { uvec4 outputs[]; };
layout(binding = LSE_BINDING, std430) writeonly buffer LseBuffer { float lse[]; };

const float LN2 = 0.69314718056;

// Adds back the values on the diagonal that are not finite, to the rows that see them: NaN and infinities survive any weight.
vec4 with_odd_values(vec4 x, uint v_head_base, uint chunk, uint half_chunk, uint from, uint position) {
    for (uint i = from; diagonal_key(i) <= position; i++) {
        uint key = diagonal_key(i);
        uvec4 packed = values[v_head_base + key * v_row + chunk];
        uvec2 part = half_chunk == 0 ? packed.xy : packed.zw;
        vec4 value = vec4(unpackHalf2x16(part.x), unpackHalf2x16(part.y));
        [[unroll]] for (uint e = 0; e < 4; e++)
            if ((floatBitsToUint(value[e]) & 0x7f800000u) == 0x7f800000u) x[e] += value[e];
    }
    return x;
}

void store_rows(uint head, uint first_position, uint end_position, uint v_head_base, bool odd, uint diagonal) {
    subgroup_sync();
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        bool is_nan_row = poisoned[r] || row_max[r] == LOWEST;
        [[unroll]] for (uint d = 1; d < ROW_LANES; d <<= 1) is_nan_row = subgroupShuffleXor(uint(is_nan_row), d) != 0 || is_nan_row;
        uint position = first_position + own_row(r);
        row_factor[own_row(r)] = is_nan_row ? uintBitsToFloat(0x7fc00000u) : 1 / row_sum[r];
        if (lse_base != NO_LSE && own_part() == 0 && position >= q_offset && position < end_position)
            lse[lse_base + head * q_len + position - q_offset] =
                is_nan_row ? uintBitsToFloat(0x7fc00000u) : LN2 * (row_base[r] + log2(row_sum[r]));
    }
    subgroup_sync();
    scale_acc();
    for (uint slab = 0; slab < DIM_PADDED; slab += KEYS) {
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
            [[unroll]] for (uint n = 0; n < KEY_PARTS; n++)
                if (slab + n * MAT_N < DIM_PADDED)
                    coopMatStore(acc[m * DIM_PARTS + min(n, DIM_PARTS - 1)], score_tile, (subgroup_row() + m * MAT_M) * SCORE_STRIDE + n * MAT_N / 4, SCORE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        subgroup_sync();
        for (uint i = gl_SubgroupInvocationID; i < ROWS * (KEYS / 8); i += LANES) {
            uint row = subgroup_row() + i / (KEYS / 8);
            uint chunk = slab / 8 + i % (KEYS / 8);
            uint position = first_position + row;
            if (chunk >= CHUNKS_ROW || position < q_offset || position >= end_position) continue;
            vec4 low = uintBitsToFloat(score_tile[row * SCORE_STRIDE + i % (KEYS / 8) * 2]);
            vec4 high = uintBitsToFloat(score_tile[row * SCORE_STRIDE + i % (KEYS / 8) * 2 + 1]);
            if (odd) {
                low = with_odd_values(low, v_head_base, chunk, 0, diagonal, position);
                high = with_odd_values(high, v_head_base, chunk, 1, diagonal, position);
            }
            outputs[o_base + head * o_head + (position - q_offset) * o_row + chunk] =
                uvec4(packHalf2x16(low.xy), packHalf2x16(low.zw), packHalf2x16(high.xy), packHalf2x16(high.zw));
        }
        subgroup_sync();
        // The next slab moves to the front: matrices that are indexed by a variable would live in memory, not in registers.
        [[unroll]] for (uint i = 0; i + KEY_PARTS < ROW_PARTS * DIM_PARTS; i++) acc[i] = acc[i + KEY_PARTS];
    }
}
