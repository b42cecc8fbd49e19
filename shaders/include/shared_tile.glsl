// Flash attention on cooperative matrices (VK_KHR_cooperative_matrix). Each team of SLICES subgroups, usually one, owns ROWS query
// rows: their accumulators stay in matrices, each member's slice of head_dim with it; so do the queries if the team is one.
// A tile of KEYS keys and values is staged in shared memory, once for the workgroup:
//
//   S = Q K^T     fp16 in, fp32 out, through shared memory to the lanes that own its rows
//   P = 2^(S - m) by those lanes, fp16, back through shared memory
//   O = O f + P V  where f, the rows' rescaling, is a matrix loaded with stride 0 from one value a row
//
// With HALF_SUMS a tile's P V is summed in fp16, and tiles are added up in fp32.
//
// The next tile's loads are issued before the current tile's products. Needs what matrix_stage.glsl needs.
#include "matrix_stage.glsl"

const uint SCORE_STRIDE = KEYS / 4 + 1;         // uvec4, the bits of four scores each
const uint WEIGHT_STRIDE = KEYS / 4 + 2;        // uvec2, four weights each
const uint DIM_STEPS = DIM_PADDED / MAT_K;
const uint KEY_STEPS = KEYS / MAT_K;
shared uvec4 score_tile[TILE_ROWS * SCORE_STRIDE];
shared uvec2 weight_tile[TILE_ROWS * WEIGHT_STRIDE];
shared float row_factor[TILE_ROWS];

// Queries of a team of one pass through the score tile, so many chunks and matrices of a row at a time.
const uint SLAB_CHUNKS = KEYS / 4;
const uint SLAB_STEPS = SLAB_CHUNKS * 8 / MAT_K;
MATRIX_A query_matrix[ROW_PARTS * DIM_STEPS];
shared uvec4 query_tile[SLICES > 1 ? TILE_ROWS * KEY_STRIDE : 1];
MATRIX_C acc[ROW_PARTS * DIM_PARTS];

#include "shared_rows.glsl"

uvec4 query_chunk(uint head, uint position, uint chunk) {
    uint row = clamp(position, q_offset, kv_end - 1) - q_offset;
    return chunk < CHUNKS_ROW ? queries[q_base + head * q_head + row * q_row + chunk] : uvec4(0);
}

// Zeroes the padding of head_dim, and loads the queries: for teams into query_tile, else into matrices, through the subgroup's part
// of score_tile, some columns at a time. (A condition around the loads would make compilers carry the matrices element by element
// through every loop that follows.)
void begin_tile(uint head, uint first_position) {
    begin_staging();
    if (SLICES > 1) {
        for (uint i = gl_LocalInvocationIndex; i < TILE_ROWS * (DIM_PADDED / 8); i += LOCAL_X)
            query_tile[i / (DIM_PADDED / 8) * KEY_STRIDE + i % (DIM_PADDED / 8)] = query_chunk(head, first_position + i / (DIM_PADDED / 8), i % (DIM_PADDED / 8));
        return; // attend begins with a barrier
    }
    [[unroll]] for (uint slab = 0; slab < (DIM_STEPS + SLAB_STEPS - 1) / SLAB_STEPS; slab++) {
        [[unroll]] for (uint n = 0; n < (ROWS * SLAB_CHUNKS + LANES - 1) / LANES; n++) {
            uint i = n * LANES + gl_SubgroupInvocationID;
            uint row = team_row() + i / SLAB_CHUNKS;
            if (ROWS * SLAB_CHUNKS % LANES == 0 || i < ROWS * SLAB_CHUNKS)
                score_tile[row * SCORE_STRIDE + i % SLAB_CHUNKS] = query_chunk(head, first_position + row, slab * SLAB_CHUNKS + i % SLAB_CHUNKS);
        }
        subgroup_sync();
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
            [[unroll]] for (uint c = 0; c < SLAB_STEPS; c++)
                if (slab * SLAB_STEPS + c < DIM_STEPS)
                    coopMatLoad(query_matrix[m * DIM_STEPS + slab * SLAB_STEPS + c], score_tile, (team_row() + m * MAT_M) * SCORE_STRIDE + c * MAT_K / 8, SCORE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        subgroup_sync();
    }
}

// Team: the matrices of the score tile are dealt out among the members.
void score_tile_in_turn() {
    [[unroll]] for (uint i = 0; i < (ROW_PARTS * KEY_PARTS + SLICES - 1) / SLICES; i++) {
        uint row = (i * SLICES + member()) / KEY_PARTS * MAT_M;
        uint key = (i * SLICES + member()) % KEY_PARTS * MAT_N;
        if (ROW_PARTS * KEY_PARTS % SLICES != 0 && row >= ROWS) return;
        MATRIX_C scores = MATRIX_C(0);
        [[unroll]] for (uint c = 0; c < DIM_STEPS; c++) {
            MATRIX_A query;
            MATRIX_B key_matrix;
            coopMatLoad(query, query_tile, (team_row() + row) * KEY_STRIDE + c * MAT_K / 8, KEY_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
            coopMatLoad(key_matrix, key_tile, key * KEY_STRIDE + c * MAT_K / 8, KEY_STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
            scores = coopMatMulAdd(query, key_matrix, scores);
        }
        coopMatStore(scores, score_tile, (team_row() + row) * SCORE_STRIDE + key / 4, SCORE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
    }
}

void score_tile_rows() {
    if (SLICES > 1) {
        score_tile_in_turn();
        return;
    }
    [[unroll]] for (uint n = 0; n < KEY_PARTS; n++) {
        MATRIX_C scores[ROW_PARTS];
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) scores[m] = MATRIX_C(0);
        [[unroll]] for (uint c = 0; c < DIM_STEPS; c++) {
            MATRIX_B key_matrix;
            coopMatLoad(key_matrix, key_tile, n * MAT_N * KEY_STRIDE + c * MAT_K / 8, KEY_STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
            [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
                scores[m] = coopMatMulAdd(query_matrix[m * DIM_STEPS + c], key_matrix, scores[m]);
        }
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
            coopMatStore(scores[m], score_tile, (team_row() + m * MAT_M) * SCORE_STRIDE + n * MAT_N / 4, SCORE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
    }
}

#include "shared_softmax.glsl"

// Multiplies the rows of the accumulators by row_factor.
void scale_acc() {
    [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
        MATRIX_C factor;
        coopMatLoad(factor, row_factor, team_row() + m * MAT_M, 0, gl_CooperativeMatrixLayoutColumnMajor);
        [[unroll]] for (uint n = 0; n < DIM_PARTS; n++) acc[m * DIM_PARTS + n] *= factor;
    }
}

void add_values() {
    MATRIX_A weights[ROW_PARTS * KEY_STEPS];
    [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
        [[unroll]] for (uint k = 0; k < KEY_STEPS; k++)
            coopMatLoad(weights[m * KEY_STEPS + k], weight_tile, (team_row() + m * MAT_M) * WEIGHT_STRIDE + k * MAT_K / 4, WEIGHT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
    [[unroll]] for (uint n = 0; n < DIM_PARTS; n++) {
#ifdef HALF_SUMS
        MATRIX_H sums[ROW_PARTS];
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) sums[m] = MATRIX_H(0);
#endif
        [[unroll]] for (uint k = 0; k < KEY_STEPS; k++) {
            MATRIX_B value_matrix;
            coopMatLoad(value_matrix, value_tile, min(first_part() + n, ALL_DIM_PARTS - 1) * MAT_N * VALUE_STRIDE + k * MAT_K / 2, VALUE_STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
            [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
#ifdef HALF_SUMS
                sums[m] = coopMatMulAdd(weights[m * KEY_STEPS + k], value_matrix, sums[m]);
#else
                acc[m * DIM_PARTS + n] = coopMatMulAdd(weights[m * KEY_STEPS + k], value_matrix, acc[m * DIM_PARTS + n]);
#endif
        }
#ifdef HALF_SUMS
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) acc[m * DIM_PARTS + n] += MATRIX_C(sums[m]) * float(VALUE_SHRINK);
#endif
    }
}

void clear_rows() {
    [[unroll]] for (uint i = 0; i < ROW_PARTS * DIM_PARTS; i++) acc[i] = MATRIX_C(0);
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        row_max[r] = LOWEST;
        row_base[r] = LOWEST;
        row_sum[r] = 0;
        poisoned[r] = false;
    }
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
        score_tile_rows();
        team_sync();
        bool grown = false;
        if (weighs_rows()) {
            [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
                float before = row_base[r];
                weigh_row(r, first, count, masked, first_position + own_row(r));
                grown = grown || row_base[r] != before;
            }
        }
        team_sync();
        if (SLICES > 1)
            for (uint i = gl_SubgroupInvocationID; i < ROWS; i += LANES) grown = grown || row_factor[team_row() + i] != 1;
        if (subgroupAny(grown)) scale_acc();
        add_values();
    }
}
