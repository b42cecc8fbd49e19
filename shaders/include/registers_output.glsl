// Rows from the accumulators to the output, a matrix at a time through the subgroup's pass_tile. A row is NaN when no score was above -inf, or when one was NaN or +inf: then its sum is not finite.
#include "matrix_chunk.glsl"

bool is_nan_row(float base, float sum) { return base == LOWEST || !is_finite(sum); }

// A mean of halves is none above the largest one, but weights are rounded after they were summed.
vec4 within_halves(vec4 x) {
    [[unroll]] for (uint e = 0; e < 4; e++)
        if (abs(x[e]) < 1e30) x[e] = clamp(x[e], -65504, 65504);
    return x;
}

void store_lse(uint head, uint q, SUM sums, uint first_position, uint end_position) {
    [[unroll]] for (uint e = 0; e < sums.length(); e++)
        sums[e] = is_nan_row(row_base[q][e], sums[e]) ? NAN : LN2 * (row_base[q][e] + log2(sums[e]));
    put_rows(sums);
    for (uint query = gl_SubgroupInvocationID; query < QUERY_SIZE; query += LANES) {
        uint position = first_position + subgroup_row() + q * QUERY_SIZE + query;
        if (position >= q_offset && position < end_position) lse[lse_base + head * q_len + position - q_offset] = row_of(query);
    }
}

void store_rows(uint head, uint first_position, uint end_position, uint v_head_base, bool odd, uint diagonal) {
    [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++) {
        SUM sums = row_totals(q);
        if (lse_base != NO_LSE) store_lse(head, q, sums, first_position, end_position);
        SUM factor;
        [[unroll]] for (uint e = 0; e < factor.length(); e++)
            factor[e] = is_nan_row(row_base[q][e], sums[e]) ? NAN : 1 / sums[e];
        scale_rows(q, factor);
    }
    for (uint n = 0; n < QUERY_PARTS * DIM_TILES; n++) {
        put_rows(acc[0]);
        for (uint i = gl_SubgroupInvocationID; i < QUERY_SIZE * PASS_CHUNKS; i += LANES) {
            uint chunk = n % DIM_TILES * PASS_CHUNKS + i % PASS_CHUNKS;
            uint position = first_position + subgroup_row() + n / DIM_TILES * QUERY_SIZE + i / PASS_CHUNKS;
            if (chunk >= CHUNKS_ROW || position < q_offset || position >= end_position) continue;
            uint at = own_pass() + i / PASS_CHUNKS * PASS_STRIDE + i % PASS_CHUNKS * 2;
            store_chunk(head, position, chunk, within_halves(uintBitsToFloat(pass_tile[at])), within_halves(uintBitsToFloat(pass_tile[at + 1])),
                        v_head_base, odd, diagonal);
        }
        // The next one moves to the front: matrices that are indexed by a variable would live in memory, not in registers.
        [[unroll]] for (uint i = 0; i + 1 < QUERY_PARTS * DIM_TILES; i++) acc[i] = acc[i + 1];
    }
}
