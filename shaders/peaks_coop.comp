#version 460
// Guard, second look, on cooperative matrices, at the units that failed it. The contract is that of peaks.comp. A workgroup has a
// slot and a run, and HEADS times ROWS rows at once.
#extension GL_GOOGLE_include_directive : require
#include "include/matrix_search.glsl"
#include "include/push.glsl"
#include "include/guard.glsl"
layout(binding = 1, std430) readonly buffer KeyBuffer { uvec4 keys[]; };
#define SUMS_ACCESS readonly
#define SUMS_BINDING 2
#include "include/sampled_sums.glsl"
#define ANCHORS_BINDING 5
#include "include/sampled_lse.glsl"
layout(binding = 3, std430) buffer MaskBuffer { uint mask[]; }; // [slot][word]
#define SLOT_COUNT (sampled_sums.length() / (sum_runs() * rows_a_slot()))
#include "include/matrix_sampled.glsl"
#define MISSED_BINDING 4
#include "include/failed.glsl"
#include "include/mark_peak.glsl"

MATRIX_C lse[ROW_PARTS];

// Few scores come near a peak. Whether one does is asked without their probabilities, a little below the peak, so that rounding
// decides nothing; a NaN is near.
bool comes_near(uint n, uint m) {
    float below = log2(GUARD_PEAK) - 0.01;
    bool near = false;
    [[unroll]] for (uint e = 0; e < column.length(); e++)
        near = near || !(scores[n * ROW_PARTS + m][e] * scale_log2 - lse[m][e] < below);
    return near;
}

void weigh(uint slot, uint key, uint end) {
    [[unroll]] for (uint n = 0; n < OWN_PARTS; n++) {
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
            if (!comes_near(n, m)) continue;
            [[unroll]] for (uint e = 0; e < column.length(); e++) {
                float p = exp2(bounded_score(scores[n * ROW_PARTS + m][e] * scale_log2) - lse[m][e]);
                if (!(p >= GUARD_PEAK)) continue;
                uint place = key + own_first_key() + n * MAT_N + uint(column[e]);
                if (place >= sink && place < end) mark_peak(slot, place, end);
            }
        }
    }
}

void main() {
    uint item = first_item + gl_WorkGroupID.x;
    uint run = item % runs();
    uint first_slot = item / runs() * slots_an_item();
    uint slot = own_slot(first_slot);
    uint first_key = run * RUN_KEYS;
    uint last_end = slot_end(first_slot);
    if (first_key >= last_end || !any_slot_looks(first_slot)) return;
    uint end_key = min(first_key + RUN_KEYS, last_end);
    Unit unit = unit_of_slot(min(slot, SLOT_COUNT - 1));
    uint end = slot_looks(slot) ? slot_end(slot) : 0;
    uint count = rows_of_slot(slot);

    begin_sampled();
    for (uint first = 0; first < rows_a_slot(); first += rows_at_once()) {
        uint first_row = first + first_own_row();
        load_sampled(slot, first_row);
        for (uint i = gl_SubgroupInvocationID; i < ROWS; i += LANES)
            put_row_number(i, first_row + i < count ? sampled_lse(slot, unit, first_row + i, position_of(unit, first_row + i)) : NO_ROW);
        subgroup_sync();
        [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) lse[m] = row_number(m);
#define WEIGH(key, looks) if (looks) weigh(slot, key, end)
        EACH_TILE(first_slot, slot, first_key, end_key, end, WEIGH)
    }
}
