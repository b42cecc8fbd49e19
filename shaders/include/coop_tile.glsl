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
// The next tile's loads are issued before the current tile's products. Needs what coop_stage.glsl needs.
#include "coop_stage.glsl"

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

// A row's softmax belongs to ROW_LANES lanes of one subgroup; a lane has LANE_ROWS rows. The first members of a team have
// MEMBER_ROWS rows each, in which every lane has four scores or more; others may have none.
const uint FEWEST_ROWS = 4 * LANES / KEYS;
const uint MEMBER_ROWS = ROWS / SLICES > FEWEST_ROWS ? ROWS / SLICES : FEWEST_ROWS > 0 ? FEWEST_ROWS : 1;
const uint ROW_LANES = LANES > MEMBER_ROWS ? LANES / MEMBER_ROWS : 1;
const uint LANE_ROWS = LANES > MEMBER_ROWS ? 1 : MEMBER_ROWS / LANES;
const uint LANE_QUADS = KEYS / 4 / ROW_LANES; // vec4 of a row that a lane handles
//
// Scores are taken relative to row_base, which follows the row's maximum row_max only when that has grown by MAX_LEAD: weights
// then reach 2^MAX_LEAD, well within a half, and the accumulators are rescaled in few tiles instead of every third.
#ifdef HALF_SUMS
const float MAX_LEAD = 2; // VALUE_SHRINK counts on it
#else
const float MAX_LEAD = 8;
#endif
float row_max[LANE_ROWS];
float row_base[LANE_ROWS];
float row_sum[LANE_ROWS];
bool poisoned[LANE_ROWS];

uint member() { return SLICES > 1 ? gl_SubgroupID % SLICES : 0; }
uint team_row() { return gl_SubgroupID / SLICES * ROWS; }
bool weighs_rows() { return SLICES == 1 || member() * MEMBER_ROWS < ROWS; }
uint first_part() { return member() * DIM_PARTS; } // of the slice, counted in matrices
uint own_row(uint r) { return team_row() + member() * MEMBER_ROWS + r * LANES + gl_SubgroupInvocationID / ROW_LANES; }
uint own_part() { return gl_SubgroupInvocationID % ROW_LANES; }

void team_sync() {
    if (SLICES > 1) barrier();
    else subgroup_sync();
}

float max_of_row(float x) {
    [[unroll]] for (uint d = 1; d < ROW_LANES; d <<= 1) x = max(x, subgroupShuffleXor(x, d));
    return x;
}
float sum_of_row(float x) {
    [[unroll]] for (uint d = 1; d < ROW_LANES; d <<= 1) x += subgroupShuffleXor(x, d);
    return x;
}

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

// Leaves out of a lane's scores the keys past the end of the sequence and those past the row's position.
void hide_keys(inout vec4 scores[LANE_QUADS], uint first, uint count, uint position) {
    [[unroll]] for (uint n = 0; n < LANE_QUADS; n++) {
        [[unroll]] for (uint e = 0; e < 4; e++) {
            uint i = first + (own_part() * LANE_QUADS + n) * 4 + e;
            if (i >= count || key_at(min(i, count - 1)) > position) scores[n][e] = uintBitsToFloat(0xff800000u);
        }
    }
}

// One row's online softmax step over the keys [first, first + KEYS) of the sequence, some of which are hidden if masked.
void weigh_row(uint r, uint first, uint count, bool masked, uint position) {
    uint row = own_row(r);
    vec4 scores[LANE_QUADS];
    [[unroll]] for (uint n = 0; n < LANE_QUADS; n++)
        scores[n] = uintBitsToFloat(score_tile[row * SCORE_STRIDE + own_part() * LANE_QUADS + n]) * scale_log2;
    if (masked) hide_keys(scores, first, count, position);

    // As integers, NaN and +inf are above all others with their sign; -inf is fine.
    int highest = 0;
    uint lowest = 0;
    float top = row_max[r];
    [[unroll]] for (uint n = 0; n < LANE_QUADS; n++) {
        [[unroll]] for (uint e = 0; e < 4; e++) {
            highest = max(highest, floatBitsToInt(scores[n][e]));
            lowest = max(lowest, floatBitsToUint(scores[n][e]));
            top = max(top, scores[n][e]);
        }
    }
    if (highest >= 0x7f800000 || lowest > 0xff800000u) {
        poisoned[r] = true;
        top = row_max[r];
        [[unroll]] for (uint n = 0; n < LANE_QUADS; n++)
            [[unroll]] for (uint e = 0; e < 4; e++)
                if (!is_nan(scores[n][e])) top = max(top, scores[n][e]);
    }
    top = max_of_row(top);
    float base = top > row_base[r] + MAX_LEAD ? top : row_base[r];
    float sum = 0;
    [[unroll]] for (uint n = 0; n < LANE_QUADS; n++) {
        vec4 weight = exp2(scores[n] - base);
        uvec2 packed = uvec2(packHalf2x16(weight.xy), packHalf2x16(weight.zw));
        vec4 rounded = vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y));
        sum += (rounded.x + rounded.y) + (rounded.z + rounded.w);
        weight_tile[row * WEIGHT_STRIDE + own_part() * LANE_QUADS + n] = packed;
    }
    float factor = exp2(row_base[r] - base);
    row_sum[r] = row_sum[r] * factor + sum_of_row(sum);
    row_max[r] = top;
    row_base[r] = base;
    row_factor[row] = factor;
}

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
