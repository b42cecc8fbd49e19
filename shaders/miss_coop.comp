#version 460
// Guard, second sweep, on cooperative matrices: what sampled rows look at on its own in one run and no stripe keeps. The contract is
// that of miss.comp. A workgroup has HEADS slots, one head each, and a run.
#extension GL_GOOGLE_include_directive : require
#include "include/matrix_search.glsl"
#include "include/push.glsl"
#include "include/guard.glsl"
#include "include/candidates.glsl"
layout(binding = 1, std430) readonly buffer KeyBuffer { uvec4 keys[]; };
#define SUMS_ACCESS readonly
#define SUMS_BINDING 2
#include "include/sampled_sums.glsl"
#define ANCHORS_BINDING 5
#include "include/sampled_lse.glsl"
layout(binding = 3, std430) readonly buffer MaskBuffer { uint mask[]; };       // [slot][word]
layout(binding = 4, std430) writeonly buffer MissBuffer { float missed[]; };   // [slot][run] sums over the sampled rows
#define SLOT_COUNT (sampled_sums.length() / (sum_runs() * rows_a_slot()))
#include "include/matrix_sampled.glsl"

shared float found[SUBGROUPS];
MATRIX_C lse[ROW_PARTS];
float own_missed = 0;

void weigh(uint slot, uint key, uint end) {
    [[unroll]] for (uint n = 0; n < OWN_PARTS; n++) {
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
            [[unroll]] for (uint e = 0; e < column.length(); e++) {
                float p = min(exp2(bounded_score(scores[n * ROW_PARTS + m][e] * scale_log2) - lse[m][e]), 1.0); // a key that the sum leaves out may exceed it
                if (!(p >= GUARD_PEAK)) continue; // few go on
                uint place = key + own_first_key() + n * MAT_N + uint(column[e]);
                if (place < sink || place >= end) continue;
                if ((mask[slot * mask_words() + place / 32] >> place % 32 & 1) == 0) own_missed += p;
            }
        }
    }
}

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint run = item % runs();
    uint first_slot = item / runs() * HEADS;
    uint slot = first_slot + gl_SubgroupID / PARTS;
    uint first_key = run * RUN_KEYS;
    uint last_end = slot_end(first_slot);
    if (first_key >= last_end) return;
    uint end_key = min(first_key + RUN_KEYS, last_end);
    Unit unit = unit_of_slot(min(slot, SLOT_COUNT - 1));
    uint end = slot_end(slot);
    uint count = rows_of_slot(slot);

    begin_sampled();
    for (uint first_row = 0; first_row < rows_a_slot(); first_row += ROWS) {
        load_sampled(slot, first_row);
        for (uint i = gl_SubgroupInvocationID; i < ROWS; i += LANES)
            put_row_number(i, first_row + i < count ? sampled_lse(slot, unit, first_row + i, position_of(unit, first_row + i)) : NO_ROW);
        subgroup_sync();
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) lse[m] = row_number(m);
#define WEIGH(key, looks) if (looks) weigh(slot, key, end)
        EACH_TILE(first_slot, slot, first_key, end_key, end, WEIGH)
    }
    [[unroll]] for (uint d = 1; d < LANES; d <<= 1) own_missed += subgroupShuffleXor(own_missed, d);
    if (gl_SubgroupInvocationID == 0) found[gl_SubgroupID] = own_missed;
    barrier();
    if (gl_SubgroupID % PARTS != 0 || gl_SubgroupInvocationID != 0 || first_key >= end) return;
    float sum = 0;
    for (uint part = 0; part < PARTS; part++) sum += found[gl_SubgroupID + part];
    missed[slot * runs() + run] = sum;
}
