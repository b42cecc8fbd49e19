// Sampled rows of a slot in the registers that scalar_score.glsl multiplies, from row `first_row` of the slot on; rows past the last repeat it.
layout(binding = 0, std430) readonly buffer QueryBuffer { uvec4 queries[]; };
uint sampled_position[ROWS];

void load_sampled(Unit unit, uint first_row) {
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        uint row_number = min(first_row + first_tile_row() + r, sampled_rows(unit) - 1);
        sampled_position[r] = first_sampled(unit) + row_number * GUARD_STRIDE;
        uint row = q_base + unit.head * q_head + (sampled_position[r] - q_offset) * q_row;
        [[unroll]] for (uint c = 0; c < CHUNKS; c++) {
            uvec4 packed = queries[row + chunk_of(c)];
            uint at = (r * CHUNKS + c) * 2;
            q[at] = VEC4(vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y)));
            q[at + 1] = VEC4(vec4(unpackHalf2x16(packed.z), unpackHalf2x16(packed.w)));
        }
    }
}
