// Query rows from their buffer (fp16, always read as 32-bit words: once a tile, so the way of loading does not matter).
layout(binding = 0, std430) readonly buffer QueryBuffer { uvec4 queries[]; };

void load_queries(uint head, uint first_position) {
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        uint position = clamp(first_position + r, q_offset, kv_end - 1);
        uint row = q_base + head * q_head + (position - q_offset) * q_row;
        [[unroll]] for (uint c = 0; c < CHUNKS; c++) {
            uvec4 packed = queries[row + chunk_of(c)];
            uint at = (r * CHUNKS + c) * 2;
            q[at] = VEC4(vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y)) * Q_SHRINK);
            q[at + 1] = VEC4(vec4(unpackHalf2x16(packed.z), unpackHalf2x16(packed.w)) * Q_SHRINK);
        }
    }
}
