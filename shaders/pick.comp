#version 460
// Sampled rows, second sweep: the candidates of one run whose mean probability over the group's sampled rows is large enough become
// stripes, and what each half of the rows would have missed of the other's peaks is summed. A workgroup takes a slot and a run, an
// invocation a key at a time, so that the sum over a key's rows is its own, in their order. Workgroups of 32, a word of the mask.
#extension GL_GOOGLE_include_directive : require
#include "include/spec.glsl"
#include "include/push.glsl"
layout(binding = 0, std430) readonly buffer QueryBuffer { uvec4 queries[]; };
layout(binding = 1, std430) readonly buffer KeyBuffer { uvec4 keys[]; };
#include "include/is_nan.glsl"
#include "include/guard.glsl"
#define SUMS_ACCESS readonly
#define SUMS_BINDING 2
#include "include/sampled_sums.glsl"
layout(binding = 3, std430) writeonly buffer MaskBuffer { uint mask[]; };    // [slot][word]
layout(binding = 4, std430) writeonly buffer MissBuffer { float missed[]; }; // [slot][run] sums over the sampled rows
#define ANCHORS_BINDING 5
#include "include/sampled_lse.glsl"
#include "include/key_weight.glsl"

const uint BATCH = 8; // rows that share a read of a key; attention/rounds.go has it too, and a test compares them
shared vec4 query_rows[BATCH * CHUNKS_ROW * 2];
shared float row_lse[BATCH];
shared uint word_bits;
shared float found[LOCAL_X];

void load_rows(uint slot, Unit unit, uint first_row, uint count) {
    barrier(); // the rows before have been used
    for (uint i = gl_LocalInvocationIndex; i < BATCH * CHUNKS_ROW; i += LOCAL_X) {
        uint position = first_sampled(unit) + min(first_row + i / CHUNKS_ROW, count - 1) * GUARD_STRIDE;
        uvec4 packed = queries[q_base + unit.head * q_head + (position - q_offset) * q_row + i % CHUNKS_ROW];
        query_rows[2 * i] = vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y));
        query_rows[2 * i + 1] = vec4(unpackHalf2x16(packed.z), unpackHalf2x16(packed.w));
    }
    if (gl_LocalInvocationIndex < BATCH) {
        uint row = first_row + gl_LocalInvocationIndex;
        row_lse[gl_LocalInvocationIndex] = row < count ? sampled_lse(slot, unit, row, first_sampled(unit) + row * GUARD_STRIDE) : NO_ROW;
    }
    barrier();
}

void add_rows(inout KeyWeight weight, uint k_chunk, bool first_is_odd) {
    float scores[BATCH];
    [[unroll]] for (uint r = 0; r < BATCH; r++) scores[r] = 0;
    for (uint c = 0; c < CHUNKS_ROW; c++) {
        uvec4 packed = keys[k_chunk + c];
        vec4 low = vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y)), high = vec4(unpackHalf2x16(packed.z), unpackHalf2x16(packed.w));
        [[unroll]] for (uint r = 0; r < BATCH; r++) {
            uint at = 2 * (r * CHUNKS_ROW + c);
            scores[r] += dot(query_rows[at], low) + dot(query_rows[at + 1], high);
        }
    }
    [[unroll]] for (uint r = 0; r < BATCH; r++)
        add_row(weight, first_is_odd != ((r & 1) != 0), min(exp2(bounded_score(scores[r] * scale_log2) - row_lse[r]), 1.0));
}

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint slot = item / runs();
    uint run = item % runs();
    Unit unit = unit_of_slot(slot);
    uint count = sampled_rows(unit);
    uint end = candidates_end(unit);
    uint first_key = run * RUN_KEYS;
    uint end_key = min(first_key + RUN_KEYS, end);
    if (first_key >= end) return; // the whole workgroup: barriers follow
    uint k_head_base = k_base + unit.head / head_ratio * k_head;
    bool odd = (first_sampled(unit) / GUARD_STRIDE & 1) != 0; // whether row 0 is of the odd half; BATCH is even
    Needs needs = needs_of(unit);

    float own = 0;
    for (uint first = first_key; first < end_key; first += LOCAL_X) {
        uint key = first + gl_LocalInvocationIndex;
        KeyWeight weight = KeyWeight(0, 0, 0, 0);
        for (uint first_row = 0; first_row < count; first_row += BATCH) {
            load_rows(slot, unit, first_row, count);
            add_rows(weight, k_head_base + min(key, kv_end - 1) * k_row, odd);
        }
        bool candidate = key >= sink && key < end;
        if (candidate) own += missed_by_halves(weight, needs);
        if (gl_LocalInvocationIndex == 0) word_bits = 0;
        barrier();
        if (candidate && is_stripe(weight, needs)) atomicOr(word_bits, 1u << gl_LocalInvocationIndex);
        barrier();
        if (gl_LocalInvocationIndex == 0) mask[slot * mask_words() + first / 32] = word_bits;
        barrier();
    }
    found[gl_LocalInvocationIndex] = own;
    barrier();
    if (gl_LocalInvocationIndex != 0) return;
    float sum = 0;
    for (uint i = 0; i < LOCAL_X; i++) sum += found[i];
    missed[slot * runs() + run] = sum;
}
