// A workgroup's place in the sparse path: item = slot * tiles a group + tile, late tiles first.
struct Tile { uint slot; uint index; uint first_row; Unit unit; uint start; uint end; };

Tile sparse_tile(uint item) {
    uint tiles = (group_rows + TILE_ROWS - 1) / TILE_ROWS;
    Tile tile;
    tile.slot = item / tiles;
    tile.index = tiles - 1 - item % tiles;
    tile.first_row = tile.index * TILE_ROWS;
    tile.unit = unit_of_slot(tile.slot);
    tile.start = tile.unit.group_start + tile.first_row;
    tile.end = min(min(tile.start + TILE_ROWS, tile.unit.group_start + group_rows), kv_end);
    return tile;
}

bool tile_is_empty(Tile tile) { return tile.start >= tile.end || tile.end <= q_offset; }
