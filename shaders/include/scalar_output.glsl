// Rows from registers to the output.
const uint NAN_HALVES = 0x7e007e00u;

#ifdef KV_UINT
// Some drivers without 16-bit types (SwiftShader) turn an infinity into a NaN, and change the other half with it.
uint pack_halves(vec2 x) {
    uvec2 bits = floatBitsToUint(x);
    uvec2 is_inf = uvec2(equal(bits & 0x7fffffffu, uvec2(0x7f800000u)));
    return packHalf2x16(uintBitsToFloat(bits & ~(is_inf * 0x7fffffffu))) | is_inf.x * 0x7c00u | is_inf.y * 0x7c000000u;
}
#else
uint pack_halves(vec2 x) { return packHalf2x16(x); }
#endif

void store_rows(uint head, uint first_position, uint end_position, uint v_head_base, bool odd, uint diagonal) {
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        uint position = first_position + first_tile_row() + r;
        if (position < q_offset || position >= end_position) continue;
        uint row = position - q_offset;
        float inverse = row_sum[r] > 0 ? 1 / row_sum[r] : 0;
        bool is_nan_row = poisoned[r] || row_max[r] == LOWEST; // the latter: no score above -inf
        uint at_out = o_base + head * o_head + row * o_row;
        [[unroll]] for (uint c = 0; c < CHUNKS; c++) {
            uint at = (r * CHUNKS + c) * 2;
            vec4 low = acc[at] * inverse;
            vec4 high = acc[at + 1] * inverse;
            uvec4 packed = uvec4(pack_halves(low.xy), pack_halves(low.zw), pack_halves(high.xy), pack_halves(high.zw));
            outputs[at_out + chunk_of(c)] = is_nan_row ? uvec4(NAN_HALVES) : packed;
        }
        if (lse_base != NO_LSE && lane_in_row() == 0) {
            float value = LN2 * (row_max[r] + log2(row_sum[r]));
            lse[lse_base + head * q_len + row] = is_nan_row ? NAN : value;
        }
    }
}
