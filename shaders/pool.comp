#version 460
// Averages over the blocks of a group (stage 2 of AnchorAttention, arXiv 2505.23520): the mean query row and the mean anchor of
// the rows that exist. A workgroup takes one block, an invocation one chunk of its rows, summed in row order, so the result never depends on the device.
#extension GL_GOOGLE_include_directive : require
#include "include/spec.glsl"
#include "include/push.glsl"
layout(binding = 0, std430) readonly buffer QueryBuffer { uvec4 queries[]; };
layout(binding = 1, std430) readonly buffer SumsBuffer { vec2 saved_sums[]; };
layout(binding = 2, std430) writeonly buffer PooledBuffer { vec4 pooled[]; };   // [slot][block][chunk] two vectors
layout(binding = 3, std430) writeonly buffer AnchorBuffer { float anchors[]; }; // [slot][block] log2 units

const float NEVER = 3.0e38; // an anchor that no score reaches: blocks without rows select nothing

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint chunk = gl_LocalInvocationIndex; // a row has at most 32 chunks
    uint block = item % blocks_in_group();
    uint slot = item / blocks_in_group();
    if (chunk >= CHUNKS_ROW) return;
    Unit unit = unit_of_slot(slot);
    uint start = max(unit.group_start + block * block_rows, q_offset);
    uint end = min(unit.group_start + (block + 1) * block_rows, kv_end);

    vec4 low = vec4(0), high = vec4(0);
    float anchor = 0;
    uint row_base = q_base + unit.head * q_head + chunk;
    for (uint position = start; position < end; position++) {
        uvec4 packed = queries[row_base + (position - q_offset) * q_row];
        low += vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y));
        high += vec4(unpackHalf2x16(packed.z), unpackHalf2x16(packed.w));
        float top = saved_sums[slot * group_rows + position - unit.group_start].x;
        anchor += top == LOWEST ? MINUS_INFINITY : top; // no score above -inf: the mean is -inf, as its definition says
    }
    float share = 1 / float(max(end, start + 1) - start);
    uint at = (slot * blocks_in_group() + block) * CHUNKS_ROW + chunk;
    pooled[2 * at] = low * share;
    pooled[2 * at + 1] = high * share;
    if (chunk == 0) anchors[slot * blocks_in_group() + block] = start < end ? anchor * share : NEVER;
}
