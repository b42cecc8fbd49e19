#version 460
// Sampled rows, first sweep, on cooperative matrices: their softmax sums over one run of candidates. The contract is that of
// sample.comp. A workgroup has HEADS slots, one head each, and a run; sums are kept in each element of a product, for its row and
// column of all tiles, and brought together at the end.
#extension GL_GOOGLE_include_directive : require
#include "include/matrix_search.glsl"
#include "include/push.glsl"
#include "include/guard.glsl"
layout(binding = 1, std430) readonly buffer KeyBuffer { uvec4 keys[]; };
#define SUMS_ACCESS writeonly
#define SUMS_BINDING 2
#include "include/sampled_sums.glsl"
#define SLOT_COUNT (sampled_sums.length() / (sum_runs() * rows_a_slot()))
#define KEY_AT(i) ((i) * PART)
#include "include/matrix_sampled.glsl"
#define MISSED_BINDING 3
#include "include/failed.glsl"

const uint TILE_FLOATS = ROWS * MAT_N;                 // a number for each row and column of a subgroup
shared vec4 number_tile[SUBGROUPS * TILE_FLOATS / 4];
shared float row_tops[SUBGROUPS * ROWS];
MATRIX_C top[ROW_PARTS], sum[ROW_PARTS];

// Candidates [first, end), counted as those that stand for others.
void weigh(uint step, uint first, uint end) {
    [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
        [[unroll]] for (uint e = 0; e < column.length(); e++) {
            float seen[OWN_PARTS];
            float higher = top[m][e];
            [[unroll]] for (uint n = 0; n < OWN_PARTS; n++) {
                uint place = step + own_first_key() + n * MAT_N + uint(column[e]);
                seen[n] = place >= first && place < end ? bounded_score(scores[n * ROW_PARTS + m][e] * scale_log2) : 2 * LOWEST;
                higher = max(higher, seen[n]);
            }
            float total = sum[m][e] * exp2(top[m][e] - higher);
            [[unroll]] for (uint n = 0; n < OWN_PARTS; n++) total += exp2(seen[n] - higher);
            sum[m][e] = total;
            top[m][e] = higher;
        }
    }
}

uint slot_steps(uint slot) { return (slot_end(slot) + PART - 1) / PART; }

float number_at(uint subgroup, uint row, uint i) {
    uint at = (subgroup * ROWS + row) * MAT_N + i;
    return number_tile[at / 4][at % 4];
}

void put_numbers(MATRIX_C numbers[ROW_PARTS]) {
    barrier();
    [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
        coopMatStore(numbers[m], number_tile, (gl_SubgroupID * ROWS + m * MAT_M) * MAT_N / 4, MAT_N / 4, gl_CooperativeMatrixLayoutRowMajor);
    barrier();
}

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint run = item % sum_runs();
    uint first_slot = item / sum_runs() * slots_an_item();
    uint slot = own_slot(first_slot);
    uint first_step = run * RUN_KEYS;
    uint last_end = slot_steps(first_slot);
    if (first_step >= last_end || !any_slot_looks(first_slot)) return;
    uint end_step = min(first_step + RUN_KEYS, last_end);
    uint end = slot_looks(slot) ? slot_steps(slot) : 0;
    uint count = rows_of_slot(slot);
    uint first_candidate = (sink + PART - 1) / PART;

    begin_sampled();
    for (uint first = 0; first < rows_a_slot(); first += rows_at_once()) {
        uint first_row = first + first_own_row();
        load_sampled(slot, first_row);
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
            top[m] = MATRIX_C(LOWEST);
            sum[m] = MATRIX_C(0);
        }
#define WEIGH(step, looks) if (looks) weigh(step, first_candidate, end)
        EACH_TILE(first_slot, slot, first_step, end_step, end, WEIGH)

        // All columns of a row, then all of its head's subgroups, come to the same maximum.
        put_numbers(top);
        for (uint i = gl_SubgroupInvocationID; i < ROWS; i += LANES) {
            float highest = LOWEST;
            for (uint part = 0; part < PARTS; part++)
                for (uint n = 0; n < MAT_N; n++) highest = max(highest, number_at(gl_SubgroupID / PARTS * PARTS + part, i, n));
            put_row_number(i, highest);
            row_tops[gl_SubgroupID * ROWS + i] = highest;
        }
        subgroup_sync();
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
            MATRIX_C highest = row_number(m);
            [[unroll]] for (uint e = 0; e < column.length(); e++) sum[m][e] *= exp2(top[m][e] - highest[e]);
        }
        put_numbers(sum);
        for (uint i = gl_SubgroupInvocationID; gl_SubgroupID % PARTS == 0 && i < ROWS; i += LANES) {
            float total = 0;
            for (uint part = 0; part < PARTS; part++)
                for (uint n = 0; n < MAT_N; n++) total += number_at(gl_SubgroupID + part, i, n);
            if (first_row + i < count && first_step < end) sampled_sums[sampled_at(slot, run, first_row + i)] = vec2(row_tops[gl_SubgroupID * ROWS + i], total);
        }
    }
}
