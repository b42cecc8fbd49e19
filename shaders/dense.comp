#version 460
// Dense causal flash attention: row p attends keys [0, p].
// A workgroup takes one tile of TILE_ROWS query rows of one head; tiles are aligned to absolute position 0, so a row meets its
// keys in the same order and batches however the call is cut. Late (heavy) tiles come first.
#extension GL_GOOGLE_include_directive : require
#include "include/family.glsl"
uint key_at(uint i) { return i; }
uint diagonal_key(uint i) { return i; }
#ifdef KEY_RANGE
#define ACC_BINDING 5
#define SUMS_BINDING 6
#endif
#define OUT_BINDING 3
#define LSE_BINDING 4
#include "include/attend.glsl"

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint head = head_first + item % head_count;
    uint tile_start = ((kv_end - 1) / TILE_ROWS - item / head_count) * TILE_ROWS;
    uint tile_end = min(tile_start + TILE_ROWS, kv_end);
    uint k_head_base = k_base + head / head_ratio * k_head;
    uint v_head_base = v_base + head / head_ratio * v_head;
    LEAVE_IF_PAST(tile_end)
#ifdef KEY_RANGE // a group is a tile here, and item first_unit is in slot 0
    Tile tile = Tile(item - first_unit, 0, 0, Unit(tile_start, head, item), tile_start, tile_end);
#endif

    begin_tile(head, tile_start);
    BEGIN_ROWS(tile);
    attend(tile_end, tile_start, true, tile_start, k_head_base, v_head_base);
    LEAVE_TO_NEXT_RANGE(tile, tile_end)
    store_rows(head, tile_start, tile_end, v_head_base, any_odd_value(), tile_start / KEYS * KEYS);
}
