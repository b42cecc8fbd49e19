// Accumulators matrix by matrix. A row whose sum is not finite has NaN there; a negative sum says that the tile's diagonal holds values
// that are not finite, which the accumulators lack.
uint acc_at(Tile tile, uint q, uint n) {
    uint tiles = (group_rows + TILE_ROWS - 1) / TILE_ROWS;
    return (((tile.slot * tiles + tile.index) * TILE_ROWS + subgroup_row() + q * QUERY_SIZE) * DIM_PADDED + n * DIM_SIZE * QUERY_SIZE) / 4;
}
const uint ACC_STRIDE = MAT_N / 4; // vec4

// A matrix of accumulators, and where it lies.
#define SAVED_PART(tile, q, n) acc[q * DIM_TILES + n], saved_acc, acc_at(tile, q, n), ACC_STRIDE, gl_CooperativeMatrixLayoutRowMajor

// The saved maxima are the anchors, so that the state has to be relative to them. The kernel needs TRACK_MAXIMUM.
#define SAVE_STATE(tile)                                                                                \
    [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++) {                                                 \
        SUM top = row_maxima(row_top[q]);                                                               \
        SUM factor;                                                                                     \
        [[unroll]] for (uint e = 0; e < top.length(); e++) factor[e] = exp2(row_base[q][e] - top[e]);   \
        scale_rows(q, factor);                                                                          \
        SUM sums = row_totals(q);                                                                       \
        put_rows(top);                                                                                  \
        for (uint query = gl_SubgroupInvocationID; query < QUERY_SIZE; query += LANES)                  \
            row_value[own_values() + query] = row_of(query);                                            \
        put_rows(sums);                                                                                 \
        for (uint query = gl_SubgroupInvocationID; query < QUERY_SIZE; query += LANES) {                \
            uint row = tile.first_row + subgroup_row() + q * QUERY_SIZE + query;                        \
            float sum = row_of(query);                                                                  \
            float kept = !is_finite(sum) ? NAN : any_odd_value() ? -sum : sum;                          \
            if (row < group_rows)                                                                       \
                saved_sums[tile.slot * group_rows + row] = vec2(row_value[own_values() + query], kept); \
        }                                                                                               \
        [[unroll]] for (uint n = 0; n < DIM_TILES; n++) coopMatStore(SAVED_PART(tile, q, n));           \
    }
