// The guard: a group's sampled rows, those at positions that GUARD_STRIDE divides, look with their exact softmax at all causal keys.
// Keys are walked in runs of RUN_KEYS, a workgroup each; what a run finds is kept by slot. Needs: push.glsl.
// Its kernels write no output, so that the place of O's view holds the guard's numbers (attention/push.go).
#define GUARD_STRIDE o_base                   // positions from one sampled row to the next
#define GUARD_PEAK uintBitsToFloat(o_head)    // a probability from which a key counts as looked at on its own
#define GUARD_LIMIT uintBitsToFloat(o_row)    // the mean over sampled rows of what peaks miss, above which all candidates are kept
const uint RUN_KEYS = 2048;                   // attention/guard.go has it too
const float NEVER = 3.0e38;                   // what a score of NaN or +inf counts as; a row that has one looks at nothing
const float NO_ROW = 3.3e38;                  // a log-sum-exp that leaves every probability 0

float bounded_score(float score) { return is_nan(score) ? NEVER : min(score, NEVER); }

uint runs() { return (kv_end + RUN_KEYS - 1) / RUN_KEYS; }
uint rows_a_slot() { return (group_rows + GUARD_STRIDE - 1) / GUARD_STRIDE; }
uint causal_end(Unit unit) { return min(unit.group_start + group_rows, kv_end); }
uint first_sampled(Unit unit) { return (max(unit.group_start, q_offset) + GUARD_STRIDE - 1) / GUARD_STRIDE * GUARD_STRIDE; }
uint sampled_rows(Unit unit) {
    uint first = first_sampled(unit), end = causal_end(unit);
    return first < end ? (end - first + GUARD_STRIDE - 1) / GUARD_STRIDE : 0;
}
