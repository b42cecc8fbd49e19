#version 460
// Stage 2 of AnchorAttention (arXiv 2505.23520) on cooperative matrices: a subgroup multiplies ROWS pooled queries with KEYS
// keys. The contract is that of identify.comp, precision included: a pooled query is the sum of two halves, which keep 22 of its
// 24 bits, and both products are added up in fp32.
#extension GL_GOOGLE_include_directive : require
#include "include/coop_spec.glsl"
#include "include/push.glsl"
layout(binding = 0, std430) readonly buffer KeyBuffer { uvec4 keys[]; };
layout(binding = 1, std430) readonly buffer PooledBuffer { vec4 pooled[]; };   // [slot][block][chunk] two vectors
layout(binding = 2, std430) readonly buffer AnchorBuffer { float anchors[]; }; // [slot][block] log2 units
layout(binding = 3, std430) buffer MaskBuffer { uint mask[]; };                // [slot][word], zero before
#include "include/stripe_mask.glsl"

const uint SUBGROUPS = LOCAL_X / LANES;
const uint KEY_STRIDE = DIM_PADDED / 8 + 1; // uvec4; padded by 16 bytes, so that neighbours start in other banks
const uint SCORE_STRIDE = KEYS + 4;         // float
const uint DIM_STEPS = DIM_PADDED / MAT_K;
shared uvec4 key_tile[SUBGROUPS * KEYS * KEY_STRIDE];
shared float score_tile[SUBGROUPS * ROWS * SCORE_STRIDE];
MATRIX_A upper[ROW_PARTS * DIM_STEPS];
MATRIX_A lower[ROW_PARTS * DIM_STEPS];

uint own_tile() { return gl_SubgroupID * KEYS * KEY_STRIDE; }

// The two halves of four pooled elements; what no half can hold has nothing below it.
uvec2 upper_halves(vec4 x) { return uvec2(packHalf2x16(x.xy), packHalf2x16(x.zw)); }
uvec2 lower_halves(vec4 x) {
    uvec2 packed = upper_halves(x);
    vec4 rest = x - vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y));
    [[unroll]] for (uint e = 0; e < 4; e++)
        if ((floatBitsToUint(rest[e]) & 0x7f800000u) == 0x7f800000u) rest[e] = 0;
    return upper_halves(rest);
}

// Pooled queries pass through the subgroup's key tile, ROWS <= KEYS rows at a time.
void load_pooled(uint slot, uint first_row) {
    [[unroll]] for (uint part = 0; part < 2; part++) {
        subgroup_sync();
        for (uint i = gl_SubgroupInvocationID; i < ROWS * CHUNKS_ROW; i += LANES) {
            uint block = slot * blocks_in_group() + min(first_row + i / CHUNKS_ROW, blocks_in_group() - 1);
            vec4 low = pooled[2 * (block * CHUNKS_ROW + i % CHUNKS_ROW)];
            vec4 high = pooled[2 * (block * CHUNKS_ROW + i % CHUNKS_ROW) + 1];
            key_tile[own_tile() + i / CHUNKS_ROW * KEY_STRIDE + i % CHUNKS_ROW] =
                part == 0 ? uvec4(upper_halves(low), upper_halves(high)) : uvec4(lower_halves(low), lower_halves(high));
        }
        subgroup_sync();
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
            [[unroll]] for (uint c = 0; c < DIM_STEPS; c++) {
                MATRIX_A rows;
                coopMatLoad(rows, key_tile, own_tile() + m * MAT_M * KEY_STRIDE + c * MAT_K / 8, KEY_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                if (part == 0) upper[m * DIM_STEPS + c] = rows;
                else lower[m * DIM_STEPS + c] = rows;
            }
        }
    }
}

// Scores of KEYS keys from a position on, into the subgroup's part of score_tile.
void score_keys(uint first_key, uint k_head_base) {
    subgroup_sync();
    for (uint i = gl_SubgroupInvocationID; i < KEYS * CHUNKS_ROW; i += LANES) {
        uint key = min(first_key + i / CHUNKS_ROW, kv_end - 1);
        key_tile[own_tile() + i / CHUNKS_ROW * KEY_STRIDE + i % CHUNKS_ROW] = keys[k_head_base + key * k_row + i % CHUNKS_ROW];
    }
    subgroup_sync();
    [[unroll]] for (uint n = 0; n < KEY_PARTS; n++) {
        MATRIX_C scores[ROW_PARTS];
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) scores[m] = MATRIX_C(0);
        [[unroll]] for (uint c = 0; c < DIM_STEPS; c++) {
            MATRIX_B key_matrix;
            coopMatLoad(key_matrix, key_tile, own_tile() + n * MAT_N * KEY_STRIDE + c * MAT_K / 8, KEY_STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
            [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
                scores[m] = coopMatMulAdd(lower[m * DIM_STEPS + c], key_matrix, scores[m]);
                scores[m] = coopMatMulAdd(upper[m * DIM_STEPS + c], key_matrix, scores[m]);
            }
        }
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
            coopMatStore(scores[m], score_tile, (gl_SubgroupID * ROWS + m * MAT_M) * SCORE_STRIDE + n * MAT_N, SCORE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
    }
    subgroup_sync();
}

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

    if (DIM_PADDED != DIM) // by one chunk, which stays zero
        for (uint i = gl_SubgroupInvocationID; i < KEYS; i += LANES) key_tile[own_tile() + i * KEY_STRIDE + CHUNKS_ROW] = uvec4(0);
    for (uint first_row = 0; first_row < blocks_in_group(); first_row += ROWS) {
        load_pooled(slot, first_row);
        for (uint word = first_word + gl_SubgroupID; word < end_word; word += SUBGROUPS) {
            uint bits = 0;
            for (uint first_key = 0; first_key < 32; first_key += KEYS) {
                score_keys(word * 32 + first_key, k_head_base);
                for (uint i = gl_SubgroupInvocationID; i < ROWS * KEYS; i += LANES) {
                    uint block = slot * blocks_in_group() + min(first_row + i / KEYS, blocks_in_group() - 1);
                    float score = score_tile[(gl_SubgroupID * ROWS + i / KEYS) * SCORE_STRIDE + i % KEYS];
                    if (is_nan(score)) score = whole_score(block, word * 32 + first_key + i % KEYS, k_head_base);
                    if (is_stripe(score * scale_log2, anchors[block] - theta_log2)) bits |= 1u << (first_key + i % KEYS);
                }
            }
            [[unroll]] for (uint d = 1; d < LANES; d <<= 1) bits |= subgroupShuffleXor(bits, d);
            bits &= candidates(word, end);
            if (bits != 0 && gl_SubgroupInvocationID == 0) atomicOr(mask[slot * mask_words() + word], bits);
        }
    }
}
