// The rows that an invocation holds, and their products with KEYS keys at a time.
#include "is_nan.glsl"
bool is_nan_or_high(float x) { return is_nan(x) || floatBitsToUint(x) == 0x7f800000u; }

// Kept as loaded; HALF_MATH divides it by 16 (exact) so that the sums of two products fit a half.
VEC4 q[ROWS * CHUNKS * 2];

#ifdef HALF_MATH
const float Q_SHRINK = 0.0625;
float dot_chunk(VEC4 q_low, VEC4 q_high, VEC4 k_low, VEC4 k_high) {
    f16vec4 sum = fma(q_high, k_high, q_low * k_low);
    return (float(sum.x) + float(sum.y)) + (float(sum.z) + float(sum.w));
}
#else
const float Q_SHRINK = 1.0;
float dot_chunk(VEC4 q_low, VEC4 q_high, VEC4 k_low, VEC4 k_high) {
    float sum = q_low.x * k_low.x;
    sum = fma(q_low.y, k_low.y, sum);
    sum = fma(q_low.z, k_low.z, sum);
    sum = fma(q_low.w, k_low.w, sum);
    sum = fma(q_high.x, k_high.x, sum);
    sum = fma(q_high.y, k_high.y, sum);
    sum = fma(q_high.z, k_high.z, sum);
    return fma(q_high.w, k_high.w, sum);
}
#endif

// scores[r * KEYS + k] = q_r . key_k * scale, in units of log2; `row_chunk` holds the first chunk of each key's row.
#define SCORE_KEYS(COUNT, row_chunk, scores)                                                                    \
    {                                                                                                           \
        [[unroll]] for (uint i = 0; i < ROWS * COUNT; i++) scores[i] = 0;                                       \
        [[unroll]] for (uint c = 0; c < CHUNKS; c++) {                                                          \
            [[unroll]] for (uint k = 0; k < COUNT; k++) {                                                       \
                VEC4 low, high;                                                                                 \
                LOAD_K(row_chunk[k] + chunk_of(c), low, high);                                                  \
                [[unroll]] for (uint r = 0; r < ROWS; r++) {                                                    \
                    uint at = (r * CHUNKS + c) * 2;                                                             \
                    scores[r * COUNT + k] += dot_chunk(q[at], q[at + 1], low, high);                            \
                }                                                                                               \
            }                                                                                                   \
        }                                                                                                       \
        [[unroll]] for (uint i = 0; i < ROWS * COUNT; i++)                                                      \
            scores[i] = sum_lanes(scores[i]) * (scale_log2 / Q_SHRINK);                                         \
    }
