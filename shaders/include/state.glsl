// The softmax state that the anchor kernel leaves for the stripe kernel: accumulators in an opaque order that only equal
// specialization constants read back, and (row_max, row_sum) of each row by scratch slot. A poisoned row has a NaN as its sum.
// STATE_ACCESS is readonly or writeonly, ACC_BINDING and SUMS_BINDING come from the kernel.
layout(binding = ACC_BINDING, std430) STATE_ACCESS buffer AccBuffer { vec4 saved_acc[]; };
layout(binding = SUMS_BINDING, std430) STATE_ACCESS buffer SumsBuffer { vec2 saved_sums[]; };
#include "tile.glsl"

uint acc_at(Tile tile, uint i) {
    uint tiles = (group_rows + TILE_ROWS - 1) / TILE_ROWS;
    return ((tile.slot * tiles + tile.index) * ROWS * CHUNKS * 2 + i) * LOCAL_X + gl_LocalInvocationIndex;
}

uint sums_at(Tile tile, uint r) { return tile.slot * group_rows + tile.first_row + first_tile_row() + r; }
bool row_in_group(Tile tile, uint r) { return tile.first_row + first_tile_row() + r < group_rows; }
