// Accumulators in an opaque order that only equal specialization constants read back.
uint acc_at(Tile tile, uint i) {
    uint tiles = (group_rows + TILE_ROWS - 1) / TILE_ROWS;
    return ((tile.slot * tiles + tile.index) * ROWS * CHUNKS * 2 + i) * LOCAL_X + gl_LocalInvocationIndex;
}

uint sums_at(Tile tile, uint r) { return tile.slot * group_rows + tile.first_row + first_tile_row() + r; }
bool row_in_group(Tile tile, uint r) { return tile.first_row + first_tile_row() + r < group_rows; }

#define SAVE_STATE(tile)                                                                             \
    {                                                                                                \
        [[unroll]] for (uint i = 0; i < ROWS * CHUNKS * 2; i++) saved_acc[acc_at(tile, i)] = acc[i]; \
        [[unroll]] for (uint r = 0; r < ROWS; r++) {                                                 \
            if (lane_in_row() == 0 && row_in_group(tile, r))                                         \
                saved_sums[sums_at(tile, r)] = vec2(row_max[r], poisoned[r] ? NAN : row_sum[r]);     \
        }                                                                                            \
    }

#define LOAD_ROWS(tile)                                                                              \
    {                                                                                                \
        [[unroll]] for (uint i = 0; i < ROWS * CHUNKS * 2; i++) acc[i] = saved_acc[acc_at(tile, i)]; \
        [[unroll]] for (uint r = 0; r < ROWS; r++) {                                                 \
            vec2 sums = row_in_group(tile, r) ? saved_sums[sums_at(tile, r)] : vec2(LOWEST, 0);      \
            row_max[r] = sums.x;                                                                     \
            row_sum[r] = sums.y;                                                                     \
            poisoned[r] = is_nan(sums.y);                                                            \
        }                                                                                            \
    }

#define LOAD_STATE(tile, odd) LOAD_ROWS(tile) odd = false;
