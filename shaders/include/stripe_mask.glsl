// What decides on a stripe, shared by the kernels that look for them. Needs is_nan().
#ifndef WORDS_A_GROUP
#define WORDS_A_GROUP 8 // words of a workgroup's walk
#endif
const float THETA_ALL = 1e36; // from here on theta stands for +inf (below the negative: -inf): nothing is compared

bool is_stripe(float score, float threshold) {
    if (abs(theta_log2) >= THETA_ALL) return theta_log2 > 0;
    return !is_nan(score) && score >= threshold;
}

#include "candidates.glsl"
