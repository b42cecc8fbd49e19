#version 460
// Stage 1 of AnchorAttention (arXiv 2505.23520): flash attention of a group's rows over the anchor keys, that is the sink
// [0, sink) and the window [group start - window, row]. Leaves the softmax state in scratch: its row maxima are the anchors
// x_a, and the stripe kernel goes on from it. Only groups with candidates come here, so the sink lies before the window.
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
#ifdef KEY_RANGE
#define STATE_ACCESS
#else
#define STATE_ACCESS writeonly
#endif
#define ACC_BINDING 3
#define SUMS_BINDING 4
#include "include/state.glsl"

void main() {
    Tile tile = sparse_tile(first_item + gl_WorkGroupID.x);
    if (tile_is_empty(tile)) return;
    uint first_position = tile.start + first_tile_row();
    uint k_head_base = k_base + tile.unit.head / head_ratio * k_head;
    uint v_head_base = v_base + tile.unit.head / head_ratio * v_head;
#ifdef KEY_RANGE
    if (range_is_past(tile.end - (tile.unit.group_start - window - sink))) return;
#endif

    load_queries(tile.unit.head, first_position);
    BEGIN_ROWS(tile);
    // Anchor key i is key i of the sink, then of the window; sink and window are multiples of 16, so no batch straddles them.
    uint gap = tile.unit.group_start - window - sink;
    uint seen_by_all = (tile.start - gap) / KEYS * KEYS;
    for (uint i = FROM_KEY(0); i < TO_KEY(seen_by_all); i += KEYS) {
        uint first_key = i < sink ? i : i + gap;
        uint k_chunk[KEYS], v_chunk[KEYS];
        [[unroll]] for (uint k = 0; k < KEYS; k++) {
            uint key = min(first_key + k, kv_end - 1);
            k_chunk[k] = k_head_base + key * k_row;
            v_chunk[k] = v_head_base + key * v_row;
        }
        attend_keys(k_chunk, v_chunk);
    }
    for (uint i = FROM_KEY(seen_by_all); i < TO_KEY(tile.end - gap); i++) {
        uint key = min(i < sink ? i : i + gap, kv_end - 1);
        bool visible[ROWS];
        [[unroll]] for (uint r = 0; r < ROWS; r++) visible[r] = key <= first_position + r;
        attend_key(k_head_base + key * k_row, v_head_base + key * v_row, visible);
    }

    SAVE_ROWS(tile)
}
