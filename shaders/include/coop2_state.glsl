// The softmax state between anchor_coop2 and stripes_coop2: accumulators matrix by matrix, by slot and tile, and (maximum, sum) of
// each row, of which the maxima are the anchors. A row whose sum is not finite has NaN there; a negative sum says that the tile's
// diagonal holds values that are not finite, which the accumulators lack. STATE_ACCESS and the bindings come from the kernel.
layout(binding = ACC_BINDING, std430) STATE_ACCESS buffer AccBuffer { vec4 saved_acc[]; };
layout(binding = SUMS_BINDING, std430) STATE_ACCESS buffer SumsBuffer { vec2 saved_sums[]; };
#include "tile.glsl"

uint acc_at(Tile tile, uint q, uint n) {
    uint tiles = (group_rows + TILE_ROWS - 1) / TILE_ROWS;
    return (((tile.slot * tiles + tile.index) * TILE_ROWS + subgroup_row() + q * QUERY_SIZE) * DIM_PADDED + n * DIM_SIZE * QUERY_SIZE) / 4;
}
const uint ACC_STRIDE = MAT_N / 4; // vec4
