// Flash attention on cooperative matrices with softmax in registers (VK_NV_cooperative_matrix2 at subgroup scope; with KHR_ONLY
// without it, see registers_pass.glsl). Each subgroup owns ROWS queries. With the matrices of registers_layout.glsl, for each tile of KEYS keys:
//
//   S = Q K^T           fp16 in, fp32 out
//   P = 2^(S - base)    element by element, then converted to a matrix of weights
//   O = O f + P V
//
// Matrices keep the device's size: a reduction of larger ones is wrong on lavapipe. S never reaches shared memory, which holds
// K and V (matrix_stage.glsl) and a matrix a subgroup for queries and output to pass through.
#ifndef KHR_ONLY
#extension GL_NV_cooperative_matrix2 : require
#endif
#include "registers_layout.glsl"
#include "matrix_stage.glsl"

QUERY_MATRIX query_matrix[QUERY_PARTS * DIM_TILES];
SUM scores[QUERY_PARTS * KEYS_PARTS]; // of the tile at hand
WEIGHT_MATRIX weights[QUERY_PARTS * KEYS_PARTS];
SUM acc[QUERY_PARTS * DIM_TILES];

// Scores are taken relative to row_base, which is the same for all keys of a query. It follows the row's maximum only when a weight
// exceeds 2^MAX_LEAD, still well within a half: few tiles need a reduction or rescale accumulators. row_sum holds each element's
// share.
const float MAX_LEAD = 8;
SUM row_base[QUERY_PARTS];
SUM row_sum[QUERY_PARTS];
#ifdef TRACK_MAXIMUM
SUM row_top[QUERY_PARTS]; // each element's share of the maximum, NaN left out
#endif

#include "registers_pass.glsl"

// Loads the subgroup's queries; positions outside of the call repeat its first or last row.
void begin_tile(uint head, uint first_position) {
    begin_pass();
    begin_staging();
    if (DIM_PADDED != DIM) for (uint i = gl_SubgroupInvocationID; i < QUERY_SIZE * PASS_STRIDE; i += LANES) pass_tile[own_pass() + i] = uvec4(0);
    [[unroll]] for (uint n = 0; n < QUERY_PARTS * DIM_TILES; n++) {
        subgroup_sync();
        for (uint i = gl_SubgroupInvocationID; i < QUERY_SIZE * PASS_CHUNKS; i += LANES) {
            uint chunk = n % DIM_TILES * PASS_CHUNKS + i % PASS_CHUNKS;
            uint row = subgroup_row() + n / DIM_TILES * QUERY_SIZE + i / PASS_CHUNKS;
            uint position = clamp(first_position + row, q_offset, kv_end - 1);
            pass_tile[own_pass() + i / PASS_CHUNKS * PASS_STRIDE + i % PASS_CHUNKS] =
                chunk < CHUNKS_ROW ? queries[q_base + head * q_head + (position - q_offset) * q_row + chunk] : uvec4(0);
        }
        subgroup_sync();
        coopMatLoad(query_matrix[n], pass_tile, own_pass(), PASS_STRIDE, QUERY_LAYOUT);
    }
}

void clear_rows() {
    [[unroll]] for (uint i = 0; i < QUERY_PARTS * DIM_TILES; i++) acc[i] = SUM(0);
    [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++) {
        row_base[q] = SUM(LOWEST);
        row_sum[q] = SUM(0);
#ifdef TRACK_MAXIMUM
        row_top[q] = SUM(LOWEST);
#endif
    }
}

void scale_rows(uint q, SUM factor) {
    row_sum[q] *= factor;
    [[unroll]] for (uint n = 0; n < DIM_TILES; n++) acc[q * DIM_TILES + n] *= factor;
}

// Lets the base of queries follow the maximum of the tile's scores where it has run ahead.
void raise_base(uint q) {
    SUM top = scores[q * KEYS_PARTS];
    [[unroll]] for (uint k = 1; k < KEYS_PARTS; k++)
        [[unroll]] for (uint e = 0; e < top.length(); e++) top[e] = max(top[e], scores[q * KEYS_PARTS + k][e]);
    SUM highest = row_maxima(top);
    SUM factor;
    [[unroll]] for (uint e = 0; e < top.length(); e++) {
        float base = row_base[q][e];
        float next = highest[e] * scale_log2;
        row_base[q][e] = next > base + MAX_LEAD ? next : base;
        factor[e] = exp2(base - row_base[q][e]);
    }
    scale_rows(q, factor);
}

void score_tile() {
    [[unroll]] for (uint i = 0; i < QUERY_PARTS * KEYS_PARTS; i++) scores[i] = SUM(0);
    [[unroll]] for (uint c = 0; c < DIM_TILES; c++) {
        [[unroll]] for (uint k = 0; k < KEYS_PARTS; k++) {
            KEY_MATRIX key_matrix;
            coopMatLoad(key_matrix, key_tile, k * KEY_SIZE * KEY_STRIDE + c * DIM_SIZE / 8, KEY_STRIDE, KEY_LAYOUT);
            [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++)
                scores[q * KEYS_PARTS + k] = MULTIPLY(query_matrix[q * DIM_TILES + c], key_matrix, scores[q * KEYS_PARTS + k]);
        }
    }
}

void add_values() {
    [[unroll]] for (uint k = 0; k < KEYS_PARTS; k++) {
        [[unroll]] for (uint n = 0; n < DIM_TILES; n++) {
            VALUE_MATRIX value_matrix;
#ifdef VALUES_BY_KEY
            coopMatLoad(value_matrix, value_tile, k * KEY_SIZE * KEY_STRIDE + n * DIM_SIZE / 8, KEY_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
#else
            coopMatLoad(value_matrix, value_tile, n * DIM_SIZE * VALUE_STRIDE + k * KEY_SIZE / 2, VALUE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
#endif
            [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++)
                acc[q * DIM_TILES + n] = MULTIPLY(weights[q * KEYS_PARTS + k], value_matrix, acc[q * DIM_TILES + n]);
        }
    }
}

float seen_score(uint q, uint k, uint e) {
    float score = scores[q * KEYS_PARTS + k][e];
#ifdef TRACK_MAXIMUM
    if (is_nan(score)) return MINUS_INFINITY;
#endif
    return score;
}

// Whether some score has run ahead of its row's base. A NaN has not: what it makes of a row is settled at the end.
bool runs_ahead() {
    bool ahead = false;
    [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++) {
        [[unroll]] for (uint e = 0; e < row_sum[q].length(); e++) {
            float top = seen_score(q, 0, e);
            [[unroll]] for (uint k = 1; k < KEYS_PARTS; k++) top = max(top, seen_score(q, k, e));
#ifdef TRACK_MAXIMUM
            row_top[q][e] = max(row_top[q][e], top * scale_log2);
#endif
            ahead = ahead || top * scale_log2 > row_base[q][e] + MAX_LEAD;
        }
    }
    return ahead;
}

// With diagonal the values that are not finite are left out of the last tiles.
void attend(uint count, uint seen_by_all, bool diagonal, uint first_position, uint k_head_base, uint v_head_base) {
    fetch_tile(0, count, k_head_base, v_head_base);
    for (uint first = 0; first < count; first += KEYS) {
        bool masked = first + KEYS > seen_by_all;
        barrier();
        put_tile(masked && diagonal);
        barrier();
        fetch_tile(first + KEYS, count, k_head_base, v_head_base);
        score_tile();
        if (masked) hide_keys(first, count, first_position + subgroup_row());
        if (subgroupAny(runs_ahead())) {
            [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++) raise_base(q);
        }
        [[unroll]] for (uint i = 0; i < QUERY_PARTS * KEYS_PARTS; i++) {
            [[unroll]] for (uint e = 0; e < scores[i].length(); e++) {
                float weight = exp2(fma(scores[i][e], scale_log2, -row_base[i / KEYS_PARTS][e]));
                scores[i][e] = weight;
                row_sum[i / KEYS_PARTS][e] += weight;
            }
        }
        make_weights();
        add_values();
    }
}
