// The softmax state between anchor_coop and stripes_coop: accumulators as rows of DIM_PADDED floats by slot and tile, and
// (row_max, row_sum) of each row. A poisoned row has a NaN as its sum; a negative sum says that the tile's diagonal holds values
// that are not finite, which the accumulators lack. STATE_ACCESS and the bindings come from the kernel.
layout(binding = ACC_BINDING, std430) STATE_ACCESS buffer AccBuffer { vec4 saved_acc[]; };
layout(binding = SUMS_BINDING, std430) STATE_ACCESS buffer SumsBuffer { vec2 saved_sums[]; };
#include "tile.glsl"

uint acc_at(Tile tile, uint m, uint n) {
    uint tiles = (group_rows + TILE_ROWS - 1) / TILE_ROWS;
    return (((tile.slot * tiles + tile.index) * TILE_ROWS + team_row() + m * MAT_M) * DIM_PADDED + (first_part() + n) * MAT_N) / 4;
}
bool part_exists(uint n) { return SLICES == 1 || first_part() + n < ALL_DIM_PARTS; }
uint sums_at(Tile tile, uint r) { return tile.slot * group_rows + tile.first_row + own_row(r); }
bool row_in_group(Tile tile, uint r) { return tile.first_row + own_row(r) < group_rows; }
