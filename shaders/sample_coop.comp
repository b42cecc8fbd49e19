#version 460
// Guard, first sweep, on cooperative matrices: the softmax sums of sampled rows over one run of keys. The contract is that of
// sample.comp. A workgroup has HEADS slots, one head each, and a run; sums are kept in each element of a product, for its row and
// column of all tiles, and brought together at the end.
#extension GL_GOOGLE_include_directive : require
#include "include/coop_spec.glsl"
#include "include/push.glsl"
#include "include/guard.glsl"
layout(constant_id = 9) const uint HEADS = 1; // a power of two, at most the subgroups
layout(binding = 1, std430) readonly buffer KeyBuffer { uvec4 keys[]; };
#define SUMS_ACCESS writeonly
#define SUMS_BINDING 2
#include "include/sampled_sums.glsl"
#define SLOT_COUNT (sampled_sums.length() / (runs() * rows_a_slot()))
#include "include/coop_sampled.glsl"

const uint TILE_FLOATS = ROWS * MAT_N;                 // a number for each row and column of a subgroup
shared vec4 number_tile[SUBGROUPS * TILE_FLOATS / 4];
shared float row_tops[SUBGROUPS * ROWS];
MATRIX_C top[ROW_PARTS], sum[ROW_PARTS], reach[ROW_PARTS]; // reach: keys of the run that the row sees

void weigh(uint key, uint first_key) {
    [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
        [[unroll]] for (uint e = 0; e < column.length(); e++) {
            float seen[OWN_PARTS];
            float higher = top[m][e];
            [[unroll]] for (uint n = 0; n < OWN_PARTS; n++) {
                float place = float(key - first_key + own_first_key() + n * MAT_N) + column[e];
                seen[n] = place < reach[m][e] ? bounded_score(scores[n * ROW_PARTS + m][e] * scale_log2) : 2 * LOWEST;
                higher = max(higher, seen[n]);
            }
            float total = sum[m][e] * exp2(top[m][e] - higher);
            [[unroll]] for (uint n = 0; n < OWN_PARTS; n++) total += exp2(seen[n] - higher);
            sum[m][e] = total;
            top[m][e] = higher;
        }
    }
}

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
    uint run = item % runs();
    uint first_slot = item / runs() * HEADS;
    uint slot = first_slot + gl_SubgroupID / PARTS;
    uint first_key = run * RUN_KEYS;
    uint last_end = slot_end(first_slot); // groups descend from slot to slot
    if (first_key >= last_end) return;
    uint end_key = min(first_key + RUN_KEYS, last_end);
    uint end = slot_end(slot);
    uint count = rows_of_slot(slot);
    Unit unit = unit_of_slot(min(slot, SLOT_COUNT - 1));

    begin_sampled();
    for (uint first_row = 0; first_row < rows_a_slot(); first_row += ROWS) {
        load_sampled(slot, first_row);
        for (uint i = gl_SubgroupInvocationID; i < ROWS; i += LANES)
            put_row_number(i, float(clamp(int(position_of(unit, first_row + i)) + 1 - int(first_key), 0, int(RUN_KEYS))));
        subgroup_sync();
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
            reach[m] = row_number(m);
            top[m] = MATRIX_C(LOWEST);
            sum[m] = MATRIX_C(0);
        }
#define WEIGH(key) weigh(key, first_key)
        EACH_TILE(first_slot, slot, first_key, end_key, end, WEIGH)

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
            if (first_row + i < count && first_key < end) sampled_sums[sampled_at(slot, run, first_row + i)] = vec2(row_tops[gl_SubgroupID * ROWS + i], total);
        }
    }
}
