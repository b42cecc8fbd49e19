// Sampled rows of a group, those at positions that GUARD_STRIDE divides, at least one: with their softmax over all causal keys they choose
// stripes, or the guard looks at what the stripes miss. Keys are walked in runs of RUN_KEYS, a workgroup each; what a run finds is
// kept by slot. Needs: push.glsl.
// These kernels write no output and read no values, so that the places of O's and V's views hold their numbers (attention/push.go).
#define GUARD_STRIDE o_base                   // positions from one sampled row to the next
#define GUARD_PEAK uintBitsToFloat(o_head)    // a probability from which a key counts as looked at on its own
#define GUARD_LIMIT uintBitsToFloat(o_row)    // the mean over sampled rows of what peaks miss, above which a unit fails
#define PART v_base                           // of the candidates every PART-th stands for its neighbours in a row's softmax sum
#define SAMPLE_WEIGHT uintBitsToFloat(v_head) // a stripe's least mean probability, times the group's first position
#define LOOK v_row                            // 0: at all units; else at those that failed, and how far a peak takes its neighbours with it
const uint RUN_KEYS = 2048;                   // attention/sampling.go has it too, and a test compares them
const float NEVER = 3.0e38;                   // what a score of NaN or +inf counts as; a row that has one looks at nothing
const float NO_ROW = 3.3e38;                  // a log-sum-exp that leaves every probability 0

float bounded_score(float score) { return is_nan(score) ? NEVER : min(score, NEVER); }

uint candidates_end(Unit unit) { return unit.group_start - window; } // of a unit that has some
uint sum_steps(Unit unit) { return (candidates_end(unit) + PART - 1) / PART; } // candidates that stand for others, those before `sink` too
uint sum_runs() { return ((kv_end + PART - 1) / PART + RUN_KEYS - 1) / RUN_KEYS; }
uint runs() { return (kv_end + RUN_KEYS - 1) / RUN_KEYS; }
uint rows_a_slot() { return (group_rows + GUARD_STRIDE - 1) / GUARD_STRIDE; }
uint group_end(Unit unit) { return min(unit.group_start + group_rows, kv_end); }
// Where the call has rows of the group, but none at a multiple, its first row is sampled.
uint first_sampled(Unit unit) {
    uint row = max(unit.group_start, q_offset), first = (row + GUARD_STRIDE - 1) / GUARD_STRIDE * GUARD_STRIDE;
    return first < group_end(unit) ? first : row;
}
uint sampled_rows(Unit unit) { return (group_end(unit) - first_sampled(unit) + GUARD_STRIDE - 1) / GUARD_STRIDE; }
