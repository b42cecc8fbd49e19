#version 460
// Sampled rows, second sweep, on cooperative matrices: choice of stripes, and what its halves would have missed. The contract is
// that of pick.comp. A workgroup has HEADS slots, one head each, and a run; a group has at most ROWS sampled rows.
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
layout(binding = 3, std430) buffer MaskBuffer { uint mask[]; };                // [slot][word]
layout(binding = 4, std430) writeonly buffer MissBuffer { float missed[]; };   // [slot][run] sums over the sampled rows
#define SLOT_COUNT (sampled_sums.length() / (sum_runs() * rows_a_slot()))
#include "include/matrix_sampled.glsl"
#include "include/key_weight.glsl"

shared vec4 probability_tile[SUBGROUPS * ROWS * MAT_N / 4]; // of the own rows and MAT_N keys
shared float found[SUBGROUPS];
MATRIX_C lse[ROW_PARTS];
float own_missed = 0;

float probability_at(uint row, uint key) {
    uint at = (gl_SubgroupID * ROWS + row) * MAT_N + key;
    return probability_tile[at / 4][at % 4];
}

void put_probabilities(uint n) {
    [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
        MATRIX_C p;
        [[unroll]] for (uint e = 0; e < column.length(); e++)
            p[e] = min(exp2(bounded_score(scores[n * ROW_PARTS + m][e] * scale_log2) - lse[m][e]), 1.0);
        coopMatStore(p, probability_tile, (gl_SubgroupID * ROWS + m * MAT_M) * MAT_N / 4, MAT_N / 4, gl_CooperativeMatrixLayoutRowMajor);
    }
}

// Where there are lanes for it, one sums a key's even rows and another its odd ones, each in the order in which one lane would.
const bool BY_HALVES = LANES >= 2 * MAT_N;

void weigh_halves(uint slot, uint first, uint end, bool first_is_odd, Needs needs) {
    uint i = gl_SubgroupInvocationID % MAT_N, side = gl_SubgroupInvocationID / MAT_N;
    float sum = 0, peaks = 0;
    [[unroll]] for (uint r = 0; r < ROWS; r += 2) {
        float p = probability_at(r + side % 2, i);
        sum += p;
        peaks += p >= GUARD_PEAK ? p : 0;
    }
    float other_sum = subgroupShuffleXor(sum, MAT_N), other_peaks = subgroupShuffleXor(peaks, MAT_N);
    uint place = first + i;
    KeyWeight weight = first_is_odd ? KeyWeight(other_sum, sum, other_peaks, peaks) : KeyWeight(sum, other_sum, peaks, other_peaks);
    bool counts = side == 0 && place >= sink && place < end;
    if (counts) own_missed += missed_by_halves(weight, needs);
    uint bits = counts && is_stripe(weight, needs) ? 1u << place % 32 : 0;
    [[unroll]] for (uint d = 1; d < MAT_N; d <<= 1) bits |= subgroupShuffleXor(bits, d);
    if (gl_SubgroupInvocationID == 0 && bits != 0) atomicOr(mask[slot * mask_words() + first / 32], bits);
}

void weigh(bool looks, uint slot, uint key, uint end, bool first_is_odd, Needs needs) {
    [[unroll]] for (uint n = 0; n < OWN_PARTS; n++) {
        subgroup_sync(); // the part before has been read
        if (looks) put_probabilities(n);
        subgroup_sync();
        if (BY_HALVES) {
            if (looks) weigh_halves(slot, key + own_first_key() + n * MAT_N, end, first_is_odd, needs);
            continue;
        }
        for (uint i = gl_SubgroupInvocationID; looks && i < MAT_N; i += LANES) {
            uint place = key + own_first_key() + n * MAT_N + i;
            if (place < sink || place >= end) continue;
            KeyWeight weight = KeyWeight(0, 0, 0, 0);
            [[unroll]] for (uint r = 0; r < ROWS; r++) add_row(weight, first_is_odd != ((r & 1) != 0), probability_at(r, i));
            own_missed += missed_by_halves(weight, needs);
            if (is_stripe(weight, needs)) atomicOr(mask[slot * mask_words() + place / 32], 1u << place % 32);
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

    bool odd = (first_sampled(unit) / GUARD_STRIDE & 1) != 0; // whether row 0 is of the odd half
    Needs needs = needs_of(unit);

    begin_sampled();
    load_sampled(slot, 0);
    for (uint i = gl_SubgroupInvocationID; i < ROWS; i += LANES)
        put_row_number(i, i < count ? sampled_lse(slot, unit, i, position_of(unit, i)) : NO_ROW);
    subgroup_sync();
    [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) lse[m] = row_number(m);
#define WEIGH(key, looks) weigh(looks, slot, key, end, odd, needs)
    EACH_TILE(first_slot, slot, first_key, end_key, end, WEIGH)
    [[unroll]] for (uint d = 1; d < LANES; d <<= 1) own_missed += subgroupShuffleXor(own_missed, d);
    if (gl_SubgroupInvocationID == 0) found[gl_SubgroupID] = own_missed;
    barrier();
    if (gl_SubgroupID % PARTS != 0 || gl_SubgroupInvocationID != 0 || first_key >= end) return;
    float sum = 0;
    for (uint part = 0; part < PARTS; part++) sum += found[gl_SubgroupID + part];
    missed[slot * runs() + run] = sum;
}
