// Online softmax of ROWS query rows (Milakov & Gimelshein 2018; blockwise as in FlashAttention, Dao 2022), base 2.
// State of a row: row_max m, row_sum l = sum 2^(s - m), acc = sum 2^(s - m) v. A score of NaN or +inf makes the row NaN, and the
// maximum passes over NaN. Both are found on the bits: GLSL leaves open what max() and exp2() do with a NaN.
vec4 acc[ROWS * CHUNKS * 2];
float row_max[ROWS];
float row_sum[ROWS];
bool poisoned[ROWS];

void clear_rows() {
    [[unroll]] for (uint i = 0; i < ROWS * CHUNKS * 2; i++) acc[i] = vec4(0);
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        row_max[r] = LOWEST;
        row_sum[r] = 0;
        poisoned[r] = false;
    }
}

// KEYS keys that every row of the tile sees.
void attend_keys(uint k_chunk[KEYS], uint v_chunk[KEYS]) {
    float scores[ROWS * KEYS];
    SCORE_KEYS(KEYS, k_chunk, scores)
    float shrink[ROWS];
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        float top = row_max[r];
        [[unroll]] for (uint k = 0; k < KEYS; k++) {
            poisoned[r] = poisoned[r] || is_nan_or_high(scores[r * KEYS + k]);
            top = max(top, is_nan(scores[r * KEYS + k]) ? LOWEST : scores[r * KEYS + k]);
        }
        shrink[r] = exp2(row_max[r] - top);
        float sum = row_sum[r] * shrink[r];
        [[unroll]] for (uint k = 0; k < KEYS; k++) {
            float p = exp2(scores[r * KEYS + k] - top);
            scores[r * KEYS + k] = p;
            sum += p;
        }
        row_max[r] = top;
        row_sum[r] = sum;
    }
    [[unroll]] for (uint c = 0; c < CHUNKS; c++) {
#ifdef HALF_MATH
        f16vec4 low_sum[ROWS], high_sum[ROWS];
        [[unroll]] for (uint r = 0; r < ROWS; r++) { low_sum[r] = f16vec4(0); high_sum[r] = f16vec4(0); }
#else
        [[unroll]] for (uint r = 0; r < ROWS; r++) {
            acc[(r * CHUNKS + c) * 2] *= shrink[r];
            acc[(r * CHUNKS + c) * 2 + 1] *= shrink[r];
        }
#endif
        [[unroll]] for (uint k = 0; k < KEYS; k++) {
            VEC4 low, high;
            LOAD_V(v_chunk[k] + chunk_of(c), low, high);
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
#ifdef HALF_MATH
                f16vec4 p = f16vec4(float16_t(scores[r * KEYS + k]));
                low_sum[r] = fma(p, low, low_sum[r]);
                high_sum[r] = fma(p, high, high_sum[r]);
#else
                uint at = (r * CHUNKS + c) * 2;
                vec4 p = vec4(scores[r * KEYS + k]);
                acc[at] = fma(p, low, acc[at]);
                acc[at + 1] = fma(p, high, acc[at + 1]);
#endif
            }
        }
#ifdef HALF_MATH
        [[unroll]] for (uint r = 0; r < ROWS; r++) {
            uint at = (r * CHUNKS + c) * 2;
            acc[at] = fma(acc[at], vec4(shrink[r]), vec4(low_sum[r]));
            acc[at + 1] = fma(acc[at + 1], vec4(shrink[r]), vec4(high_sum[r]));
        }
#endif
    }
}

// One key that only some rows see: row r sees it when visible[r]. An unseen value is never multiplied (0 * NaN is NaN).
void attend_key(uint k_chunk, uint v_chunk, bool visible[ROWS]) {
    uint one[1] = uint[1](k_chunk);
    float scores[ROWS];
    SCORE_KEYS(1, one, scores)
    float shrink[ROWS];
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        float top = visible[r] && !is_nan(scores[r]) ? max(row_max[r], scores[r]) : row_max[r];
        poisoned[r] = poisoned[r] || (visible[r] && is_nan_or_high(scores[r]));
        shrink[r] = exp2(row_max[r] - top);
        scores[r] = visible[r] ? exp2(scores[r] - top) : 0;
        row_max[r] = top;
        row_sum[r] = row_sum[r] * shrink[r] + scores[r];
    }
    [[unroll]] for (uint c = 0; c < CHUNKS; c++) {
        VEC4 low, high;
        LOAD_V(v_chunk + chunk_of(c), low, high);
        [[unroll]] for (uint r = 0; r < ROWS; r++) {
            uint at = (r * CHUNKS + c) * 2;
            vec4 seen_low = visible[r] ? vec4(low) : vec4(0);
            vec4 seen_high = visible[r] ? vec4(high) : vec4(0);
            acc[at] = fma(vec4(scores[r]), seen_low, acc[at] * shrink[r]);
            acc[at + 1] = fma(vec4(scores[r]), seen_high, acc[at + 1] * shrink[r]);
        }
    }
}
