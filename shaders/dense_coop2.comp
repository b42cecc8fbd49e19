#version 460
// Dense causal flash attention on cooperative matrices with softmax in registers: row p attends keys [0, p]. The contract and the
// order of tiles are those of dense.comp.
#extension GL_GOOGLE_include_directive : require
#include "include/coop_spec.glsl"
#include "include/push.glsl"
uint key_at(uint i) { return i; }
uint diagonal_key(uint i) { return i; }
#include "include/coop2_tile.glsl"
#define OUT_BINDING 3
#define LSE_BINDING 4
#include "include/coop2_output.glsl"

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint head = head_first + item % head_count;
    uint tile_start = ((kv_end - 1) / TILE_ROWS - item / head_count) * TILE_ROWS;
    uint tile_end = min(tile_start + TILE_ROWS, kv_end);
    uint k_head_base = k_base + head / head_ratio * k_head;
    uint v_head_base = v_base + head / head_ratio * v_head;

    begin_tile(head, tile_start);
    clear_rows();
    attend(tile_end, tile_start, true, tile_start, k_head_base, v_head_base);
    store_rows(head, tile_start, tile_end, v_head_base, any_odd_value(), tile_start / KEYS * KEYS);
}
