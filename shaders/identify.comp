#version 460
// Stage 2 of AnchorAttention (arXiv 2505.23520): candidate key j of a group is a stripe when, for some block r of the group,
// mean(q_r) . k_j * scale >= mean anchor_r - theta, compared in fp32. Sets bit j of the group's mask.
// Rows here are pooled blocks. Invocations with different rows meet in one mask word by atomicOr on a zeroed mask: the order of
// an OR does not show, so the mask is the same in every run. A workgroup walks WORDS_A_GROUP words of 32 keys.
#extension GL_GOOGLE_include_directive : require
#include "include/spec.glsl"
#include "include/push.glsl"
#include "include/scalar_kv.glsl"
#include "include/scalar_lanes.glsl"
DECLARE_K(0);
#include "include/scalar_score.glsl"
layout(binding = 1, std430) readonly buffer PooledBuffer { vec4 pooled[]; };   // [slot][block][chunk] two vectors
layout(binding = 2, std430) readonly buffer AnchorBuffer { float anchors[]; }; // [slot][block] log2 units
layout(binding = 3, std430) buffer MaskBuffer { uint mask[]; };                // [slot][word], zero before

#define WORDS_A_GROUP 8 // attention/rounds.go has it too, and a test compares them
#include "include/stripe_mask.glsl"

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint runs = (mask_words() + WORDS_A_GROUP - 1) / WORDS_A_GROUP;
    uint slot = item / runs;
    uint first_word = item % runs * WORDS_A_GROUP;
    Unit unit = unit_of_slot(slot);
    uint end = unit.group_start - window;
    if (first_word * 32 >= end || (first_word + WORDS_A_GROUP) * 32 <= sink) return;
    uint end_word = min(first_word + WORDS_A_GROUP, (end + 31) / 32);
    uint k_head_base = k_base + unit.head / head_ratio * k_head;

    for (uint first_row = 0; first_row < blocks_in_group(); first_row += TILE_ROWS) {
        float threshold[ROWS];
        [[unroll]] for (uint r = 0; r < ROWS; r++) {
            uint row = first_row + first_tile_row() + r;
            uint block = slot * blocks_in_group() + min(row, blocks_in_group() - 1);
            threshold[r] = anchors[block] - theta_log2;
            [[unroll]] for (uint c = 0; c < CHUNKS; c++) {
                uint at = (r * CHUNKS + c) * 2;
                q[at] = pooled[2 * (block * CHUNKS_ROW + chunk_of(c))];
                q[at + 1] = pooled[2 * (block * CHUNKS_ROW + chunk_of(c)) + 1];
            }
        }
        for (uint word = first_word; word < end_word; word++) {
            uint bits = 0;
            for (uint first_key = 0; first_key < 32; first_key += KEYS) {
                uint k_chunk[KEYS];
                [[unroll]] for (uint k = 0; k < KEYS; k++)
                    k_chunk[k] = k_head_base + min(word * 32 + first_key + k, kv_end - 1) * k_row;
                float scores[ROWS * KEYS];
                SCORE_KEYS(KEYS, k_chunk, scores)
                [[unroll]] for (uint r = 0; r < ROWS; r++) {
                    [[unroll]] for (uint k = 0; k < KEYS; k++) {
                        if (is_stripe(scores[r * KEYS + k], threshold[r])) bits |= 1u << (first_key + k);
                    }
                }
            }
            bits &= candidates(word, end);
            if (bits != 0 && lane_in_row() == 0) atomicOr(mask[slot * mask_words() + word], bits);
        }
    }
}
