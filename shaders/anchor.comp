#version 460
// Stage 1 of AnchorAttention (arXiv 2505.23520): flash attention of a group's rows over the anchor keys, that is the sink
// [0, sink) and the window [group start - window, row]. Leaves the softmax state in scratch: its row maxima are the anchors
// x_a, and the stripe kernel goes on from it. Only groups with candidates come here, so the sink lies before the window.
#extension GL_GOOGLE_include_directive : require
#include "include/family.glsl"
uint gap = 0; // keys between sink and window
uint key_at(uint i) { return i < sink ? i : i + gap; }
#define TRACK_MAXIMUM
#define STATE_ACCESS writeonly
#define ACC_BINDING 3
#define SUMS_BINDING 4
#include "include/attend.glsl"

void main() {
    Tile tile = sparse_tile(first_item + gl_WorkGroupID.x);
    if (tile_is_empty(tile)) return;
    gap = tile.unit.group_start - window - sink;
    uint k_head_base = k_base + tile.unit.head / head_ratio * k_head;
    uint v_head_base = v_base + tile.unit.head / head_ratio * v_head;
    LEAVE_IF_PAST(tile.end - gap)

    begin_tile(tile.unit.head, tile.start);
    BEGIN_ROWS(tile);
    attend(tile.end - gap, tile.start - gap, true, tile.start, k_head_base, v_head_base);
    SAVE_STATE(tile)
}
