// What passes between matrices and rows, through a matrix of shared memory that each subgroup has of its own: queries, output, and
// one number a row. With KHR_ONLY it also serves for what VK_NV_cooperative_matrix2 does in registers: rows' maxima and sums, and
// weights on their way from accumulators to operands.
const uint PASS_STRIDE = DIM_SIZE / 4 + 1; // uvec4, padded by 16 bytes
const uint PASS_CHUNKS = DIM_SIZE / 8;
shared uvec4 pass_tile[LOCAL_X / LANES * QUERY_SIZE * PASS_STRIDE];
shared float row_value[LOCAL_X / LANES * QUERY_SIZE];
#ifdef KHR_ONLY
shared float ramp[16]; // 0, 1, 2, ...
#endif

uint subgroup_row() { return gl_SubgroupID * ROWS; }
uint own_pass() { return gl_SubgroupID * QUERY_SIZE * PASS_STRIDE; }
uint own_values() { return gl_SubgroupID * QUERY_SIZE; }
bool is_finite(float x) { return (floatBitsToUint(x) & 0x7f800000u) != 0x7f800000u; }

// A matrix into pass_tile, a query a row there; row_of then reads the first element of a query.
void put_rows(SUM x) {
    subgroup_sync();
    coopMatStore(x, pass_tile, own_pass(), PASS_STRIDE, QUERY_LAYOUT);
    subgroup_sync();
}
float row_of(uint query) { return uintBitsToFloat(pass_tile[own_pass() + query * PASS_STRIDE].x); }

// A matrix whose elements are each the row_value of their query.
SUM spread_values() {
    SUM spread;
    coopMatLoad(spread, row_value, own_values(), 0, KEY_LAYOUT);
    return spread;
}

#ifdef KHR_ONLY
void begin_pass() {
    for (uint i = gl_LocalInvocationIndex; i < 16; i += LOCAL_X) ramp[i] = float(i);
}

SUM reduced_rows(SUM x, bool to_sums) {
    put_rows(x);
    for (uint query = gl_SubgroupInvocationID; query < QUERY_SIZE; query += LANES) {
        vec4 all = uintBitsToFloat(pass_tile[own_pass() + query * PASS_STRIDE]);
        [[unroll]] for (uint i = 1; i < KEY_SIZE / 4; i++) {
            vec4 more = uintBitsToFloat(pass_tile[own_pass() + query * PASS_STRIDE + i]);
            all = to_sums ? all + more : max(all, more);
        }
        row_value[own_values() + query] = to_sums ? (all.x + all.y) + (all.z + all.w) : max(max(all.x, all.y), max(all.z, all.w));
    }
    subgroup_sync();
    return spread_values();
}
SUM row_maxima(SUM x) { return reduced_rows(x, false); }
SUM row_totals(uint q) { return reduced_rows(row_sum[q], true); }

// Hides the keys past the end of the sequence and those past a row's position.
void hide_keys(uint first, uint count, uint first_position) {
    SUM query, key; // each element's number
    coopMatLoad(query, ramp, 0, 0, KEY_LAYOUT);
    coopMatLoad(key, ramp, 0, 0, QUERY_LAYOUT);
    [[unroll]] for (uint i = 0; i < QUERY_PARTS * KEYS_PARTS; i++) {
        [[unroll]] for (uint e = 0; e < query.length(); e++) {
            uint at = first + i % KEYS_PARTS * KEY_SIZE + uint(key[e]);
            if (at >= count || key_at(min(at, count - 1)) > first_position + i / KEYS_PARTS * QUERY_SIZE + uint(query[e]))
                scores[i][e] = MINUS_INFINITY;
        }
    }
}

void make_weights() {
    [[unroll]] for (uint i = 0; i < QUERY_PARTS * KEYS_PARTS; i++) {
        subgroup_sync();
        coopMatStore(HALF_SUM(scores[i]), pass_tile, own_pass(), PASS_STRIDE, QUERY_LAYOUT);
        subgroup_sync();
        coopMatLoad(weights[i], pass_tile, own_pass(), PASS_STRIDE, QUERY_LAYOUT);
    }
}
#else
void begin_pass() {}

float larger(const in float a, const in float b) { return max(a, b); }
float total(const in float a, const in float b) { return a + b; }
SUM row_maxima(SUM x) {
    SUM maxima;
    coopMatReduceNV(maxima, x, REDUCE_KEYS, larger);
    return maxima;
}
SUM row_totals(uint q) {
    SUM sums;
    coopMatReduceNV(sums, row_sum[q], REDUCE_KEYS, total);
    return sums;
}

float if_seen(ELEMENT, const in float score, const in uint first, const in uint count, const in uint position) {
    uint i = first + key;
    return i >= count || key_at(min(i, count - 1)) > position + query ? MINUS_INFINITY : score;
}
void hide_keys(uint first, uint count, uint first_position) {
    [[unroll]] for (uint i = 0; i < QUERY_PARTS * KEYS_PARTS; i++)
        coopMatPerElementNV(scores[i], scores[i], if_seen, first + i % KEYS_PARTS * KEY_SIZE, count, first_position + i / KEYS_PARTS * QUERY_SIZE);
}

void make_weights() {
    [[unroll]] for (uint i = 0; i < QUERY_PARTS * KEYS_PARTS; i++) weights[i] = WEIGHT_MATRIX(scores[i]);
}
#endif
