// What decides on a stripe, shared by the kernels that look for them.
// From here on theta stands for +inf (below the negative: -inf), and nothing is compared. Below what Go gives for an infinite theta
// (thetaLimit in attention/push.go; a test compares them).
const float THETA_ALL = 1e36;

bool is_stripe(float score, float threshold) {
    if (abs(theta_log2) >= THETA_ALL) return theta_log2 > 0;
    return !is_nan(score) && score >= threshold;
}

#include "candidates.glsl"
