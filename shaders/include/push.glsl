// Push constants: one layout for every kernel, 128 bytes, mirrored by attention/push.go (a test compares the offsets).
// Offsets and strides count chunks of eight halves (16 bytes). Bases may be "negative": sums wrap modulo 2^32 on purpose.
layout(push_constant, std430) uniform Push {
    uint first_item;  // index of this dispatch's first work item
    uint q_len;       // query rows of the call
    uint q_offset;    // absolute position of query row 0
    uint kv_end;      // one past the last absolute position to compute
    uint head_ratio;  // query heads a KV head
    uint head_first;  // first query head of the dispatch
    uint head_count;  // query heads of the dispatch
    uint first_unit;  // first (group, head) unit held in scratch slot 0
    uint q_base, q_head, q_row;
    uint k_base, k_head, k_row;
    uint v_base, v_head, v_row;
    uint o_base, o_head, o_row;
    uint lse_base;    // element of the log-sum-exp of head 0, row 0; NO_LSE: not wanted
    float scale_log2; // score scale * log2(e): scores live in the exponent's base
#ifdef KEY_RANGE
    uint range_first; // the dispatch attends keys [range_first, range_last) of a tile's sequence (include/key_range.glsl)
    uint range_last;
#else
    float theta_log2; // theta * log2(e), finite
    uint block_rows;  // rows pooled together
#endif
    uint group_rows;  // rows that share a stripe list
    uint sink;        // keys [0, sink) are anchor keys
    uint window;      // keys [group start - window, row] are anchor keys
    uint count_base;  // index of unit 0 in the table of stripe counts
    uvec2 k_address;  // device addresses of K and V, for kernels that load through addresses
    uvec2 v_address;
};
const uint NO_LSE = 0xffffffffu;

// Units are (group, head) pairs, late (heavy) groups first; a chunk of units occupies scratch slots 0, 1, ...
struct Unit { uint group_start; uint head; uint index; };

Unit unit_of_slot(uint slot) {
    uint u = first_unit + slot;
    uint last_group = (kv_end - 1) / group_rows;
    return Unit((last_group - u / head_count) * group_rows, head_first + u % head_count, count_base + u);
}

// Scratch sizes of one slot, in elements. Candidates end before kv_end, so a slot's mask has a bit for each position up to there.
uint mask_words() { return (kv_end + 31) / 32; }
uint stripe_stride() { return mask_words() * 32; }
#ifndef KEY_RANGE
uint blocks_in_group() { return group_rows / block_rows; }
#endif
