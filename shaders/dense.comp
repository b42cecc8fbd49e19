#version 460
// Dense causal flash attention: row p attends keys [0, p].
// A workgroup takes one tile of TILE_ROWS query rows of one head; tiles are aligned to absolute position 0, so a row meets its
// keys in the same order and batches however the call is cut. Late (heavy) tiles come first.
#extension GL_GOOGLE_include_directive : require
#include "include/spec.glsl"
#include "include/push.glsl"
#include "include/key_range.glsl"
#include "include/kv.glsl"
#include "include/lanes.glsl"
DECLARE_K(1);
DECLARE_V(2);
#include "include/score.glsl"
#include "include/query.glsl"
#include "include/online.glsl"
#define OUT_BINDING 3
#define LSE_BINDING 4
#include "include/output.glsl"
#ifdef KEY_RANGE
#define STATE_ACCESS
#define ACC_BINDING 5
#define SUMS_BINDING 6
#include "include/state.glsl" // a group is a tile here, and item first_unit is in slot 0
#endif

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint head = head_first + item % head_count;
    uint tile_start = ((kv_end - 1) / TILE_ROWS - item / head_count) * TILE_ROWS;
    uint tile_end = min(tile_start + TILE_ROWS, kv_end);
    uint first_position = tile_start + first_tile_row();
    uint k_head_base = k_base + head / head_ratio * k_head;
    uint v_head_base = v_base + head / head_ratio * v_head;

#ifdef KEY_RANGE
    if (range_is_past(tile_end)) return;
    Tile tile = Tile(item - first_unit, 0, 0, Unit(tile_start, head, item), tile_start, tile_end);
#endif

    load_queries(head, first_position);
    BEGIN_ROWS(tile);
    uint seen_by_all = tile_start / KEYS * KEYS;
    for (uint first_key = FROM_KEY(0); first_key < TO_KEY(seen_by_all); first_key += KEYS) {
        uint k_chunk[KEYS], v_chunk[KEYS];
        [[unroll]] for (uint k = 0; k < KEYS; k++) {
            uint key = min(first_key + k, kv_end - 1);
            k_chunk[k] = k_head_base + key * k_row;
            v_chunk[k] = v_head_base + key * v_row;
        }
        attend_keys(k_chunk, v_chunk);
    }
    for (uint i = FROM_KEY(seen_by_all); i < TO_KEY(tile_end); i++) {
        uint key = min(i, kv_end - 1);
        bool visible[ROWS];
        [[unroll]] for (uint r = 0; r < ROWS; r++) visible[r] = key <= first_position + r;
        attend_key(k_head_base + key * k_row, v_head_base + key * v_row, visible);
    }
#ifdef KEY_RANGE
    if (!range_is_last(tile_end)) {
        SAVE_ROWS(tile)
        return;
    }
#endif
    store_rows(head, first_position, kv_end);
}
