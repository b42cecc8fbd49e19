// What kernels on matrices write: eight halves of a row of O at a time.

// Adds back the values on the diagonal that are not finite, to the rows that see them: NaN and infinities survive any weight.
vec4 with_odd_values(vec4 x, uint v_head_base, uint chunk, uint half_chunk, uint from, uint position) {
    for (uint i = from; diagonal_key(i) <= position; i++) {
        uint key = diagonal_key(i);
        uvec4 packed = values[v_head_base + key * v_row + chunk];
        uvec2 part = half_chunk == 0 ? packed.xy : packed.zw;
        vec4 value = vec4(unpackHalf2x16(part.x), unpackHalf2x16(part.y));
        [[unroll]] for (uint e = 0; e < 4; e++)
            if ((floatBitsToUint(value[e]) & 0x7f800000u) == 0x7f800000u) x[e] += value[e];
    }
    return x;
}

// Elements of one row from a multiple of eight on.
void store_chunk(uint head, uint position, uint chunk, vec4 low, vec4 high, uint v_head_base, bool odd, uint diagonal) {
    if (odd) {
        low = with_odd_values(low, v_head_base, chunk, 0, diagonal, position);
        high = with_odd_values(high, v_head_base, chunk, 1, diagonal, position);
    }
    outputs[o_base + head * o_head + (position - q_offset) * o_row + chunk] =
        uvec4(packHalf2x16(low.xy), packHalf2x16(low.zw), packHalf2x16(high.xy), packHalf2x16(high.zw));
}
