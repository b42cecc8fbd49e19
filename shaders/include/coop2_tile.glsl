// Flash attention on cooperative matrices with softmax in registers (VK_NV_cooperative_matrix2 at subgroup scope). Each subgroup
// owns ROWS queries. Everything is transposed, so that a query is a column:
//
//   S = K Q^T          keys x queries: fp16 in, fp32 out
//   P = 2^(S - base)   element by element, then converted to the right-hand matrix of
//   O = O f + V^T P    dimensions x queries
//
// On AMD's units a column of an accumulator lies in two lanes, where a right-hand matrix wants it (on RDNA4 in just that order);
// rows would cross sixteen lanes. Matrices keep the device's size: a reduction of larger ones is wrong on lavapipe. S never
// reaches shared memory, which holds K and V (coop_stage.glsl) and a matrix a subgroup for queries and output to pass through.
#extension GL_NV_cooperative_matrix2 : require
#include "coop_stage.glsl"

const uint QUERY_PARTS = ROWS / MAT_N;
const uint DIM_TILES = DIM_PADDED / MAT_M; // MAT_K is MAT_M: what a product gives, the next one takes
#define LEFT coopmat<float16_t, gl_ScopeSubgroup, MAT_M, MAT_M, gl_MatrixUseA>
#define RIGHT coopmat<float16_t, gl_ScopeSubgroup, MAT_M, MAT_N, gl_MatrixUseB>
#define SUM coopmat<float, gl_ScopeSubgroup, MAT_M, MAT_N, gl_MatrixUseAccumulator>

RIGHT query_matrix[QUERY_PARTS * DIM_TILES];
SUM acc[QUERY_PARTS * DIM_TILES];

// Scores are taken relative to row_base, which is the same down a column. It follows the row's maximum only when a weight exceeds
// 2^MAX_LEAD, still well within a half: few tiles need a reduction or rescale accumulators. row_sum holds each element's share.
const float MAX_LEAD = 8;
SUM row_base[QUERY_PARTS];
SUM row_sum[QUERY_PARTS];
#ifdef TRACK_MAXIMUM // for kernels whose SEE_SCORES looks for maxima
SUM row_top[QUERY_PARTS];
float higher(const in uint r, const in uint c, const in float score, const in float top) {
    return is_nan(score) ? top : max(top, score * scale_log2);
}
#endif

const uint PASS_STRIDE = MAT_M / 4 + 1; // vec4, padded by 16 bytes
shared uvec4 pass_tile[LOCAL_X / LANES * MAT_N * PASS_STRIDE];

uint subgroup_row() { return gl_SubgroupID * ROWS; }
uint own_pass() { return gl_SubgroupID * MAT_N * PASS_STRIDE; }

// Element functions: r is the row (a key or dimension), c the column (a query).
float weight_of(const in uint r, const in uint c, const in float score, const in float base) { return exp2(fma(score, scale_log2, -base)); }
float raised(const in uint r, const in uint c, const in float base, const in float top) { return top > base + MAX_LEAD ? top : base; }
float power_of_2(const in uint r, const in uint c, const in float x) { return exp2(x); }
float larger(const in float a, const in float b) { return max(a, b); }
float total(const in float a, const in float b) { return a + b; }
float if_seen(const in uint r, const in uint c, const in float score, const in uint first, const in uint count, const in uint position) {
    uint i = first + r;
    return i >= count || key_at(min(i, count - 1)) > position + c ? uintBitsToFloat(0xff800000u) : score;
}

// Loads the subgroup's queries; positions outside of the call repeat its first or last row.
void begin_tile(uint head, uint first_position) {
    begin_staging();
    if (DIM_PADDED != DIM) for (uint i = gl_SubgroupInvocationID; i < MAT_N * PASS_STRIDE; i += LANES) pass_tile[own_pass() + i] = uvec4(0);
    [[unroll]] for (uint n = 0; n < QUERY_PARTS * DIM_TILES; n++) {
        subgroup_sync();
        for (uint i = gl_SubgroupInvocationID; i < MAT_N * (MAT_M / 8); i += LANES) {
            uint chunk = n % DIM_TILES * (MAT_M / 8) + i % (MAT_M / 8);
            uint row = subgroup_row() + n / DIM_TILES * MAT_N + i / (MAT_M / 8);
            uint position = clamp(first_position + row, q_offset, q_offset + q_len - 1);
            pass_tile[own_pass() + i / (MAT_M / 8) * PASS_STRIDE + i % (MAT_M / 8)] =
                chunk < CHUNKS_ROW ? queries[q_base + head * q_head + (position - q_offset) * q_row + chunk] : uvec4(0);
        }
        subgroup_sync();
        coopMatLoad(query_matrix[n], pass_tile, own_pass(), PASS_STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
    }
}

void clear_rows() {
    [[unroll]] for (uint i = 0; i < QUERY_PARTS * DIM_TILES; i++) acc[i] = SUM(0);
    [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++) {
        row_base[q] = SUM(LOWEST);
        row_sum[q] = SUM(0);
    }
}

void scale_rows(uint q, SUM factor) {
    row_sum[q] *= factor;
    [[unroll]] for (uint n = 0; n < DIM_TILES; n++) acc[q * DIM_TILES + n] *= factor;
}

void raise_base(uint q, SUM scores) {
    SUM top, base, factor;
    coopMatReduceNV(top, scores * scale_log2, gl_CooperativeMatrixReduceColumnNV, larger);
    coopMatPerElementNV(base, row_base[q], raised, top);
    coopMatPerElementNV(factor, row_base[q] - base, power_of_2);
    row_base[q] = base;
    scale_rows(q, factor);
}

// Weights as bits: in their order NaN comes last, so that it cannot hide a weight that is too large.
uint largest_bits(SUM weights) {
    uint top = 0;
    [[unroll]] for (int e = 0; e < weights.length(); e++) top = max(top, floatBitsToUint(weights[e]));
    return top;
}

// Scores of MAT_M keys of the tile.
void score_keys(uint k, out SUM scores[QUERY_PARTS]) {
    [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++) scores[q] = SUM(0);
    [[unroll]] for (uint c = 0; c < DIM_TILES; c++) {
        LEFT key_matrix;
        coopMatLoad(key_matrix, key_tile, k * MAT_M * KEY_STRIDE + c * MAT_M / 8, KEY_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++)
            scores[q] = coopMatMulAdd(key_matrix, query_matrix[q * DIM_TILES + c], scores[q]);
    }
}

void add_values(uint k, RIGHT weights[QUERY_PARTS]) {
    [[unroll]] for (uint n = 0; n < DIM_TILES; n++) {
        LEFT value_matrix;
        coopMatLoad(value_matrix, value_tile, n * MAT_M * VALUE_STRIDE + k * MAT_M / 2, VALUE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++)
            acc[q * DIM_TILES + n] = coopMatMulAdd(value_matrix, weights[q], acc[q * DIM_TILES + n]);
    }
}

// Attends keys [0, count) of the kernel's sequence. Those from seen_by_all on are compared with each row's position; with diagonal
// some rows do not see them, and their values that are not finite are left out.
void attend(uint count, uint seen_by_all, bool diagonal, uint first_position, uint k_head_base, uint v_head_base) {
    fetch_tile(0, count, k_head_base, v_head_base);
    for (uint first = 0; first < count; first += KEYS) {
        bool masked = first + KEYS > seen_by_all;
        barrier();
        put_tile(masked && diagonal);
        barrier();
        fetch_tile(first + KEYS, count, k_head_base, v_head_base);
        [[unroll]] for (uint k = 0; k < KEYS / MAT_M; k++) {
            SUM scores[QUERY_PARTS];
            SUM weights[QUERY_PARTS];
            RIGHT halves[QUERY_PARTS];
            score_keys(k, scores);
            uint top = 0;
            [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++) {
                if (masked) coopMatPerElementNV(scores[q], scores[q], if_seen, first + k * MAT_M, count, first_position + subgroup_row() + q * MAT_N);
                SEE_SCORES(q, scores[q])
                coopMatPerElementNV(weights[q], scores[q], weight_of, row_base[q]);
                top = max(top, largest_bits(weights[q]));
            }
            if (subgroupAny(top > floatBitsToUint(exp2(MAX_LEAD)))) {
                [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++) {
                    raise_base(q, scores[q]);
                    coopMatPerElementNV(weights[q], scores[q], weight_of, row_base[q]);
                }
            }
            [[unroll]] for (uint q = 0; q < QUERY_PARTS; q++) {
                row_sum[q] += weights[q];
                halves[q] = RIGHT(weights[q]);
            }
            add_values(k, halves);
        }
    }
}

// Sums of whole rows, the same down a column.
SUM row_totals(uint q) {
    SUM sums;
    coopMatReduceNV(sums, row_sum[q], gl_CooperativeMatrixReduceColumnNV, total);
    return sums;
}
bool is_finite(float x) { return (floatBitsToUint(x) & 0x7f800000u) != 0x7f800000u; }
