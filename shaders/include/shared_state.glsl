// Accumulators as rows of DIM_PADDED floats. A negative sum says that the tile's diagonal holds values that are not finite, which the
// accumulators lack.
uint acc_at(Tile tile, uint m, uint n) {
    uint tiles = (group_rows + TILE_ROWS - 1) / TILE_ROWS;
    return (((tile.slot * tiles + tile.index) * TILE_ROWS + team_row() + m * MAT_M) * DIM_PADDED + (first_part() + n) * MAT_N) / 4;
}
bool part_exists(uint n) { return SLICES == 1 || first_part() + n < ALL_DIM_PARTS; }
uint sums_at(Tile tile, uint r) { return tile.slot * group_rows + tile.first_row + own_row(r); }
bool row_in_group(Tile tile, uint r) { return tile.first_row + own_row(r) < group_rows; }

// A matrix of accumulators, and where it lies.
#define SAVED_PART(tile, m, n) acc[m * DIM_PARTS + n], saved_acc, acc_at(tile, m, n), DIM_PADDED / 4, gl_CooperativeMatrixLayoutRowMajor

// The saved maxima are the anchors, so that the state has to be relative to them.
#define SAVE_STATE(tile)                                                                           \
    {                                                                                              \
        team_sync(); /* the last tile's row_factor has been read */                                \
        [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {                                          \
            if (!weighs_rows()) break;                                                             \
            float factor = exp2(row_base[r] - row_max[r]);                                         \
            row_sum[r] *= factor;                                                                  \
            row_factor[own_row(r)] = factor;                                                       \
        }                                                                                          \
        team_sync();                                                                               \
        scale_acc();                                                                               \
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)                                            \
            [[unroll]] for (uint n = 0; n < DIM_PARTS; n++)                                        \
                if (part_exists(n)) coopMatStore(SAVED_PART(tile, m, n));                          \
        [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {                                          \
            if (!weighs_rows()) break;                                                             \
            uint bad = uint(poisoned[r]);                                                          \
            [[unroll]] for (uint d = 1; d < ROW_LANES; d <<= 1) bad |= subgroupShuffleXor(bad, d); \
            float sum = any_odd_value() ? -row_sum[r] : row_sum[r];                                \
            if (own_part() == 0 && row_in_group(tile, r))                                          \
                saved_sums[sums_at(tile, r)] = vec2(row_max[r], bad != 0 ? NAN : sum);             \
        }                                                                                          \
    }

// A sum of zero has no sign, and NaN none either: then there may be odd values, which are looked for.
#define LOAD_STATE(tile, odd)                                                                                    \
    {                                                                                                            \
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)                                                          \
            [[unroll]] for (uint n = 0; n < DIM_PARTS; n++)                                                      \
                if (part_exists(n)) coopMatLoad(SAVED_PART(tile, m, n));                                         \
        float first_sum = saved_sums[tile.slot * group_rows + tile.first_row].y;                                 \
        odd = first_sum <= 0 || is_nan(first_sum);                                                               \
        [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {                                                        \
            vec2 sums = weighs_rows() && row_in_group(tile, r) ? saved_sums[sums_at(tile, r)] : vec2(LOWEST, 0); \
            row_max[r] = sums.x;                                                                                 \
            row_base[r] = sums.x;                                                                                \
            row_sum[r] = abs(sums.y);                                                                            \
            poisoned[r] = is_nan(sums.y);                                                                        \
        }                                                                                                        \
    }
