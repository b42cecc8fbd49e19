// Sampled rows as matrices: each subgroup holds ROWS of them and scores the keys that it stages with others.
// Needs: matrix_search.glsl, push.glsl, guard.glsl and the buffer keys; the kernel says how many slots there are (SLOT_COUNT).
// Groups descend from slot to slot, so that the first slot of a workgroup has the most candidates.
layout(binding = 0, std430) readonly buffer QueryBuffer { uvec4 queries[]; };
shared vec4 row_numbers[SUBGROUPS * ROWS / 4 + 4]; // one of each subgroup's rows, then the numbers of columns
shared uvec4 query_tile[LEAN != 0 ? HEADS * ROWS * KEY_STRIDE : 1];
MATRIX_A rows[ROW_PARTS * DIM_STEPS];

#include "matrix_keys.glsl"
#include "matrix_kv_heads.glsl"

// Zeroes the padding of head_dim, which nothing writes afterwards.
void begin_sampled() {
    if (DIM_PADDED != DIM) // by one chunk
        for (uint i = gl_LocalInvocationIndex; i < KEYS; i += LOCAL_X) key_tile[i * KEY_STRIDE + CHUNKS_ROW] = uvec4(0);
    for (uint i = gl_LocalInvocationIndex; i < 16; i += LOCAL_X) row_numbers[SUBGROUPS * ROWS / 4 + i / 4][i % 4] = float(i);
    barrier();
    coopMatLoad(column, row_numbers, SUBGROUPS * ROWS / 4, 0, gl_CooperativeMatrixLayoutRowMajor);
}

// A workgroup has HEADS slots, and HEADS of its parts a slot each; in a second look, at few units with many rows, it has one slot,
// of which each part takes other rows: those from `first_own_row()` on, and every `rows_at_once()`.
uint slots_an_item() { return LOOK == 0 ? HEADS : 1; }
uint own_slot(uint first_slot) { return LOOK == 0 ? first_slot + gl_SubgroupID / PARTS : first_slot; }
uint first_own_row() { return LOOK == 0 ? 0 : gl_SubgroupID / PARTS * ROWS; }
uint rows_at_once() { return LOOK == 0 ? ROWS : HEADS * ROWS; }

// Slots past the last one have no rows, nor have units past the last one, whose groups are before the call or without candidates.
bool slot_exists(uint slot) {
    uint groups_after = (first_unit + slot) / head_count, last_group = (kv_end - 1) / group_rows;
    if (slot >= SLOT_COUNT || groups_after > last_group) return false;
    uint start = (last_group - groups_after) * group_rows;
    return start > sink + window && start + group_rows > q_offset;
}
uint rows_of_slot(uint slot) { return slot_exists(slot) ? sampled_rows(unit_of_slot(slot)) : 0; }
uint slot_end(uint slot) { return slot_exists(slot) ? candidates_end(unit_of_slot(slot)) : 0; }

uint position_of(Unit unit, uint row) { return first_sampled(unit) + min(row, max(sampled_rows(unit), 1) - 1) * GUARD_STRIDE; }

uvec4 query_chunk(Unit unit, uint row, uint chunk) {
    uint position = min(position_of(unit, row), kv_end - 1); // a slot without sampled rows reads some row
    return queries[q_base + unit.head * q_head + (position - q_offset) * q_row + chunk];
}

// One number of each row to a matrix that holds it in every column.
void put_row_number(uint i, float x) { row_numbers[(gl_SubgroupID * ROWS + i) / 4][i % 4] = x; }
MATRIX_C row_number(uint m) {
    MATRIX_C of_rows;
    coopMatLoad(of_rows, row_numbers, (gl_SubgroupID * ROWS + m * MAT_M) / 4, 0, gl_CooperativeMatrixLayoutColumnMajor);
    return of_rows;
}

// Rows pass through the key tile, as many subgroups at a time as have room in it, as pooled queries do in matrix_pooled.glsl.
void load_sampled(uint slot, uint first_row) {
    Unit unit = unit_of_slot(min(slot, SLOT_COUNT - 1));
    if (LEAN != 0) {
        const uint chunks = DIM_PADDED / 8;
        barrier(); // the tile before has been scored
        for (uint i = gl_LocalInvocationIndex; i < ROWS * chunks; i += LOCAL_X)
            query_tile[i / chunks * KEY_STRIDE + i % chunks] = i % chunks < CHUNKS_ROW ? query_chunk(unit, first_row + i / chunks, i % chunks) : uvec4(0);
        barrier();
        return;
    }
    const uint room = min(KEYS / ROWS, SUBGROUPS);
    [[unroll]] for (uint first = 0; first < SUBGROUPS; first += room) {
        uint tile = (gl_SubgroupID - first) * ROWS * KEY_STRIDE;
        bool now = room == SUBGROUPS || gl_SubgroupID >= first && gl_SubgroupID < first + room;
        barrier();
        for (uint i = gl_SubgroupInvocationID; now && i < ROWS * CHUNKS_ROW; i += LANES)
            key_tile[tile + i / CHUNKS_ROW * KEY_STRIDE + i % CHUNKS_ROW] = query_chunk(unit, first_row + i / CHUNKS_ROW, i % CHUNKS_ROW);
        barrier();
        if (!now) continue;
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
            [[unroll]] for (uint c = 0; c < DIM_STEPS; c++)
                coopMatLoad(rows[m * DIM_STEPS + c], key_tile, tile + m * MAT_M * KEY_STRIDE + c * MAT_K / 8, KEY_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
    }
}

// Products of the own rows and the own keys of the tile, without the scale.
MATRIX_C scores[OWN_PARTS * ROW_PARTS];
void score_keys() {
    [[unroll]] for (uint i = 0; i < OWN_PARTS * ROW_PARTS; i++) scores[i] = MATRIX_C(0);
    [[unroll]] for (uint c = 0; c < DIM_STEPS; c++) {
        if (LEAN != 0)
            [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
                coopMatLoad(rows[m * DIM_STEPS + c], query_tile, m * MAT_M * KEY_STRIDE + c * MAT_K / 8, KEY_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        [[unroll]] for (uint n = 0; n < OWN_PARTS; n++) {
            MATRIX_B key_matrix;
            coopMatLoad(key_matrix, key_tile, (own_first_key() + n * MAT_N) * KEY_STRIDE + c * MAT_K / 8, KEY_STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
            [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
                scores[n * ROW_PARTS + m] = coopMatMulAdd(rows[m * DIM_STEPS + c], key_matrix, scores[n * ROW_PARTS + m]);
        }
    }
}

// The own keys of a head in a run, a tile at a time: WEIGH(key, looks) is called with each tile's first key. Where `looks` is false
// the tile is another KV head's or not below `end`, and the call is there for barriers: lavapipe takes one of a subgroup for one of
// the workgroup, so that all subgroups have to meet as many.
#define EACH_TILE(first_slot, slot, first_key, end_key, end, WEIGH)                        \
    for (uint i = 0; i < slots_an_item(); i++) {                                           \
        if (!brings_kv_head(first_slot, i)) continue;                                      \
        uint k_head_base = k_base + kv_head_of(first_slot + i) * k_head;                   \
        bool own = kv_head_of(slot) == kv_head_of(first_slot + i);                         \
        fetch_keys(first_key, k_head_base);                                                \
        for (uint key = first_key; key < end_key; key += KEYS) {                           \
            barrier();                                                                     \
            put_keys(key, k_head_base);                                                    \
            barrier();                                                                     \
            fetch_keys(key + KEYS, k_head_base);                                           \
            bool looks = own && key < end;                                                 \
            if (looks) score_keys();                                                       \
            WEIGH(key, looks);                                                             \
        }                                                                                  \
        barrier();                                                                         \
    }
