#version 460
// Stage 2 of AnchorAttention (arXiv 2505.23520) on cooperative matrices: a subgroup multiplies ROWS pooled queries of one head with
// keys that the workgroup stages once for all of its heads. The contract is that of identify.comp, precision included: a pooled
// query is the sum of two halves, which keep 22 of its 24 bits, and both products are added up in fp32.
// A workgroup has HEADS slots, one head each, and walks WORDS_A_GROUP words of 32 keys; a head's subgroups share the keys of a tile.
#extension GL_GOOGLE_include_directive : require
#include "include/matrix_search.glsl"
#include "include/push.glsl"
layout(binding = 0, std430) readonly buffer KeyBuffer { uvec4 keys[]; };
layout(binding = 1, std430) readonly buffer PooledBuffer { vec4 pooled[]; };   // [slot][block][chunk] two vectors
layout(binding = 2, std430) readonly buffer AnchorBuffer { float anchors[]; }; // [slot][block] log2 units
layout(binding = 3, std430) buffer MaskBuffer { uint mask[]; };                // [slot][word], zero before
#define WORDS_A_GROUP 16 // attention/rounds.go has it too, and a test compares them
#include "include/stripe_mask.glsl"
#include "include/matrix_pooled.glsl"
#include "include/matrix_keys.glsl"

// One score without matrices, for keys with an infinity: the halves of a query may differ in sign, and give NaN with it.
float whole_score(uint block, uint key, uint k_head_base) {
    float sum = 0;
    for (uint c = 0; c < CHUNKS_ROW; c++) {
        uvec4 packed = keys[k_head_base + min(key, kv_end - 1) * k_row + c];
        vec4 low = vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y));
        vec4 high = vec4(unpackHalf2x16(packed.z), unpackHalf2x16(packed.w));
        sum += dot(pooled[2 * (block * CHUNKS_ROW + c)], low) + dot(pooled[2 * (block * CHUNKS_ROW + c) + 1], high);
    }
    return sum;
}

uint bits[OWN_WORDS]; // of the own keys in the tile at hand

// Finds the stripes among the own keys of a tile; false when some score is NaN.
bool score_tile(uint first_key) {
    MATRIX_C scores[OWN_PARTS * ROW_PARTS];
    [[unroll]] for (uint i = 0; i < OWN_PARTS * ROW_PARTS; i++) scores[i] = MATRIX_C(0);
    [[unroll]] for (uint c = 0; c < DIM_STEPS; c++) {
        if (LEAN != 0) {
            [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
                uint at = head_tile() + m * MAT_M * KEY_STRIDE + c * MAT_K / 8;
                coopMatLoad(upper[m * DIM_STEPS + c], pooled_tile, at, KEY_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                coopMatLoad(lower[m * DIM_STEPS + c], pooled_tile, at + POOLED_HALF, KEY_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
            }
        }
        [[unroll]] for (uint n = 0; n < OWN_PARTS; n++) {
            MATRIX_B key_matrix;
            coopMatLoad(key_matrix, key_tile, (own_first_key() + n * MAT_N) * KEY_STRIDE + c * MAT_K / 8, KEY_STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
            [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
                scores[n * ROW_PARTS + m] = coopMatMulAdd(lower[m * DIM_STEPS + c], key_matrix, scores[n * ROW_PARTS + m]);
                scores[n * ROW_PARTS + m] = coopMatMulAdd(upper[m * DIM_STEPS + c], key_matrix, scores[n * ROW_PARTS + m]);
            }
        }
    }
    bool odd = false;
    [[unroll]] for (uint n = 0; n < OWN_PARTS; n++) {
        uint shift = (first_key + own_first_key() + n * MAT_N) % 32;
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
            [[unroll]] for (uint e = 0; e < column.length(); e++) {
                float score = scores[n * ROW_PARTS + m][e] * scale_log2;
                odd = odd || is_nan(score);
                if (score >= limit[m][e]) bits[n * MAT_N / 32] |= 1u << (shift + uint(column[e]));
            }
        }
    }
    return !subgroupAny(odd);
}

// The same, score by score.
void score_singly(uint slot, uint first_row, uint first_key, uint k_head_base) {
    [[unroll]] for (uint w = 0; w < OWN_WORDS; w++) bits[w] = 0;
    [[unroll]] for (uint w = 0; w < OWN_WORDS; w++) {
        for (uint i = gl_SubgroupInvocationID; i < min(32, OWN_PARTS * MAT_N); i += LANES) {
            uint key = first_key + own_first_key() + w * 32 + i;
            for (uint r = first_row; r < min(first_row + ROWS, blocks_in_group()); r++) {
                uint block = slot * blocks_in_group() + r;
                if (whole_score(block, key, k_head_base) * scale_log2 >= anchors[block] - theta_log2) bits[w] |= 1u << key % 32;
            }
        }
    }
}

void keep_stripes(uint slot, uint first_key, uint end) {
    [[unroll]] for (uint w = 0; w < OWN_WORDS; w++) {
        uint word = (first_key + own_first_key()) / 32 + w;
        uint found = bits[w];
        bits[w] = 0;
        [[unroll]] for (uint d = 1; d < LANES; d <<= 1) found |= subgroupShuffleXor(found, d);
        found &= candidates(word, end);
        if (found != 0 && gl_SubgroupInvocationID == 0) atomicOr(mask[slot * mask_words() + word], found);
    }
}

void keep_all(uint slot, uint first_word, uint end) {
    for (uint i = gl_SubgroupInvocationID; i < WORDS_A_GROUP; i += LANES)
        if ((first_word + i) * 32 < end) mask[slot * mask_words() + first_word + i] = candidates(first_word + i, end);
}

// As many slots as scratch memory holds.
uint slot_count() { return min(mask.length() / mask_words(), pooled.length() / (2 * blocks_in_group() * CHUNKS_ROW)); }

// Slots past the last one, and units past the last one, have no candidates.
uint candidates_end(uint slot) {
    if (slot >= slot_count() || (first_unit + slot) / head_count > (kv_end - 1) / group_rows) return 0;
    return max(unit_of_slot(slot).group_start, window) - window;
}

#include "include/matrix_kv_heads.glsl"

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint runs = (mask_words() + WORDS_A_GROUP - 1) / WORDS_A_GROUP;
    uint first_slot = item / runs * HEADS;
    uint slot = first_slot + gl_SubgroupID / PARTS;
    uint first_key = item % runs * WORDS_A_GROUP * 32;
    uint last_end = candidates_end(first_slot); // groups descend from slot to slot
    if (first_key >= last_end || first_key + WORDS_A_GROUP * 32 <= sink) return;
    uint end_key = min(first_key + WORDS_A_GROUP * 32, last_end);
    uint end = candidates_end(slot);
    if (abs(theta_log2) >= THETA_ALL) {
        if (theta_log2 > 0) keep_all(slot, first_key / 32, end);
        return;
    }

    [[unroll]] for (uint w = 0; w < OWN_WORDS; w++) bits[w] = 0;
    begin_pooled();
    for (uint first_row = 0; first_row < blocks_in_group(); first_row += ROWS) {
        load_pooled(min(slot, slot_count() - 1), first_row);
        for (uint i = 0; i < HEADS; i++) {
            if (!brings_kv_head(first_slot, i)) continue;
            uint k_head_base = k_base + kv_head_of(first_slot + i) * k_head;
            bool own = kv_head_of(slot) == kv_head_of(first_slot + i);
            fetch_keys(first_key, k_head_base);
            for (uint key = first_key; key < end_key; key += KEYS) {
                barrier();
                put_keys(key, k_head_base);
                barrier();
                fetch_keys(key + KEYS, k_head_base);
                if (!own || key >= end) continue;
                if (!score_tile(key)) score_singly(slot, first_row, key, k_head_base);
                keep_stripes(slot, key, end);
            }
            barrier();
        }
    }
}
