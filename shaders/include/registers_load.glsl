// What registers_state.glsl has saved, back in registers.

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

// A sum of zero has no sign, and NaN none either: then there may be odd values, which are looked for.
#define LOAD_STATE(tile, odd)                                                                    \
    {                                                                                            \
        [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++) {                                      \
            row_base[q] = saved_of(tile, q, false);                                              \
            row_sum[q] = saved_of(tile, q, true);                                                \
            [[unroll]] for (uint n = 0; n < DIM_TILES; n++) coopMatLoad(SAVED_PART(tile, q, n)); \
        }                                                                                        \
        float first_sum = saved_sums[tile.slot * group_rows + tile.first_row].y;                 \
        odd = first_sum <= 0 || is_nan(first_sum);                                               \
    }
